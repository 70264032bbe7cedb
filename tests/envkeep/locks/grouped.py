"""A project whose layers are groups, for the tests of what package managers are told of them."""

from __future__ import annotations

from pathlib import Path

from envkeep.project import requirements
from envkeep.project.target import Target
from tests.support.catalog import rows

CPU, CUDA = Target("linux-x86_64", "cpu"), Target("linux-x86_64", "cuda")
MAC = Target("macos-arm64", "cpu")
PLAIN = next(row["build"] for row in rows("builds") if row["backend"] == "cuda")
FILES = {
    "stack/10-torch.in": "torch\n",
    "stack/20-train.in": "numpy\nrich>=13\n",
    "stack/20-train-cuda.in": "cupy\n",
    "stack/30-prod.in": "numpy\n",
    "stack/30-prod-cpu.in": "onnxruntime\n",
    "stack/30-prod-cuda.in": "onnxruntime-gpu ; sys_platform == 'linux'\n",
    "stack/40-dev.in": "pytest\n",
    "stack/constraints.txt": "numpy==2.5\nrich==15.0\nrich==14.0 ; python_version < '3.10'\n",
    "stack/constraints-cuda.txt": "cupy==14.0\n",
    "stack/toolchain.txt": "setuptools==84.0 \\\n    --hash=sha256:0\nuv==0.13\n",
    "20-train.in": "-r stack/20-train.in\nmine[extra]>=1 ; python_version >= '3.11'\n",
}
OWN = '[project]\nname = "shop"\nversion = "1"\nrequires-python = "==3.12.*"\n'


def locked(folder: Path, target: Target, **layers: str) -> None:
    """Write locks of a target."""
    place = folder / "locks" / target.name
    place.mkdir(parents=True, exist_ok=True)
    for layer in requirements.layers():
        text = layers.get(layer.partition("-")[2], "")
        (place / f"{layer}.txt").write_text(text, encoding="utf-8")


def edit(path: Path, old: str, new: str) -> None:
    """Change a text in a file once."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
