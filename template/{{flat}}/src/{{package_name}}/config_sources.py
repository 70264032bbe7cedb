# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.config_sources`."""

import sys

from .kit import config_sources as _module
from .kit.config_sources import *  # noqa: F403

sys.modules[__name__] = _module
