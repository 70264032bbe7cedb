"""Stand for `kit.commands.train`, as this project looks for commands in this folder alone."""

import sys

from ..kit.commands import train as _module
from ..kit.commands.train import *  # noqa: F403

sys.modules[__name__] = _module
