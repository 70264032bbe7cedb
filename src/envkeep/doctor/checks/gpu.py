"""Checks of the graphics devices, of their drivers, and of torch's code for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from envkeep.doctor.context import DoctorContext
from envkeep.doctor.finding import ERROR, OK, WARNING, Finding
from envkeep.hardware import catalog
from envkeep.hardware.catalog import Row
from envkeep.hardware.gpu import Gpu, gfx_name
from envkeep.project.target import CPU
from envkeep.project.versions import version_of

GIB = 1024**3
OVERRIDE = "HSA_OVERRIDE_GFX_VERSION"
MISSING_DRIVER = {
    "cuda": "install NVIDIA's driver",
    "rocm": "load the kernel driver amdgpu, or hand /dev/kfd to this container",
    "xpu": "load Intel's kernel driver, or hand /dev/dri to this container",
}
ONLY_SOME = {
    "cuda": "export CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=",
    "rocm": "export HIP_VISIBLE_DEVICES=",
}


def gpu(context: DoctorContext) -> Iterator[Finding]:
    """Name the graphics devices that the project has a backend for, or say why there is none."""
    if not context.judged:
        return
    present = [name for name in context.judged if context.machine.drives(name)]
    for name in present:
        yield from _listed(context, name)
    driverless = [name for name in context.judged if name in context.vendors - {*present}]
    for name in driverless:
        title = catalog.backend(name)["title"]
        message = f"The {title} in this machine has no driver: {MISSING_DRIVER[name]}."
        yield Finding(_severity(context), message, "no driver", title)
    if not present and not driverless:
        titles = " or ".join(catalog.backend(name)["title"] for name in context.judged)
        instead = "; torch runs on the CPU instead" if context.backend == CPU else ""
        message = f"No {titles} with a driver was found{instead}."
        yield Finding(_severity(context), message, "none", titles)


def driver(context: DoctorContext) -> Iterator[Finding]:
    """Compare the NVIDIA driver with the oldest that the project's CUDA build works with."""
    found = context.machine.nvidia_driver
    if "cuda" not in context.judged or found is None or _is_board(context):
        return
    build = context.build_of("cuda")
    floor = catalog.driver_floor(build, context.machine)
    if catalog.driver_serves(build, context.machine):
        message = f"NVIDIA driver {found} is new enough for {build['title']}."
        yield Finding(OK, message, found, floor)
        return
    other = next((row for row in _builds(context, "cuda") if _suits_all(context, row)), None)
    way_out = f", or take {other['title']}, which it serves" if other else ""
    message = (
        f"NVIDIA driver {found} is too old for {build['title']}: "
        f"update it to {floor} or newer{way_out}."
    )
    yield Finding(ERROR, message, found, f"{floor} or newer", _switch(other))


def architecture(context: DoctorContext) -> Iterator[Finding]:
    """Tell for every graphics device whether the project's build has code for it."""
    for backend in () if _is_board(context) else context.judged:
        known = [each for each in context.gpus_of(backend) if each.target]
        served = [each for each in known if _serves(context, context.build_of(backend), each)]
        for device in dict.fromkeys(replace(each, free=None) for each in known):
            same = [each for each in served if replace(each, free=None) == device]
            yield _has_code(context, device) if same else _no_code(context, device, served)


def intel(context: DoctorContext) -> Iterator[Finding]:
    """Name the GPUs of Intel's build, because the system does not tell a device's architecture."""
    for device in context.gpus_of("xpu") if "xpu" in context.judged else ():
        build = context.build_of("xpu")
        meant = ", ".join(row["generation"] for row in _architectures(context, "xpu"))
        message = f"{device.name} was found; {build['title']} is for {meant or 'newer ones'}."
        yield Finding(OK, message, device.name, meant or None)


def jetson(context: DoctorContext) -> Iterator[Finding]:
    """Warn on NVIDIA's boards that PyTorch's builds for ARM64 were made for servers."""
    if not _is_board(context):
        return
    build = context.build_of("cuda")
    message = (
        f"This is a Jetson board, and {build['title']} of torch was built for ARM64 servers: "
        "its GPU needs the build that NVIDIA publishes for its JetPack, or a container with it."
    )
    names = ", ".join(board.name for board in context.gpus_of("cuda"))
    yield Finding(WARNING, message, names or None)


def override(context: DoctorContext) -> Iterator[Finding]:
    """Warn of a variable that makes AMD's libraries take a GPU for another one."""
    value = context.variables.get(OVERRIDE)
    if context.backend != "rocm" or not value:
        return
    build = context.build
    served = [device for device in context.gpus_of("rocm") if _serves(context, build, device)]
    if served:
        reason = f"{build['title']} has code for {_describe(served[0])} itself"
    elif "rocm" in build["index_packages"]:
        reason = f"the libraries of {build['title']} may not start with it"
    else:
        return
    message = f"{OVERRIDE} is set to {value}, but {reason}: unset it."
    yield Finding(WARNING, message, value, "unset", f"unset {OVERRIDE}")


def _listed(context: DoctorContext, backend: str) -> Iterator[Finding]:
    found = context.gpus_of(backend)
    if found:
        counted = Counter(_describe(device) for device in found)
        text = ", ".join(f"{n} x {each}" if n > 1 else each for each, n in counted.items())
        yield Finding(OK, f"Found {text}.", text)
    elif backend == "cuda" and context.nvidia_smi is not None:
        said = context.nvidia_smi.splitlines()
        mismatch = "mismatch" in context.nvidia_smi
        advice = (
            "restart the machine to load the new one" if mismatch else "restart or reinstall it"
        )
        reason = said[0].rstrip(". ") if said else "it ended without a word"
        message = f"The NVIDIA driver does not answer ({reason}): {advice}."
        yield Finding(ERROR, message, reason, remedy="sudo reboot" if mismatch else None)
    else:
        title = catalog.backend(backend)["title"]
        yield Finding(WARNING, f"Which {title} this is cannot be told: its driver names none.")


def _describe(device: Gpu) -> str:
    facts = [device.target] if device.target else []
    facts += [f"{device.memory / GIB:.0f} GiB"] if device.memory else []
    return f"{device.name} ({', '.join(facts)})" if facts else device.name


def _severity(context: DoctorContext) -> str:
    """Return how bad a missing device is: on the CPU a project still works."""
    return WARNING if context.backend == CPU else ERROR


def _has_code(context: DoctorContext, device: Gpu) -> Finding:
    build = context.build_of(device.backend)
    message = f"{build['title']} has code for {device.name} ({device.target})."
    return Finding(OK, message, device.target)


def _no_code(context: DoctorContext, device: Gpu, served: list[Gpu]) -> Finding:
    """Name a build that serves a device, or the served device to use alone."""
    build = context.build_of(device.backend)
    codes = ", ".join(build["gpu_targets"].get(context.machine.platform, []))
    message = (
        f"{build['title']} has no code for {device.name} ({_architecture_of(context, device)})"
    )
    pretended = _pretended(context)
    if device.backend == "rocm" and pretended and _serves(context, build, pretended):
        message += (
            f"; it passes for a {pretended.target} by {OVERRIDE}, which AMD does not support."
        )
        return Finding(WARNING, message, device.target, codes)
    if served:
        indices = [
            str(i) for i, each in enumerate(context.gpus_of(device.backend)) if each in served
        ]
        command = ONLY_SOME[device.backend] + ",".join(indices)
        return Finding(WARNING, f"{message}; use the others alone.", device.target, codes, command)
    others = [row for row in _builds(context, device.backend) if _serves(context, row, device)]
    fitting = [row for row in others if catalog.driver_serves(row, context.machine)]
    if fitting:
        message += f"; {fitting[0]['title']} has."
    elif others:
        floor = catalog.driver_floor(others[0], context.machine)
        message += f"; {others[0]['title']} has, and needs a driver of {floor} or newer."
    else:
        message += "; no build of this torch has, so it runs on the CPU."
    return Finding(ERROR, message, device.target, codes, _switch(next(iter(fitting), None)))


def _architecture_of(context: DoctorContext, device: Gpu) -> str:
    rows = _architectures(context, device.backend)
    name = next((row["generation"] for row in rows if device.target in row["targets"]), None)
    return f"{name}, {device.target}" if name else str(device.target)


def _architectures(context: DoctorContext, backend: str) -> list[Row]:
    """Return all architectures of a vendor's GPUs that the catalog knows."""
    build, platform = context.build_of(backend), context.machine.platform
    served = catalog.served_architectures(build, platform)
    return served + catalog.dropped_architectures(build, platform)


def _builds(context: DoctorContext, backend: str) -> list[Row]:
    """Return the builds for a backend that this platform has wheels of."""
    rows = catalog.builds_of(backend)
    return [row for row in rows if context.machine.platform in row["wheels"]]


def _serves(context: DoctorContext, build: Row, device: Gpu) -> bool:
    platform = context.machine.platform
    return device.target is None or catalog.gpu_served(build, platform, device.target)


def _suits_all(context: DoctorContext, build: Row) -> bool:
    """Tell whether a CUDA build works with this machine's driver and has code for its GPUs."""
    devices = context.gpus_of("cuda")
    served = all(_serves(context, build, device) for device in devices)
    return served and catalog.driver_serves(build, context.machine)


def _is_board(context: DoctorContext) -> bool:
    """Tell whether this is one of NVIDIA's boards that the project's build was not made for."""
    if not context.machine.jetson or "cuda" not in context.judged:
        return False
    codes = context.build_of("cuda")["gpu_targets"].get(context.machine.platform, [])
    boards = context.gpus_of("cuda")
    return not boards or any(board.target not in codes for board in boards)


def _switch(build: Row | None) -> str | None:
    if build is None:
        return None
    return f'make update ARGS="--data {build["backend"]}_build={build["build"]}"'


def _pretended(context: DoctorContext) -> Gpu | None:
    """Return the GPU that HSA_OVERRIDE_GFX_VERSION makes AMD's libraries see, or None."""
    version = version_of(context.variables.get(OVERRIDE, ""))
    if version is None or len(version.release) != 3:
        return None
    number = version.major * 10000 + version.minor * 100 + version.micro
    return Gpu("rocm", "", gfx_name(number))
