# Owned by the template: every update rewrites this file. It moved to kit/commands/.
"""Stand for `kit.commands.load`, as this project looks for commands in this folder alone."""

import sys

from ..kit.commands import load as _module
from ..kit.commands.load import *  # noqa: F403

sys.modules[__name__] = _module
