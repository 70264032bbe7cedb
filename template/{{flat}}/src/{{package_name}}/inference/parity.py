# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.inference.parity`."""

import sys

from ..kit.inference import parity as _module
from ..kit.inference.parity import *  # noqa: F403

sys.modules[__name__] = _module
