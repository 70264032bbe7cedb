# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.training.saved`."""

import sys

from ..kit.training import saved as _module
from ..kit.training.saved import *  # noqa: F403

sys.modules[__name__] = _module
