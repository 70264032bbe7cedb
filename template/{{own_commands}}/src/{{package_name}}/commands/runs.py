"""Stand for `kit.commands.runs`, as this project looks for commands in this folder alone."""

import sys

from ..kit.commands import runs as _module
from ..kit.commands.runs import *  # noqa: F403

sys.modules[__name__] = _module
