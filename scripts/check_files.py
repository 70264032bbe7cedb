"""Check the files of this repository by the same rules as a project's files; the hooks call it.

python scripts/check_files.py FILE ...
"""

from __future__ import annotations

import sys
from argparse import Namespace

from envkeep.cli.output import show
from envkeep.commands.check_files import run

if __name__ == "__main__":
    sys.exit(show(run(Namespace(files=sys.argv[1:]))))
