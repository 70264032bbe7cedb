# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.files`."""

import sys

from .kit import files as _module
from .kit.files import *  # noqa: F403

sys.modules[__name__] = _module
