# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.generation.parity`."""

import sys

from ..kit.generation import parity as _module
from ..kit.generation.parity import *  # noqa: F403

sys.modules[__name__] = _module
