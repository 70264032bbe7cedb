# Owned by the template: every update rewrites this file. Your own checks go beside kit/.
"""The image's health check: can what `configs/generate.toml` says be opened, and does it generate?

Run as `python -m PACKAGE.kit.generation.health`. A server behind an HTTP API has a health of its
own, so it is not asked.
"""

from __future__ import annotations

import sys

from ..errors import ProjectError
from .opening import open_generator, read_settings


def main() -> int:
    """Open the generator and let it check itself; 1 if something is wrong."""
    try:
        read_settings()
        with open_generator() as generator:
            generator.check()
    except (ProjectError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
