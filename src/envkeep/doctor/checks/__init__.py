"""All checks, in the order of the report."""

from __future__ import annotations

from envkeep.doctor.checks import (
    container,
    environment,
    former_tools,
    git_hooks,
    gpu,
    gpu_access,
    leftovers,
    packages,
    project_files,
    resources,
    torch,
)
from envkeep.doctor.checks.check import Check
from envkeep.doctor.context import DoctorContext
from envkeep.doctor.finding import Finding

CHECKS = (
    Check("python", "Environment", environment.python),
    Check("locks", "Environment", environment.locks),
    Check("other-locks", "Environment", leftovers.other_locks),
    Check("environment", "Environment", environment.environment),
    Check("interrupted", "Environment", leftovers.interrupted),
    Check("wheel-tag", "Environment", torch.wheel_tag),
    Check("git-hooks", "Environment", git_hooks.installed),
    Check("interpreter", "Packages", packages.interpreter),
    Check("drift", "Packages", packages.drift),
    Check("metadata", "Packages", packages.metadata),
    Check("files", "Packages", packages.files),
    Check("shared-files", "Packages", packages.shared_files),
    Check("variants", "Packages", packages.variants),
    Check("permissions", "Packages", packages.permissions),
    Check("data", "Files", project_files.data),
    Check("secrets", "Files", project_files.secrets),
    Check("former-tools", "Files", former_tools.names),
    Check("gpu", "GPU", gpu.gpu),
    Check("driver", "GPU", gpu.driver),
    Check("architecture", "GPU", gpu.architecture),
    Check("intel", "GPU", gpu.intel),
    Check("jetson", "GPU", gpu.jetson),
    Check("devices", "GPU", gpu_access.devices),
    Check("visible", "GPU", gpu_access.visible),
    Check("libraries", "GPU", gpu_access.libraries),
    Check("override", "GPU", gpu.override),
    Check("wsl", "GPU", gpu_access.wsl),
    Check("torch-build", "torch", torch.torch_build),
    Check("torch-device", "torch", torch.torch_device),
    Check("container-toolkit", "Containers", container.container_toolkit),
    Check("disk", "Resources", resources.disk),
    Check("memory", "Resources", resources.memory),
    Check("gpu-memory", "Resources", resources.gpu_memory),
)


def diagnose(context: DoctorContext) -> list[Finding]:
    """Run every check; each leaves at least one finding."""
    return [*context.troubles, *(each for check in CHECKS for each in check.findings(context))]
