# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""Entry point: refuse a Python that is too old before anything newer is imported."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036, an older one starts this file too
    sys.exit("tools need Python 3.11 or newer to run: call them as `make PYTHON=python3.12 ...`.")

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
