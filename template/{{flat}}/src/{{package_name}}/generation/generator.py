# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.generation.generator`."""

import sys

from ..kit.generation import generator as _module
from ..kit.generation.generator import *  # noqa: F403

sys.modules[__name__] = _module
