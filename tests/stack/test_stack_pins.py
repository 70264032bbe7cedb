"""Pins are read, compared and headed rightly."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from maintain.stack.data import StackError, load_platforms, load_release
from maintain.stack.pins import (
    Move,
    diff_pins,
    marker_environment,
    parse_pins,
    pins_for,
    render_header,
    set_release_values,
)

LOCK = """\
# a comment
numpy==2.4.6 ; python_full_version < '3.12'
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via something
Types_PyYAML==6.0.12.20261113
"""


def test_pins_are_read_with_markers_and_hashes() -> None:
    pins = parse_pins(LOCK)
    assert [(pin.name, str(pin.version)) for pin in pins] == [
        ("numpy", "2.4.6"),
        ("numpy", "2.5.5"),
        ("types-pyyaml", "6.0.12.20261113"),
    ]
    assert pins[1].hashes == ("sha256:aa", "sha256:bb")
    assert pins[2].marker == ""


@pytest.mark.parametrize("line", ["numpy>=2", "numpy==2.*", "numpy", "numpy==2,<3", "-r other.txt"])
def test_lines_that_pin_nothing_are_refused(line: str) -> None:
    with pytest.raises(StackError, match="The line"):
        parse_pins(line)


@pytest.mark.parametrize(("python", "version"), [("3.11", "2.4.6"), ("3.12", "2.5.5")])
def test_markers_choose_the_pin(python: str, version: str) -> None:
    chosen = pins_for(parse_pins(LOCK), marker_environment(python, "linux-arm64"))
    assert chosen[canonicalize_name("numpy")] == Version(version)


def test_two_pins_for_one_environment_are_refused() -> None:
    pins = parse_pins("a==1 ; sys_platform == 'linux'\na==2 ; platform_machine == 'x86_64'\n")
    assert pins_for(pins, marker_environment("3.12", "linux-arm64")) == {"a": Version("1")}
    with pytest.raises(StackError, match=r"a is pinned twice for Python 3\.12 on linux"):
        pins_for(pins, marker_environment("3.12", "linux-x86_64"))


def test_moves_are_listed_with_major_ones_first() -> None:
    old = parse_pins("alpha==1.0\nbeta==1.0\ngone==3\nsame==1\n")
    new = parse_pins("alpha==1.1\nbeta==2.0\nfresh==4\nsame==1\n")
    diff = diff_pins(old, new)
    assert diff.moved == (Move("beta", "1.0", "2.0", True), Move("alpha", "1.0", "1.1", False))
    assert diff.added == ("fresh 4",)
    assert diff.removed == ("gone 3",)


def test_a_changed_marker_is_a_move() -> None:
    diff = diff_pins(parse_pins("a==1\n"), parse_pins("a==1 ; sys_platform == 'linux'\n"))
    assert diff.moved == (Move("a", "1", "1 (its environments changed)", False),)


def test_equal_sets_do_not_differ() -> None:
    assert not diff_pins(parse_pins(LOCK), parse_pins(LOCK.replace("sha256:aa", "sha256:cc")))


def test_header_names_release_torch_and_cutoff(stack: Path) -> None:
    header = render_header(load_release(stack), "all pins")
    assert header.splitlines()[0] == "# Stack release 2026.11: all pins."
    assert "torch 2.13.0; packages uploaded after 2026-11-20" in header
    assert all(line.startswith("# ") for line in header.splitlines())


def test_every_platform_has_its_markers(stack: Path) -> None:
    seen = set()
    for row in load_platforms(stack):
        environment = marker_environment("3.12", row.platform)
        assert Requirement("a; python_version >= '3.12'").marker.evaluate(environment)
        seen.add((environment["sys_platform"], environment["platform_machine"]))
    assert seen == {
        ("linux", "x86_64"),
        ("linux", "aarch64"),
        ("darwin", "arm64"),
        ("win32", "AMD64"),
    }


def test_release_values_are_replaced_and_comments_stay() -> None:
    text = '# torch: why\n- torch: "1.0"  # note\n  cutoff: "2026-01-15"\n'
    changed = set_release_values(text, {"torch": "2.0", "cutoff": "2026-02-01"})
    assert changed == '# torch: why\n- torch: "2.0"  # note\n  cutoff: "2026-02-01"\n'


@pytest.mark.parametrize("text", ['- name: "1"\n', '- torch: "1"\n- torch: "2"\n', "- torch: 1\n"])
def test_a_release_value_that_is_not_there_once_is_refused(text: str) -> None:
    with pytest.raises(StackError, match="exactly one line `torch"):
        set_release_values(text, {"torch": "3"})
