"""What the doctor's report says, and what a bug report does not say."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.envkeep.doctor.conftest import Doctor
from tests.envkeep.doctor.machines import without_shell

pytestmark = without_shell()
DoctorOn = Callable[[str], Doctor]
TOKEN = "-".join(["hunter", "22"])


def test_the_report_of_the_command(doctor_on: DoctorOn, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor = doctor_on("vm-without-gpu")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("LOGNAME", "ada")
    secret = f"https://ada:{TOKEN}@mirror/ and /home/ada/x and {doctor.folder}/y"
    found = doctor.diagnose()
    bad = doctor.envkeep.finding.Finding("error", secret, secret, remedy=secret)
    data = doctor.envkeep.report.as_data(found.context, [bad])
    (row,) = data["findings"]
    assert row["message"] == "https://***@mirror/ and ~/x and ./y"
    assert row["found"] == row["command"] == row["message"]
    for private in ("ada", TOKEN, str(doctor.folder)):
        assert private not in json.dumps(data)
