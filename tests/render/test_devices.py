"""One function chooses the device for every runtime and for training, by the backends' names."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.render.conftest import Projects
from tests.support.answer_sets import PAIRS

NAMES = ("cpu", "cuda", "rocm", "xpu", "mps", "npu")
OWN = {
    "torch": ("cpu", "cuda", "cuda", "xpu", "mps", None),
    "jax": ("cpu", "cuda", "rocm", None, None, None),
    "onnxruntime": (
        "CPUExecutionProvider",
        "CUDAExecutionProvider",
        "MIGraphXExecutionProvider",
        "OpenVINOExecutionProvider",
        "CoreMLExecutionProvider",
        None,
    ),
    "openvino": ("CPU", None, None, "GPU", None, "NPU"),
    "openvino-genai": ("CPU", None, None, "GPU", None, "NPU"),
    "llama-cpp": ("CPU", "CUDA", "ROCm", "SYCL", "MTL", None),
}
"""What each library calls the devices of NAMES when it lists what it finds."""

CASES = [
    (library, name, own)
    for library, row in OWN.items()
    for name, own in zip(NAMES, row, strict=True)
]
Import = Callable[[str, str], ModuleType]


@pytest.fixture
def imported(projects: Projects, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    """Return what imports a module of a project's package."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delenv("INFERENCE_DEVICE", raising=False)
    packages = []

    def import_it(pair: str, name: str) -> ModuleType:
        folder = projects(PAIRS[pair])
        (path,) = folder.glob("src/*/__init__.py")
        monkeypatch.syspath_prepend(folder / "src")
        packages.append(path.parent.name)
        return importlib.import_module(f"{path.parent.name}.kit.{name}")

    yield import_it
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]


@pytest.mark.parametrize(("library", "name", "own"), CASES)
def test_a_device_that_is_there_is_taken_by_its_own_name(
    library: str, name: str, own: str | None, imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = imported("none-llama-cpp", "devices")
    found = [each for each in OWN[library] if each]
    monkeypatch.setenv("INFERENCE_DEVICE", name)
    if own:
        assert devices.choose_device(library, found, name.upper()) == own
        assert devices.choose_device(library, found) == own
    else:
        with pytest.raises(Exception, match=f"'{name}' is no device of the runtime: choose cpu or"):
            devices.choose_device(library, found)


@pytest.mark.parametrize(("library", "name", "own"), [case for case in CASES if case[1] != "cpu"])
def test_on_a_machine_without_accelerators_only_the_cpu_can_be_had(
    library: str, name: str, own: str | None, imported: Import
) -> None:
    devices = imported("none-llama-cpp", "devices")
    cpu = OWN[library][0]
    reason = f"finds no {name} on this machine: choose cpu or auto" if own else "is no device"
    with pytest.raises(Exception, match=reason) as caught:
        devices.choose_device(library, [cpu], name)
    assert type(caught.value).__name__ == "ConfigError"
    assert devices.choose_device(library, [cpu]) == cpu
    assert devices.choose_device(library, [cpu], "auto") == cpu
    if own:
        assert devices.choose_device(library, [cpu, own], "auto") == own
        assert devices.choose_device(library, [cpu, own]) == cpu
        assert devices.choose_device(library, [cpu, own], default="auto") == own


@pytest.mark.parametrize("pair", PAIRS)
def test_every_project_that_computes_knows_the_devices_of_all(
    pair: str, projects: Projects
) -> None:
    """A module of a runtime that a project had before still finds its own."""
    found = list(projects(PAIRS[pair]).glob("src/*/devices.json"))
    if pair == "none-http-api":
        assert found == []
    else:
        assert found[0].read_bytes() == _reference(projects)


def _reference(projects: Projects) -> bytes:
    (path,) = projects(PAIRS["pytorch-onnxruntime"]).glob("src/*/devices.json")
    return path.read_bytes()


def with_torch(monkeypatch: pytest.MonkeyPatch, accelerator: str, count: int = 2) -> None:
    """Put a torch in place that finds devices of one kind."""
    found = SimpleNamespace(type=accelerator) if accelerator else None
    asked = SimpleNamespace(
        current_accelerator=lambda **_: found, device_count=lambda: count if found else 0
    )
    torch: Any = ModuleType("torch")
    torch.accelerator, torch.device = asked, lambda *parts: parts
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "numpy", ModuleType("numpy"))


@pytest.mark.parametrize(
    ("accelerator", "wanted", "device"),
    [
        ("", "cpu", ("cpu",)),
        ("", "auto", ("cpu",)),
        ("cuda", "cpu", ("cpu",)),
        ("cuda", "auto", ("cuda",)),
        ("cuda", "cuda", ("cuda",)),
        ("cuda", "cuda:1", ("cuda", 1)),
        ("cuda", "rocm", ("cuda",)),
        ("cuda", "rocm:1", ("cuda", 1)),
        ("xpu", "auto", ("xpu",)),
        ("mps", "mps", ("mps",)),
    ],
)
@pytest.mark.parametrize("pair", ["pytorch-onnxruntime", "huggingface-llama-cpp"])
def test_torch_trains_where_the_backends_name_says(
    pair: str,
    accelerator: str,
    wanted: str,
    device: tuple[Any, ...],
    imported: Import,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_torch(monkeypatch, accelerator)
    monkeypatch.setenv("INFERENCE_DEVICE", "abacus")
    assert imported(pair, "reproducibility").choose_device(wanted) == device


@pytest.mark.parametrize(
    ("accelerator", "wanted", "reason"),
    [
        ("", "rocm", "The runtime finds no rocm on this machine: choose cpu or auto."),
        ("cuda", "xpu", "The runtime finds no xpu on this machine: choose cpu or cuda or"),
        ("cuda", "tpu", "'tpu' is no device of the runtime: choose cpu or cuda or rocm or"),
    ],
)
def test_a_device_that_torch_has_not_is_refused_with_its_setting(
    accelerator: str, wanted: str, reason: str, imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_torch(monkeypatch, accelerator)
    choose = imported("pytorch-onnxruntime", "reproducibility").choose_device
    with pytest.raises(Exception, match=f"^training.device is not available here: {reason}"):
        choose(wanted)


@pytest.mark.parametrize("wanted", ["cuda:2", "cuda:x", "cpu:1"])
def test_a_number_that_is_too_high_is_refused(
    wanted: str, imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_torch(monkeypatch, "cuda")
    choose = imported("pytorch-onnxruntime", "reproducibility").choose_device
    with pytest.raises(Exception, match=f"training.device is '{wanted}', which is not available"):
        choose(wanted)


def test_jax_trains_where_the_backends_name_says(
    imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"cpu": ["the CPU"], "rocm": ["first", "second"]}

    def devices(platform: str) -> list[str]:
        if platform not in found:
            raise RuntimeError(f"Unknown backend {platform}")
        return found[platform]

    jax: Any = ModuleType("jax")
    jax.devices = devices
    monkeypatch.setitem(sys.modules, "jax", jax)
    monkeypatch.setitem(sys.modules, "numpy", ModuleType("numpy"))
    choose = imported("jax-onnxruntime", "reproducibility").choose_device
    assert [choose(name) for name in ("cpu", "rocm", "rocm:1", "auto")] == [
        "the CPU",
        "first",
        "second",
        "first",
    ]
    with pytest.raises(Exception, match="not available here: The runtime finds no cuda"):
        choose("cuda")
    with pytest.raises(Exception, match="not available here: 'xpu' is no device of the runtime"):
        choose("xpu")
    with pytest.raises(Exception, match="is 'rocm:2', which is not available here: choose rocm"):
        choose("rocm:2")
    del found["rocm"]
    assert choose("auto") == "the CPU"
