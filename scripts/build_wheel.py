"""Build envkeep's wheel and bring it into the template, with the wheels of what it needs.

    python scripts/build_wheel.py

Projects carry these wheels and their hashes: ``requirements/stack/wheels`` and ``envkeep.txt`` there.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from flit_core import buildapi

ROOT = Path(__file__).resolve().parent.parent
STACK = Path("template", "requirements", "stack")
LOCK = ROOT / "requirements" / "dev.txt"
EPOCH = "1767225600"  # 2026-01-01; the same sources give the same bytes
ABOUT = """\
# Owned by the template: every update rewrites this file. It holds the hashes of envkeep's wheels.
"""


def main() -> int:
    """Build and fetch the wheels of the work tree's template."""
    fetch_dependencies(ROOT / STACK / "wheels")
    write_wheel(ROOT)
    return 0


def dependencies() -> list[str]:
    """Return the names of the packages that envkeep needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [re.split(r"[^\w.-]", line)[0] for line in project["dependencies"]]


def fetch_dependencies(folder: Path) -> None:
    """Replace the wheels of a folder by those of what envkeep needs, in the versions of the lock."""
    lock = LOCK.read_text(encoding="utf-8")
    blocks = [
        re.search(rf"^{re.escape(name)}==(?:.*\\\n)*.*$", lock, re.MULTILINE)
        for name in dependencies()
    ]
    with tempfile.TemporaryDirectory() as temporary:
        wanted = Path(temporary, "wanted.txt")
        wanted.write_text("".join(f"{found[0]}\n" for found in blocks if found), encoding="utf-8")
        options = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--quiet"]
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", temporary]
        subprocess.run([*command, "--requirement", str(wanted)], check=True)
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.whl"):
            old.unlink()
        for wheel in Path(temporary).glob("*.whl"):
            shutil.copyfile(wheel, folder / wheel.name)


def write_wheel(repository: Path) -> Path:
    """Build envkeep in a repository's template, beside the other wheels, and write their hashes."""
    folder = repository / STACK / "wheels"
    for old in folder.glob("envkeep-*.whl"):
        old.unlink()
    name = build(repository, folder)
    lines = [_line(path) for path in sorted(folder.glob("*.whl"))]
    hashes = repository / STACK / "envkeep.txt"
    hashes.write_text(ABOUT + "".join(lines), encoding="utf-8", newline="\n")
    return folder / name


def build(repository: Path, folder: Path) -> str:
    """Build the wheel of a repository's sources into a folder, and return its name."""
    before, epoch = Path.cwd(), os.environ.get("SOURCE_DATE_EPOCH")
    os.chdir(repository)  # a build backend works in the folder of its pyproject.toml
    os.environ["SOURCE_DATE_EPOCH"] = EPOCH
    try:
        return str(buildapi.build_wheel(str(folder)))
    finally:
        os.chdir(before)
        os.environ.pop("SOURCE_DATE_EPOCH")
        if epoch is not None:
            os.environ["SOURCE_DATE_EPOCH"] = epoch


def _line(wheel: Path) -> str:
    name, version, *_ = wheel.name.split("-")
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name}=={version} --hash=sha256:{sha256}\n"


if __name__ == "__main__":
    sys.exit(main())
