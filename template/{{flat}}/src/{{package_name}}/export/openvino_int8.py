# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.export.openvino_int8`."""

import sys

from ..kit.export import openvino_int8 as _module
from ..kit.export.openvino_int8 import *  # noqa: F403

sys.modules[__name__] = _module
