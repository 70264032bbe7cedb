"""All checks in order, and how they are run: whatever one of them raises, the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from envkeep.doctor.checks.container import container_toolkit
from envkeep.doctor.checks.contents import (
    drift,
    files,
    interpreter,
    metadata,
    permissions,
    shared_files,
    variants,
)
from envkeep.doctor.checks.former_tools import former_names
from envkeep.doctor.checks.gpu import driver, generation, gpu, intel, jetson, override
from envkeep.doctor.checks.gpu_access import devices, libraries, visible, wsl
from envkeep.doctor.checks.interpreter import environment, locks, python
from envkeep.doctor.checks.leftovers import interrupted, other_locks
from envkeep.doctor.checks.project_files import data, secrets
from envkeep.doctor.checks.resources import disk, gpu_memory, memory
from envkeep.doctor.checks.torch import torch_build, torch_device, wheel_tag
from envkeep.doctor.context import Situation
from envkeep.doctor.finding import ERROR, SKIPPED, WARNING, Finding, NotKnownError
from envkeep.errors import ToolError

Check = Callable[[Situation], Iterator[Finding]]
GROUPS: dict[str, tuple[Check, ...]] = {
    "Environment": (python, locks, other_locks, environment, interrupted, wheel_tag),
    "Packages": (interpreter, drift, metadata, files, shared_files, variants, permissions),
    "Files": (data, secrets, former_names),
    "GPU": (gpu, driver, generation, intel, jetson, devices, visible, libraries, override, wsl),
    "torch": (torch_build, torch_device),
    "Containers": (container_toolkit,),
    "Resources": (disk, memory, gpu_memory),
}


def diagnose(situation: Situation) -> list[Finding]:
    """Run every check; each leaves at least one finding."""
    findings = list(situation.troubles)
    for group, checks in GROUPS.items():
        for check in checks:
            name = check.__name__.replace("_", "-")
            found = _run(check, name, situation)
            findings += [replace(each, group=group, check=name) for each in found]
    return findings


def _run(check: Check, name: str, situation: Situation) -> list[Finding]:
    try:
        found = list(check(situation))
    except NotKnownError:
        return [Finding(SKIPPED, "What this check needs is not known; another finding says why.")]
    except ToolError as error:
        return [Finding(ERROR, str(error))]
    except Exception as error:  # the doctor must not die of what it examines
        reason = f"{type(error).__name__}: {error}"
        return [Finding(WARNING, f"The check {name} could not be made ({reason}).")]
    return found or [Finding(SKIPPED, "This does not apply here.")]
