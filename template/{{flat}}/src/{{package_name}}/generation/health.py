# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.generation.health`, which `python -m` may still name so."""

import sys

from ..kit.generation import health as _module
from ..kit.generation.health import *  # noqa: F403

if __name__ == "__main__":
    sys.exit(_module.main())

sys.modules[__name__] = _module
