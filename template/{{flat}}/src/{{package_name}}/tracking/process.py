# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.tracking.process`."""

import sys

from ..kit.tracking import process as _module
from ..kit.tracking.process import *  # noqa: F403

sys.modules[__name__] = _module
