# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.generation.protocol`."""

import sys

from ..kit.generation import protocol as _module
from ..kit.generation.protocol import *  # noqa: F403

sys.modules[__name__] = _module
