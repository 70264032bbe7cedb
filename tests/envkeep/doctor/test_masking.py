"""What a bug report does not say: names, folders and secrets of whoever makes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.envkeep.doctor.conftest import Doctor
from tests.envkeep.doctor.machines import without_shell

pytestmark = without_shell()
DoctorOn = Callable[[str], Doctor]
TOKEN = "-".join(["hunter", "22"])
LOGIN = ":".join(["me", "pw"])
VARIABLES = {
    "HF_TOKEN": TOKEN,
    "WANDB_API_KEY": "eulalia",  # pragma: allowlist secret
    "SSH_AUTH_SOCK": "/tmp/agent",
    "MY_AUTH": "yes",
    "LANG": "C.UTF-8",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/ada/work/proj/.venv is not there", "./.venv is not there"),
        ("/home/ada/.cache/uv", "~/.cache/uv"),
        ("/home/adabc/x", "/home/adabc/x"),
        ("/scratch/ada/data, ada@host", "/scratch/<user>/data, <user>@host"),
        ("the language Ada and ada-boost", "the language Ada and ada-boost"),
        (f"token {TOKEN} was refused", "token *** was refused"),
        ("yes and C.UTF-8 and /tmp/agent", "yes and C.UTF-8 and /tmp/agent"),
        (f"https://{LOGIN}@mirror/simple", "https://***@mirror/simple"),
        ("https://eulalia@mirror/simple", "https://***@mirror/simple"),
        ("https://mirror/x?token=abc&page=2", "https://mirror/x?token=***&page=2"),
        ("numpy 2.4.6", "numpy 2.4.6"),
    ],
)
def test_what_is_private_is_masked(text: str, expected: str, doctor_on: DoctorOn) -> None:
    masking = doctor_on("vm-without-gpu").tools.masking
    home, project = Path("/home/ada"), Path("/home/ada/work/proj")
    assert masking.masker(VARIABLES, project, home=home, user="ada")(text) == expected


def test_every_text_of_a_report_is_masked(doctor_on: DoctorOn) -> None:
    masking = doctor_on("vm-without-gpu").tools.masking
    report = {"a": ["x", {"x": None, "y": ("x", 7)}]}
    assert masking.masked(report, lambda text: text.replace("x", "-")) == {
        "a": ["-", {"-": None, "y": ["-", 7]}]
    }


def test_the_report_of_the_command(doctor_on: DoctorOn, monkeypatch: pytest.MonkeyPatch) -> None:
    doctor = doctor_on("vm-without-gpu")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("LOGNAME", "ada")
    secret = f"https://ada:{VARIABLES['HF_TOKEN']}@mirror/ and /home/ada/x and {doctor.folder}/y"
    found = doctor.diagnose()
    bad = doctor.tools.finding.Finding("error", secret, secret, command=secret)
    text = doctor.tools.report.as_json(found.situation, [bad])
    (row,) = json.loads(text)["findings"]
    assert row["message"] == "https://***@mirror/ and ~/x and ./y"
    assert row["found"] == row["command"] == row["message"]
    for private in ("ada", TOKEN, str(doctor.folder)):
        assert private not in text
