# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Hand on what `kit.tracking` has."""

from ..kit.tracking import *  # noqa: F403
