"""The import check says what cannot be imported, and how long the rest takes."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from envkeep.environments import import_check as imports
from envkeep.environments import import_worker
from envkeep.errors import CommandError, ToolError
from envkeep.project import metadata

SCRIPT = Path(import_worker.__file__)
WHEELS = tomllib.loads((Path(__file__).parent / "wheels.toml").read_text(encoding="utf-8"))
TICKS = f"""
import importlib, itertools, sys, time
sys.path[:0] = [{str(SCRIPT.parent)!r}, "."]
import import_worker as import_check
time.process_time = itertools.count().__next__
stopwatch = import_check.time_compiling()
import module
print(stopwatch.seconds)
del sys.modules["module"]
importlib.import_module("module")
print(stopwatch.seconds)
"""


def install(site: Path, name: str, code: str) -> None:
    """Write a distribution with one module."""
    (site / f"{name}.py").write_text(code)
    facts = site / f"{name}-1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (facts / "RECORD").write_text(f"{name}.py,,\n{name}-1.dist-info/METADATA,,\n")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a pyproject.toml in which nothing is set."""
    path = tmp_path / "pyproject.toml"
    path.write_text("")
    monkeypatch.setattr(metadata, "PYPROJECT", path)
    monkeypatch.setattr(imports, "_required", lambda: {"asked-for"})
    return path


def seconds(site: Path, *names: str) -> float:
    return imports.seconds(Path(sys.prefix), names, {"PYTHONPATH": str(site)})


def failure(site: Path, *names: str) -> str:
    with pytest.raises(CommandError) as caught:
        seconds(site, *names)
    return str(caught.value)


@pytest.mark.parametrize("wheel", WHEELS)
def test_a_published_wheel_is_proved_by_its_module(wheel: str) -> None:
    row = WHEELS[wheel]
    declared, files = row.get("top_level", "").split(), row.get("files", "").split()
    found = import_worker.candidates(wheel.partition(" ")[0], declared, files)
    assert next(iter(found), "") == row["module"]


@pytest.mark.parametrize(
    ("declared", "files", "found"),
    [
        ("", "pkg.libs/libx.so pkg.data/x.py pkg-1.dist-info/x.py ../../bin/x.py", []),
        ("", "pkg-stubs/__init__.pyi other-stubs/__init__.py", []),
        ("", "_hidden/__init__.py _one.abi3.so", []),
        ("tests docs real", "tests/__init__.py tests/a.py docs/conf.py real/__init__.py", ["real"]),
        ("", "tests/__init__.py tests/a.py real.cpython-311-x86_64-linux-gnu.so", ["real"]),
        ("second", "first/__init__.py first/a.py second/__init__.py", ["second"]),
        ("nothing_of_it", "first/__init__.py", ["first"]),
        ("", "small/__init__.py large/__init__.py large/a.py", ["large", "small"]),
        ("", "shared/one/__init__.py shared/one/a.py shared/two.py", ["shared.one", "shared.two"]),
        ("", "my/pkg/__init__.py my/large/__init__.py my/large/a.py", ["my.pkg"]),
        ("", "My_PKG.py large/__init__.py large/a.py", ["My_PKG"]),
        ("", "data/lib/libx.so data/lib/x.pyd", ["data.lib.x"]),
    ],
)
def test_which_modules_prove_a_package(declared: str, files: str, found: list[str]) -> None:
    assert import_worker.candidates("my-pkg", declared.split(), files.split()) == found


def test_it_returns_the_seconds_of_what_imports(tmp_path: Path, settings: Path) -> None:
    install(tmp_path, "good", "print('9.999', end='')\n")
    assert 0 <= seconds(tmp_path, "good", "left-out-by-its-marker") < 9


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nowhere\n", "bad: ModuleNotFoundError: No module named 'nowhere';"),
        ("raise SystemExit(0)\n", "bad: SystemExit: 0;"),
        ("import os; os._exit(0)\n", "bad: it ended Python with exit code 0;"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n", "bad: it crashed Python"),
        ("raise ImportError('long ' * 1000)\n", "bad: ImportError: long long"),
    ],
)
def test_it_names_what_cannot_be_imported_and_the_way_round(
    tmp_path: Path, settings: Path, code: str, said: str
) -> None:
    install(tmp_path, "good", "")
    install(tmp_path, "bad", code)
    sentence = failure(tmp_path, "good", "bad", "good")
    assert said in sentence
    assert "[tool.project] of pyproject.toml: import-check = { bad = false }." in sentence
    assert "good" not in sentence
    assert len(sentence) < 600


def test_a_library_of_a_gpus_driver_may_be_missing(tmp_path: Path, settings: Path) -> None:
    reason = "libcuda.so.1: cannot open shared object file: No such file or directory"
    install(tmp_path, "onagpu", f"raise ImportError({reason!r})\n")
    assert seconds(tmp_path, "onagpu") >= 0


def test_modules_of_the_tools_do_not_hide_those_of_packages(tmp_path: Path, settings: Path) -> None:
    install(tmp_path, "locks", "")
    install(tmp_path, "asking", "import locks\nassert not hasattr(locks, 'Locks')\n")
    assert seconds(tmp_path, "locks", "asking") >= 0


def test_a_project_says_by_which_module_a_package_is_checked_or_not_at_all(
    tmp_path: Path, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tmp_path, "bad_one", "import nowhere\n")
    install(tmp_path, "other", "import nowhere\n")
    settings.write_text('[tool.project]\nimport-check = { "Bad.One" = false, other = "json.tool" }')
    assert seconds(tmp_path, "bad-one", "other") >= 0
    assert "note" not in capsys.readouterr().out
    settings.write_text('[tool.project.import-check]\nother = "nowhere.at.all"\nbad-one = false')
    assert "other: ModuleNotFoundError: No module named 'nowhere'" in failure(tmp_path, "other")


def test_a_name_that_nothing_asks_for_is_named(
    tmp_path: Path, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.write_text("[tool.project.import-check]\nasked-for = false\nmisspelled = false")
    seconds(tmp_path)
    said = capsys.readouterr().out
    assert "note: import-check in pyproject.toml names misspelled, which" in said
    assert "asked-for" not in said


@pytest.mark.parametrize("value", ["true", "1", '""', '"not a module"', '["cv2"]'])
def test_a_setting_that_says_nothing(settings: Path, value: str) -> None:
    settings.write_text(f"[tool.project]\nimport-check = {{ some = {value} }}")
    with pytest.raises(ToolError, match="must name a module, or false, for each package"):
        imports.choices()
    settings.write_text(f"[tool.project]\nimport-check = {value}")
    with pytest.raises(ToolError, match="must name a module, or false, for each package"):
        imports.choices()


def test_only_the_first_import_of_a_module_is_timed_as_compiling(tmp_path: Path) -> None:
    install(tmp_path, "module", "")
    printed = subprocess.run(
        [sys.executable, "-c", TICKS],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
    ).stdout
    compiling, again = map(float, printed.split())
    assert compiling > 0
    assert again == compiling


def test_calls_inside_each_other_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock: Iterator[float] = iter([1.0, 4.0, 10.0, 12.0])
    monkeypatch.setattr(import_worker.time, "process_time", lambda: next(clock))
    stopwatch = import_worker.Stopwatch()
    inner = stopwatch.timed(lambda: None)
    stopwatch.timed(inner)()
    assert stopwatch.seconds == 3.0
    inner()
    assert stopwatch.seconds == 5.0
