"""Projects from before kit/ come over: what their own files import of their package is still there.

The code that is the template's moved from `src/PACKAGE/` to `src/PACKAGE/kit/`. At the old places
stand modules that hand on what moved.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from maintain import ROOT
from maintain.ownership.table import load_table
from tests.copier_update.edits import write
from tests.support.copier_runs import Answers, commit, conflicts, render, update

pytestmark = pytest.mark.slow

LAST_WITHOUT_KIT = "42c0421"
PACKAGE = "ours"
EXTRAS: Answers = {"extras": ["tuning", "datascience", "quantization"]}
CASES: dict[str, tuple[str, Answers]] = {
    "release": ("0.1.0", {}),
    "pytorch": (LAST_WITHOUT_KIT, {"inference": "onnxruntime", **EXTRAS}),
    "jax-native": (LAST_WITHOUT_KIT, {"training": "jax", "inference": "native"}),
    "keras": (LAST_WITHOUT_KIT, {"training": "keras", "inference": "openvino"}),
    "huggingface": (LAST_WITHOUT_KIT, {"training": "huggingface", "extras": ["deepspeed"]}),
    "generates": (LAST_WITHOUT_KIT, {"training": "none", "inference": "openvino-genai"}),
}
OF_NO_USE = {"export.openvino_int8_worker", "export.openvino_genai_worker"}
"""Scripts that the export starts by their paths; nothing imports them."""

KEEPS_ITS_WORDS = {"export.artefact", "inference.metadata", "inference.parity"}
"""Modules that know one input and named classes, and the kit under them any arrays."""

BECAME_A_PART = {"kit.tracking.provenance": "kit.tracking.record"}
"""Modules of a folder that moved whole which are in another module there now."""

IMPORTS_EACH = """
import importlib, json, sys
found = {}
for old, new in json.loads(sys.argv[1]):
    try:
        moved, stands = importlib.import_module(new), importlib.import_module(old)
    except ModuleNotFoundError as error:
        if error.name.partition(".")[0] == new.partition(".")[0]:
            raise
        continue  # what it needs is not installed here
    above, _, name = old.rpartition(".")
    found[old] = stands is moved is getattr(sys.modules[above], name)
print(json.dumps(found))
"""


class Import(NamedTuple):
    """What a file takes from its own package: a module, or a name in it."""

    file: str
    module: str
    name: str = ""


class Code:
    """The modules of a project, read and not run."""

    def __init__(self, project: Path) -> None:
        """Read all its Python files."""
        paths = [*(project / "src").rglob("*.py"), *(project / "tests").rglob("*.py")]
        self.files = {path.relative_to(project).as_posix(): _parsed(path) for path in paths}
        self.modules = {_dotted(path): path for path in self.files if path.startswith("src/")}

    def imports(self) -> set[Import]:
        """Return what is imported from the package, by whom."""
        return {each for path, tree in self.files.items() for each in _imports(path, tree)}

    def has(self, wanted: Import) -> bool:
        """Tell whether the module is there and has the name."""
        there = wanted.module in self.modules
        if wanted.name in ("", "*") or f"{wanted.module}.{wanted.name}" in self.modules:
            return there
        return there and wanted.name in self.names(wanted.module)

    def names(self, module: str) -> set[str]:
        """Return what a module defines or imports, and what the modules that it hands on do."""
        path = self.modules[module]
        found = set(_defined(self.files[path]))
        for each in _imports(path, self.files[path]):
            if each.name == "*":
                found |= self.names(each.module)
        return found


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _dotted(path: str) -> str:
    return path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imports(path: str, tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (
                Import(path, each.name)
                for each in node.names
                if each.name.partition(".")[0] == PACKAGE
            )
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(path, node)
            if module.partition(".")[0] == PACKAGE:
                yield from (Import(path, module, each.name) for each in node.names)


def _absolute(path: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return str(node.module)
    parts = Path(path).with_suffix("").parts[1 : -node.level]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.partition(".")[0]


@pytest.fixture(scope="module", params=list(CASES))
def over(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Code, Path]:
    """Return the code of a project of before, and the project after its update."""
    version, answers = CASES[request.param]
    folder = tmp_path_factory.mktemp("kit") / "project"
    project = render(template, folder, {"package_name": PACKAGE, **answers}, version=version)
    write(project / "src" / PACKAGE / "mine.py", "from .files import write_text as write_text\n")
    commit(project, "Our work")
    before = Code(project)
    update(project)
    assert conflicts(project) == []
    return before, project


def test_every_import_of_before_is_still_there(over: tuple[Code, Path]) -> None:
    before, project = over
    after = Code(project)
    wanted = before.imports()
    assert len(wanted) > 50, "read from the files"
    assert sorted(each for each in {*wanted, *after.imports()} if not after.has(each)) == []
    gone = {name.partition(".")[2] for name in before.modules.keys() - after.modules.keys()}
    assert gone <= OF_NO_USE


def test_a_module_at_its_old_place_is_the_one_of_the_kit(over: tuple[Code, Path]) -> None:
    before, project = over
    moved = dict(_moved(project))
    assert {f"{PACKAGE}.files", f"{PACKAGE}.tracking.store"} & before.modules.keys() <= moved.keys()
    found = json.loads(python(project, "-c", IMPORTS_EACH, json.dumps(list(moved.items()))))
    assert f"{PACKAGE}.errors" in found, "imported, as it needs nothing"
    assert [name for name, same in found.items() if not same] == []


def _moved(project: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of each module that moved, and its name in the kit."""
    for row in load_table(ROOT).paths:
        for path in (path for former in row.formers for path in project.glob(former)):
            for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
                if file.name != "__init__.py":
                    place = Path(row.path.replace("*", PACKAGE), file.relative_to(path))
                    name = _dotted(place.as_posix()).removeprefix(f"{PACKAGE}.")
                    place_now = f"{PACKAGE}.{BECAME_A_PART.get(name, name)}"
                    former = _dotted(file.relative_to(project).as_posix())
                    if former.removeprefix(f"{PACKAGE}.") not in KEEPS_ITS_WORDS:
                        yield former, place_now


def test_a_module_of_ours_is_not_hidden_by_a_folder_that_came(
    template: Path, tmp_path: Path
) -> None:
    project = render(template, tmp_path / "ours", {"package_name": PACKAGE}, version="0.1.0")
    package = project / "src" / PACKAGE
    write(package / "models" / "__init__.py", "def build_model() -> str:\n    return 'theirs'\n")
    lines = "from .files import write_text\n\nOURS = write_text.__name__\n"
    write(package / "model.py", f"{lines}if __name__ == '__main__':\n    print('started', OURS)\n")
    commit(project, "Our work")
    update(project)
    asked = f"from {PACKAGE} import model; print(model.OURS, model.build_model())"
    assert python(project, "-c", asked) == "write_text theirs\n"
    assert python(project, "-m", f"{PACKAGE}.model") == "started write_text\n"


def python(project: Path, *arguments: str) -> str:
    """Run Python with the package of a project, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-B", *arguments],
        env={"PYTHONPATH": str(project / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_the_package_needs_comes_into_images(over: tuple[Code, Path]) -> None:
    _, project = over
    package = project / "src" / PACKAGE
    facts = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = facts["tool"]["setuptools"]["package-data"][PACKAGE]
    taken = {path for pattern in patterns for path in package.glob(pattern)}
    files = {path for path in package.rglob("*") if path.is_file() and path.suffix != ".py"}
    assert files - taken == set()
    folders = {path.parent for path in package.rglob("*.py")}
    assert [path for path in folders if not (path / "__init__.py").is_file()] == []
