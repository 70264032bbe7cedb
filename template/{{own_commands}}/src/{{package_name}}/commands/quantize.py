"""Stand for `kit.commands.quantize`, as this project looks for commands in this folder alone."""

import sys

from ..kit.commands import quantize as _module
from ..kit.commands.quantize import *  # noqa: F403

sys.modules[__name__] = _module
