# Owned by the template: every update rewrites this file. Your own commands go to local.mk.
# ruff: noqa: PGH004
# flake8: noqa
# fmt: off
"""Start envkeep, which cares for this project's environments: ``python keep.py COMMAND``.

A wheel without its hash in ``envkeep.txt`` never runs; ``ENVKEEP=/path/to/src`` runs a checkout.
"""

import atexit
import hashlib
import io
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
STACK = ROOT / "requirements" / "stack"
HASHES, WHEELS = STACK / "envkeep.txt", STACK / "wheels"
NAMED = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or ".cache"
CACHE = Path(os.environ.get("HOME", ROOT), NAMED, "envkeep")
COMPLETE = "complete"  # what is written last: a folder without it is not used
PIN = re.compile(r"([\w.]+)==([\w.+!]+) --hash=sha256:([0-9a-f]{64})")
DOWNLOAD = "-m pip download --require-hashes --no-deps --only-binary=:all: --retries=1 --quiet"


def main() -> None:
    """Put envkeep first on the path of imports, and hand the command over to it."""
    if sys.hexversion < 0x030B0000:  # ruff would have `sys.version_info` removed
        sys.exit("error: envkeep needs Python 3.11 or newer, as in `make PYTHON=python3.12 ...`.")
    sources = os.environ.get("ENVKEEP", "") and str(Path(os.environ["ENVKEEP"]).resolve())
    if sources and not os.access(Path(sources, "envkeep", "__init__.py"), os.R_OK):
        sys.exit(f"error: ENVKEEP={sources} holds no envkeep; name the src of a checkout.")
    try:
        wheels = str(unpacked()) if HASHES.exists() or not sources else ""
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}; `git checkout -- requirements/stack` restores what is there.")
    sys.path[:] = [it for it in (sources, wheels, *sys.path) if it and Path(it).resolve() != ROOT]
    os.environ.update(ENVKEEP=sources, ENVKEEP_PROJECT=str(ROOT))  # of later programs too
    from envkeep.__main__ import main as run  # type: ignore

    sys.exit(run())


def unpacked() -> Path:
    """Return the folder that holds the unpacked wheels; the first call makes it."""
    pins = read_pins()
    wheels = checked(pins, WHEELS) if WHEELS.is_dir() else []
    name = f"envkeep-{hashlib.sha256(repr(pins).encode()).hexdigest()[:12]}"
    own, users = ROOT / ".venvs" / name, CACHE / name
    for place in (own, users):
        if os.access(place / COMPLETE, os.R_OK):
            return place
    wheels = wheels or fetched(pins)
    made = unpack(wheels, own) or unpack(wheels, users) or unpack(wheels, temporary())
    return made or sys.exit("error: there is no room to unpack envkeep; make some on the disk.")


def read_pins() -> "list[tuple[str, str]]":
    """Return the file name and the SHA-256 of each wheel."""
    lines = HASHES.read_text(encoding="utf-8").splitlines()
    found = [PIN.fullmatch(line.rstrip()) for line in lines if line.strip() and line[0] != "#"]
    names = [each and each[1] for each in found]
    if "envkeep" not in names or None in names or len(names) != len(set(names)):
        raise ValueError(f"{HASHES} does not name each wheel once, with its version and hash")
    return [(f"{each[1]}-{each[2]}-py3-none-any.whl", each[3]) for each in found if each]


def checked(pins: "list[tuple[str, str]]", folder: Path) -> "list[bytes]":
    """Return the content of the wheels in a folder, each compared with its hash."""
    wheels = []
    for name, sha256 in pins:
        wheels.append((folder / name).read_bytes())
        if hashlib.sha256(wheels[-1]).hexdigest() != sha256:
            raise ValueError(f"{folder / name} has another hash than in {HASHES.name}")
    return wheels


def fetched(pins: "list[tuple[str, str]]") -> "list[bytes]":
    """Return the content of the wheels, which pip fetches from the package index."""
    import subprocess  # here and below: most calls need none of these modules

    folder = temporary()
    command = [sys.executable, *DOWNLOAD.split(), "--dest", str(folder), "-r", str(HASHES)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        lines = re.findall(r"(?m)^ERROR: .+|^.*\Z", done.stderr.rstrip())  # the last if none
        sys.exit(f"error: the first call needs pip and a package index: {lines[0].rstrip('.')}.")
    return checked(pins, folder)


def unpack(wheels: "list[bytes]", place: Path) -> "Path | None":
    """Unpack wheels into a folder, or return None where nobody can write."""
    import shutil
    import zipfile

    half = place.with_name(f"unpacking-{os.urandom(4).hex()}")
    try:
        half.mkdir(parents=True)
        for wheel in wheels:
            zipfile.ZipFile(io.BytesIO(wheel)).extractall(half)
        (half / COMPLETE).touch()
        half.rename(place)  # so it is whole or not there, whoever else does the same now
    except OSError:
        shutil.rmtree(half, ignore_errors=True)
    return place if os.access(place / COMPLETE, os.R_OK) else None


def temporary() -> Path:
    """Return a folder that is removed when this command ends."""
    import tempfile

    folder = tempfile.TemporaryDirectory(prefix="envkeep-")
    atexit.register(folder.cleanup)
    return Path(folder.name, "envkeep")


if __name__ == "__main__":
    main()
