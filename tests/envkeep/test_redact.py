"""What a bug report does not say: names, folders and secrets of whoever makes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkeep.redact import redacted, redactor

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
def test_what_is_private_is_redacted(text: str, expected: str) -> None:
    home, project = Path("/home/ada"), Path("/home/ada/work/proj")
    assert redactor(VARIABLES, project, home=home, user="ada")(text) == expected


def test_every_text_of_a_report_is_redacted() -> None:
    report = {"a": ["x", {"x": None, "y": ("x", 7)}]}
    assert redacted(report, lambda text: text.replace("x", "-")) == {
        "a": ["-", {"-": None, "y": ["-", 7]}]
    }
