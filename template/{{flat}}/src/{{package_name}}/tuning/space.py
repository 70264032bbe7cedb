# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.tuning.space`."""

import sys

from ..kit.tuning import space as _module
from ..kit.tuning.space import *  # noqa: F403

sys.modules[__name__] = _module
