"""Build envkeep's wheel and bring it into the template, with the wheels of what it needs.

python scripts/build_wheel.py
"""

from __future__ import annotations

import sys

from maintain import ROOT
from maintain.wheel import refresh_wheels


def main() -> int:
    """Run the command."""
    print(f"wrote {refresh_wheels(ROOT).relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
