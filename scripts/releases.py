"""Make the tags of releases.yml that a clone lacks; Copier looks for them.

python scripts/releases.py [CLONE]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from maintain import ROOT
from maintain.releases.record import ReleaseError, load, tag


def main(arguments: Sequence[str] | None = None) -> int:
    """Tag a clone and print what was tagged."""
    parser = argparse.ArgumentParser(description="Make the tags of releases.yml.")
    parser.add_argument("clone", nargs="?", type=Path, default=ROOT)
    options = parser.parse_args(arguments)
    try:
        tagged = tag(options.clone, load())
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for release in tagged:
        print(f"tagged {release.version} {release.commit}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
