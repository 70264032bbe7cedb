"""Define a check: its name, its place in the report, and its function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from envkeep.doctor.context import DoctorContext
from envkeep.doctor.finding import ERROR, SKIPPED, WARNING, Finding, NotKnownError
from envkeep.errors import ToolError


@dataclass(frozen=True)
class Check:
    """One question about this machine or this project.

    Attributes:
        identifier: Its name in reports.
        group: The heading under which people read its findings.
        run: Yields what is right or wrong, each with what fixes it; nothing where the question
            makes no sense. It raises NotKnownError if the context lacks what it needs.
    """

    identifier: str
    group: str
    run: Callable[[DoctorContext], Iterator[Finding]]

    def findings(self, context: DoctorContext) -> list[Finding]:
        """Run the check; return at least one finding even if it raises."""
        found = self._found(context)
        return [replace(each, group=self.group, check=self.identifier) for each in found]

    def _found(self, context: DoctorContext) -> list[Finding]:
        try:
            found = list(self.run(context))
        except NotKnownError:
            message = "What this check needs is not known; another finding says why."
            return [Finding(SKIPPED, message)]
        except ToolError as error:
            return [Finding(ERROR, str(error))]
        except Exception as error:  # the doctor must not die of what it examines
            reason = f"{type(error).__name__}: {error}"
            message = f"The check {self.identifier} could not be made ({reason})."
            return [Finding(WARNING, message)]
        return found or [Finding(SKIPPED, "This does not apply here.")]
