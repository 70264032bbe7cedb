"""The plan of an adoption."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hooks.adoption.answers import Proposal
from hooks.adoption.files import FilePlan
from hooks.adoption.layers import Sorted
from hooks.adoption.survey import Survey
from hooks.adoption.trial import Trial

BRANCH = "adopt-ai-project-template"


@dataclass(frozen=True)
class Plan:
    """The plan of an adoption: every change to the repository.

    Attributes:
        found: What the repository says.
        answers: The project's answers.
        proposal: How they were proposed.
        requirements: The packages in their layers.
        files: The files.
        notes: What Copier said.
        overrides_of_make: Targets and variables of make that both sides have.
        trial: Whether it locks, None if that was not tried.
    """

    found: Survey
    answers: Mapping[str, str]
    proposal: Proposal
    requirements: Sorted
    files: FilePlan
    notes: tuple[str, ...]
    overrides_of_make: tuple[str, ...]
    trial: Trial | None = None
