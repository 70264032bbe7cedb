# Owned by the template: every update rewrites this file. Your own settings go into config.py.
"""Typed settings from four sources: command line > environment > `.env` > YAML files.

A later YAML file is laid over those before it, so that it holds only the lines that differ. An
unknown key in any of them is refused by name, and a wrong value is reported with its source.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from .errors import ConfigError

PREFIX = "APP_"
DELIMITER = "__"
DOTENV_FILE = ".env"

_Path = tuple[str, ...]


class Section(BaseModel):
    """Base of a group of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _read(value: Any) -> Any:
    """Read texts as YAML, as a file has them read already; the command line has only texts."""
    if isinstance(value, Mapping):
        return {str(key): _read(below) for key, below in value.items()}
    if not isinstance(value, str):
        return value
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        return value


def _read_all(value: Any) -> Any:
    return {} if value is None else _read(value)


Values = Annotated[dict[str, Any], BeforeValidator(_read_all)]
"""A group of settings whose names and values a library checks; it may be empty."""


class Settings(BaseSettings):
    """Base of the whole configuration."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter=DELIMITER
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Keeps the constructor pure: the sources are read by `load` alone."""
        return (init_settings,)

    @classmethod
    def load(cls, yaml_file: Path | Sequence[Path], arguments: Sequence[str] = ()) -> Self:
        """Reads all four sources.

        Args:
            yaml_file: The file with the project's values, or several, each laid over those before.
            arguments: Command line arguments such as `--training.epochs 3` or `--seed=1`.

        Raises:
            ConfigError: A key is unknown or a value is not valid.
        """
        files = [yaml_file] if isinstance(yaml_file, Path) else yaml_file
        layers = [_yaml(path) for path in reversed(files)]
        return cls._from([_arguments(arguments), *_environment(cls), *layers])

    @classmethod
    def from_file(cls, yaml_file: Path) -> Self:
        """Reads one YAML file and nothing else, to get the settings of an earlier run.

        Raises:
            ConfigError: A key is unknown or a value is not valid.
        """
        return cls._from([_yaml(yaml_file)])

    @classmethod
    def _from(cls, sources: Sequence[_Source]) -> Self:
        merged: dict[str, Any] = {}
        for source in reversed(sources):
            _refuse_unknown(cls, source)
            merged = _merge(merged, source.values)
        try:
            return cls(**merged)
        except ValidationError as error:
            raise ConfigError(_explain(error, sources)) from error


@dataclass(frozen=True)
class _Source:
    """Values from one place, nested as the settings are, and how that place spells a key."""

    place: str
    values: Mapping[str, Any]
    separator: str = "."
    prefix: str = ""

    def spell(self, path: _Path) -> str:
        name = self.prefix + self.separator.join(path)
        return name.upper() if self.prefix == PREFIX else name

    def has(self, path: _Path) -> bool:
        values: Any = self.values
        for key in path:
            if not isinstance(values, Mapping) or key not in values:
                return False
            values = values[key]
        return True


def _yaml(path: Path) -> _Source:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path} is not valid YAML: {reason}.") from error
    if not isinstance(values or {}, dict):
        raise ConfigError(f"{path} must hold `key: value` lines.")
    return _Source(str(path), values or {})


def _arguments(arguments: Sequence[str]) -> _Source:
    values: dict[str, Any] = {}
    rest = iter(arguments)
    for argument in rest:
        key, equals, value = argument.removeprefix("--").partition("=")
        text = value if equals else next(rest, None)
        if not argument.startswith("--") or not key or text is None:
            raise ConfigError(f"{argument!r} is not a setting: write --section.key VALUE.")
        values = _merge(values, _nest(key.split("."), _parse_argument(text)))
    return _Source("the command line", values, prefix="--")


def _parse_argument(text: str) -> Any:
    """Reads lists and mappings as JSON, as environment variables do; the rest stays text."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} on the command line is not valid JSON.") from error


def _environment(settings: type[Settings]) -> Iterator[_Source]:
    """Yields the environment, then `.env`."""
    environment = EnvSettingsSource(settings)
    dotenv = DotEnvSettingsSource(settings, env_file=DOTENV_FILE)
    names = {key.lower(): value for key, value in os.environ.items()}
    for place, source, variables in (
        ("the environment", environment, names),
        (DOTENV_FILE, dotenv, dotenv.env_vars),
    ):
        try:
            values = source()
        except SettingsError as error:
            raise ConfigError(f"A variable in {place} is not valid: {error}.") from error
        known = {key: value for key, value in values.items() if key in settings.model_fields}
        result = _Source(place, known, separator=DELIMITER, prefix=PREFIX)
        _refuse_ignored(settings, result, variables)
        yield result


def _refuse_ignored(
    settings: type[Settings], source: _Source, variables: Mapping[str, str | None]
) -> None:
    """Refuses variables with the prefix that pydantic-settings passed over in silence."""
    for name in variables:
        path = tuple(name.removeprefix(PREFIX.lower()).split(DELIMITER))
        if name.startswith(PREFIX.lower()) and not source.has(path):
            raise ConfigError(_unknown(settings, source, path))


def _nest(path: Sequence[str], value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return dict(value)


def _merge(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `low` overridden by `high`, key by key at every level."""
    merged = dict(low)
    for key, value in high.items():
        below = merged.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(below, value) if both else value  # type: ignore[arg-type]
    return merged


def _refuse_unknown(settings: type[Settings], source: _Source) -> None:
    for path in _unknown_paths(settings, source.values):
        raise ConfigError(_unknown(settings, source, path))


def _unknown_paths(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[_Path]:
    for key, value in values.items():
        section = _section(model, key)
        if key not in model.model_fields:
            yield (str(key), *_first_path(value))
        elif section and isinstance(value, Mapping):
            yield from ((key, *path) for path in _unknown_paths(section, value))


def _first_path(value: Any) -> _Path:
    if not isinstance(value, Mapping) or not value:
        return ()
    key, below = next(iter(value.items()))
    return (str(key), *_first_path(below))


def _section(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    field = model.model_fields.get(key)
    kind = field.annotation if field else None
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _known_paths(model: type[BaseModel]) -> Iterator[_Path]:
    for key in model.model_fields:
        section = _section(model, key)
        below: Iterable[_Path] = _known_paths(section) if section else [()]
        yield from ((key, *path) for path in below)


def _unknown(settings: type[Settings], source: _Source, path: _Path) -> str:
    name, known = source.spell(path), [source.spell(path) for path in _known_paths(settings)]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}."
    return f"Unknown setting {name} in {source.place}; {hint}"


def _explain(error: ValidationError, sources: Sequence[_Source]) -> str:
    """Says every wrong value in one sentence, with the source that it came from."""
    parts = []
    for problem in error.errors():
        path = tuple(str(part) for part in problem["loc"])
        source = next((source for source in sources if source.has(path)), None)
        if source is None:
            parts.append(f"{'.'.join(path)}: {problem['msg']}")
            continue
        place = f"{source.spell(path)} in {source.place}"
        parts.append(f"{place}: {problem['msg']} (got {problem['input']!r})")
    return "; ".join(parts) + "."
