# Owned by the template: every update rewrites this file. Own targets go to local.mk.
"""The one error that commands raise for something the user can mend."""


class ToolError(Exception):
    """What is wrong and what to do about it, in one sentence."""
