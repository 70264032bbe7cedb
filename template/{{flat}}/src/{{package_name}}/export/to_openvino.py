# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.export.to_openvino`."""

import sys

from ..kit.export import to_openvino as _module
from ..kit.export.to_openvino import *  # noqa: F403

sys.modules[__name__] = _module
