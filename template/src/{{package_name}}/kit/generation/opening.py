# Owned by the template: every update rewrites this file. Your own adapters go elsewhere.
"""Opens what `configs/generate.toml` says, with the adapter of the project's runtime alone."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Protocol, cast

from ..answers import load_answers
from ..errors import ConfigError
from ..project_folder import in_project
from .generator import GenerationSettings, Generator

DEFAULT_CONFIG = Path("configs/generate.toml")

# Answer to `inference` -> module of its adapter. A project has only the module it needs.
_ADAPTERS = {
    "llama-cpp": "llama_cpp_backend",
    "openvino-genai": "openvino_genai_backend",
    "native": "transformers_backend",
    "http-api": "http_api_backend",
}
_SETTINGS = "settings"
_SERVED = ("http-api",)
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


class Adapter(Protocol):
    """What an adapter module offers."""

    def open_generator(self, values: Mapping[str, Any], place: str) -> Generator:
        """Open what its table says; `place` names the table in messages."""


def open_generator(config: Path = DEFAULT_CONFIG, model: Path | None = None) -> Generator:
    """Open the model or the way to the server.

    Args:
        config: The file of settings.
        model: A folder that export wrote, in place of the model that the settings name; a server
            has its own.

    Raises:
        ConfigError: The file is missing or wrong, or the project's runtime generates no text.
        GenerationError: The model cannot be opened.
    """
    runtime = load_answers().inference
    adapter = _adapter(runtime)
    values = read_table(config, runtime)
    if runtime not in _SERVED and isinstance(values.get("model"), str):
        values["model"] = str(in_project(values["model"]))
    if model is not None and runtime not in _SERVED:
        values["model"] = str(model)
    return adapter.open_generator(values, f"{config}, [{runtime}]")


def read_settings(config: Path = DEFAULT_CONFIG, **changes: object) -> GenerationSettings:
    """Return the settings of the file; `changes` that are not None take their place.

    Raises:
        ConfigError: The file is missing or wrong, or a value is out of its range.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    values = {**read_table(config, _SETTINGS), **given}
    place = f"{config}, [{_SETTINGS}]"
    return GenerationSettings(**checked_values(GenerationSettings, values, place))


def checked_values(kind: type, values: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return the values of a table of a TOML file as the fields of a dataclass take them.

    Args:
        kind: The dataclass; every field has a default, which says what its type is.
        values: The table.
        place: The table's name in messages.

    Raises:
        ConfigError: A key is unknown, or a value is of another type.
    """
    known = {field.name: field.default for field in fields(kind)}
    for key in values:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}."
            raise ConfigError(f"Unknown setting {key} in {place}; {hint}")
    return {key: _typed(key, value, known[key], place) for key, value in values.items()}


def _typed(key: str, value: Any, default: Any, place: str) -> Any:
    if isinstance(default, tuple):
        if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
            return tuple(value)
        raise ConfigError(f"{key} in {place} must be a list of texts, not {value!r}.")
    expected = int if default in (None, MISSING) else type(default)
    if expected is float and type(value) is int:
        return float(value)
    if type(value) is not expected:
        raise ConfigError(f"{key} in {place} must be {_KINDS[expected]}, not {value!r}.")
    return value


def read_table(config: Path, name: str) -> dict[str, Any]:
    """Return a table of the file, which is empty if it is not there.

    Raises:
        ConfigError: The file is missing or wrong.
    """
    config = in_project(config) if config == DEFAULT_CONFIG else config
    try:
        content = tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{config} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{config} is not valid TOML: {error}.") from error
    known = (_SETTINGS, *_ADAPTERS)
    for key in content:
        if key not in known:
            raise ConfigError(f"Unknown table [{key}] in {config}; known are {', '.join(known)}.")
    values = content.get(name, {})
    if not isinstance(values, dict):
        raise ConfigError(f"{name} in {config} must be a table: write [{name}] on a line.")
    return values


def _adapter(runtime: str) -> Adapter:
    module = _ADAPTERS.get(runtime)
    if module is None or importlib.util.find_spec(f".{module}", __package__) is None:
        raise ConfigError(f"{runtime}, the project's answer to `inference`, generates no text.")
    try:
        return cast(Adapter, importlib.import_module(f".{module}", __package__))
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{runtime} needs the package {error.name!r}: install the project's production layer."
        ) from error
