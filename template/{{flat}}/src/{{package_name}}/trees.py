# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.trees`."""

import sys

from .kit import trees as _module
from .kit.trees import *  # noqa: F403

sys.modules[__name__] = _module
