# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.export.openvino_genai_folder`."""

import sys

from ..kit.export import openvino_genai_folder as _module
from ..kit.export.openvino_genai_folder import *  # noqa: F403

sys.modules[__name__] = _module
