# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.export.native`."""

import sys

from ..kit.export import native as _module
from ..kit.export.native import *  # noqa: F403

sys.modules[__name__] = _module
