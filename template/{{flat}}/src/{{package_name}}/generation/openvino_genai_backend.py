# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.generation.openvino_genai_backend`."""

import sys

from ..kit.generation import openvino_genai_backend as _module
from ..kit.generation.openvino_genai_backend import *  # noqa: F403

sys.modules[__name__] = _module
