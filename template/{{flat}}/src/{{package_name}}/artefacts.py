# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.artifacts`."""

import sys

from .kit import artifacts as _module
from .kit.artifacts import *  # noqa: F403

sys.modules[__name__] = _module
