# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.inference.loading`."""

import sys

from ..kit.inference import loading as _module
from ..kit.inference.loading import *  # noqa: F403

sys.modules[__name__] = _module
