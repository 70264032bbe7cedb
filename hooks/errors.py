"""The one error that the hooks raise for something the user can fix."""

from envkeep.errors import ToolError


class HookError(ToolError):
    """What is wrong and what to do about it, in one sentence.

    Attributes:
        exit_code: 2 if nothing was begun, 1 if something was and it failed.
    """

    def __init__(self, sentence: str, exit_code: int = 2) -> None:
        """Take the sentence, and the exit code if it is not 2."""
        super().__init__(sentence)
        self.exit_code = exit_code
