"""Stand for `kit.commands.export`, as this project looks for commands in this folder alone."""

import sys

from ..kit.commands import export as _module
from ..kit.commands.export import *  # noqa: F403

sys.modules[__name__] = _module
