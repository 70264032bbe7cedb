"""Make a release of the template: check everything, then commit, record and tag it.

    python scripts/release.py VERSION [--dry-run]

Nothing is pushed; the last lines say what to push. Whatever stops it leaves the repository as it
was. docs/how-to/make-a-release.md explains each step.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from maintain import ROOT
from maintain.errors import MaintainError
from maintain.releases import publish
from maintain.releases.record import ReleaseError


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command.

    Returns:
        0 when the release is made, or could be made; 1 when something is in its way.
    """
    parser = argparse.ArgumentParser(description="Make a release of the template.")
    parser.add_argument("version", help="PEP 440, higher than all before; for example 0.2.0")
    parser.add_argument("--dry-run", action="store_true", help="check only, change nothing")
    options = parser.parse_args(arguments)
    try:
        commit = publish.check_repository(root, options.version)
        publish.check_changelog(root)
        publish.check_generated(root)
        publish.check_earlier_releases(root)
        if options.dry_run:
            print(f"release: {options.version} can be made of {commit[:12]}; nothing was changed.")
            return 0
        if publish.check_repository(root, options.version) != commit:
            raise ReleaseError(f"{publish.BRANCH} has moved during the checks: run this again.")
        release = publish.publish(root, options.version, datetime.now(UTC).date())
    except MaintainError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    print(f"release: {release.version} is {release.commit}, tagged here. Push both together:")
    print(f"  git push --atomic {publish.remotes(root)[0]} {publish.BRANCH} {release.version}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
