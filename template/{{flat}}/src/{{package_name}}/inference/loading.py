# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.inference.predictor`."""

import sys

from ..kit.inference import predictor as _module
from ..kit.inference.predictor import *  # noqa: F403

sys.modules[__name__] = _module
