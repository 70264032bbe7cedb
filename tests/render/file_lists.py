"""The files that training, inference and hardware give, one list each in ``expected_files/``.

After a file was added or removed on purpose, write the lists anew and read the difference:

    python -m tests.render.file_lists
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from tests.support.answer_sets import ANSWER_SETS, PAIRS
from tests.support.copier_runs import files_of, render, stage

FOLDER = Path(__file__).parent / "expected_files"
DEFAULTS = "pytorch-onnxruntime"
LISTED = {
    **{name: ANSWER_SETS[name] for name in ("defaults", "gpus")},
    "minimal": {"profile": "minimal"},
    **PAIRS,
}
del LISTED[DEFAULTS]
WHEEL = re.compile(r"(?P<name>/stack/wheels/\w+)-[^-]+-")
COMMAND = "python -m tests.render.file_lists"


def list_file(name: str) -> Path:
    """Return where the list of some answers is kept."""
    return FOLDER / f"{name}.txt"


def listed(project: Path) -> str:
    """Return the paths of a project's files, sorted, one a line; a wheel's for any version."""
    paths = (WHEEL.sub(r"\g<name>-*-", path) for path in sorted(files_of(project)))
    return "".join(f"{path}\n" for path in paths)


def main() -> int:
    """Write all lists from the template as it stands."""
    with tempfile.TemporaryDirectory() as folder:
        template = stage(Path(folder) / "template")
        for name, answers in LISTED.items():
            project = render(template, Path(folder) / name, answers)
            list_file(name).write_text(listed(project), encoding="utf-8")
            print(f"wrote {list_file(name)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
