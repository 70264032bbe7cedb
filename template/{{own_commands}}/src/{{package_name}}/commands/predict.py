"""Stand for `kit.commands.predict`, as this project looks for commands in this folder alone."""

import sys

from ..kit.commands import predict as _module
from ..kit.commands.predict import *  # noqa: F403

sys.modules[__name__] = _module
