# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.reporting`."""

import sys

from .kit import reporting as _module
from .kit.reporting import *  # noqa: F403

sys.modules[__name__] = _module
