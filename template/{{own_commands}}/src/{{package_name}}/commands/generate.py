"""Stand for `kit.commands.generate`, as this project looks for commands in this folder alone."""

import sys

from ..kit.commands import generate as _module
from ..kit.commands.generate import *  # noqa: F403

sys.modules[__name__] = _module
