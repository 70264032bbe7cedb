# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.hub`."""

import sys

from .kit import hub as _module
from .kit.hub import *  # noqa: F403

sys.modules[__name__] = _module
