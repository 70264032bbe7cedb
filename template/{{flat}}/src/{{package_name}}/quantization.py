# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.quantization`."""

import sys

from .kit import quantization as _module
from .kit.quantization import *  # noqa: F403

sys.modules[__name__] = _module
