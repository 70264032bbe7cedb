# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.memory`."""

import sys

from .kit import memory as _module
from .kit.memory import *  # noqa: F403

sys.modules[__name__] = _module
