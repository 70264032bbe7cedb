# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.frames`."""

import sys

from ..kit import frames as _module
from ..kit.frames import *  # noqa: F403

sys.modules[__name__] = _module
