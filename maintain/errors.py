"""Errors of the maintainers' commands."""


class MaintainError(Exception):
    """What stopped a command, in one sentence for the maintainer."""
