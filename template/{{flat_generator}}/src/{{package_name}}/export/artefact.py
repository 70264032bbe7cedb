# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.export.artifact`."""

import sys

from ..kit.export import artifact as _module
from ..kit.export.artifact import *  # noqa: F403

sys.modules[__name__] = _module
