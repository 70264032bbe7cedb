# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.generation.opening`."""

import sys

from ..kit.generation import opening as _module
from ..kit.generation.opening import *  # noqa: F403

sys.modules[__name__] = _module
