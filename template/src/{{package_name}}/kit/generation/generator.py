# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""The interface that every runtime implements that generates text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Self

from ..errors import ConfigError, GenerationError, InputError


@dataclass(frozen=True)
class GenerationSettings:
    """How an answer is generated.

    Attributes:
        max_tokens: Length at which the answer ends at the latest, in the model's tokens.
        temperature: 0 takes the likeliest token every time (greedy); the higher, the more varied.
        stop: Texts before which the answer ends.
        seed: Makes varied answers repeatable, where the runtime can.
    """

    max_tokens: int = 256
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    seed: int | None = None

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: A value is out of its range.
        """
        if self.max_tokens < 1:
            raise ConfigError(f"max_tokens must be at least 1, not {self.max_tokens}.")
        if not 0 <= self.temperature <= 2:
            raise ConfigError(f"temperature must be from 0 to 2, not {self.temperature}.")
        if self.seed is not None and not 0 <= self.seed < 2**31:
            raise ConfigError(f"seed must be from 0 to 2147483647, not {self.seed}.")
        if not all(self.stop):
            raise ConfigError("A text in stop must not be empty.")


DEFAULT_SETTINGS = GenerationSettings()


class Generator(ABC):
    """Something that generates text. Use it as a context manager, or call `close()`.

    Attributes:
        tells_probabilities: Whether `next_token` works; not every runtime says what it thinks.
    """

    tells_probabilities: ClassVar[bool] = False

    def generate(self, prompt: str, settings: GenerationSettings = DEFAULT_SETTINGS) -> str:
        """Return the whole answer.

        Raises:
            InputError: The prompt is empty or is no text that can be sent.
            GenerationError: It could not be generated; the classes below it say why.
        """
        return self._generate(_checked(prompt), settings)

    def stream(self, prompt: str, settings: GenerationSettings = DEFAULT_SETTINGS) -> Iterator[str]:
        """Return the answer piece by piece, as it is generated; stop iterating to end it.

        Raises:
            InputError: The prompt is empty or is no text that can be sent.
            GenerationError: While it is iterated over: as `generate`.
        """
        return self._stream(_checked(prompt), settings)

    def next_token(self, context: str) -> dict[int, float]:
        """Return how likely each token comes next after a text, the likeliest thousand at least.

        Returns:
            Natural logarithms of the probabilities by the token's number in the model.

        Raises:
            GenerationError: The runtime does not tell, or it failed.
        """
        raise GenerationError("The runtime does not tell how likely a token is.")

    def check(self) -> None:  # noqa: B027 - there may be nothing that can be checked here
        """Proves that it would generate, as far as that can be known without a network.

        Raises:
            GenerationError: It would not.
        """

    @abstractmethod
    def _generate(self, prompt: str, settings: GenerationSettings) -> str:
        """Generate from a prompt that is checked already."""

    @abstractmethod
    def _stream(self, prompt: str, settings: GenerationSettings) -> Iterator[str]:
        """Generate from a prompt that is checked already; yield no empty piece."""

    def close(self) -> None:  # noqa: B027 - there may be nothing to release
        """Releases what the runtime holds."""

    def __enter__(self) -> Self:
        """Return the generator itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the generator."""
        self.close()


def before_stop(pieces: Iterator[str], stops: tuple[str, ...]) -> Iterator[str]:
    """Yield text up to the first of some texts, and hold back what may be the start of one."""
    held = ""
    longest = max(map(len, stops), default=1) - 1
    for piece in pieces:
        held += piece
        found = [held.index(stop) for stop in stops if stop in held]
        if found:
            held = held[: min(found)]
            break
        free = len(held) - longest
        if free > 0:
            yield held[:free]
            held = held[free:]
    if held:
        yield held


def _checked(prompt: str) -> str:
    if not prompt.strip():
        raise InputError("The prompt is empty.")
    try:
        prompt.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("The prompt holds characters that are no text.") from error
    return prompt
