# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.generation.transformers_backend`."""

import sys

from ..kit.generation import transformers_backend as _module
from ..kit.generation.transformers_backend import *  # noqa: F403

sys.modules[__name__] = _module
