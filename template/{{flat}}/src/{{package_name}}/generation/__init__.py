# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Hand on what `kit.generation` has."""

from ..kit.generation import *  # noqa: F403
