# Owned by the template: every update rewrites this file. Your own checks go beside kit/.
"""The image's health check: is the server of this machine ready?

Run as `python -m PACKAGE.kit.serving.health`.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request

from ..errors import ProjectError
from .settings import read_settings

_SECONDS = 5


def main() -> int:
    """Ask /health/ready; 1 if it says no, or nothing."""
    try:
        port = read_settings(os.environ).port
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{port}/health/ready", timeout=_SECONDS) as answer:
            print(answer.read().decode())
    except (ProjectError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
