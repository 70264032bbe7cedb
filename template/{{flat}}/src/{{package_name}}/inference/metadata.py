# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.inference.metadata`."""

import sys

from ..kit.inference import metadata as _module
from ..kit.inference.metadata import *  # noqa: F403

sys.modules[__name__] = _module
