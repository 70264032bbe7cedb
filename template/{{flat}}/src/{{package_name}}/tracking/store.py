# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.tracking.store`."""

import sys

from ..kit.tracking import store as _module
from ..kit.tracking.store import *  # noqa: F403

sys.modules[__name__] = _module
