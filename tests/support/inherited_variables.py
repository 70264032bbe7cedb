"""What git or make that started these tests would tell those that the tests start."""

from __future__ import annotations

INHERITED_VARIABLES = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"),
    *("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "MAKELEVEL", "MAKE_TERMERR", "MAKE_TERMOUT"),
    "ARGS",
)
"""``make test ARGS=...`` hands its ARGS on to ``make`` in a project."""
