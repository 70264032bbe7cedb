# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.tracking.record`."""

import sys

from ..kit.tracking import record as _module
from ..kit.tracking.record import *  # noqa: F403

sys.modules[__name__] = _module
