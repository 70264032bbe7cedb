# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.reproducibility`."""

import sys

from .kit import reproducibility as _module
from .kit.reproducibility import *  # noqa: F403

sys.modules[__name__] = _module
