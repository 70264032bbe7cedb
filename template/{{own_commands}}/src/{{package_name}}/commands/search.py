"""Stand for `kit.commands.search`, as this project looks for commands in this folder alone."""

import sys

from ..kit.commands import search as _module
from ..kit.commands.search import *  # noqa: F403

sys.modules[__name__] = _module
