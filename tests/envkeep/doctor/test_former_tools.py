"""What the doctor says of files that still name tools/, the folder of before."""

from __future__ import annotations

from envkeep.doctor.checks import diagnose
from envkeep.doctor.context import DoctorContext
from envkeep.doctor.finding import Finding
from envkeep.project.former_tools import FormerName
from envkeep.project.metadata import machine


def diagnosed(*names: FormerName) -> Finding:
    """Return what the check finds."""
    findings = diagnose(DoctorContext(machine(), former_names=names))
    (only,) = (each for each in findings if each.check == "former-tools")
    return only


def test_what_names_the_old_way_is_a_warning_with_the_change() -> None:
    only = diagnosed(FormerName("local.mk:2", "$(TOOLS)", "$(KEEP)"))
    assert (only.status, only.found, only.expected) == ("warning", "$(TOOLS)", "$(KEEP)")
    assert only.message == (
        "tools/ is gone but still named in local.mk:2: write `$(KEEP)` for `$(TOOLS)`."
    )


def test_without_any_it_does_not_apply() -> None:
    assert diagnosed().status == "skipped"
