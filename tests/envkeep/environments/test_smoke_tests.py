"""What of the project decides whether a new environment is good: its smoke tests alone."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from envkeep.environments import smoke_tests
from envkeep.errors import ToolError

ENVIRONMENT = Path(sys.prefix)
ABSENT = ENVIRONMENT / "nothing-is-here"
SETTINGS = """\
[tool.pytest.ini_options]
testpaths = ["tests"]
addopts = "{options}"
filterwarnings = ["error"]
markers = ["smoke: quick"]
"""
GOOD = """\
import pytest

@pytest.mark.smoke
def test_it():
    pass
"""
FAILING = GOOD.replace("pass", "assert 1 == 2")
NO_FIXTURE = GOOD.replace("test_it()", "test_it(nobody_knows)")
UNREADABLE = "import nowhere\n"
UNREADABLE_SMOKE = f"{UNREADABLE}{GOOD}"
WITHOUT_MARK = "def test_it():\n    assert 1 == 2\n"
HOOK = """\
import warnings

import pytest

def pytest_sessionfinish():
    warnings.warn(pytest.PytestWarning({said!r}))
"""


@dataclass(frozen=True)
class Project:
    """A project that has nothing but tests."""

    folder: Path

    def write(self, **tests: str) -> None:
        """Write modules of tests, or conftest, by their names."""
        for name, code in tests.items():
            path = self.folder / "tests" / f"{name}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(code, encoding="utf-8")

    def options(self, text: str) -> None:
        """Give pytest options of the project's own."""
        content = SETTINGS.format(options=text)
        (self.folder / "pyproject.toml").write_text(content, encoding="utf-8")

    def judge(self, active: Path | None = ENVIRONMENT) -> None:
        """Let the smoke tests judge an environment."""
        smoke_tests.judge(smoke_tests.run(ENVIRONMENT), active)

    def refusal(self) -> str:
        """Return why an environment is refused beside one in which the tests can be run."""
        outcome = smoke_tests.run(ENVIRONMENT)
        self.write(conftest="", **{path.stem: GOOD for path in self.folder.glob("tests/test_*")})
        self.options("")
        with pytest.raises(ToolError) as caught:
            smoke_tests.judge(outcome, ENVIRONMENT)
        return str(caught.value)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = Project(tmp_path)
    made.options("--strict-markers")
    monkeypatch.setattr(smoke_tests, "ROOT", tmp_path)
    return made


def test_a_smoke_test_that_passes_is_enough(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(test_it=GOOD, test_other=WITHOUT_MARK)
    project.judge()
    said = capsys.readouterr()
    assert "1 passed" in said.out
    assert "note" not in said.out
    assert "report.xml" not in said.err


def test_a_project_without_smoke_tests_has_nothing_against_it(project: Project) -> None:
    project.write(test_other=WITHOUT_MARK)
    project.judge()


@pytest.mark.parametrize("options", ["", "-x", "-n 2", "--maxfail=1 --strict-markers"])
def test_what_cannot_be_read_is_named_and_does_not_count(
    project: Project, capsys: pytest.CaptureFixture[str], options: str
) -> None:
    project.options(options)
    project.write(test_a=UNREADABLE, test_b="def (\n", test_it=GOOD)
    project.judge()
    said = capsys.readouterr().out
    assert "note: the tests in tests/test_a.py cannot be read and were left out: " in said
    assert "ModuleNotFoundError: No module named 'nowhere'" in said
    assert "tests/test_b.py" in said
    assert "SyntaxError" in said


@pytest.mark.parametrize("code", [FAILING, NO_FIXTURE])
def test_a_smoke_test_that_fails_counts(project: Project, code: str) -> None:
    project.write(test_a=UNREADABLE, test_it=code)
    sentence = project.refusal()
    assert "smoke test fails in it (tests.test_it::test_it)" in sentence
    assert "--without-smoke-test" in sentence


@pytest.mark.parametrize(
    ("tests", "options", "reason"),
    [
        ({"test_it": UNREADABLE_SMOKE}, "", "tests/test_it.py: ModuleNotFoundError: No module"),
        ({"conftest": UNREADABLE}, "", "ModuleNotFoundError: No module named 'nowhere'"),
        ({}, "--no-such-option", "unrecognized arguments: --no-such-option"),
    ],
    ids=["module", "conftest", "options"],
)
def test_smoke_tests_that_cannot_be_run_count_if_they_can_in_the_active_environment(
    project: Project,
    capsys: pytest.CaptureFixture[str],
    tests: dict[str, str],
    options: str,
    reason: str,
) -> None:
    project.write(**{"test_it": GOOD, **tests})
    project.options(options)
    project.judge()
    assert "so it says nothing about the new one" in capsys.readouterr().out
    sentence = project.refusal()
    assert "smoke test cannot be run in it" in sentence
    assert reason in sentence


@pytest.mark.parametrize("active", [None, ABSENT])
@pytest.mark.parametrize("tests", [{"test_it": FAILING}, {"conftest": UNREADABLE}])
def test_who_has_no_environment_gets_one_with_a_warning(
    project: Project,
    capsys: pytest.CaptureFixture[str],
    active: Path | None,
    tests: dict[str, str],
) -> None:
    project.write(**{"test_it": GOOD, **tests})
    project.judge(active)
    said = capsys.readouterr().out
    assert "WARNING: the project's smoke test" in said
    assert "repair the tests in it" in said


def test_a_threshold_of_the_projects_own_is_not_the_environments_fault(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(
        test_it=GOOD,
        conftest="def pytest_sessionfinish(session):\n    session.exitstatus = 1\n",
    )
    project.judge()
    assert "note: pytest ended with exit code 1 all the same" in capsys.readouterr().out


def test_another_pytest_at_the_same_time_is_no_failure(project: Project) -> None:
    """Pytest says so where it and another pytest of this user clean up at the same time."""
    said = "(rm_rf) error removing /tmp/garbage\n<class 'OSError'>: Directory not empty"
    project.write(test_it=GOOD, conftest=HOOK.format(said=said))
    assert smoke_tests.run(ENVIRONMENT).ended.code == 0
    project.judge()
