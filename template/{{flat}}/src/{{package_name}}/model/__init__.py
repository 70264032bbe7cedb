# Owned by the template: every update rewrites this file. Your code: `models`.
"""Hand on what `models` has, under its name in newer projects."""

from ..models import *  # noqa: F403
