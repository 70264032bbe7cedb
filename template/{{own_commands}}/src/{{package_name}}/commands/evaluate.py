"""Stand for `kit.commands.evaluate`, as this project looks for commands in this folder alone."""

import sys

from ..kit.commands import evaluate as _module
from ..kit.commands.evaluate import *  # noqa: F403

sys.modules[__name__] = _module
