"""Fill an archive with everything that makes the active environment again."""

from __future__ import annotations

import io
import re
import shutil
import sys
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename

from envkeep.archive import system as systems
from envkeep.archive.interpreter import movable
from envkeep.archive.layout import PYTHON, Layout
from envkeep.archive.manifest import Manifest
from envkeep.errors import CommandError, ToolError
from envkeep.files import in_words, sha256_of, size_of, write_whole
from envkeep.locks import lockfile, tied_files, torch_wheels
from envkeep.locks.lock_set import Locks, pinned
from envkeep.paths import REQUIREMENTS, ROOT, TOOLCHAIN_LOCK, python, shown
from envkeep.process import run, say
from envkeep.project.git import Git
from envkeep.project.metadata import project_metadata, python_version
from envkeep.toolchain import interpreters, locking_tools

OF_THE_SYSTEM = ("/usr", "/bin", "/System", "/Library")
DATA = ROOT / "data"
README = """\
# A saved environment of {project}

Everything that makes the environment {environment} again, on {platform}, without network.

- In a clone of the project at the commit {commit}: `make restore FROM=THIS_FOLDER`.
- By hand, with Python {python}, in this folder:

{commands}

`files/` holds what was downloaded, `built/` what was built from source, `locks/` what is installed
with the hash of each file, `requirements/` the project's own requirements and locks, and
`manifest.json` the hash of every file here and the facts of the machine: {system}.
{remarks}"""


def estimate(environment_size: int) -> str:
    """Describe the largest possible download: wheels are smaller than their installed files."""
    return f"at most about {in_words(environment_size)}"


def require_room(folder: Path, needed: int) -> None:
    """Check the free disk space.

    Raises:
        ToolError: The disk has too little room.
    """
    top = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(top).free
    have = size_of(folder) if folder.exists() else 0
    if free + have < needed:
        raise ToolError(
            f"{folder} has room for {in_words(free)}, and {in_words(needed)} may be needed; name a "
            "folder on another disk."
        )


def interpreter_folder() -> Path:
    """Return the folder of the interpreter that environments are made with.

    Raises:
        ToolError: The interpreter is the system's own, whose files lie among others.
    """
    prefix = Path(
        _printed([interpreters.find_interpreter(), "-c", "import sys; print(sys.base_prefix)"])
    )
    if str(prefix).startswith(OF_THE_SYSTEM):
        raise ToolError(
            f"Python lies in {prefix}, among other files of the system, and cannot be saved alone; "
            "leave out --python, or use one by pyenv or uv."
        )
    return prefix


def fill(
    layout: Layout,
    locks: Locks,
    wanted: tuple[str, ...],
    *,
    interpreter: Path | None,
    image: str | None,
) -> Manifest:
    """Download, build and describe; keep what is there already.

    Args:
        layout: Where it goes.
        locks: The locks of the environment.
        wanted: Which of them: the layers, or an environment by name.
        interpreter: The folder of the interpreter, if it goes in too.
        image: The name and digest of a container image that belongs to it, to be noted.

    Raises:
        ToolError: A package could not be downloaded or built.
    """
    system = systems.here()
    for place in (*layout.sources, layout.locks):
        place.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(layout.requirements, ignore_errors=True)
    shutil.copytree(REQUIREMENTS, layout.requirements)
    files = locks.require(wanted)
    for number, path in enumerate((*files, TOOLCHAIN_LOCK), start=1):
        say(f"[{number}/{len(files) + 1}] {shown(path)}: {len(pinned(path))} packages")
        _download(path, locks, layout.files)
    shutil.copyfile(TOOLCHAIN_LOCK, layout.tools)
    built = _build(layout)
    for path in files:
        _write_lock(path, layout.lock(path.stem), built)
    _remove_others(layout, [*files, TOOLCHAIN_LOCK])
    if interpreter:
        _pack(interpreter, layout.python)
    described = Manifest(layout, _facts(locks, wanted, image), system, layers=wanted)
    _write_readme(described)
    say("Hashing what was saved.")
    whole = replace(described, files=layout.hashes())
    whole.write()
    return whole


def _download(lock: Path, locks: Locks, files: Path) -> None:
    """Download a lock's missing files, and check each by its hash."""
    command: list[object] = [python(locking_tools.ensure()), "-m", "pip", "download", "--no-deps"]
    command += ["--require-hashes", "--dest", files]
    is_tools = lock == TOOLCHAIN_LOCK
    parts = [(lock, [])] if is_tools else tied_files.parts(lock, locks.target)
    if not is_tools and (torch := torch_wheels.fetch_locked(lock, locks.target)):
        command += ["--find-links", torch]
    try:
        for path, sources in parts:
            run([*command, *sources, "--requirement", path], mode="quiet")
    except CommandError as error:
        raise ToolError(
            f"what {shown(lock)} names could not be fetched (the reason is above): check the "
            "network, then run the command again; what was fetched stays."
        ) from error


def _build(layout: Layout) -> dict[str, str]:
    """Build what came as source, and return the SHA-256 of each wheel by ``name==version``."""
    found = {}
    for source in sorted(path for path in layout.files.iterdir() if path.suffix != ".whl"):
        name, version = _named(source)
        wheel = _wheel_of(layout.built, name, version)
        if wheel is None:
            say(f"Building {source.name}, which has no wheel.")
            command: list[object] = [python(locking_tools.ensure()), "-m", "pip", "wheel"]
            command += ["--no-deps", "--build-constraint", TOOLCHAIN_LOCK]
            run([*command, "--wheel-dir", layout.built, source], mode="quiet")
            wheel = _wheel_of(layout.built, name, version)
        if wheel is None:
            raise ToolError(f"{source.name} did not become a wheel of {name} {version}.")
        found[f"{name}=={version}"] = sha256_of(wheel)
    return found


def _write_lock(lock: Path, into: Path, built: dict[str, str]) -> None:
    """Write a lock that admits the wheels that were built, in place of their sources."""
    entries = lockfile.parse_lock(lock.read_text(encoding="utf-8"))
    hashes = {
        entry.requirement: [f"sha256:{built[entry.requirement]}"]
        for entry in entries
        if entry.requirement in built
    }
    text = lockfile.render_lock(lockfile.with_hashes(entries, hashes), f"Saved from {lock.name}.")
    write_whole(into, text.encode())


def _remove_others(layout: Layout, locks: Sequence[Path]) -> None:
    """Remove files that an earlier save of other locks left in the folder."""
    wanted = {(name, version) for path in locks for name, version in pinned(path).items()}
    for folder in layout.sources:
        for path in folder.iterdir():
            if _named(path) not in wanted:
                path.unlink()


def _named(path: Path) -> tuple[str, str]:
    """Return the name and version in the file name of a wheel or source archive."""
    if path.suffix == ".whl":
        name, version = parse_wheel_filename(path.name)[:2]
        return name, str(version)
    stem = re.sub(r"\.(tar\.\w+|zip|tgz)$", "", path.name)  # packaging knows two of these alone
    return canonicalize_name(stem.rpartition("-")[0]), stem.rpartition("-")[2]


def _wheel_of(folder: Path, name: str, version: str) -> Path | None:
    found = (path for path in folder.glob("*.whl") if _named(path) == (name, version))
    return next(found, None)


def _pack(interpreter: Path, into: Path) -> None:
    say(f"Packing Python from {interpreter}.")
    fresh = into.with_name(f"{into.name}.new")
    program = interpreters.inside(interpreter, python_version())
    freed = movable(program)
    with tarfile.open(fresh, "w:gz", compresslevel=6) as packed:
        packed.add(interpreter, arcname=interpreter.name, filter=_without_caches)
        if freed:  # once more: the last one is what unpacking leaves
            member = tarfile.TarInfo(f"{interpreter.name}/bin/{program.name}")
            member.mode, member.size = 0o755, len(freed)
            member.mtime = int(program.stat().st_mtime)
            packed.addfile(member, io.BytesIO(freed))
    fresh.replace(into)


def _without_caches(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in member.name else member


def _printed(command: Sequence[object]) -> str:
    return run(command, mode="capture", check=False).text.strip()


def _facts(locks: Locks, wanted: Sequence[str], image: str | None) -> dict[str, object]:
    git = Git(ROOT)
    return {
        "project": project_metadata()["package_name"],
        "stack_release": project_metadata()["stack_release"],
        "commit": git.says("rev-parse", "HEAD"),
        "uncommitted": bool(git.says("status", "--porcelain")),
        "target": locks.target.name,
        "backend": locks.target.backend,
        "lock_sha256": locks.sha256(wanted),
        "python": python_version(),
        "image": image,
        "data": dict(_data()),
        "saved_by": sys.version.partition(" ")[0],
    }


def _data() -> Iterator[tuple[str, str]]:
    """Yield the project's data with its hashes; the data itself is not saved."""
    for path in sorted(DATA.rglob("*")):
        if path.is_file() and path.name != ".gitignore":
            yield path.relative_to(ROOT).as_posix(), sha256_of(path)


def _write_readme(archive: Manifest) -> None:
    find = "--no-index --find-links files --find-links built --only-binary :all:"
    commands = [
        f"python{archive.facts['python']} -m venv environment",
        *(
            f"environment/bin/pip install --no-deps --require-hashes {find} "
            f"-r locks/{archive.layout.lock(layer).name}"
            for layer in archive.layers
        ),
    ]
    if not archive.named:
        commands.append(
            "environment/bin/pip install --no-deps --no-build-isolation --editable PROJECT"
        )
    system = archive.system
    text = README.format(
        project=archive.facts["project"],
        environment=str(archive.facts["lock_sha256"])[:12],
        platform=archive.facts["target"],
        commit=archive.facts["commit"] or "(it is in no repository)",
        python=system.python,
        commands="\n".join(f"      {line}" for line in commands),
        system=", ".join(_described(system)),
        remarks="".join(f"\n{line}\n" for line in _remarks(archive)),
    )
    write_whole(archive.layout.readme, text.encode())


def _described(system: systems.System) -> Iterable[str]:
    yield system.release
    yield system.processor
    if system.libc:
        yield f"glibc {system.libc}"
    if system.driver:
        yield f"NVIDIA driver {system.driver}"
    yield from system.gpus


def _remarks(archive: Manifest) -> Iterable[str]:
    if archive.facts["uncommitted"]:
        yield "The project had changes that were not committed; they are not in that commit."
    if archive.facts["image"]:
        yield f"It belongs to the container image `{archive.facts['image']}`."
    if archive.layout.python.exists():
        yield (
            f"`{PYTHON}` is the interpreter, which `make restore` takes where Python "
            f"{archive.facts['python']} is missing. By hand: unpack it anywhere "
            f"(`tar -xzf {PYTHON}`) and take the `bin/python{archive.facts['python']}` in it "
            "for the first command."
        )
