"""Stand for `kit.commands.slurm`, as this project looks for commands in this folder alone."""

import sys

from ..kit.commands import slurm as _module
from ..kit.commands.slurm import *  # noqa: F403

sys.modules[__name__] = _module
