"""What must hold for the locks of every cell of the catalog."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.utils import canonicalize_name
from packaging.version import Version

from maintain.stack.pins import marker_environment, parse_pins, pins_for
from tests.resolve.cells import Cell
from tests.resolve.projects import LAYERS, Locks
from tests.support.catalog import STACK, checked_builds, companions
from tests.support.torch_index import TorchIndex, helper_versions, helper_wheels, torch_wheel

HARDWARE = re.compile(r"(nvidia|cuda|triton|rocm|pytorch-triton|intel|onemkl|dpcpp)\b.*")
ONNXRUNTIME = {
    "cpu": "onnxruntime",
    "cuda": "onnxruntime-gpu",
    "rocm": "onnxruntime-migraphx",
    "xpu": "onnxruntime-openvino",
    "mps": "onnxruntime",
}
WITHOUT_HARDWARE = ("cpu", "mps")


def check(locks: Locks, cell: Cell, index: TorchIndex) -> None:
    """Check everything that does not depend on what a team adds to the layers."""
    check_torch(locks, cell, index)
    check_helpers(locks, cell, index)
    check_hardware_packages(locks, cell)
    check_onnxruntime(locks, cell)
    check_order(locks, cell)
    check_entries(locks)
    check_origins(locks, index)
    check_pins_of_the_stack(locks, cell)


def check_torch(locks: Locks, cell: Cell, index: TorchIndex) -> None:
    """Torch is this build, in its own layer alone, and its wheel for this cell is admitted."""
    assert locks.versions("10-torch")["torch"] == cell.torch
    assert [name for name in locks.layers if "torch" in locks.versions(name)] == ["10-torch"]
    wheel = torch_wheel(cell.row, cell.platform, cell.python)
    admitted = locks.hashes("torch")
    assert index.hash_of(cell.row.index, wheel) in admitted
    assert admitted <= index.hashes(cell.row.index, "torch")


def check_helpers(locks: Locks, cell: Cell, index: TorchIndex) -> None:
    """The helper packages come from PyTorch's index, in the versions that this torch names."""
    wanted = cell.hardware_packages()
    expected = {
        name: version
        for name, version in helper_versions(cell.row).items()
        if canonicalize_name(name) in wanted
    }
    versions = locks.versions("10-torch")
    assert expected.items() <= versions.items()
    for wheel in helper_wheels(cell.row, cell.platform, cell.python):
        if wheel.name in expected:
            assert index.hash_of(cell.row.index, wheel) in locks.hashes(wheel.name)
            assert locks.hashes(wheel.name) <= index.hashes(cell.row.index, wheel.name)


def check_hardware_packages(locks: Locks, cell: Cell) -> None:
    """All that this build needs is locked, and nothing of other hardware."""
    names = {pin.name for pin in locks.entries()}
    assert cell.hardware_packages() <= names
    if cell.backend in WITHOUT_HARDWARE:
        assert not sorted(name for name in names if HARDWARE.fullmatch(name))


def check_onnxruntime(locks: Locks, cell: Cell) -> None:
    """There is one package of ONNX Runtime, as all have the same modules: the backend's own."""
    found = {pin.name: pin.version for pin in locks.entries() if pin.name.startswith("onnxruntime")}
    is_cuda_12 = cell.build.startswith("cu12")
    if is_cuda_12 and cell.platform == "linux-arm64":
        assert found.keys() == {"onnxruntime"}
    else:
        assert found.keys() == {ONNXRUNTIME[cell.backend]}
    if "onnxruntime-gpu" in found:
        assert (found["onnxruntime-gpu"] < Version("1.27")) == is_cuda_12


def check_order(locks: Locks, cell: Cell) -> None:
    """No layer moves what the constraints or an earlier layer say."""
    assert locks.layers == LAYERS
    environment = marker_environment(cell.python, cell.platform)
    settled = pins_for(locks.pins("constraints"), environment)
    for layer in LAYERS:
        versions = {pin.name: pin.version for pin in locks.pins(layer)}
        assert versions, layer
        moved = {
            name for name, version in versions.items() if settled.get(name) not in (None, version)
        }
        assert not moved, layer
        settled |= versions


def check_entries(locks: Locks) -> None:
    """Every entry is exact and hashed; no lock says which index it came from."""
    for layer in locks.layers:
        assert all(pin.hashes and not pin.marker for pin in locks.pins(layer)), layer
        assert b"://" not in locks.texts[layer], layer


def check_origins(locks: Locks, index: TorchIndex) -> None:
    """PyTorch's index gave torch, its helpers and its companions, and nothing else."""
    published = index.all_hashes()
    from_there = {published[each] for each in locks.all_hashes() & published.keys()}
    assert from_there <= {"torch", *companions(), *_all_helpers()}


def check_pins_of_the_stack(locks: Locks, cell: Cell) -> None:
    """All versions are the stack's, whatever other versions are on whichever index."""
    expected = {**pins_of_the_stack(cell), **helper_versions(cell.row), "torch": cell.torch}
    assert {pin.name: str(pin.version) for pin in locks.entries()}.items() <= expected.items()


def pins_of_the_stack(cell: Cell) -> dict[str, str]:
    """Return the versions that the stack release has for a cell."""
    environment = marker_environment(cell.python, cell.platform)
    files = (STACK / "constraints.txt", STACK / "constraints" / f"{cell.build}.txt")
    texts = [path.read_text(encoding="utf-8") for path in files if path.exists()]
    found = (pins_for(parse_pins(text), environment) for text in texts)
    return {name: str(version) for pins in found for name, version in pins.items()}


def _all_helpers() -> Iterator[str]:
    for row in checked_builds():
        yield from map(canonicalize_name, row.index_packages)
