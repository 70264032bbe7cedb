# Owned by the template: every update rewrites this file. What is searched: configs/tune.yaml.
"""The search space: which settings are tried, within which bounds."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from pydantic import Field, ValidationError, model_validator

from ...config import Config
from ..config_sources import Section, Settings
from ..errors import ConfigError

DEFAULT_SPACE = Path("configs/tune.yaml")

Scalar = bool | int | float | str


class Parameter(Section):
    """Which values of one setting are tried: those between two bounds, or the listed ones.

    Attributes:
        low: The lowest value, included.
        high: The highest value, included.
        log: Whether to draw on a logarithmic scale.
        step: Distance between the values that are tried; without it all are.
        choices: The values, instead of bounds.
    """

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    step: int | float | None = Field(default=None, gt=0)
    choices: Annotated[list[Scalar], Field(min_length=2)] | None = None

    @model_validator(mode="after")
    def _bounds_or_choices(self) -> Self:
        if self.choices is not None:
            if self.model_fields_set != {"choices"}:
                raise ValueError("choices stand alone, without low, high, log and step")
            return self
        if self.low is None or self.high is None:
            raise ValueError("low and high are needed, or choices")
        if self.low >= self.high:
            raise ValueError("low must be below high")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log needs a low above 0, and no step")
        return self

    @property
    def extremes(self) -> list[Scalar]:
        """The values that show whether all are valid."""
        if self.choices is not None:
            return self.choices
        return [bound for bound in (self.low, self.high) if bound is not None]

    def distribution(self, *, whole: bool) -> BaseDistribution:
        """Return the same for Optuna.

        Args:
            whole: Whether the setting takes whole numbers only.
        """
        if self.choices is not None:
            return CategoricalDistribution(self.choices)
        assert self.low is not None and self.high is not None
        if whole:
            return IntDistribution(
                int(self.low), int(self.high), log=self.log, step=int(self.step or 1)
            )
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)


class TuneConfig(Settings):
    """A search.

    Attributes:
        trials: How many trainings it takes.
        seed: Seed of the sampler; a search with the same seed tries the same settings.
        metric: What decides, a metric of a run's best epoch, or of its last where none is kept.
        direction: Whether a higher or a lower value of it is better.
        space: The settings that are tried, named as on the command line of `train`.
    """

    trials: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    metric: str
    direction: Literal["maximize", "minimize"]
    space: Annotated[dict[str, Parameter], Field(min_length=1)]


def distributions(space: Mapping[str, Parameter], config: Config) -> dict[str, BaseDistribution]:
    """Check a search space against the configuration and return it for Optuna.

    Raises:
        ConfigError: A setting is unknown, or does not take a value of the space.
    """
    known = dict(_leaves(config.model_dump(mode="json"), ""))
    for name, parameter in space.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}."
            raise ConfigError(f"Unknown setting {name} in the search space; {hint}")
        for value in parameter.extremes:
            with_values(config, {name: value})
    return {
        name: parameter.distribution(whole=type(known[name]) is int)
        for name, parameter in space.items()
    }


def with_values(config: Config, values: Mapping[str, Any]) -> Config:
    """Return the configuration with other values of some settings, such as `training.epochs`.

    Raises:
        ConfigError: A setting does not take its value.
    """
    changed = config.model_dump(mode="json")
    for name, value in values.items():
        *sections, key = name.split(".")
        place = changed
        for section in sections:
            place = place[section]
        place[key] = value
    try:
        return Config(**changed)
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(str(part) for part in problem["loc"])
        raise ConfigError(
            f"{name} in the search space: {problem['msg']} (got {problem['input']!r})."
        ) from error


def _leaves(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
