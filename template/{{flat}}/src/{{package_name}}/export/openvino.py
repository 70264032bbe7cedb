# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.export.openvino`."""

import sys

from ..kit.export import openvino as _module
from ..kit.export.openvino import *  # noqa: F403

sys.modules[__name__] = _module
