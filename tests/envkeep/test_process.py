"""Programs that the tools start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.support.copier_runs import ROOT
from tests.support.engine import variables

ENDS_WHEN_ASKED = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("ready", flush=True)
signal.pause()
"""
HANDS_OVER = """
import sys
from envkeep.process import hand_over
sys.exit(hand_over([sys.executable, "-c", sys.argv[1]]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes without a signal")
def test_a_program_in_charge_is_asked_to_end_when_the_tools_are() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HANDS_OVER, ENDS_WHEN_ASKED],
        env=variables(ROOT / "template"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as tools:
        assert tools.stdout is not None
        assert tools.stdout.readline() == "ready\n"
        tools.send_signal(signal.SIGTERM)
    assert tools.returncode == 7
