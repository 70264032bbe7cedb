"""What is looked up about locked versions, and what a team accepts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from envkeep.audit import vulnerabilities
from envkeep.errors import ToolError
from envkeep.toolchain import locking_tools
from tests.support.advisories import Advisories
from tests.support.loopback import QuietHandler, answering


@pytest.fixture
def accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "accepted-vulnerabilities.txt"
    monkeypatch.setattr(vulnerabilities, "ACCEPTED_VULNERABILITIES", path)
    return path


def test_ids_are_read_without_their_reasons(accepted: Path) -> None:
    assert vulnerabilities.accepted_advisories() == []
    accepted.write_text("# Yours\nCVE-2026-0001  # not called\nGHSA-aaaa-bbbb-cccc\n")
    assert vulnerabilities.accepted_advisories() == ["CVE-2026-0001", "GHSA-aaaa-bbbb-cccc"]


def test_a_line_that_is_no_id_is_refused(accepted: Path) -> None:
    accepted.write_text("--service osv\n")
    with pytest.raises(ToolError, match="write the id of an advisory"):
        vulnerabilities.accepted_advisories()


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


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what pip-audit is asked, which is not here and knows nothing."""
    found: list[str] = []

    def ask(lines: Sequence[str], service: str, accepted: Sequence[str]) -> list[dict[str, str]]:
        found.extend(lines)
        return [{"name": "demo", "version": "1.0"}]

    monkeypatch.setattr(vulnerabilities, "_ask", ask)
    monkeypatch.setattr(locking_tools, "ensure", lambda: Path(sys.prefix))
    return found


def test_a_service_that_does_not_answer_is_found_out_first(
    asked: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ToolError, match="nobody could be asked about vulnerabilities"):
        vulnerabilities.look_up({"demo": {"1.0"}}, "http://127.0.0.1:1", [])
    assert asked == []
    assert "127.0.0.1" in capfd.readouterr().out, "the reason is said"


def test_a_service_that_answers_is_asked(asked: list[str]) -> None:
    with answering(Advisories) as service:
        vulnerabilities.look_up({"demo": {"1.0"}}, service, [])
    assert asked == ["demo==1.0"]


def test_a_service_that_refuses_does_not_answer(asked: list[str]) -> None:
    with answering(QuietHandler) as service, pytest.raises(ToolError):
        vulnerabilities.look_up({"demo": {"1.0"}}, service, [])
    assert asked == []
