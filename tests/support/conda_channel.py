"""A local channel of conda packages, repacked from this machine, and a client that takes from it.

A stand-in for conda-forge: Python and pip are real and run, but they are not conda-forge's builds.
The client is the solver and the installer of rattler behind the few commands that the tools call;
it shows that an environment can be solved, made and filled, not that conda takes the options.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import sys
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pip

SUBDIR = "linux-64"
LEFT_OUT = {"site-packages", "test", "tests", "idlelib", "lib2to3", "tkinter", "__pycache__"}
CLIENT = """\
#!/bin/sh
# Stands in for a client of conda.
CHANNEL={channel} CHANNEL_CACHE={cache} exec {python} {script} "$@"
"""


def make_channel(folder: Path, more: Mapping[str, str]) -> str:
    """Pack this machine's Python and pip and index them.

    Args:
        folder: Where the channel goes; it must not exist.
        more: Versions of empty packages by name, which stand for libraries.

    Returns:
        Its address.
    """
    version = ".".join(map(str, sys.version_info[:3]))
    minor = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    site = f"lib/{minor}/site-packages"
    for subdir in (SUBDIR, "noarch"):
        (folder / subdir).mkdir(parents=True)
    packages = dict(
        [
            _pack(folder, "python", version, _python_files(Path(sys.base_prefix), minor)),
            _pack(folder, "pip", pip.__version__, _pip_files(site), ["python"]),
            *(_pack(folder, name, its_version, []) for name, its_version in more.items()),
        ]
    )
    for subdir, found in {SUBDIR: packages, "noarch": {}}.items():
        index = {"info": {"subdir": subdir}, "packages": found, "packages.conda": {}}
        (folder / subdir / "repodata.json").write_text(json.dumps(index), encoding="utf-8")
    return folder.as_uri()


def make_client(folder: Path, name: str, channel: str) -> Path:
    """Write a program that takes every package from one channel; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    script = Path(__file__).with_name("conda_client.py")
    text = CLIENT.format(
        channel=channel, python=sys.executable, script=script, cache=folder / "cache"
    )
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    return program


def _python_files(prefix: Path, minor: str) -> Iterator[tuple[str, Path]]:
    yield "bin/python", prefix / "bin" / minor
    yield f"bin/{minor}", prefix / "bin" / minor
    for library in prefix.glob(f"lib/lib{minor}*.so*"):
        yield f"lib/{library.name}", library
    for folder, folders, files in os.walk(prefix / "lib" / minor):
        folders[:] = [each for each in folders if each not in LEFT_OUT and "config-" not in each]
        for file in files:
            yield str((Path(folder) / file).relative_to(prefix)), Path(folder) / file


def _pip_files(site: str) -> Iterator[tuple[str, Path]]:
    own = Path(pip.__file__).parent
    for top in (own, *own.parent.glob("pip-*.dist-info")):
        for file in top.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                yield f"{site}/{file.relative_to(own.parent)}", file


def _pack(
    channel: Path,
    name: str,
    version: str,
    files: Iterable[tuple[str, Path]],
    depends: Iterable[str] = (),
) -> tuple[str, dict[str, object]]:
    """Write a package in conda's older format: an archive with its facts under ``info/``.

    Returns:
        Its file's name, and what the channel's index says about it.
    """
    facts: dict[str, object] = {"name": name, "version": version, "subdir": SUBDIR}
    facts |= {"build": "0", "build_number": 0, "depends": [*depends]}
    paths: list[dict[str, object]] = []
    target = channel / SUBDIR / f"{name}-{version}-0.tar.bz2"
    with tarfile.open(target, "w:bz2", compresslevel=1) as archive:
        for path, file in files:
            content = file.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            entry = {"_path": path, "path_type": "hardlink", "sha256": digest}
            paths.append({**entry, "size_in_bytes": len(content)})
            _add(archive, path, content, stat.S_IMODE(file.stat().st_mode))
        _add_json(archive, "info/index.json", facts)
        _add_json(archive, "info/paths.json", {"paths": paths, "paths_version": 1})
    packed = target.read_bytes()
    return target.name, {
        **facts,
        "sha256": hashlib.sha256(packed).hexdigest(),
        "size": len(packed),
    }


def _add(archive: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _add_json(archive: tarfile.TarFile, path: str, content: object) -> None:
    _add(archive, path, json.dumps(content).encode(), 0o644)
