"""Stand for `kit.commands.data`, as this project looks for commands in this folder alone."""

import sys

from ..kit.commands import data as _module
from ..kit.commands.data import *  # noqa: F403

sys.modules[__name__] = _module
