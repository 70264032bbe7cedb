"""Recognize wheels that lack files of their own RECORD: that is no damage.

Only asked when something is gone or of another size after an installation that ended well.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from envkeep.environments import records
from envkeep.environments.distributions import packages_folder
from envkeep.errors import CommandError
from envkeep.files import text_of
from envkeep.locks import lockfile
from envkeep.paths import python
from envkeep.process import run, say
from envkeep.toolchain import locking_tools


def excuse(environment: Path, locks: Iterable[Path]) -> None:
    """Record the files whose wheels themselves lack them or have another size.

    The wheels are fetched for that, apart from uv's cache, by the hashes of the locks; if they
    cannot be, nothing is noted.
    """
    lost = records.lost_of(environment)
    packages = packages_folder(environment)
    if not lost or packages is None:
        return
    say(f"Comparing {', '.join(lost)} with the wheels.")
    top = f"{packages.relative_to(environment).as_posix()}/"
    held = _contents(lost.keys(), locks)
    noted = {
        path: size
        for name, paths in lost.items()
        for path, size in paths.items()
        if name in held and path.startswith(top) and held[name].get(path[len(top) :]) == size
    }
    if noted:
        (environment / records.FAULTY).write_text(json.dumps(noted, indent=2), encoding="utf-8")


def _contents(names: Collection[str], locks: Iterable[Path]) -> dict[str, Mapping[str, int]]:
    """Return the sizes of the files in the wheels of some packages, by package and path."""
    entries = [each for path in locks for each in lockfile.parse_lock(text_of(path))]
    found: dict[str, Mapping[str, int]] = {}
    for entry in entries:
        if entry.name not in names:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            wanted = Path(temporary) / "wanted.txt"
            wanted.write_text(lockfile.render_lock([entry], "one package"), encoding="utf-8")
            command = [python(locking_tools.ensure()), "-m", "pip", "download", "--no-deps"]
            options = ["--require-hashes", "--dest", temporary, "--requirement", wanted]
            try:
                run([*command, *options], mode="quiet")
            except CommandError:
                continue
            for wheel in Path(temporary).glob("*.whl"):
                with zipfile.ZipFile(wheel) as archive:
                    found[entry.name] = {
                        each.filename: each.file_size for each in archive.infolist()
                    }
    return found
