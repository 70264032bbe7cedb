# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.tracking.provenance`."""

import sys

from ..kit.tracking import provenance as _module
from ..kit.tracking.provenance import *  # noqa: F403

sys.modules[__name__] = _module
