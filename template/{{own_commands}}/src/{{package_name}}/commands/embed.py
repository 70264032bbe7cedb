"""Stand for `kit.commands.embed`, as this project looks for commands in this folder alone."""

import sys

from ..kit.commands import embed as _module
from ..kit.commands.embed import *  # noqa: F403

sys.modules[__name__] = _module
