"""What is looked up about locked versions, and what a team accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from template.tools import vulnerabilities
from template.tools.commands import audit
from template.tools.errors import ToolError


@pytest.fixture
def accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "accepted-vulnerabilities.txt"
    monkeypatch.setattr(audit, "ACCEPTED_VULNERABILITIES", path)
    return path


def test_ids_are_read_without_their_reasons(accepted: Path) -> None:
    assert audit.accepted_advisories() == []
    accepted.write_text("# Yours\nCVE-2026-0001  # not called\nGHSA-aaaa-bbbb-cccc\n")
    assert audit.accepted_advisories() == ["CVE-2026-0001", "GHSA-aaaa-bbbb-cccc"]


def test_a_line_that_is_no_id_is_refused(accepted: Path) -> None:
    accepted.write_text("--service osv\n")
    with pytest.raises(ToolError, match="write the id of an advisory"):
        audit.accepted_advisories()


def test_each_question_has_a_package_once() -> None:
    versions = {"a": {"1", "2"}, "b": {"1"}, "c": {"3", "1", "2"}}
    asked = vulnerabilities._sets(versions)
    assert sorted(line for each in asked for line in each) == [
        "a==1",
        "a==2",
        "b==1",
        "c==1",
        "c==2",
        "c==3",
    ]
    for lines in asked:
        assert len({line.partition("=")[0] for line in lines}) == len(lines)
