# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.inference.native_backend`."""

import sys

from ..kit.inference import native_backend as _module
from ..kit.inference.native_backend import *  # noqa: F403

sys.modules[__name__] = _module
