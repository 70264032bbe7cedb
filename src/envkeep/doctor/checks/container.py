"""Check that containers on this machine can reach its GPU."""

from __future__ import annotations

from collections.abc import Iterator

from envkeep.doctor.context import DoctorContext
from envkeep.doctor.finding import OK, WARNING, Finding

CONFIGURE = {
    "docker": "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker",
    "podman": "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml",
}


def container_toolkit(context: DoctorContext) -> Iterator[Finding]:
    """Tell whether containers can use the NVIDIA GPU."""
    machine, host = context.machine, context.host
    by_windows = machine.system != "linux" or machine.wsl  # there Docker Desktop sees to it
    if machine.nvidia_driver is None or not host.engines or host.in_container or by_windows:
        return
    engine = host.engines[0]
    if not host.nvidia_toolkit and not host.nvidia_in_containers:
        message = (
            f"{engine} cannot give containers the NVIDIA GPU: "
            "install NVIDIA's package nvidia-container-toolkit."
        )
        yield Finding(WARNING, message, "no toolkit", "nvidia-container-toolkit")
    elif not host.nvidia_in_containers:
        message = f"NVIDIA's container toolkit is installed, but {engine} was not told of it."
        yield Finding(WARNING, message, "not configured", "configured", CONFIGURE[engine])
    else:
        yield Finding(OK, f"{engine} can give containers the NVIDIA GPU.")
