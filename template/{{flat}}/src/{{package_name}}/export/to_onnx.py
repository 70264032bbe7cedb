# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.export.to_onnx`."""

import sys

from ..kit.export import to_onnx as _module
from ..kit.export.to_onnx import *  # noqa: F403

sys.modules[__name__] = _module
