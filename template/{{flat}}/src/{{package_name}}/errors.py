# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.errors`."""

import sys

from .kit import errors as _module
from .kit.errors import *  # noqa: F403

sys.modules[__name__] = _module
