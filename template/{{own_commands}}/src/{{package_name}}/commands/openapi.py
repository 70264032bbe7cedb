# Owned by the template: every update rewrites this file. It moved to kit/commands/.
"""Stand for `kit.commands.openapi`, as this project looks for commands in this folder alone."""

import sys

from ..kit.commands import openapi as _module
from ..kit.commands.openapi import *  # noqa: F403

sys.modules[__name__] = _module
