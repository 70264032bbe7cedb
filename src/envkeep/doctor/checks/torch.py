"""Checks of the torch that is installed, and whether it can use the device it is meant for."""

from __future__ import annotations

import json
from collections.abc import Iterator

from packaging.version import Version

from envkeep.doctor.context import Situation
from envkeep.doctor.finding import ERROR, OK, WARNING, Finding
from envkeep.hardware import catalog
from envkeep.paths import python, shown
from envkeep.probe import ask
from envkeep.process import environment as clean_variables
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


def torch_build(situation: Situation) -> Iterator[Finding]:
    """Compare the torch in the environment with the one that this machine's target takes."""
    environment = situation.development
    if environment is None or situation.torch is None:
        return
    expected, found = _expected(situation), environment.torch
    link = shown(environment.kind.link)
    if found == expected:
        yield Finding(OK, f"{link} has torch {found}.", found, expected)
    elif found is None:
        message = f"torch is not in {link}."
        yield Finding(ERROR, message, "none", expected, _reinstall(situation))
    else:
        title = catalog.backend(situation.backend)["title"]
        message = f"{link} has torch {found}, but this machine ({title}) takes torch {expected}."
        yield Finding(ERROR, message, found, expected, _reinstall(situation))


def torch_device(situation: Situation) -> Iterator[Finding]:
    """Let torch compute something on the device; the one check that imports it."""
    environment = situation.development
    if environment is None or environment.torch != _expected(situation) or not environment.starts:
        return
    if situation.torch is None or (situation.backend == CPU and not situation.full):
        return
    device = catalog.backend(situation.backend)["torch_device"]
    answer = _answer(str(python(environment.kind.link)), device)
    if "error" in answer:
        reason = str(answer["error"]).partition("\n")[0].rstrip(". ")
        message = f"torch cannot compute on the device {device!r}: {reason}."
        yield Finding(ERROR, message, "unusable", device)
    else:
        several = f", the first of {answer['count']} devices" if answer["count"] != 1 else ""
        message = f"torch computes on {answer['name']}{several}."
        yield Finding(OK, message, str(answer["name"]), device)


def wheel_tag(situation: Situation) -> Iterator[Finding]:
    """Compare the system with the oldest one that torch's wheels run on."""
    if situation.torch is None:
        return
    machine = situation.machine
    tag = situation.build["wheels"][machine.platform]["wheel_tag"]
    kind, *parts = tag.split("_")
    floor = ".".join(parts[:2])
    if kind == "macosx":
        name, found, mend = "macOS", machine.macos, "update macOS"
    elif kind == "manylinux":
        name, found, mend = "glibc", situation.host.libc, "use a newer Linux or a container"
    else:
        return
    if found is None:
        message = f"The version of {name} could not be found out; torch's wheel needs {floor}."
        yield Finding(WARNING, message, None, floor)
    elif Version(found) >= Version(floor):
        yield Finding(OK, f"{name} {found} is new enough for torch's wheel.", found, floor)
    else:
        message = f"{name} {found} is too old for torch's wheel, which needs {floor}: {mend}."
        yield Finding(ERROR, message, found, floor)


def _expected(situation: Situation) -> str | None:
    """Return the version of torch that an install would bring: the locked one comes first."""
    locked = situation.locks.torch if situation.locks else None
    return locked or situation.torch


def _reinstall(situation: Situation) -> str:
    """Return the command that brings the right torch, also into an environment changed by hand."""
    locks = situation.locks
    first = (locks.made_by,) if locks and locks.missing else ()
    return situation.make(*first, "install")


def _answer(interpreter: str, device: str) -> dict[str, object]:
    """Return what torch reports; what it or its libraries print besides is passed over."""
    arguments = ("-c", REPORT, device)
    answer = ask(interpreter, *arguments, patience=PATIENCE, variables=clean_variables())
    for line in reversed(answer.text.splitlines()):
        try:
            report = json.loads(line)
        except ValueError:
            continue
        if isinstance(report, dict) and ("error" in report or {"name", "count"} <= report.keys()):
            return report
    return {"error": _last_line(answer.text) or "its Python ended without a word"}


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1].strip()
