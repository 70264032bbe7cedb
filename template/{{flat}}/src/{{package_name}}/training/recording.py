# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.training.recording`."""

import sys

from ..kit.training import recording as _module
from ..kit.training.recording import *  # noqa: F403

sys.modules[__name__] = _module
