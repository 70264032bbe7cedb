"""Fill a folder with everything that makes the active environment again."""

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
from envkeep.archive.manifest import LOCKED, PYTHON_ARCHIVE, Saved, hashes_of
from envkeep.errors import CommandError, ToolError
from envkeep.files import in_words, sha256_of, size_of, write_whole
from envkeep.locks import lockfile, torch_wheels
from envkeep.locks.lock_set import Locks, pinned
from envkeep.paths import REQUIREMENTS, ROOT, TOOLCHAIN_LOCK, python, shown
from envkeep.process import ended, environment, run, say
from envkeep.project.git import Git
from envkeep.project.metadata import facts, python_version
from envkeep.project.requirements import layers
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
    """Return in words what will be downloaded at most: wheels are smaller than what they become."""
    return f"at most about {in_words(environment_size)}"


def require_room(folder: Path, needed: int) -> None:
    """Refuse to begin where there is too little room.

    Raises:
        ToolError: There is.
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
        ToolError: It is the system's own, whose files lie among others.
    """
    prefix = Path(_printed([interpreters.find(), "-c", "import sys; print(sys.base_prefix)"]))
    if str(prefix).startswith(OF_THE_SYSTEM):
        raise ToolError(
            f"Python lies in {prefix}, among other files of the system, and cannot be saved alone; "
            "leave out --python, or use one by pyenv or uv."
        )
    return prefix


def fill(folder: Path, locks: Locks, *, interpreter: Path | None, image: str | None) -> Saved:
    """Download, build and describe; what is there already is kept.

    Args:
        folder: Where it goes.
        locks: The locks of the environment.
        interpreter: The folder of the interpreter, if it goes in too.
        image: The name and digest of a container image that belongs to it, to be noted.

    Raises:
        ToolError: Something could not be had.
    """
    system = systems.here()
    wanted = layers()
    made = Saved(folder, {}, system, layers=wanted)
    for place in made.sources:
        place.mkdir(parents=True, exist_ok=True)
    _copy_requirements(made)
    files = locks.require(wanted)
    for number, path in enumerate((*files, TOOLCHAIN_LOCK), start=1):
        say(f"[{number}/{len(files) + 1}] {shown(path)}: {len(pinned(path))} packages")
        _download(path, locks, made)
    shutil.copyfile(TOOLCHAIN_LOCK, made.tools)
    built = _build(made)
    for path in files:
        _write_lock(path, made, built)
    _remove_others(made, [*files, TOOLCHAIN_LOCK])
    if interpreter:
        _pack(interpreter, folder / PYTHON_ARCHIVE)
    described = replace(made, facts=_facts(locks, image))
    _write_readme(described)
    say("Hashing what was saved.")
    whole = replace(described, files=hashes_of(folder))
    whole.write()
    return whole


def _copy_requirements(made: Saved) -> None:
    shutil.rmtree(made.requirements, ignore_errors=True)
    shutil.copytree(REQUIREMENTS, made.requirements)


def _download(lock: Path, locks: Locks, made: Saved) -> None:
    """Bring the files that a lock names, each checked by its hash; those there are kept."""
    files = made.sources[0]
    command: list[object] = [python(locking_tools.ensure()), "-m", "pip", "download", "--no-deps"]
    command += ["--require-hashes", "--dest", files]
    if lock != TOOLCHAIN_LOCK and (torch := torch_wheels.fetch_locked(lock, locks.target)):
        command += ["--find-links", torch]
    try:
        run([*command, "--requirement", lock], quietly=True)
    except CommandError as error:
        raise ToolError(
            f"what {shown(lock)} names could not be fetched (the reason is above): check the "
            "network, then run the command again; what was fetched stays."
        ) from error


def _build(made: Saved) -> dict[str, str]:
    """Build what came as source, and return the SHA-256 of each wheel by ``name==version``."""
    files, built = made.sources
    found = {}
    for archive in sorted(path for path in files.iterdir() if path.suffix != ".whl"):
        name, version = _named(archive)
        wheel = _wheel_of(built, name, version)
        if wheel is None:
            say(f"Building {archive.name}, which has no wheel.")
            command: list[object] = [python(locking_tools.ensure()), "-m", "pip", "wheel"]
            command += ["--no-deps", "--build-constraint", TOOLCHAIN_LOCK, "--wheel-dir", built]
            run([*command, archive], quietly=True)
            wheel = _wheel_of(built, name, version)
        if wheel is None:
            raise ToolError(f"{archive.name} did not become a wheel of {name} {version}.")
        found[f"{name}=={version}"] = sha256_of(wheel)
    return found


def _write_lock(path: Path, made: Saved, built: dict[str, str]) -> None:
    """Write a lock that admits the wheels that were built, in place of their sources."""
    entries = lockfile.parse(path.read_text(encoding="utf-8"))
    hashes = {
        entry.requirement: [f"sha256:{built[entry.requirement]}"]
        for entry in entries
        if entry.requirement in built
    }
    text = lockfile.render(lockfile.with_hashes(entries, hashes), f"Saved from {path.name}.")
    (made.folder / LOCKED).mkdir(exist_ok=True)
    write_whole(made.lock(path.stem), text.encode())


def _remove_others(made: Saved, locks: Sequence[Path]) -> None:
    """Remove files that an earlier save of other locks left in the folder."""
    wanted = {(name, version) for path in locks for name, version in pinned(path).items()}
    for folder in made.sources:
        for path in folder.iterdir():
            if _named(path) not in wanted:
                path.unlink()


def _named(path: Path) -> tuple[str, str]:
    """Return the name and the version that a wheel's or an archive's name bears."""
    if path.suffix == ".whl":
        name, version = parse_wheel_filename(path.name)[:2]
        return name, str(version)
    stem = re.sub(r"\.(tar\.\w+|zip|tgz)$", "", path.name)  # packaging knows two of these alone
    return canonicalize_name(stem.rpartition("-")[0]), stem.rpartition("-")[2]


def _wheel_of(folder: Path, name: str, version: str) -> Path | None:
    found = (path for path in folder.glob("*.whl") if _named(path) == (name, version))
    return next(found, None)


def _pack(interpreter: Path, archive: Path) -> None:
    say(f"Packing Python from {interpreter}.")
    fresh = archive.with_name(f"{archive.name}.new")
    program = interpreters.inside(interpreter, python_version())
    freed = movable(program)
    with tarfile.open(fresh, "w:gz", compresslevel=6) as packed:
        packed.add(interpreter, arcname=interpreter.name, filter=_without_caches)
        if freed:  # once more: the last one is what unpacking leaves
            member = tarfile.TarInfo(f"{interpreter.name}/bin/{program.name}")
            member.mode, member.size = 0o755, len(freed)
            member.mtime = int(program.stat().st_mtime)
            packed.addfile(member, io.BytesIO(freed))
    fresh.replace(archive)


def _without_caches(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in member.name else member


def _printed(command: Sequence[object]) -> str:
    return ended(command, ROOT, environment()).output.decode().strip()


def _facts(locks: Locks, image: str | None) -> dict[str, object]:
    git = Git(ROOT)
    wanted = layers()
    return {
        "project": facts()["package_name"],
        "stack_release": facts()["stack_release"],
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


def _write_readme(made: Saved) -> None:
    find = "--no-index --find-links files --find-links built --only-binary :all:"
    commands = [
        f"python{made.facts['python']} -m venv environment",
        *(
            f"environment/bin/pip install --no-deps --require-hashes {find} -r locks/{layer}.txt"
            for layer in made.layers
        ),
        "environment/bin/pip install --no-deps --no-build-isolation --editable PROJECT",
    ]
    system = made.system
    text = README.format(
        project=made.facts["project"],
        environment=str(made.facts["lock_sha256"])[:12],
        platform=made.facts["target"],
        commit=made.facts["commit"] or "(it is in no repository)",
        python=system.python,
        commands="\n".join(f"      {line}" for line in commands),
        system=", ".join(_described(system)),
        remarks="".join(f"\n{line}\n" for line in _remarks(made)),
    )
    write_whole(made.folder / "README.md", text.encode())


def _described(system: systems.System) -> Iterable[str]:
    yield system.release
    yield system.processor
    if system.libc:
        yield f"glibc {system.libc}"
    if system.driver:
        yield f"NVIDIA driver {system.driver}"
    yield from system.gpus


def _remarks(made: Saved) -> Iterable[str]:
    if made.facts["uncommitted"]:
        yield "The project had changes that were not committed; they are not in that commit."
    if made.facts["image"]:
        yield f"It belongs to the container image `{made.facts['image']}`."
    if (made.folder / PYTHON_ARCHIVE).exists():
        yield (
            f"`{PYTHON_ARCHIVE}` is the interpreter, which `make restore` takes where Python "
            f"{made.facts['python']} is missing. By hand: unpack it anywhere "
            f"(`tar -xzf {PYTHON_ARCHIVE}`) and take the `bin/python{made.facts['python']}` in it "
            "for the first command."
        )
