# Owned by the template: every update rewrites this file. keep.py took the place of tools/.
"""Hand over to keep.py what the former `make update` starts here; `make lock-all` removes it."""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.argv[0] = str(Path(__file__).resolve().parent.parent / "keep.py")
    runpy.run_path(sys.argv[0], run_name="__main__")
