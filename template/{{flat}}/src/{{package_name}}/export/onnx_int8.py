# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.export.onnx`."""

import sys

from ..kit.export import onnx as _module
from ..kit.export.onnx import *  # noqa: F403

sys.modules[__name__] = _module
