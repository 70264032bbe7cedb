# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.keras_backend`."""

import sys

from .kit import keras_backend as _module
from .kit.keras_backend import *  # noqa: F403

sys.modules[__name__] = _module
