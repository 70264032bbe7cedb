"""``make bisect`` on real packages; where a failure has to be made, a stub makes it.

One project serves all tests: 60 real packages with two releases each, and four stubs that were
built here. Each test compares two commits of its locks.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shlex
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from envkeep.hardware.machine import detect
from tests.lifecycle import projects
from tests.lifecycle.projects import Project, error_sentence, new_project, succeeded
from tests.support.loopback import overlaying
from tests.support.poetry_source import add_source, take_source
from tests.support.stub_wheels import StubWheel
from tests.support.torch_index import sha256, write_pages

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("bisect")]

CROWD = [
    line.split()
    for line in Path(__file__).with_name("many_packages.txt").read_text().splitlines()
    if not line.startswith("#")
]
OLD = {name: old for name, old, _ in CROWD}
NEW = {name: new for name, _, new in CROWD}
FEW = {name: NEW[name] for name in ("six", "zipp")}
SETUPTOOLS = {"setuptools": "81.0.0"}
TOOLS = {"setuptools": "82.0.1", "pytest": "9.0.2"}
OLD_PYDANTIC = {"pydantic": "2.13.5", "pydantic-core": "2.46.5"}
NEW_PYDANTIC = {"pydantic": "2.14.3", "pydantic-core": "2.50.4"}
NEEDS_REMOVED = "python -c 'import pkg_resources'"
STUBS = {name: "1.0" for name in ("stub-culprit", "stub-left", "stub-right")}
FIRST, SECOND = "stub-first", "stub-second"
SHARED = {FIRST: "1.0", SECOND: "1.0"}
TESTS = """\
import pathlib

import pytest


def test_culprit():
    import stub_culprit

    assert stub_culprit.answer() == 42


def test_pair():
    import stub_left, stub_right

    assert (stub_left.VERSION, stub_right.VERSION) != (2, 2)


def test_order():
    import stub_shared

    assert stub_shared.OWNER == "stub-second"


def test_never():
    assert not "anything"


def test_flaky():
    calls = pathlib.Path(__file__).parents[3] / "calls"
"""


def stub(name: str, version: str, text: str, module: str = "") -> StubWheel:
    """Return a stub with a module of its own, or one that it shares with another stub."""
    module = module or name.replace("-", "_")
    return StubWheel(name, version, modules=((f"{module}.py", text),))


def row(number: int) -> str:
    """Return what the row of a step begins with."""
    return f"{number:>4}  "


def write_stubs(folder: Path) -> None:
    """Write the wheels of all stubs: the second version of the culprit lacks a function."""
    stub("stub-culprit", "1.0", "def answer():\n    return 42\n").write(folder)
    stub("stub-culprit", "2.0", "").write(folder)
    for name in ("stub-left", "stub-right"):
        for version in (1, 2):
            stub(name, f"{version}.0", f"VERSION = {version}\n").write(folder)
    for name in SHARED:
        stub(name, "1.0", f"OWNER = {name!r}\n", "stub_shared").write(folder)


@dataclass(frozen=True)
class Bench:
    """A project whose locks hold what a test wants."""

    project: Project

    def lock(self, tag: str, versions: Mapping[str, str], order: str = "") -> str:
        """Lock and commit some versions, and return the name of the commit."""
        folder = self.project.folder / "requirements"
        wanted = {**TOOLS, **OLD_PYDANTIC, **OLD, **STUBS, **SHARED, **versions}
        pins = "".join(f"{name}=={version}\n" for name, version in wanted.items())
        (folder / "overrides.txt").write_text(pins)
        (folder / "order.txt").unlink(missing_ok=True)
        if order:
            (folder / "order.txt").write_text(order)
        platform = ("--platform", detect().platform, "--backend", "cpu")
        succeeded(self.project.tools("lock-all", *platform))
        self.project.commit(tag)
        self.project.git("tag", "--force", tag)
        return tag

    def bisect(self, *arguments: str) -> str:
        """Bisect and return the last line of what it prints."""
        done = succeeded(self.project.tools("bisect", *arguments))
        return done.stdout.strip().splitlines()[-1]

    def steps(self) -> list[dict[str, Any]]:
        """Return the steps of the bisection that was made last."""
        logs = (self.project.folder / ".cache" / "bisect").glob("*/log.jsonl")
        newest = max(logs, key=lambda path: path.stat().st_mtime_ns)
        rows = [json.loads(line) for line in newest.read_text().splitlines()]
        return [row for row in rows if "lock" in row]

    def built(self) -> int:
        """Return how many environments it made."""
        return sum(row["is_built"] for row in self.steps())

    def made(self) -> dict[str, int]:
        """Return the environments of bisections that are whole, and the inodes of their folders."""
        found = (self.project.folder / ".venvs").glob("bisect-*/generation.json")
        return {path.parent.name: path.parent.stat().st_ino for path in found}

    def fingerprint(self) -> dict[str, tuple[int, str]]:
        """Return the time and the content of every file of the active environment."""
        folder = (self.project.folder / ".venv").resolve()
        return {
            str(path.relative_to(folder)): (
                path.lstat().st_mtime_ns,
                "" if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest(),
            )
            for path in folder.rglob("*")
            if path.is_symlink() or path.is_file()
        }


@pytest.fixture(scope="module")
def bench(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """Return a project with the old versions as ``good``; the active environment is of ``bad``."""
    top = tmp_path_factory.mktemp("bisect")
    wheels = top / "wheels"
    wheels.mkdir()
    write_stubs(wheels)
    published = {path.name: sha256(path) for path in wheels.glob("*.whl")}
    write_pages(wheels, published, prefix="../")
    project = new_project(template, top / "project", {**answers, "training": "none"})
    requirements = project.folder / "requirements"
    names = "".join(f"{name}\n" for name in (*OLD, *STUBS, FIRST, "pydantic"))
    (requirements / "30-prod.in").write_text(names)
    (requirements / "40-dev.in").write_text(f"pytest\nsetuptools\n{SECOND}\n")
    (requirements / "50-lint.in").write_text("packaging\n")
    (requirements / "stack" / "30-prod-cpu.in").unlink()
    for path in (project.folder / "tests").rglob("*.py"):
        path.unlink()
    calls = f'    with open({str(top / "calls")!r}, "a+") as file:\n'
    calls += '        file.write(".")\n        assert file.tell() % 2\n'
    (project.folder / "tests" / "test_stubs.py").write_text(TESTS + calls)
    project.git("init", "--quiet")
    with pytest.MonkeyPatch.context() as patched, overlaying(wheels) as index:
        for variable in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
            patched.setitem(projects.ENVIRONMENT, variable, index)
        if answers["package_manager"] == "poetry":  # which reads no setting of pip
            take_source(project.folder)
            add_source(project.folder, index)
            patched.setitem(projects.ENVIRONMENT, "POETRY_CACHE_DIR", str(top / "poetry"))
        bench = Bench(project)
        bench.lock("good", {})
        bench.lock("bad", {**NEW, "stub-culprit": "2.0"})
        succeeded(project.tools("install"))
        project.git("worktree", "add", "--quiet", str(top / "good"), "good")
        yield bench


@pytest.fixture(autouse=True)
def at_bad(bench: Bench) -> Iterator[None]:
    """Start from the bad commit; whatever happens, the active environment stays as it was."""
    bench.project.git("reset", "--quiet", "--hard", "bad")
    before = bench.fingerprint()
    yield
    assert bench.fingerprint() == before


def test_one_culprit_among_sixty_real_packages_found_after_three_kills(bench: Bench) -> None:
    test = "pytest -q -k 'culprit and not order'"
    for after in ("30-prod.txt", "pip wheel", row(4)):
        code, _ = bench.project.interrupted_tools(
            *("bisect", "--good", "good", "--test", test, "--verbose"),
            after=after,
            by=signal.SIGKILL,
        )
        assert code == -signal.SIGKILL
    known, made = bench.steps(), bench.made()
    assert len(known) >= 4, "the kills came in the middle"

    command = [
        "make",
        f"PYTHON={shlex.quote(sys.executable)}",
        "bisect",
        "GOOD=good",
        f"TEST={test}",
    ]
    printed = succeeded(bench.project._start([*command, "ARGS=--apply --keep"], {})).stdout
    assert "61 changes, at most 9 steps for a single culprit.\n" in printed
    sentence = "stub-culprit 1.0 -> 2.0 breaks it; pin it in requirements/overrides.txt: "
    assert f"{sentence}stub-culprit==1.0\n" in printed
    assert re.search(rf"^{row(1)} +61  pass +known +8  the good lock \(good\)$", printed, re.M)
    assert bench.steps()[: len(known)] == known, "no step was made twice"
    assert made.items() <= bench.made().items(), "no environment was made twice"
    assert len(bench.made()) == bench.built() <= 8
    overrides = (bench.project.folder / "requirements" / "overrides.txt").read_text()
    assert "stub-culprit==1.0\n" in overrides
    assert "stub-culprit==2.0" not in overrides
    assert f"six=={NEW['six']}\n" in overrides
    assert bench.project.git("status", "--short").split() == ["M", "requirements/overrides.txt"]

    bench.project.git("checkout", "--quiet", "requirements")
    assert sentence in bench.bisect("--good", "good", "--test", test)
    assert bench.made() == {}


def test_two_that_fail_only_together(bench: Bench) -> None:
    pair = {"stub-left": "2.0", "stub-right": "2.0"}
    bad = bench.lock("pair", {**FEW, **pair})
    sentence = bench.bisect("--good", "good", "--bad", bad, "--test", "pytest -k pair")
    assert sentence.startswith(
        "stub-left 1.0 -> 2.0 and stub-right 1.0 -> 2.0 break it together; pin one of them in"
    )


def test_two_that_cannot_be_taken_apart(bench: Bench) -> None:
    bad = bench.lock("pydantic", {**FEW, **NEW_PYDANTIC})
    test = "python -c 'import pydantic; assert pydantic.__version__ < \"2.14\"'"
    done = succeeded(bench.project.tools("bisect", "--good", "good", "--bad", bad, "--test", test))
    assert "3 groups, as some changes cannot be made without each other." in done.stdout
    reason = "They cannot be separated: pydantic 2.14.3 needs pydantic-core==2.50.4.\n"
    assert reason in done.stdout
    assert (
        "pydantic 2.13.5 -> 2.14.3 and pydantic-core 2.46.5 -> 2.50.4 break it; pin them in "
        "requirements/overrides.txt: pydantic==2.13.5 pydantic-core==2.46.5\n"
    ) in done.stdout


def test_the_order_of_the_layers(bench: Bench) -> None:
    bad = bench.lock("order", FEW, "40-dev\n30-prod\n50-lint\n")
    sentence = bench.bisect("--good", "good", "--bad", bad, "--test", "pytest -k order")
    assert sentence == (
        "the order of the layers breaks it; the good order is 30-prod 40-dev 50-lint, see "
        "requirements/order.txt"
    )


def test_no_culprit(bench: Bench) -> None:
    folder = str(bench.project.folder.parent / "good" / "requirements" / "locks")
    refused = bench.project.tools("bisect", "--good", folder, "--test", "pytest -k never")
    sentence = f"no culprit: the test fails with the good lock ({folder}) too"
    assert sentence in error_sentence(refused)
    refused = bench.project.tools("bisect", "--good", "good", "--test", "pytest -k pair")
    assert "no culprit: the test passes with the bad lock" in error_sentence(refused)
    refused = bench.project.tools("bisect", "--good", "good", "--test", "pytest -k nothing")
    assert "selects no test" in error_sentence(refused)
    assert bench.made() == {}


def test_a_flaky_test(bench: Bench) -> None:
    refused = bench.project.tools("bisect", "--good", "good", "--test", "pytest -k flaky")
    assert "with the good lock (good) it passed 3 of 5 times" in error_sentence(refused)
    assert bench.made() == {}


def test_a_real_break_between_two_real_releases(bench: Bench) -> None:
    good = bench.lock("with-pkg-resources", SETUPTOOLS)
    bad = bench.lock("without", FEW)
    sentence = bench.bisect("--good", good, "--bad", bad, "--test", NEEDS_REMOVED)
    assert sentence == (
        "setuptools 81.0.0 -> 82.0.1 breaks it; pin it in requirements/overrides.txt: "
        "setuptools==81.0.0"
    )


def test_what_cannot_be_compared_is_refused_in_a_sentence(bench: Bench) -> None:
    def refused(*arguments: str) -> str:
        return error_sentence(bench.project.tools("bisect", *arguments))

    test = ("--test", "pytest -k culprit")
    assert "name a good lock and a test" in refused("--good", "good")
    assert "neither a folder of locks" in refused("--good", "nonsense", *test)
    assert "neither a folder of locks" in refused("--good", "docs", *test)
    assert "the same packages in the same order" in refused("--good", "bad", *test)
    assert "is not a command" in refused("--good", "good", "--test", "pytest -k 'x")
    assert "there is no program nonsense" in refused("--good", "bad^", "--test", "nonsense")
    assert bench.made() == {}


def test_without_network_or_beside_another_command_it_says_so(bench: Bench, tmp_path: Path) -> None:
    arguments = ("bisect", "--good", "good", "--test", "pytest -k culprit")
    offline = bench.project.tools(*arguments, UV_OFFLINE="1", UV_CACHE_DIR=str(tmp_path))
    assert "the same command goes on from here" in error_sentence(offline)
    assert bench.made() == {}
    with (bench.project.folder / ".venvs" / "in-use").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        refused = bench.project.tools(*arguments)
    assert "another command is changing" in error_sentence(refused)
