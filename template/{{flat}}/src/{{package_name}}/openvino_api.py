# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.openvino_api`."""

import sys

from .kit import openvino_api as _module
from .kit.openvino_api import *  # noqa: F403

sys.modules[__name__] = _module
