# Owned by the template: every update rewrites this file. Subclass these in modules of your own.
"""Errors that a user can fix: the command line prints their one sentence and no traceback."""

import re

SEVERAL_PROCESSES = (
    "Several processes, and training.strategy for them, need the answer scale_out: "
    "`make update ARGS=\"--data 'scale_out=[torchrun]'\"`."
)

_COLORS = re.compile(r"\x1b\[[\d;]*m")


def reason_of(error: BaseException) -> str:
    """Return what a foreign error says in one line, without colors: the cause, if it has one.

    Exporters wrap what went wrong into advice of many lines, of which the first says nothing.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    return _COLORS.sub("", str(error)).strip().partition("\n")[0] or type(error).__name__


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM), as Slurm, containers and spot machines do."""


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


class OutOfMemoryError(TrainingError):
    """Training needs more memory than there is; the text says what needs less."""


class ExportError(ProjectError):
    """A model could not be written for inference."""


class InputError(ProjectError):
    """The inputs of a prediction have the wrong shape, type or range."""


class ArtefactError(ProjectError):
    """An exported model is missing, incomplete, changed or cannot be opened."""


class NotEnoughMemoryError(ProjectError):
    """A model does not fit into the memory that is free."""


class UnknownFormatError(ArtefactError):
    """No adapter for the format of an exported model."""


class GenerationError(ProjectError):
    """Text could not be generated."""


class ModelMissingError(GenerationError):
    """The model that is named in the settings is not there."""


class ServerUnreachableError(GenerationError):
    """No server answers where the settings say that there is one."""


class KeyRefusedError(GenerationError):
    """The server asks for a key, or does not take the one it was given."""


class RequestRefusedError(GenerationError):
    """The prompt or a setting is not what the model takes, for example too long."""


class RateLimitError(GenerationError):
    """The server takes no more requests for now, also after several tries."""


class ServerError(GenerationError):
    """The server failed, also after several tries."""


class AnswerCutOffError(GenerationError):
    """The answer stopped coming before its end."""


class BadAnswerError(GenerationError):
    """The server's answer is not what its interface promises."""
