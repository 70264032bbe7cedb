# Owned by the template: every update rewrites this file. Your own settings go into config.py.
"""Typed settings from four sources: command line > environment > `.env` > YAML files.

A later YAML file is laid over those before it, so that it holds only the lines that differ. An
unknown key in any of them is refused by name, and a wrong value is reported with its source.
"""

from __future__ import annotations

import difflib
import json
import re
import textwrap
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    CliSettingsSource,
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
_NOTHING = object()
_DEFAULT = re.compile(r" ?\((required|default: .*)\)$", re.DOTALL)  # at the end of a help text


class Section(BaseModel):
    """Base of a group of settings; the docstring below each is what `--help` says about it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


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
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
    )

    @classmethod
    def settings_customise_sources(
        cls, *_: Any, **sources: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Keep the constructor pure: `load` alone reads the sources."""
        return (sources["init_settings"],)

    @classmethod
    def load(cls, yaml_file: Path | Sequence[Path], arguments: Sequence[str] = ()) -> Self:
        """Read all four sources.

        Args:
            yaml_file: The file with the project's values, or several, each laid over those before.
            arguments: Command line arguments such as `--training.epochs 3` or `--seed=1`.

        Raises:
            ConfigError: a key is unknown or a value is not valid.
        """
        files = [yaml_file] if isinstance(yaml_file, Path) else yaml_file
        hydra = _composition()
        if hydra:
            first, arguments = hydra.compose_file(files[0], arguments)
        else:
            first = read_yaml(files[0])
        layers = [*(read_yaml(path) for path in reversed(files[1:])), first]
        sources = [_command_line(cls, arguments), *_environment(cls), *layers]
        merged: dict[str, Any] = {}
        for source in reversed(sources):
            merged = _merge(merged, source.values)
        return cls._checked(hydra.resolve(merged) if hydra else merged, sources)

    @classmethod
    def load_all(
        cls, yaml_file: Path | Sequence[Path], arguments: Sequence[str] = ()
    ) -> list[Self]:
        """Read all four sources, once for every run that the arguments ask for.

        Hydra's `-m` asks for several, as in `-m seed=0,1`.

        Raises:
            ConfigError: a key is unknown or a value is not valid.
        """
        hydra = _composition()
        file = yaml_file if isinstance(yaml_file, Path) else yaml_file[0]
        runs = hydra.combinations(file, arguments) if hydra else [arguments]
        return [cls.load(yaml_file, each) for each in runs]

    @classmethod
    def from_file(cls, yaml_file: Path) -> Self:
        """Read one YAML file and nothing else, to get the settings of an earlier run.

        Raises:
            ConfigError: a key is unknown or a value is not valid.
        """
        source = read_yaml(yaml_file)
        return cls._checked(source.values, [source])

    @classmethod
    def help_text(cls, yaml_file: Path) -> str:
        """Return every setting with its type, its docstring and its value in the YAML file."""
        values = read_yaml(yaml_file).values if yaml_file.is_file() else {}
        lines = []
        for name, (kind, about) in _options(cls).items():
            value = _find(values, tuple(name.split(".")))
            if value is not _NOTHING:
                shown = value if isinstance(value, str) else json.dumps(value, default=str)
                about = f"{_DEFAULT.sub('', about)} (default: {shown})"
            lines += [
                f"  --{name} {kind}",
                textwrap.indent(textwrap.fill(about.strip(), 90), " " * 6),
            ]
        hydra = _composition()
        return "\n".join([*lines, "", hydra.describe(yaml_file.parent)] if hydra else lines)

    @classmethod
    def _checked(cls, values: dict[str, Any], sources: Sequence[Source]) -> Self:
        for source in reversed(sources):
            for path in _leaves(source.values):
                if not _is_known(cls, ".".join(path)):
                    raise ConfigError(_unknown(cls, _origin(sources, path) or source, path))
        try:
            return cls(**values)
        except ValidationError as error:
            raise ConfigError(_explain(cls, error, sources)) from error


def _composition() -> Any:
    """Return the module that composes by Hydra, if this project has it."""
    name = f"{__package__}.composition"
    return import_module(name) if find_spec(name) else None


@dataclass(frozen=True)
class Source:
    """Values from one place, the texts that were typed there, and how it spells a key.

    Its parts are the files that it was composed of; they only tell messages where a value is from.
    """

    place: str
    values: dict[str, Any]
    typed: Mapping[_Path, str | None] = field(default_factory=dict)
    prefix: str = ""
    separator: str = "."
    parts: tuple[Source, ...] = ()

    def spell(self, path: _Path) -> str:
        """Return a key as it is written there."""
        name = self.prefix + self.separator.join(path)
        return name.upper() if self.prefix == PREFIX else name


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which nothing is named twice: PyYAML itself would take the last and drop the rest."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the values by their keys."""
        names: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in names:
                    problem = f"{key.value} is there twice"
                    raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                names.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Source:
    """Read a YAML file.

    Not by YamlConfigSettingsSource: it passes over a missing file, and reads some lists as keys.

    Raises:
        ConfigError: there is no such file, or it holds something else.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys) or {}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path} is not valid YAML: {reason}.") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold `key: value` lines.")
    return Source(str(path), {str(key): value for key, value in values.items()})


class _Arguments(CliSettingsSource[Any]):
    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Leave a text that is no JSON to pydantic, whose error names the setting."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


def _command_line(settings: type[Settings], arguments: Sequence[str]) -> Source:
    typed: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.removeprefix("--").partition("=")
        text = value if equals else next(rest, "--")
        if not argument.startswith("--") or not name or (text.startswith("--") and not equals):
            raise ConfigError(f"{argument!r} is not a setting: write --section.key VALUE.")
        try:
            json.loads(text if text.startswith(("[", "{")) else "0")
        except ValueError as error:
            raise ConfigError(f"{text!r} on the command line is not valid JSON.") from error
        typed[name] = text
    sections_first = dict(sorted(typed.items(), key=lambda item: item[0].count(".")))
    source = _Arguments(settings)(parsed_args=sections_first)
    return _variables("the command line", source, "--")


def _environment(settings: type[Settings]) -> Iterator[Source]:
    """Yield the environment, then `.env`."""
    yield _variables("the environment", EnvSettingsSource(settings), PREFIX)
    yield _variables(DOTENV_FILE, DotEnvSettingsSource(settings, env_file=DOTENV_FILE), PREFIX)


def _variables(place: str, source: EnvSettingsSource, prefix: str) -> Source:
    """Read a source of single texts, and refuse those that it passes over in silence."""
    settings, start = source.settings_cls, source.env_prefix.lower()
    separator = source.env_nested_delimiter or DELIMITER
    typed = {
        tuple(name.removeprefix(start).split(separator)): text
        for name, text in source.env_vars.items()
        if name.startswith(start)
    }
    try:
        values = {key: value for key, value in source().items() if key in settings.model_fields}
    except SettingsError as error:
        raise ConfigError(f"A variable in {place} is not valid: {error}.") from error
    found = Source(place, values, typed, prefix, separator)
    for path in typed:
        if _find(values, path) is _NOTHING and ".".join(path) not in _options(settings):
            raise ConfigError(_unknown(settings, found, path))
    return found


@cache
def _options(settings: type[BaseSettings]) -> dict[str, tuple[str, str]]:
    """Return the type and the help of every setting, as pydantic-settings tells argparse."""
    options: dict[str, tuple[str, str]] = {}

    def add(_group: object, *_names: str, **option: Any) -> None:
        if option["help"] != SUPPRESS:
            options[option["dest"]] = (option["metavar"], option["help"].replace("%%", "%"))

    parser = ArgumentParser()
    CliSettingsSource[Any](
        settings, root_parser=parser, add_argument_method=add, cli_avoid_json=True
    )
    return options


def _is_known(settings: type[BaseSettings], name: str) -> bool:
    """Tell whether a name is that of a setting, of a section, or below a setting that has keys."""
    names = (f"{each}." for each in _options(settings))
    return any(each.startswith(f"{name}.") or f"{name}.".startswith(each) for each in names)


def _leaves(values: Mapping[str, Any], start: _Path = ()) -> Iterator[_Path]:
    for key, value in values.items():
        path = (*start, str(key))
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, path)
        else:
            yield path


def _origin(sources: Sequence[Source], path: _Path) -> Source | None:
    places = (each for source in sources for each in (*source.parts, source))
    return next((each for each in places if _find(each.values, path) is not _NOTHING), None)


def _find(values: Any, path: _Path) -> Any:
    for key in path:
        if not isinstance(values, Mapping) or key not in values:
            return _NOTHING
        values = values[key]
    return values


def _merge(low: dict[str, Any], high: dict[str, Any]) -> dict[str, Any]:
    """Return `low` overridden by `high`, key by key at every level."""
    merged = dict(low)
    for key, value in high.items():
        old = merged.get(key)
        nested = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _merge(old, value) if nested else value  # type: ignore[arg-type]
    return merged


def _unknown(settings: type[BaseSettings], source: Source, path: _Path) -> str:
    name = source.spell(path)
    known = [source.spell(tuple(each.split("."))) for each in _options(settings)]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}."
    return f"Unknown setting {name} in {source.place}; {hint}"


def _explain(
    settings: type[BaseSettings], error: ValidationError, sources: Sequence[Source]
) -> str:
    """Say every unknown name, or else every wrong value, with the source that it came from."""
    unknown, wrong = [], []
    for problem in error.errors():
        path = tuple(str(part) for part in problem["loc"])
        source = _origin(sources, path)
        if source is None:
            wrong.append(f"{'.'.join(path)}: {problem['msg']}")
        elif problem["type"] == "extra_forbidden":
            unknown.append(_unknown(settings, source, path))
        else:
            got = source.typed.get(path, problem["input"])
            place = f"{source.spell(path)} in {source.place}"
            wrong.append(f"{place}: {problem['msg']} (got {got!r})")
    return " ".join(unknown) or "; ".join(wrong) + "."
