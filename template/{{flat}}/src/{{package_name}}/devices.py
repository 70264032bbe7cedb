# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.devices`."""

import sys

from .kit import devices as _module
from .kit.devices import *  # noqa: F403

sys.modules[__name__] = _module
