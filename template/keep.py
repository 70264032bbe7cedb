# Owned by the template: every update rewrites this file. It starts envkeep, which cares for this project's environments.
"""Run envkeep, the program behind ``make``: ``python keep.py COMMAND``; without a command it lists them.

envkeep and the few packages that it needs lie in ``requirements/stack/wheels`` as wheels; their hashes stand in
``requirements/stack/envkeep.txt``. A wheel whose hash differs is never run. They are unpacked once, into ``.venvs``, or
where that cannot be written into this user's cache; no network and no environment is needed. ``ENVKEEP=/path/to/src``
runs a checkout of envkeep instead.
"""

import hashlib
import os
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
HASHES = ROOT / "requirements" / "stack" / "envkeep.txt"
WHEELS = ROOT / "requirements" / "stack" / "wheels"
RESTORE = "restore it with `git checkout -- requirements/stack`"
LINE = re.compile(r"(?P<name>[\w.-]+)==(?P<version>\S+) --hash=sha256:(?P<sha256>[0-9a-f]{64})")


def main():
    """Put envkeep on the path of imports, and hand the command over to it."""
    if sys.version_info < (3, 11):
        sys.exit("error: envkeep needs Python 3.11 or newer: `make PYTHON=python3.12 ...`.")
    sys.path[0] = os.environ.get("ENVKEEP") or str(unpacked())
    os.environ["ENVKEEP_PROJECT"] = str(ROOT)
    from envkeep.cli.main import main as run

    return run()


def unpacked():
    """Return the folder that holds the unpacked wheels; unpack them at the first call."""
    try:
        text = HASHES.read_bytes()
    except OSError as error:
        sys.exit(f"error: {HASHES} cannot be read ({error.strerror}); {RESTORE}.")
    name = f"envkeep-{hashlib.sha256(text).hexdigest()[:12]}"
    places = [ROOT / ".venvs" / name, cache() / name]
    ready = next((place for place in places if place.is_dir()), None)
    if ready:
        return ready
    wheels = checked(text.decode("utf-8"))
    for place in places:
        try:
            return unpack(wheels, place)
        except OSError as error:
            reason = f"{place}: {error.strerror}"
    sys.exit(
        f"error: envkeep cannot be unpacked ({reason}); make room, or name a folder that can be written in XDG_CACHE_HOME."
    )


def checked(text):
    """Return the wheels that the hashes name, each read whole and compared with its hash."""
    wheels = []
    for found in LINE.finditer(text):
        path = WHEELS / f"{found['name']}-{found['version']}-py3-none-any.whl"
        try:
            content = path.read_bytes()
        except OSError as error:
            sys.exit(f"error: {path} cannot be read ({error.strerror}); {RESTORE}.")
        if hashlib.sha256(content).hexdigest() != found["sha256"]:
            sys.exit(
                f"error: {path} is not the wheel that {HASHES.name} names: its hash differs; {RESTORE}."
            )
        wheels.append(path)
    if not wheels:
        sys.exit(f"error: {HASHES} names no wheel; {RESTORE}.")
    return wheels


def unpack(wheels, place):
    """Unpack wheels into a folder that is whole or not there, whoever else does the same now."""
    place.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)
        folder.chmod(0o755)
        try:
            folder.rename(place)
        except OSError:
            if not place.is_dir():
                raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return place


def cache():
    """Return the folder of this user's cache."""
    home = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_CACHE_HOME")
    return Path(home or Path.home() / ".cache") / "envkeep"


if __name__ == "__main__":
    sys.exit(main())
