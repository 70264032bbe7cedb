# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.project_folder`."""

import sys

from .kit import project_folder as _module
from .kit.project_folder import *  # noqa: F403

sys.modules[__name__] = _module
