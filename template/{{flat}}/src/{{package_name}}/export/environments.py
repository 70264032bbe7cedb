# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.export.environments`."""

import sys

from ..kit.export import environments as _module
from ..kit.export.environments import *  # noqa: F403

sys.modules[__name__] = _module
