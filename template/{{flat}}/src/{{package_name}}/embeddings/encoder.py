# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.embeddings.encoder`."""

import sys

from ..kit.embeddings import encoder as _module
from ..kit.embeddings.encoder import *  # noqa: F403

sys.modules[__name__] = _module
