"""A folder of stub wheels and a stack of its own: the resolver runs for real, without a network.

The wheels carry names, versions and dependencies, and no code; none of them is a real package.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

PYTHONS = ("3.14", "3.13", "3.12", "3.11")

RELEASE = """\
# A comment that a refresh keeps.
- name: "2026.01"
  cutoff: "2026-01-15"  # this one too
  torch: "1.0.0"
  torch_index: https://example.invalid/whl
  source: "stub"
  checked: "2026-01-16"
"""
PYTHON_ROW = '- {{version: "{version}", source: "stub", checked: "2026-01-16"}}\n'
BACKENDS = """\
- backend: cpu
  build: cpu
  index: cpu
  local_version: {linux: "+cpu"}
  source: "stub"
  checked: "2026-01-16"
"""
REQUIREMENTS = """\
- {layer: 10-torch, package: torch, when: uses_training, why: "stub"}
- {layer: 20-train, package: fruit, when: always, why: "stub"}
"""


@dataclass(frozen=True)
class StubStack:
    """A stack folder and the folder of stub wheels that stands for PyPI."""

    folder: Path
    wheels: Path

    @property
    def index_options(self) -> tuple[str, ...]:
        """The options of uv that replace PyPI with the stub wheels."""
        return ("--no-index", "--find-links", str(self.wheels))

    def publish(
        self, name: str, version: str, *needs: str, python: str = ">=3.8", tag: str = "py3-none-any"
    ) -> None:
        """Add a stub wheel."""
        info = f"{name}-{version}.dist-info"
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Python: {python}", *(f"Requires-Dist: {each}" for each in needs)]
        with zipfile.ZipFile(self.wheels / f"{name}-{version}-{tag}.whl", "w") as wheel:
            wheel.writestr(f"{info}/METADATA", "\n".join(lines) + "\n")
            wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
            wheel.writestr(f"{info}/RECORD", "")

    def publish_torch(self, version: str, *needs: str, pythons: tuple[str, ...] = PYTHONS) -> None:
        """Add a stub torch with a wheel for each of some Pythons, as the real one has."""
        for python in pythons:
            abi = f"cp{python.replace('.', '')}"
            self.publish("torch", version, *needs, tag=f"{abi}-{abi}-manylinux_2_28_x86_64")

    def read(self, name: str) -> str:
        """Read a file of the stack folder."""
        return (self.folder / name).read_text(encoding="utf-8")

    def files(self) -> dict[str, bytes]:
        """Read every file of the stack folder, to compare before and after."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


def make_stub_stack(root: Path) -> StubStack:
    """Make a stack with torch 1.0.0, fruit 1.0 and a locker, which resolves."""
    stub = StubStack(root / "stack", root / "wheels")
    stub.folder.mkdir()
    stub.wheels.mkdir()
    texts = {
        "release.yml": RELEASE,
        "pythons.yml": "".join(PYTHON_ROW.format(version=version) for version in PYTHONS),
        "backends.yml": BACKENDS,
        "requirements.yml": REQUIREMENTS,
        "toolchain.in": "# a comment\nlocker\n",
    }
    for name, text in texts.items():
        (stub.folder / name).write_text(text, encoding="utf-8")
    stub.publish_torch("1.0.0", "seed<2")
    stub.publish("fruit", "1.0")
    stub.publish("seed", "1.0")
    stub.publish("locker", "1.0")
    return stub
