# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.manifest`."""

import sys

from ..kit import manifest as _module
from ..kit.manifest import *  # noqa: F403

sys.modules[__name__] = _module
