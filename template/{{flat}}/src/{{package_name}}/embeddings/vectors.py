# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.embeddings.vectors`."""

import sys

from ..kit.embeddings import vectors as _module
from ..kit.embeddings.vectors import *  # noqa: F403

sys.modules[__name__] = _module
