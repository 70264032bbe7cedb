"""Each reason why a lock or an environment cannot be made is told by its own sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from envkeep.errors import CommandError, ToolError
from envkeep.locks import failures, package_index, python_range
from envkeep.locks.failures import Failure
from envkeep.locks.package_index import Fit
from envkeep.project.requirements import Line
from envkeep.toolchain import interpreters
from tests.envkeep.locks.test_resolver_output import PIP, PIP_BUILD, UV, UV_BUILD, UV_TOOLS

NUMPY = Fit(
    name="numpy",
    version="1.21.6",
    is_known=True,
    has_version=True,
    by="",
    pythons=["3.7", "3.8", "3.10"],
    requires_python=">=3.7,<3.11",
    yanked=None,
    nearest="1.23.2",
    newest=["2.4.6", "2.4.5"],
)
PINS = [Line("pandas", "pandas==3.1.1"), Line("rich", "rich==15.0.0 ; python_version < '3.14'")]
NO_WHEEL = (
    "numpy 1.21.6 has no wheel for Python 3.11 (it has for 3.7 to 3.10); it is for Python "
    ">=3.7,<3.11; the nearest version that has one is 1.23.2"
)


@pytest.fixture
def layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a layer of a small project."""
    top = tmp_path / "requirements"
    top.mkdir()
    (top / "more.in").write_text("tomli-w==99.1\n", encoding="utf-8")
    (top / "20-train.in").write_text("# ours\n-r more.in\npanda-s  # data\n", encoding="utf-8")
    (top / "overrides.txt").write_text("numpy==1.21.6\n", encoding="utf-8")
    monkeypatch.setattr(failures, "OVERRIDES", top / "overrides.txt")
    monkeypatch.setattr(failures, "LOCKS", top / "locks")
    monkeypatch.setattr(failures, "shown", lambda path: path.relative_to(tmp_path).as_posix())
    monkeypatch.setattr(failures, "python_version", lambda: "3.11")
    return top / "20-train.in"


def index_says(monkeypatch: pytest.MonkeyPatch, *answers: Fit) -> None:
    def fits(wanted: Sequence[tuple[str, str]]) -> list[Fit]:
        return [fit for each in wanted for fit in answers if each == (fit.name, fit.version)]

    monkeypatch.setattr(package_index, "fits", fits)


@pytest.mark.parametrize(
    "said",
    [
        UV + "panda-s was not found in the package registry and you require panda-s, we can "
        "conclude that your requirements are unsatisfiable.",
        PIP + "panda-s (from versions: none)\n",
    ],
)
def test_a_name_that_nobody_has(said: str, layer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index_says(monkeypatch, replace(NUMPY, name="panda-s", version="", is_known=False))
    assert Failure(said, [layer], PINS).cause() == (
        "the package index has no package panda-s; perhaps pandas is meant (asked for by "
        "requirements/20-train.in)"
    )


def test_a_package_of_another_index_is_not_called_unknown(
    layer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_says(monkeypatch, replace(NUMPY, name="ours", version="2", is_known=False))
    assert Failure(f"{PIP}ours==2 (from versions: 1.0)\n", [layer]).cause() is None


@pytest.mark.parametrize(
    "said",
    [
        UV + "tomli-w==99.1 requires Python >=3.11.5 and you require tomli-w==99.1, we can",
        UV + "the requested Python version (>=3.11) does not satisfy Python>=3.11.5 and "
        "tomli-w==99.1 depends on Python>=3.11.5, we can conclude that tomli-w==99.1 cannot be",
    ],
)
def test_a_version_that_is_for_later_patches_of_python(
    said: str, layer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What uv says where it locks for other machines, which may have any patch."""
    monkeypatch.setattr(python_range, "python_version", lambda: "3.11")
    monkeypatch.setattr(python_range, "asked_for", lambda: "==3.11.*")
    monkeypatch.setattr(interpreters, "whole_version", lambda: "3.11.7")
    assert Failure(said, [layer]).cause() == (
        "tomli-w 99.1 is for Python >=3.11.5, and requires-python in pyproject.toml admits 3.11.0: "
        'write `requires-python = "==3.11.*,>=3.11.5"` there, or ask for another version (asked '
        "for by requirements/more.in)"
    )
    monkeypatch.setattr(interpreters, "whole_version", lambda: "3.11.4")
    index_says(monkeypatch)
    assert Failure(said, [layer]).cause() is None


@pytest.mark.parametrize(
    "said",
    [
        UV + "there is no version of tomli-w==99.1 and you require tomli-w==99.1, we can",
        UV + "only tomli-w<=1.2.0 is available and you require tomli-w==99.1, we can",
        PIP + "tomli-w==99.1 (from versions: 1.1.0, 1.2.0)\n",
    ],
)
def test_a_version_that_does_not_exist(
    said: str, layer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = replace(NUMPY, name="tomli-w", version="99.1", has_version=False, newest=["1.2.0"])
    index_says(monkeypatch, missing)
    assert Failure(said, [layer]).cause() == (
        "tomli-w has no version 99.1; the newest for Python 3.11: 1.2.0 (asked for by "
        "requirements/more.in)"
    )


def test_a_version_without_a_wheel_for_this_python(
    layer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_says(monkeypatch, NUMPY)
    said = f"{PIP}numpy==1.21.6 (from versions: 1.20.0, 1.23.2)\n"
    expected = f"{NO_WHEEL} (asked for by requirements/overrides.txt)"
    assert Failure(said, [layer]).cause() == expected


def test_pip_does_not_say_what_is_wrong_with_an_override(
    layer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_says(monkeypatch, NUMPY)
    said = (
        "ERROR: Cannot install numpy because these package versions have conflicting "
        "dependencies.\n      The user requested numpy\n"
        "      The user requested (constraint) numpy==1.21.6\n\n"
        "  Additionally, some packages in these conflicts have no matching distributions "
        "available for your environment:\n      numpy\n      rich\n\n  To fix this you could try "
        "to:\n  1. loosen the range of package versions you've specified\n"
    )
    assert Failure(said, [layer], PINS).cause() == (
        f"{NO_WHEEL} (asked for by requirements/overrides.txt)"
    )


def test_who_needs_it_is_said(layer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index_says(monkeypatch, NUMPY)
    said = (
        UV + "numpy==1.21.6 has no wheels with a matching Python ABI tag (e.g., `cp311`) and "
        "demo==1.0 depends on numpy==1.21.6, we can conclude that demo==1.0 cannot be used."
    )
    assert Failure(said, [layer]).cause() == f"{NO_WHEEL} (asked for by demo==1.0)"


def test_where_the_index_says_nothing_the_resolvers_words_stand(layer: Path) -> None:
    cause = Failure(f"{PIP}panda-s (from versions: none)\n", [layer]).cause()
    assert cause is not None
    assert cause.startswith(
        "panda-s cannot be fetched from the package index (the resolver's reason"
    )
    assert cause.endswith("lets you in (asked for by requirements/20-train.in)")
    assert Failure("something else went wrong", [layer]).cause() is None


@pytest.mark.parametrize("said", [UV_BUILD, PIP_BUILD])
def test_a_build_that_fails(said: str, layer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = replace(NUMPY, name="pycocotools", version="2.0.0", pythons=[], nearest="2.0.7")
    index_says(monkeypatch, built)
    assert Failure(said, [layer]).cause() == (
        "pycocotools 2.0.0 has no wheel for Python 3.11 (2.0.7 has one), and cannot be built from "
        "its source (ModuleNotFoundError: No module named 'Cython')"
    )


def test_a_build_that_contradicts_the_pinned_tools(
    layer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_says(monkeypatch, NUMPY)
    error = CommandError("`uv` failed with exit code 1; its message is above.", UV_TOOLS)
    assert failures.of_install(error) == (
        "numpy 1.21.6 has no wheel for Python 3.11 (it has for 3.7 to 3.10, 1.23.2 has one), and "
        "cannot be built from its source (its build needs wheel==0.37.0, and the pinned build "
        "tools of requirements/stack/toolchain.txt have wheel==0.48.0)"
    )


def test_another_reason_of_a_failed_install_stays_as_it_is() -> None:
    assert failures.of_install(ToolError("the disk is full.")) == "the disk is full"


@pytest.mark.parametrize(
    ("said", "place"),
    [
        (
            "error: Couldn't parse requirement in `/tmp/copy/locks/constraints.txt` at position 7\n"
            '  cause: no such comparison operator "="\n         panda-s\n         ^^\n',
            "requirements/20-train.in, line 3: `panda-s  # data` is no requirement (no such",
        ),
        (
            "InstallationError: Invalid requirement: 'numpy==1.21.6': Expected end\n"
            "    numpy==1.21.6\n    ^",
            "requirements/overrides.txt, line 1: `numpy==1.21.6` is no requirement (Expected end)",
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_named_with_its_place(
    said: str, place: str, layer: Path
) -> None:
    cause = Failure(said, [layer]).cause()
    assert cause is not None
    assert cause.startswith(place)


@pytest.mark.parametrize(
    "said",
    [
        UV + "you require panda-s==2.3.3 and panda-s==3.1.1, we can conclude that",
        "      The user requested panda-s==2.3.3\n"
        "      The user requested (constraint) panda-s==3.1.1\n",
    ],
)
def test_another_version_than_the_stack_has_belongs_into_the_overrides(
    said: str, layer: Path
) -> None:
    pins = [Line("panda-s", "panda-s==3.1.1")]
    assert Failure(said, [layer], pins).cause() is None
    assert Failure(said, [layer], pins).contradiction() == (
        "requirements/20-train.in asks for panda-s==2.3.3, and the stack release has "
        "panda-s==3.1.1: write `panda-s` there, without a version, and `panda-s==2.3.3` into "
        "requirements/overrides.txt"
    )


@pytest.mark.parametrize(("pin", "is_named"), [("rich==15.0.0", True), ("rich==14.0.0", False)])
def test_the_overrides_are_named_only_where_they_cure(
    pin: str, is_named: bool, layer: Path
) -> None:
    said = UV + f"demo==1.0 depends on {pin} and you require demo==1.0"
    sentence = Failure(said, [layer], PINS).contradiction()
    assert "ask for another version there" in sentence
    assert ("requirements/overrides.txt" in sentence) is is_named


def test_no_password_is_told(layer: Path) -> None:
    line = "demo @ https://me:hunter22@host/o r\n"  # pragma: allowlist secret
    layer.write_text(line, encoding="utf-8")
    said = (
        "error: Couldn't parse requirement in `requirements/20-train.in` at position 0\n"
        f"  cause: Expected `;`\n         {line}   ^\n"
    )
    cause = Failure(said, [layer]).cause()
    assert cause is not None
    assert "hunter22" not in cause
    assert "line 1" in cause
