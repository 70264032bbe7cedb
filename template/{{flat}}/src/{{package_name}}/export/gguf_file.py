# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.export.gguf_file`."""

import sys

from ..kit.export import gguf_file as _module
from ..kit.export.gguf_file import *  # noqa: F403

sys.modules[__name__] = _module
