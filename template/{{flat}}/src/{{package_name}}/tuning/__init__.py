# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Hand on what `kit.tuning` has."""

from ..kit.tuning import *  # noqa: F403
