"""Check the installed torch, and whether it can use its device."""

from __future__ import annotations

import json
from collections.abc import Iterator

from packaging.version import Version

from envkeep.doctor import fixes
from envkeep.doctor.context import DoctorContext
from envkeep.doctor.finding import ERROR, OK, WARNING, Finding
from envkeep.hardware import catalog
from envkeep.paths import python, shown
from envkeep.process import run
from envkeep.project.target import CPU

PATIENCE = 120  # seconds; the first import of a GPU build from a cold disk takes long
REPORT = """
import json, sys
device = sys.argv[1]
try:
    import torch
    assert (torch.ones(2, device=device) + 1).sum().item() == 4
    module = getattr(torch, device) if device in ("cuda", "xpu") else None
    name = module.get_device_name(0) if module else device
    print(json.dumps({"name": name, "count": module.device_count() if module else 1}))
except BaseException as error:
    print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
"""


def torch_build(context: DoctorContext) -> Iterator[Finding]:
    """Compare the installed torch with the build for this machine's target."""
    environment = context.development
    if environment is None or context.torch is None:
        return
    expected, found = _expected(context), environment.torch
    link = shown(environment.kind.link)
    if found == expected:
        yield Finding(OK, f"{link} has torch {found}.", found, expected)
    elif found is None:
        message = f"torch is not in {link}."
        yield Finding(ERROR, message, "none", expected, fixes.remake(context))
    else:
        title = catalog.backend(context.backend)["title"]
        message = f"{link} has torch {found}, but this machine ({title}) takes torch {expected}."
        yield Finding(ERROR, message, found, expected, fixes.remake(context))


def torch_device(context: DoctorContext) -> Iterator[Finding]:
    """Let torch compute something on the device; the one check that imports it."""
    environment = context.development
    if environment is None or environment.torch != _expected(context) or not environment.starts:
        return
    if context.torch is None or (context.backend == CPU and not context.full):
        return
    device = catalog.backend(context.backend)["torch_device"]
    answer = _answer(str(python(environment.kind.link)), device)
    if "error" in answer:
        reason = str(answer["error"]).partition("\n")[0].rstrip(". ")
        message = f"torch cannot compute on the device {device!r}: {reason}."
        yield Finding(ERROR, message, "unusable", device)
    else:
        several = f", the first of {answer['count']} devices" if answer["count"] != 1 else ""
        message = f"torch computes on {answer['name']}{several}."
        yield Finding(OK, message, str(answer["name"]), device)


def wheel_tag(context: DoctorContext) -> Iterator[Finding]:
    """Compare the system with the oldest one that torch's wheels run on."""
    if context.torch is None:
        return
    machine = context.machine
    tag = context.build["wheels"][machine.platform]["wheel_tag"]
    kind, *parts = tag.split("_")
    floor = ".".join(parts[:2])
    if kind == "macosx":
        name, found, advice = "macOS", machine.macos, "update macOS"
    elif kind == "manylinux":
        name, found, advice = "glibc", context.host.libc, "use a newer Linux or a container"
    else:
        return
    if found is None:
        message = f"The version of {name} could not be found out; torch's wheel needs {floor}."
        yield Finding(WARNING, message, None, floor)
    elif Version(found) >= Version(floor):
        yield Finding(OK, f"{name} {found} is new enough for torch's wheel.", found, floor)
    else:
        message = f"{name} {found} is too old for torch's wheel, which needs {floor}: {advice}."
        yield Finding(ERROR, message, found, floor)


def _expected(context: DoctorContext) -> str | None:
    """Return the version of torch that an install would bring: the locked one comes first."""
    locked = context.locks.torch if context.locks else None
    return locked or context.torch


def _answer(interpreter: str, device: str) -> dict[str, object]:
    """Return torch's report; ignore what it or its libraries print besides."""
    done = run([interpreter, "-c", REPORT, device], mode="probe", timeout=PATIENCE)
    for line in reversed(done.text.splitlines()):
        try:
            report = json.loads(line)
        except ValueError:
            continue
        if isinstance(report, dict) and ("error" in report or {"name", "count"} <= report.keys()):
            return report
    return {"error": _last_line(f"{done.text}{done.errors}") or "its Python ended without a word"}


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1].strip()
