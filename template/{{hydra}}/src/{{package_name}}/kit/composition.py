# Owned by the template: every update rewrites this file. What is composed: the folders in configs/.
"""Composition of settings by Hydra: files of groups, interpolation, and several runs at once.

A group is a folder in `configs/`, and `GROUP=FILE` lays one of its files over the settings. Hydra
composes; pydantic checks the result, so that settings are typed and known as without Hydra. It
makes no folder, changes no folder and configures no logging, because `hydra.main` is not used.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from .config_sources import Source, read_yaml
from .errors import ConfigError

MULTIRUN = ("-m", "--multirun")

_OF_THE_WHOLE = re.compile(r"^#\s*@package\s+_global_\s*$", re.MULTILINE)


def combinations(file: Path, arguments: Sequence[str]) -> list[list[str]]:
    """Return the arguments of every run: with `-m` one for each combination of several values.

    Raises:
        ConfigError: an argument is not in Hydra's grammar.
    """
    if not set(MULTIRUN) & set(arguments):
        return [list(arguments)]
    options: list[list[str]] = []
    with _hydra(file.parent):
        for argument in _joined(argument for argument in arguments if argument not in MULTIRUN):
            override = None if argument.startswith("--") else _parse(argument)
            if override is None or not override.is_sweep_override():
                options.append([argument])
            elif override.is_discrete_sweep():
                key = override.get_key_element()
                options.append([f"{key}={value}" for value in override.sweep_string_iterator()])
            else:
                raise ConfigError(f"{argument} is not a list of values: `make tune` searches.")
    return [list(each) for each in product(*options)]


def compose_file(file: Path, arguments: Sequence[str]) -> tuple[Source, list[str]]:
    """Compose the project's file with the files that the arguments choose.

    Returns:
        The composed values, and the settings among the arguments, as `--section.key=VALUE`.

    Raises:
        ConfigError: an argument is not in Hydra's grammar, or names a file that is not there.
    """
    base = read_yaml(file)
    with _hydra(file.parent):
        choices, settings = _split(_groups(file.parent), arguments, base.values)
        if "defaults" not in base.values:  # Hydra changes only what such a list has: add to none
            choices = [each if each[0] in "+~" else f"+{each}" for each in choices]
        config = compose(file.stem, choices, return_hydra_config=True)
        chosen = dict(config.hydra.runtime.choices)
        values = OmegaConf.to_container(config)
    assert isinstance(values, dict)
    plain = {str(key): value for key, value in values.items() if key != "hydra"}
    return Source(str(file), plain, parts=(*_parts(file.parent, chosen), base)), settings


def resolve(values: dict[str, Any]) -> dict[str, Any]:
    """Return values with every `${other.setting}` in them replaced.

    Raises:
        ConfigError: there is no such setting, or a value is still missing.
    """
    with _told():
        config = OmegaConf.create(values)
        resolved = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(resolved, dict)
    return {str(key): value for key, value in resolved.items()}


def describe(folder: Path) -> str:
    """Return the groups and their files, as `--help` lists them."""
    lines = [f"  {group}={'|'.join(files)}" for group, files in _groups(folder).items()]
    return "\n".join(["files of groups, and -m for a run with each of several values:", *lines])


def _split(
    groups: dict[str, list[str]], arguments: Sequence[str], known: dict[str, Any]
) -> tuple[list[str], list[str]]:
    """Part the arguments: choices of files, and settings as `--section.key=VALUE`."""
    choices, settings = [], []
    for argument in _joined(arguments):
        if argument in MULTIRUN:
            raise ConfigError(
                f"{argument} makes several runs: only `train` can, by Config.load_all."
            )
        if argument.startswith("--"):
            settings.append(argument)
            continue
        override = _parse(argument)
        name, value = override.key_or_group, override.value()
        if override.is_sweep_override():
            raise ConfigError(f"{argument} has several values: write -m for a run with each.")
        if name in groups and not isinstance(value, dict):
            if not override.is_delete():
                _check_choice(name, value, groups[name])
            choices.append(argument)
        elif override.is_delete():
            raise ConfigError(f"{argument} leaves out a setting, which only groups can be.")
        elif name not in known and (close := difflib.get_close_matches(name, groups, 1, 0.8)):
            raise ConfigError(f"Unknown group {name} in the command line; did you mean {close[0]}?")
        else:
            settings.append(f"--{name}={value if isinstance(value, str) else json.dumps(value)}")
    return choices, settings


def _joined(arguments: Sequence[str] | Iterator[str]) -> Iterator[str]:
    """Yield `--section.key VALUE` as one argument, and all others as they are."""
    rest = iter(arguments)
    for argument in rest:
        if argument.startswith("--") and "=" not in argument and argument not in MULTIRUN:
            value = next(rest, "--")
            if value.startswith("--"):  # which is no value, as will be said
                yield argument
            argument = value if value.startswith("--") else f"{argument}={value}"
        yield argument


def _parse(argument: str) -> Override:
    try:
        parser = OverridesParser.create(GlobalHydra.instance().config_loader())
        return parser.parse_overrides([argument])[0]
    except HydraException as error:
        reason = str(error).partition("\nSee https")[0].rpartition("\n")[2].strip()
        raise ConfigError(
            f"{argument!r} is not a setting ({reason}): "
            "write --section.key VALUE, section.key=VALUE or GROUP=FILE."
        ) from error


def _check_choice(group: str, value: Any, files: Sequence[str]) -> None:
    for name in value if isinstance(value, list) else [value]:
        if not isinstance(name, str) or name.removesuffix(".yaml") not in files:
            close = difflib.get_close_matches(str(name), files, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(files)}."
            raise ConfigError(f"Unknown file {name} of the group {group}; {hint}")


def _groups(folder: Path) -> dict[str, list[str]]:
    """Return the files of every group: of every folder with YAML files."""
    found: dict[str, list[str]] = {}
    for file in sorted(folder.glob("*/**/*.yaml")):
        group = file.parent.relative_to(folder).as_posix()
        found.setdefault(group, []).append(file.stem)
    return found


def _parts(folder: Path, chosen: dict[str, Any]) -> Iterator[Source]:
    """Yield the chosen files, as what a message names."""
    for key, names in chosen.items():
        group = key.partition("@")[0]
        for name in names if isinstance(names, list) else [names]:
            file = folder / group / f"{name}.yaml"
            if not file.is_file():  # Hydra's own, or none
                continue
            values = read_yaml(file).values
            if not _OF_THE_WHOLE.search(file.read_text(encoding="utf-8")):
                for section in reversed(group.split("/")):
                    values = {section: values}
            yield Source(str(file), values)


@contextmanager
def _hydra(folder: Path) -> Iterator[None]:
    with _told(), initialize_config_dir(str(folder.resolve()), version_base="1.3"):
        yield


@contextmanager
def _told() -> Iterator[None]:
    """Say errors of Hydra and OmegaConf in one sentence."""
    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise ConfigError(
            f"The settings cannot be composed: {reason.removesuffix('.')}."
        ) from error
