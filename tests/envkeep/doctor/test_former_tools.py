"""What the doctor says of files that still name tools/, the folder of before."""

from __future__ import annotations

from envkeep.doctor.checks import GROUPS
from envkeep.doctor.checks.former_tools import former_names
from envkeep.doctor.context import Situation
from envkeep.project.former_tools import FormerName
from envkeep.project.metadata import machine


def test_what_names_the_old_way_is_a_warning_with_the_change() -> None:
    found = FormerName("local.mk:2", "$(TOOLS)", "$(KEEP)")
    (only,) = former_names(Situation(machine(), former_names=(found,)))
    assert (only.status, only.found, only.expected) == ("warning", "$(TOOLS)", "$(KEEP)")
    assert only.message == (
        "tools/ is gone but still named in local.mk:2: write `$(KEEP)` for `$(TOOLS)`."
    )
    assert former_names in GROUPS["Files"]


def test_without_any_there_is_nothing_to_say() -> None:
    assert list(former_names(Situation(machine()))) == []
