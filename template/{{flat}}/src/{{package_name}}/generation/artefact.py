# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.generation.artifact`."""

import sys

from ..kit.generation import artifact as _module
from ..kit.generation.artifact import *  # noqa: F403

sys.modules[__name__] = _module
