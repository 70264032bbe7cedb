# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Stand for `kit.export.transformers_folder`."""

import sys

from ..kit.export import transformers_folder as _module
from ..kit.export.transformers_folder import *  # noqa: F403

sys.modules[__name__] = _module
