"""Stand for `kit.commands.plan`, as this project looks for commands in this folder alone."""

import sys

from ..kit.commands import plan as _module
from ..kit.commands.plan import *  # noqa: F403

sys.modules[__name__] = _module
