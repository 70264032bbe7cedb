"""The resolver is shielded from the machine, and its explanations are made short."""

import io
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from maintain.stack.data import StackError
from maintain.stack.report import Reporter
from maintain.stack.resolver import Resolver, find_uv, shielded_environment, shorten_explanation
from tests.stack.stub_index import make_stub_stack

# Written by uv 0.13.8 for real packages and for stub wheels.
NEEDS_PYTHON = """\
error: No solution found when resolving dependencies for split (markers: python_full_version == '3.11.*')
  cause: Because the requested Python version (>=3.11) does not satisfy Python>=3.12 and numpy==2.5.5 depends on Python>=3.12, we can conclude that numpy==2.5.5 cannot be used.
         And because only numpy<=2.5.5 is available and you require numpy>=2.5.5, we can conclude that your requirements are unsatisfiable.

hint: The `requires-python` value (>=3.11) includes Python versions that are not supported by your dependencies (e.g., numpy==2.5.5 only supports >=3.12).
"""  # noqa: E501
PINNED_WITH_MARKER = """\
error: No solution found when resolving dependencies
  cause: Because torch==2.13.0 depends on triton{python_full_version < '3.15' and sys_platform == 'linux'}==3.7.1 and you require torch==2.13.0, we can conclude that you require triton==3.7.1.
         And because you require triton>=3.8, we can conclude that your requirements are unsatisfiable.
"""  # noqa: E501
RANGES = """\
error: No solution found when resolving dependencies for split (markers: python_full_version >= '3.12')
  cause: Because sympy>=1.13.3 depends on mpmath>=1.1.0,<1.4 and only the following versions of sympy are available:
             sympy<1.14.0rc1
             sympy>1.14.0rc2
         we can conclude that sympy>=1.13.3 depends on mpmath>=1.1.0,<1.4.
         And because torch==2.13.0 depends on sympy>=1.13.3, we can conclude that torch==2.13.0 depends on mpmath>=1.1.0,<1.4.
"""  # noqa: E501
ONE_OF = """\
error: No solution found when resolving dependencies
  cause: Because networkx==3.7 depends on one of:
             Python>=3.12,<3.14.1
             Python>3.14.1
         we can conclude that networkx==3.7 cannot be used.
"""
REQUIRES = """\
error: No solution found when resolving dependencies for split (markers: python_full_version == '3.11.*')
  cause: Because fruit==2.0 requires Python >=3.12 and only fruit<=2.0 is available, we can conclude that fruit>=2.0 cannot be used.
"""  # noqa: E501
ALL_VERSIONS = """\
error: No solution found when resolving dependencies
  cause: Because all versions of torch depend on seed<2 and you require seed>=2.0, we can conclude that your requirements and all versions of torch are incompatible.
"""  # noqa: E501
NO_DEMAND = """\
error: No solution found when resolving dependencies
  cause: Because only sympy<=1.14.0 is available and you require sympy>=1.15, we can conclude that your requirements are unsatisfiable.
"""  # noqa: E501


@pytest.mark.parametrize(
    ("written", "short"),
    [
        (NEEDS_PYTHON, ["numpy 2.5.5 needs Python>=3.12"]),
        (PINNED_WITH_MARKER, ["torch 2.13.0 needs triton==3.7.1"]),
        (
            RANGES,
            [
                "sympy>=1.13.3 needs mpmath>=1.1.0,<1.4",
                "torch 2.13.0 needs sympy>=1.13.3",
                "torch 2.13.0 needs mpmath>=1.1.0,<1.4",
            ],
        ),
        (ONE_OF, ["networkx 3.7 needs Python>=3.12,<3.14.1 or Python>3.14.1"]),
        (REQUIRES, ["fruit 2.0 needs Python>=3.12"]),
        (ALL_VERSIONS, ["every version of torch needs seed<2"]),
        (NO_DEMAND, ["only sympy<=1.14.0 is available and you require sympy>=1.15"]),
    ],
)
def test_explanations_are_reduced_to_the_demands(written: str, short: list[str]) -> None:
    assert shorten_explanation(written) == short


def test_settings_that_change_the_result_do_not_reach_uv() -> None:
    given = {"UV_INDEX_URL": "x", "UV_FIND_LINKS": "x", "UV_CACHE_DIR": "kept", "HOME": "kept"}
    shielded = shielded_environment(given)
    assert {name: shielded.get(name) for name in given} == {
        "UV_INDEX_URL": None,
        "UV_FIND_LINKS": None,
        "UV_CACHE_DIR": "kept",
        "HOME": "kept",
    }
    assert shielded["UV_NO_CONFIG"] == "1"
    assert shielded["UV_PYTHON_DOWNLOADS"] == "never"


def test_links_and_configuration_of_the_machine_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = make_stub_stack(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    machine = make_stub_stack(other)
    machine.publish("fruit", "99.0")
    config = tmp_path / "config" / "uv"
    config.mkdir(parents=True)
    links = str(machine.wheels).replace("\\", "/")
    (config / "uv.toml").write_text(f'find-links = ["{links}"]\n', encoding="utf-8")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config.parent))
    monkeypatch.setenv("UV_FIND_LINKS", str(machine.wheels))
    monkeypatch.chdir(machine.folder)
    resolver = Resolver(find_uv(), date(2026, 1, 15), "3.11", stub.index_options)
    assert resolver.resolve(["fruit"]) == "fruit==1.0\n"


def test_an_unreachable_index_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    nowhere = ("--default-index", "http://127.0.0.1:1/simple")  # nothing listens on port 1
    resolver = Resolver(find_uv(), date(2026, 1, 15), "3.11", nowhere)
    with pytest.raises(StackError, match="PyPI cannot be reached; check the network") as refused:
        resolver.resolve(["fruit"])
    assert "\n" not in str(refused.value)


def test_steps_are_lines_without_a_terminal_and_a_bar_on_one() -> None:
    plain, screen = io.StringIO(), io.StringIO()
    assert list(Reporter(Console(file=plain)).steps(["a", "b"], "asking")) == ["a", "b"]
    assert plain.getvalue() == "asking a (1/2)\nasking b (2/2)\n"
    terminal = Console(file=screen, force_terminal=True, width=80)
    assert list(Reporter(terminal).steps(["a", "b"], "asking")) == ["a", "b"]
    assert "100%" in screen.getvalue()


def test_tables_are_lines_without_a_terminal() -> None:
    written = io.StringIO()
    reporter = Reporter(Console(file=written, width=20))
    reporter.table("moved", ("package", "why"), [("fruit", "a reason longer than a line")])
    reporter.table("added", ("package",), [])
    assert written.getvalue() == "moved:\n  fruit | a reason longer than a line\n"


def test_tables_on_a_narrow_terminal_lose_no_text() -> None:
    screen = io.StringIO()
    reporter = Reporter(Console(file=screen, force_terminal=True, width=40, color_system=None))
    reporter.table("moved", ("package", "why"), [("fruit", "x" * 60)])
    assert screen.getvalue().count("x") == 60
    assert list(reporter.steps([], "asking")) == []
    assert "asking" not in screen.getvalue().lower()
