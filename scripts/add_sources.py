"""Let the Python that runs this import the sources of this repository; `make venv` runs it.

    .venv/bin/python scripts/add_sources.py

It writes a `.pth` file into its environment. The paths in it are relative, so a moved clone, and a
work tree whose .venv is a link, have their own sources.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[1].absolute()
SOURCES = (ROOT / "src", ROOT)
NAME = "ai_project_template.pth"


def main() -> int:
    """Write the file."""
    if sys.prefix == sys.base_prefix:
        print("error: this is no environment; use .venv/bin/python.", file=sys.stderr)
        return 1
    packages = sysconfig.get_path("purelib")
    lines = [f"{os.path.relpath(path, packages)}\n" for path in SOURCES]
    Path(packages, NAME).write_text("".join(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
