"""What the tools of before wrote is still read: environments, tries, saved folders, bisections.

The texts here are as those tools wrote them; they are not to follow a change of the code.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from envkeep.bisect.log import BisectLog
from tests.support.engine import variables

ACTIVE, TRIED = "0123456789ab", "ba9876543210"  # pragma: allowlist secret
SHA256 = "c" * 64
GENERATION = """\
{
  "name": "%(name)s",
  "kind": "development",
  "lock_sha256": "%(sha256)s",
  "project_sha256": "",
  "python": "3.11",
  "created": "2026-11-21T10:00:00Z",
  "reason": "%(reason)s",
  "project_folder": "%(folder)s",
  "backend": "cpu",
  "import_seconds": 1.5
}
"""
REPORT = """\
{
  "name": "%(name)s",
  "text": "numpy==2.4",
  "created": "2026-11-21T11:00:00Z",
  "good": false,
  "verdict": "the tests fail with it",
  "before": {"requirements/overrides.txt": null},
  "after": {"requirements/overrides.txt": "%(sha256)s"},
  "number": 1
}
"""
MANIFEST = """\
{
  "format": 1,
  "created": "2026-11-21T12:00:00Z",
  "project": "my_ai_project",
  "stack_release": "2026.11",
  "commit": "%(sha256)s",
  "uncommitted": false,
  "target": "plan9-x86_64-cpu",
  "lock_sha256": "%(sha256)s",
  "python": "3.11",
  "image": null,
  "system": {
    "platform": "plan9-x86_64",
    "release": "Plan 9",
    "processor": "",
    "libc": null,
    "driver": null,
    "gpus": [],
    "python": "3.11.7"
  },
  "layers": ["30-prod"],
  "files": {"tools.txt": "%(tools)s"}
}
"""
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
STEPS = """\
{"environment": "0123456789ab", "is_own": true}
{"lock": "aa", "verdict": "pass"}
{"lock": "bb", "verdict": "fail"}
"""


def write(path: Path, text: str, **values: str) -> None:
    """Write a record, with what depends on the place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text % values if values else text, encoding="utf-8")


@pytest.fixture
def kept(project: Path) -> Path:
    """Return a project with records of before: two environments, of which one was tried."""
    for name, reason in ((ACTIVE, "make install"), (TRIED, "make try: numpy==2.4")):
        place = project / ".venvs" / name / "generation.json"
        write(place, GENERATION, name=name, reason=reason, sha256=SHA256, folder=str(project))
    write(project / ".venvs" / "history.json", json.dumps({"development": [ACTIVE]}))
    (project / ".venv").symlink_to(Path(".venvs", ACTIVE), target_is_directory=True)
    write(project / ".cache" / "tries" / TRIED / "report.json", REPORT, name=TRIED, sha256=SHA256)
    return project


def envkeep(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a project."""
    return subprocess.run(
        [sys.executable, "-B", "keep.py", *arguments],
        cwd=project,
        env=variables(project),
        capture_output=True,
        text=True,
        check=False,
    )


def test_environments_and_tries_are_listed(kept: Path) -> None:
    lines = envkeep(kept, "generations").stdout.splitlines()
    rows = {name: line for line in lines for name in (ACTIVE, TRIED) if name in line}
    assert rows[ACTIVE].startswith("*") and rows[ACTIVE].endswith("make install")
    assert rows[TRIED].endswith("make try: numpy==2.4 (bad)")


def test_a_try_is_judged_as_it_was(kept: Path) -> None:
    said = envkeep(kept, "promote").stderr
    assert '"numpy==2.4" was bad: the tests fail with it; nothing was changed' in said


def test_a_saved_folder_is_verified_and_compared_with_this_machine(kept: Path) -> None:
    saved = kept / "saved" / "folder"
    write(saved / "manifest.json", MANIFEST, sha256=SHA256, tools=EMPTY)
    write(saved / "tools.txt", "")
    done = envkeep(kept, "restore", str(saved))
    assert "Verifying 1 files." in done.stdout
    assert "plan9-x86_64" in done.stderr


def test_a_bisection_goes_on_from_its_steps(tmp_path: Path) -> None:
    write(tmp_path / "log.jsonl", STEPS)
    log = BisectLog(tmp_path)
    verdicts = [log.verdict(lock) for lock in ("aa", "bb", "cc")]
    assert [each and each.value for each in verdicts] == ["pass", "fail", None]
    assert log.environments() == {ACTIVE}
