"""envkeep of the work tree, on another project than the one that these tests' process is about."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"


def variables(project: Path, **more: str) -> dict[str, str]:
    """Return the environment in which ``import envkeep`` is about a project.

    Args:
        project: Its folder.
        more: Further variables.
    """
    own = {"PYTHONPATH": str(SOURCE), "ENVKEEP_PROJECT": str(project), "ENVKEEP": str(SOURCE)}
    return {**os.environ, **own, **more}


@dataclass(frozen=True)
class Imported:
    """envkeep, imported in this process a second time for another project than the tests' own.

    Attributes:
        modules: All of its modules, by their whole names.
    """

    modules: dict[str, ModuleType]

    @classmethod
    def for_project(cls, project: Path, names: Iterable[str]) -> Imported:
        """Import some of its modules, named without ``envkeep.``, and all that they import."""
        with pytest.MonkeyPatch.context() as patched, _set_aside():
            patched.setenv("ENVKEEP_PROJECT", str(project))
            for name in names:
                importlib.import_module(f"envkeep.{name}")
            return cls(_in_use())

    @contextmanager
    def in_force(self) -> Iterator[dict[str, ModuleType]]:
        """Let imports find these modules meanwhile, those inside functions too.

        Yields:
            The modules by their names without ``envkeep.``.
        """
        with _set_aside():
            sys.modules.update(self.modules)
            yield {name.partition(".")[2]: module for name, module in self.modules.items()}
            self.modules.update(_in_use())


@contextmanager
def _set_aside() -> Iterator[None]:
    """Take envkeep out of the imported modules meanwhile."""
    before = _in_use()
    for name in before:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in _in_use():
            del sys.modules[name]
        sys.modules.update(before)


def _in_use() -> dict[str, ModuleType]:
    found = sys.modules.items()
    return {name: module for name, module in found if name.partition(".")[0] == "envkeep"}
