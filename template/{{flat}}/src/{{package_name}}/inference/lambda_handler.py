# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.inference.lambda_handler`."""

import sys

from ..kit.inference import lambda_handler as _module
from ..kit.inference.lambda_handler import *  # noqa: F403

sys.modules[__name__] = _module
