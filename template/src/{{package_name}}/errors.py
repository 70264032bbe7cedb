# Owned by the template: every update rewrites this file. Subclass these in modules of your own.
"""Errors that a user can mend: the command line prints their one sentence and no traceback."""


class ProjectError(Exception):
    """Base of every expected error; its text says what is wrong and what to do."""


class ConfigError(ProjectError):
    """A setting is unknown, out of its range or cannot be read."""


class DataError(ProjectError):
    """A data file is missing, changed or not what the code expects."""


class RunError(ProjectError):
    """A run cannot be found, continued or read."""


class TrainingError(ProjectError):
    """Training cannot go on."""


class ExportError(ProjectError):
    """A model could not be written for inference."""


class InputError(ProjectError):
    """The inputs of a prediction have the wrong shape, type or range."""


class ArtefactError(ProjectError):
    """An exported model is missing, incomplete, changed or cannot be opened."""


class UnknownFormatError(ArtefactError):
    """No adapter for the format of an exported model."""
