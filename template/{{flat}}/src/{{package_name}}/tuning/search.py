# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.tuning.search`."""

import sys

from ..kit.tuning import search as _module
from ..kit.tuning.search import *  # noqa: F403

sys.modules[__name__] = _module
