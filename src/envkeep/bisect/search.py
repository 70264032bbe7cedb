"""Find the smallest set of groups of changes that makes a test fail, in few steps.

Groups are numbered so that each needs earlier ones only: then every prefix of them goes together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

Groups = frozenset[int]


class Verdict(StrEnum):
    """The verdict of a test on some groups on top of the good lock."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Progress:
    """The progress of a search at one step.

    Attributes:
        suspects: Among how many groups the culprit is that is looked for.
        left: How many steps it takes at most until that one is known, this one included.
    """

    suspects: int
    left: int


Ask = Callable[[Groups, Progress], Verdict]


@dataclass(frozen=True)
class Found:
    """The result of a search.

    Attributes:
        culprits: Groups that only together make the test fail, each as the numbers that could not
            be told apart: one, but where the test gave no verdict between them.
        is_enough: Whether the test fails with them, and what they need, alone.
    """

    culprits: tuple[tuple[int, ...], ...]
    is_enough: bool


def most_steps(groups: int) -> int:
    """Return the most steps that finding one culprit and confirming it alone can take."""
    return (groups - 1).bit_length() + 1 if groups > 1 else 0


@dataclass
class Search:
    """A search among groups that fail together and pass without any of them.

    Attributes:
        dependencies: For each group the earlier ones without which it cannot be tried.
        ask: Says what the test says with some groups; asked once for each set of them.
    """

    dependencies: Sequence[Groups]
    ask: Ask
    _known: dict[Groups, Verdict] = field(default_factory=dict)

    def run(self) -> Found:
        """Return a minimal set of groups that fails."""
        everything = range(len(self.dependencies))
        self._known = {frozenset(): Verdict.PASS, frozenset(everything): Verdict.FAIL}
        culprits: list[tuple[int, ...]] = []
        base: Groups = frozenset()
        suspects = list(everything)
        while True:
            start, end = self._narrowed(base, suspects)
            culprits.append(tuple(suspects[start:end]))
            base = base.union(*map(self.closure, suspects[start:end]))
            verdict = self._verdict(base, Progress(end - start, 1))
            if verdict is not Verdict.PASS:
                return Found(tuple(reversed(culprits)), verdict is Verdict.FAIL)
            suspects = [each for each in suspects[:start] if each not in base]

    def closure(self, group: int) -> Groups:
        """Return a group with all that it needs."""
        found: set[int] = set()
        left = [group]
        while left:
            each = left.pop()
            if each not in found:
                found.add(each)
                left += self.dependencies[each]
        return frozenset(found)

    def _narrowed(self, base: Groups, suspects: Sequence[int]) -> tuple[int, int]:
        """Return the first and the last position of what fails on top of the suspects before it."""
        start, end = 0, len(suspects)
        while end - start > 1:
            if end - start == 2 and (alone := self._alone(base, suspects, start)) is not None:
                return alone, alone + 1
            for middle in _middles(start, end):
                progress = Progress(end - start, most_steps(end - start))
                verdict = self._verdict(base.union(suspects[:middle]), progress)
                if verdict is not Verdict.UNKNOWN:
                    break
            else:
                return start, end
            start, end = (middle, end) if verdict is Verdict.PASS else (start, middle)
        return start, end

    def _alone(self, base: Groups, suspects: Sequence[int], start: int) -> int | None:
        """Return which of two suspects fails without those before them, None if neither does.

        A culprit that fails alone then needs no further step that shows so.
        """
        for offset in (0, 1):
            wanted = base | self.closure(suspects[start + offset])
            if self._verdict(wanted, Progress(2, 2 - offset)) is Verdict.FAIL:
                return start + offset
        return None

    def _verdict(self, wanted: Groups, progress: Progress) -> Verdict:
        if wanted not in self._known:
            self._known[wanted] = self.ask(wanted, progress)
        return self._known[wanted]


def _middles(start: int, end: int) -> Iterator[int]:
    """Yield split positions, best first; the others serve where the test has no verdict.

    The first part is as small as can be without one step more in the worst case: the likelier
    culprits stand in front, and are found sooner.
    """
    size = end - start
    best = start + max(1, size - (1 << ((size - 1).bit_length() - 1)))
    yield from sorted(range(start + 1, end), key=lambda middle: abs(middle - best))
