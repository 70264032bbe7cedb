# Owned by the template: every update rewrites this file. It moved: import it from kit/.
"""Hand on what `kit.inference` has."""

from ..kit.inference import *  # noqa: F403
