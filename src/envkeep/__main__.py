"""Run ``python -m envkeep`` on the project in the working folder; for envkeep's developers."""

import sys

from envkeep.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
