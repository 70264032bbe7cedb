"""Stand for `kit.commands.tune`, as this project looks for commands in this folder alone."""

import sys

from ..kit.commands import tune as _module
from ..kit.commands.tune import *  # noqa: F403

sys.modules[__name__] = _module
