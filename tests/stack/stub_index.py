"""A stub PyPI on the loopback interface and a stack of its own: the resolver runs for real.

The wheels carry names, versions and dependencies, and no code; none of them is a real package.
"""

from dataclasses import dataclass, field
from pathlib import Path

from maintain.stack.index import Index
from maintain.stack.refresh import Indexes
from tests.support.stub_wheels import ANY, StubWheel, sha256
from tests.support.torch_index import write_pages

PYTHONS = ("3.14", "3.13", "3.12", "3.11")
NOWHERE = "http://127.0.0.1:1"  # nothing listens on port 1
ENGINE = 'engine==1.0; platform_system == "Linux"'  # what the plain build of torch needs

RELEASE = """\
# A comment that a refresh keeps.
- name: "2026.01"
  cutoff: "2026-01-15"  # this one too
  torch: "1.0.0"
  torch_index: https://example.invalid/whl
  envkeep_on_index: false
  source: "stub"
  checked: "2026-01-16"
"""
PYTHON_ROW = '- {{version: "{version}", source: "stub", checked: "2026-01-16"}}\n'
REQUIREMENTS = """\
- {layer: 10-torch, package: torch, when: uses_torch, why: "stub"}
- {layer: 20-train, package: fruit, when: always, why: "stub"}
"""
EXPORTERS = """\
- {exporter: jam, package: torch, when: always, why: "stub", shared: false}
- {exporter: jam, package: fruit, when: always, why: "stub", shared: true}
- {exporter: jam, package: sugar, when: always, why: "stub", shared: false}
"""
CATALOG = {
    "sources.yml": """\
- {id: stub, title: "stub", strength: inferred, dated: "", checked: "2026-01-16"}
""",
    "platforms.yml": """\
- platform: linux-x86_64
  title: "Linux"
  resolver: x86_64-manylinux_2_28
  variables: {}
  sources: {resolver: [stub]}
""",
    "actions.yml": """\
- action: checkout
  repository: owner/checkout
  version: v1.0.0
  commit: "0123456789012345678901234567890123456789"
  sources: {version: [stub], commit: [stub]}
""",
    "frameworks.yml": """\
- framework: stub
  title: "S"
  example: "stub"
  generates: []
  computes_with: [torch]
  inference: [stub]
""",
    "runtimes.yml": """\
- runtime: stub
  title: "Stub"
  about: "stub"
  runs: "stub"
  generates: false
  devices: {}
  system_packages: []
  sources: {}
""",
    "extras.yml": """\
- {extra: stub, title: "Stub", about: "stub", does: "stub", commands: [], training: [stub]}
""",
    "runners.yml": """\
- {runner: linux, label: stub-1, sources: {label: [stub]}}
""",
    "backends.yml": """\
- backend: gpu
  title: "GPU"
  find_out: "look"
  torch_device: cuda
  jax_device: cuda
  host_needs: ""
  system_packages: []
  container: {base_image: "", device_flags: [], environment: {}}
  environment: {}
  disk_gb: 1
  sources: {container: [stub], disk_gb: [stub]}
""",
    "builds.yml": f"""\
- build: gpu1
  backend: gpu
  title: "GPU 1"
  plain: [linux-x86_64]
  index: gpu1
  wheels:
    linux-x86_64:
      local_version: "+gpu1"
      wheel_tag: manylinux_2_28_x86_64
      pythons: ["3.14", "3.13", "3.12", "3.11"]
  requires: ['{ENGINE}']
  index_packages: []
  driver: {{}}
  gpu_targets: {{}}
  conda: []
  conda_libraries: []
  sources: {{plain: [stub], index: [stub], wheels: [stub], requires: [stub]}}
- build: gpu2
  backend: gpu
  title: "GPU 2"
  plain: []
  index: gpu2
  wheels:
    linux-x86_64:
      local_version: "+gpu2"
      wheel_tag: manylinux_2_28_x86_64
      pythons: ["3.14", "3.13", "3.12", "3.11"]
  requires: ['toolkit[parts]==2.0', 'helper==3.0; platform_system == "Linux"']
  index_packages: [helper]
  driver: {{}}
  gpu_targets: {{}}
  conda: []
  conda_libraries: []
  sources: {{index: [stub], wheels: [stub], requires: [stub], index_packages: [stub]}}
""",
    "gpus.yml": """\
- backend: gpu
  generation: "First"
  targets: ["1.0"]
  examples: "One"
  sources: {targets: [stub], examples: [stub]}
""",
    "images.yml": "".join(
        f'- {{image: base, python: "{python}", reference: "base:1", digest: "",'
        " sources: {reference: [stub]}}\n"
        for python in ("3.13", "3.12", "3.11")
    ),
    "indexes.yml": "[]\n",
    "companions.yml": """\
- {package: vision, version: "4.0", why: "stub", not_for: [], sources: {version: [stub]}}
""",
}


@dataclass(frozen=True)
class StubStack:
    """A stack folder and the folder of stub wheels that stands for PyPI.

    Attributes:
        folder: The stack.
        wheels: The wheels, and a folder with a page for each package.
        address: Where the pages are served.
    """

    folder: Path
    wheels: Path
    address: str
    _published: dict[str, str] = field(default_factory=dict)

    @property
    def index_options(self) -> tuple[str, ...]:
        """The options of uv that replace PyPI with the stub wheels."""
        return ("--no-index", "--find-links", str(self.wheels))

    @property
    def indexes(self) -> Indexes:
        """The stub PyPI, and no index of PyTorch."""
        return Indexes(Index(self.address), NOWHERE, self.index_options)

    def publish(
        self, name: str, version: str, *needs: str, python: str = ">=3.8", tag: str = ANY
    ) -> None:
        """Add a stub wheel."""
        wheel = StubWheel(name, version, tag, needs, python)
        self._published[wheel.filename] = sha256(wheel.write(self.wheels))
        write_pages(self.wheels, self._published, prefix="../")

    def publish_torch(
        self, version: str, *needs: str, pythons: tuple[str, ...] = PYTHONS, hardware: str = ENGINE
    ) -> None:
        """Add a stub torch with a wheel for each of some Pythons, as the real one has."""
        for python in pythons:
            abi = f"cp{python.replace('.', '')}"
            tag = f"{abi}-{abi}-manylinux_2_28_x86_64"
            self.publish("torch", version, *needs, *filter(None, [hardware]), tag=tag)

    def read(self, name: str) -> str:
        """Read a file of the stack folder."""
        return (self.folder / name).read_text(encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file of the stack folder."""
        text = self.read(name)
        assert old in text
        (self.folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    def files(self) -> dict[str, bytes]:
        """Read every file of the stack folder, to compare before and after."""
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}


def make_stub_stack(root: Path, address: str = NOWHERE) -> StubStack:
    """Make a stack with torch 1.0.0, fruit 1.0 and a locker, which resolves.

    Args:
        root: Where to make it.
        address: Where the folder `wheels` below is served.
    """
    stub = StubStack(root / "stack", root / "wheels", address)
    stub.folder.mkdir()
    stub.wheels.mkdir(exist_ok=True)
    texts = {
        "release.yml": RELEASE,
        "pythons.yml": "".join(PYTHON_ROW.format(version=version) for version in PYTHONS),
        "requirements.yml": REQUIREMENTS,
        "exporters.yml": EXPORTERS,
        "reserved_names.yml": '- {why: "stub", names: ["os"]}\n',
        "offered.yml": '- {package: fruit, why: "stub"}\n',
        "toolchain.in": "# a comment\nlocker\n",
        "copier.in": "renderer\n",
        "audit.in": "renderer\n",
        "notebooks.in": "renderer\n",
        "poetry.in": "renderer\n",
        **CATALOG,
    }
    for name, text in texts.items():
        (stub.folder / name).write_text(text, encoding="utf-8")
    stub.publish_torch("1.0.0", "seed<2")
    stub.publish("fruit", "1.0")
    stub.publish("seed", "1.0")
    stub.publish("sugar", "1.0")
    stub.publish("locker", "1.0")
    stub.publish("renderer", "1.0")
    stub.publish("engine", "1.0")
    stub.publish("toolkit", "2.0", 'part>=2.0,<3; extra == "parts"')
    stub.publish("part", "2.0")
    stub.publish("part", "2.5")
    return stub
