"""The search for culprits, on tests that fail with known ones: few trials, and no culprit more."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

import pytest

from envkeep.bisect.search import Found, Groups, Progress, Search, Verdict, most_steps

NOTHING: Groups = frozenset()


class Oracle:
    """A test that fails with any of some sets of groups, and counts how often it is asked."""

    def __init__(self, *culprits: Collection[int], silent: Collection[Collection[int]] = ()):
        self.culprits = [frozenset(each) for each in culprits]
        self.silent = [frozenset(each) for each in silent]
        self.asked: list[Groups] = []
        self.progress: list[Progress] = []

    def fails(self, groups: Groups) -> bool:
        return any(each <= groups for each in self.culprits)

    def __call__(self, groups: Groups, progress: Progress) -> Verdict:
        assert groups not in self.asked, "what is known is not asked again"
        self.asked.append(groups)
        self.progress.append(progress)
        if groups in self.silent:
            return Verdict.UNKNOWN
        return Verdict.FAIL if self.fails(groups) else Verdict.PASS


def independent(count: int) -> list[Groups]:
    return [NOTHING] * count


def numbers(found: Found) -> list[int]:
    assert all(len(each) == 1 for each in found.culprits)
    return [each[0] for each in found.culprits]


@pytest.mark.parametrize("culprit", range(60))
def test_one_among_sixty_is_found_in_six_trials_and_seen_alone_in_a_seventh(culprit: int) -> None:
    oracle = Oracle({culprit})
    found = Search(independent(60), oracle).run()
    assert (numbers(found), found.is_enough) == ([culprit], True)
    assert len(oracle.asked) <= most_steps(60) == 7
    searching = [each for each in oracle.asked if each != {culprit}]
    assert len(searching) <= 6
    assert culprit == 0 or frozenset({culprit}) in oracle.asked


def test_half_of_all_need_no_seventh_trial() -> None:
    trials = []
    for culprit in range(60):
        oracle = Oracle({culprit})
        Search(independent(60), oracle).run()
        trials.append(len(oracle.asked))
    assert sum(each <= 6 for each in trials) >= 30


def test_likely_culprits_are_found_sooner() -> None:
    def trials(culprit: int) -> int:
        oracle = Oracle({culprit})
        Search(independent(40), oracle).run()
        return len(oracle.asked)

    assert max(map(trials, range(8))) < max(map(trials, range(8, 40)))


def test_what_is_left_is_a_bound_that_is_kept() -> None:
    for culprit in range(60):
        oracle = Oracle({culprit})
        Search(independent(60), oracle).run()
        for done, progress in enumerate(oracle.progress):
            assert len(oracle.asked) - done <= progress.left


def test_a_single_change_needs_no_trial() -> None:
    oracle = Oracle({0})
    assert numbers(Search(independent(1), oracle).run()) == [0]
    assert oracle.asked == []


@pytest.mark.parametrize("count", [2, 3])
def test_those_that_fail_only_together_are_all_found(count: int) -> None:
    chosen = random.Random(count)
    for _ in range(100):
        culprits = sorted(chosen.sample(range(60), count))
        oracle = Oracle(culprits)
        found = Search(independent(60), oracle).run()
        assert (numbers(found), found.is_enough) == (culprits, True)
        assert len(oracle.asked) <= count * (most_steps(60) + 1)


def random_dependencies(chosen: random.Random, count: int) -> list[Groups]:
    """Return needs of earlier groups only, each complete."""
    dependencies: list[Groups] = []
    for number in range(count):
        direct = chosen.sample(range(number), min(number, chosen.choice([0, 0, 1, 2])))
        dependencies.append(frozenset(direct).union(*(dependencies[each] for each in direct)))
    return dependencies


def is_whole(groups: Groups, dependencies: Sequence[Groups]) -> bool:
    return all(dependencies[each] <= groups for each in groups)


@pytest.mark.parametrize("seed", range(300))
def test_every_trial_goes_together_and_no_culprit_can_be_left_out(seed: int) -> None:
    chosen = random.Random(seed)
    count = chosen.randint(1, 40)
    dependencies = random_dependencies(chosen, count)
    sets = [chosen.sample(range(count), min(count, chosen.randint(1, 3))) for _ in range(3)]
    oracle = Oracle(*sets[: chosen.randint(1, 3)])
    search = Search(dependencies, oracle)
    found = search.run()
    assert found.is_enough
    assert all(is_whole(each, dependencies) for each in oracle.asked)
    culprits = numbers(found)
    enough = NOTHING.union(*map(search.closure, culprits))
    assert oracle.fails(enough)
    for culprit in culprits:
        rest = [each for each in culprits if each != culprit]
        without = NOTHING.union(*map(search.closure, rest))
        assert culprit in without or not oracle.fails(without)


def test_a_place_without_a_verdict_is_gone_round() -> None:
    dependencies = independent(60)
    first = Oracle({41})
    Search(dependencies, first).run()
    oracle = Oracle({41}, silent=[first.asked[0], first.asked[1]])
    found = Search(dependencies, oracle).run()
    assert (numbers(found), found.is_enough) == ([41], True)


def test_what_no_verdict_tells_apart_is_named_together() -> None:
    silent = [{0, 1}, {0, 1, 2}, {2}, {3}, {1}, {0, 3}]
    found = Search(independent(4), Oracle({2}, silent=silent)).run()
    assert found.culprits == ((1, 2, 3),)
    assert found.is_enough
