"""Packages are tied to an index by their names, and nothing else adds an index."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from envkeep.errors import ToolError
from envkeep.locks import constraints, indexes, lockfile, package_index
from envkeep.locks.resolvers import tied_names
from envkeep.locks.resolvers.tied_names import TiedNames
from envkeep.locks.torch_builds import torch_build
from envkeep.process import Completed
from envkeep.project.target import Target
from envkeep.toolchain import pip_by_name
from envkeep.toolchain.pip_by_name import Tie
from tests.support.loopback import serving
from tests.support.stub_wheels import StubWheel
from tests.support.torch_index import write_overlay

CPU = Target("linux-x86_64", "cpu")
CUDA = Target("linux-x86_64", "cuda")
UV = Path(sys.executable).with_name("uv")
ROW = '[[index]]\nname = "acme"\nurl = "https://acme.example/simple"\npackages = ["acme-*"]\n'


@pytest.fixture
def write(folder: Path) -> Callable[[str], Path]:
    """Return what writes ``indexes.toml``."""

    def write(text: str) -> Path:
        (folder / "indexes.toml").write_text(text, encoding="utf-8")
        return folder

    return write


def index_of(name: str, backend: str = "cpu") -> str:
    """Return the name of the index that a package is tied to, or an empty text."""
    tie = indexes.index_of(name, backend)
    return tie.index_name if tie else ""


def test_names_and_wildcards_are_tied_whatever_their_spelling(
    write: Callable[[str], Path],
) -> None:
    write(ROW.replace('"acme-*"', '"acme-*", "Other.Lib"'))
    assert [index_of(name) for name in ("Acme_Core", "acme", "other-lib", "numpy")] == [
        "acme",
        "",
        "acme",
        "",
    ]


def test_a_whole_name_counts_before_a_wildcard_and_the_team_before_the_stack(
    write: Callable[[str], Path],
) -> None:
    folder = write(ROW + ROW.replace("acme-*", "acme-gpu").replace('"acme"', '"gpu"'))
    stack = '{"indexes": [{"name": "stack", "url": "https://s.example", "packages": ["*-gpu"]}]}'
    (folder / "stack" / "catalog.json").write_text(stack, encoding="utf-8")
    assert [index_of(name) for name in ("acme-core", "acme-gpu", "x-gpu")] == [
        "acme",
        "gpu",
        "stack",
    ]


def test_a_row_can_be_for_some_backends(write: Callable[[str], Path]) -> None:
    write(ROW + 'backends = ["cuda"]\n')
    assert (index_of("acme-core", "cpu"), index_of("acme-core", "cuda")) == ("", "acme")
    assert not indexes.ties(CPU)


def test_a_folder_is_found_from_the_project(write: Callable[[str], Path]) -> None:
    folder = write(ROW.replace("https://acme.example/simple", "wheels") + 'format = "flat"\n')
    (tie,) = indexes.ties(CPU)
    assert (tie.url, tie.flat, tie.is_folder) == (str(folder.parent / "wheels"), True, True)


WRONG = {
    "[[index]\n": "cannot be read",
    '[mirror]\nurl = "x"\n': "has mirror, and knows tables [[index]] alone",
    'index = ["x"]\n': "has an index that is no table",
    ROW.replace('"acme"', '"a b"'): "an index without a name of letters",
    ROW.replace('"acme"', '"PyPI"'): "calls an index PyPI, which is the name of another one",
    ROW + 'user = "bob"\n': "has the key user in the index acme, which knows name, url, packages",
    ROW.replace("packages", "backends").replace("acme-*", "cpu"): "has no packages in the index",
    ROW.replace("acme-*", "*"): "has '*' among the packages of the index acme",
    ROW.replace("acme-*", "acme==1"): "has 'acme==1' among the packages",
    ROW.replace('["acme-*"]', '"acme-*"'): "has packages in the index acme that are no list",
    ROW + 'backends = ["gpu"]\n': "has the backend gpu in the index acme; there are cpu, cuda",
    ROW + 'format = "json"\n': "has a format in the index acme that is neither simple nor flat",
    ROW.replace("https://acme.example/simple", "ftp://acme"): "has no address (https://...)",
    ROW.replace("https://acme.example/simple", "wheels"): "names the folder wheels in the index",
    ROW + ROW: "has two indexes acme",
    ROW + ROW.replace('"acme"', '"b"'): "ties acme-* to the indexes acme and b: a package has one",
    ROW.replace("acme-*", "torch"): "ties torch, which comes from PyTorch's index",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_file_is_refused_with_one_sentence(write: Callable[[str], Path], text: str) -> None:
    write(text)
    with pytest.raises(ToolError) as caught:
        indexes.ties(CPU, torch_build(CPU))
    said = str(caught.value)
    assert WRONG[text] in said
    assert said.endswith(".")


def test_an_address_with_a_password_is_refused_and_not_shown(
    write: Callable[[str], Path],
) -> None:
    write(ROW.replace("https://", "https://bob:s3cret@"))  # pragma: allowlist secret
    with pytest.raises(ToolError, match=r"~/\.netrc or a keyring") as caught:
        indexes.ties(CPU)
    assert "s3cret" not in str(caught.value)


def test_two_rows_of_other_backends_may_name_the_same_packages(
    write: Callable[[str], Path],
) -> None:
    other = ROW.replace('"acme"', '"acme-gpu"')
    write(f'{ROW}backends = ["cpu"]\n{other}backends = ["cuda"]\n')
    assert (index_of("acme-core", "cpu"), index_of("acme-core", "cuda")) == ("acme", "acme-gpu")


OF_BOB = "--index-url=https://bob:s3cret@corp/simple"  # pragma: allowlist secret
OPTIONS = {
    "--extra-index-url https://corp/simple": '`url = "https://corp/simple"`',
    OF_BOB: "pip config set global.index-url",
    "-i https://corp/simple": "pip config set global.index-url",
    "--find-links https://corp/all.html": '`url = "https://corp/all.html"`, `format = "flat"`',
    "--trusted-host corp": "`pip config set global.trusted-host corp`",
}


@pytest.mark.parametrize("line", OPTIONS)
def test_an_index_in_requirements_is_refused_with_what_to_write(
    write: Callable[[str], Path], line: str
) -> None:
    folder = write("")
    text = (folder / "20-train.in").read_text(encoding="utf-8")
    (folder / "20-train.in").write_text(f"# ours\n{line}\n{text}", encoding="utf-8")
    with pytest.raises(ToolError, match=r"20-train\.in, line 2: `") as caught:
        indexes.refuse_options(CPU)
    assert OPTIONS[line] in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_index_is_refused_in_what_is_locked_alone_too(
    write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write("")
    monkeypatch.setattr(indexes, "locked_alone", lambda target: ("environments/vllm",))
    (folder / "environments").mkdir()
    line = "--extra-index-url https://corp/simple\n"
    (folder / "environments" / "vllm.in").write_text(line, encoding="utf-8")
    with pytest.raises(ToolError, match=r"environments/vllm\.in, line 1: "):
        indexes.refuse_options(CPU)


def test_other_options_and_lines_are_no_indexes(write: Callable[[str], Path]) -> None:
    folder = write("")
    text = (folder / "20-train.in").read_text(encoding="utf-8")
    (folder / "20-train.in").write_text(f"{text}\nfind-links\n", encoding="utf-8")
    indexes.refuse_options(CPU)


def test_locks_are_stale_once_their_indexes_change(write: Callable[[str], Path]) -> None:
    write("")
    before = constraints.inputs_hash(CPU), constraints.inputs_by_lock(CPU)
    write(ROW + 'backends = ["cuda"]\n')
    assert (constraints.inputs_hash(CPU), constraints.inputs_by_lock(CPU)) == before
    write(ROW)
    assert constraints.inputs_hash(CPU) != before[0]
    assert constraints.inputs_by_lock(CPU)["20-train"] != before[1]["20-train"]
    assert "acme.example" not in constraints.effective_constraints(CPU)


def test_the_packages_of_the_team_are_known_for_all_backends(write: Callable[[str], Path]) -> None:
    write(ROW + 'backends = ["cuda"]\n')
    assert indexes.of_team(["numpy", "Acme_Core", "acme-app"]) == ["Acme_Core", "acme-app"]


def test_hashes_are_forgotten_and_versions_stay() -> None:
    text = lockfile.render_lock(
        [lockfile.LockEntry("acme-core==1.2", frozenset({f"sha256:{'0' * 64}"}))], "A lock."
    )
    (entry,) = lockfile.parse_lock(lockfile.without_hashes(text))
    assert (entry.requirement, entry.hashes) == ("acme-core==1.2", frozenset())


@pytest.fixture
def corp(tmp_path: Path) -> Iterator[str]:
    """Serve the index of a company, which has an ordinary package too, in a higher version."""
    wheels = [
        StubWheel("acme-app", "1.0", requires=("acme-core>=1", "plain")),
        StubWheel("acme-core", "1.2"),
        StubWheel("plain", "99.0"),
    ]
    write_overlay(tmp_path / "corp", wheels)
    with serving(tmp_path / "corp") as address:
        yield address


@pytest.fixture
def public(tmp_path: Path) -> Iterator[str]:
    """Serve an index of which a stranger put a program under a name of the company's."""
    folder = tmp_path / "public"
    write_overlay(folder, [StubWheel("acme-app", "9.0"), StubWheel("plain", "3.0")])
    (folder / "acme-core").mkdir()
    _write_source(folder / "acme-core" / "acme-core-9.2.tar.gz", tmp_path / "was-run")
    link = '<a href="acme-core-9.2.tar.gz">acme-core-9.2.tar.gz</a>'
    (folder / "acme-core" / "index.html").write_text(link, encoding="utf-8")
    with serving(folder) as address:
        yield address


def _write_source(path: Path, mark: Path) -> None:
    program = f"open({str(mark)!r}, 'w').close()\nraise SystemExit(1)\n".encode()
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {"setup.py": program, "PKG-INFO": b"Name: acme-core\n"}.items():
            member = tarfile.TarInfo(f"acme-core-9.2/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def compiled_by_uv(
    tied: TiedNames, public: str, folder: Path, sources: Sequence[Path]
) -> Callable[[Sequence[str]], Completed]:
    """Return what resolves with real uv."""

    def resolve(options: Sequence[str]) -> Completed:
        command = [UV, "pip", "compile", "--no-config", "--no-cache", "--quiet", *tied.projects]
        done = subprocess.run(
            [*command, *sources, "--default-index", public, *options],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return Completed(done.returncode, done.stdout.encode(), done.stderr)

    return resolve


def test_uv_finds_what_is_tied_and_runs_no_strangers_program(
    corp: str, public: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tied_names, "python_version", lambda: "3.11")
    monkeypatch.setattr(
        package_index, "files_of", lambda names: {each: [each == "acme-core"] for each in names}
    )
    source = tmp_path / "20-train.in"
    source.write_text("acme-app\n", encoding="utf-8")
    tied = TiedNames([Tie("acme-*", "acme", corp)], (), tmp_path / "tied")
    resolve = compiled_by_uv(tied, public, tmp_path, [source])
    tied.find([source], resolve)
    locked = lockfile.parse_lock(resolve([]).text)
    assert [entry.requirement for entry in locked] == [
        "acme-app==1.0",
        "acme-core==1.2",
        "plain==3.0",
    ]
    assert not (tmp_path / "was-run").exists()


def pip_by_names(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the program that real pip and pip-compile are started by."""
    command = [sys.executable, pip_by_name.__file__, folder, "cpu", *arguments]
    return subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def requirements(corp: str, public: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return requirements that tie the names of the company, on a machine with PyPI's stand-in."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", public)
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "tied-requirements"
    folder.mkdir()
    text = ROW.replace("https://acme.example/simple", corp)
    (folder / "indexes.toml").write_text(text, encoding="utf-8")
    return folder


def test_pip_compile_finds_what_is_tied_and_runs_no_strangers_program(
    requirements: Path, tmp_path: Path
) -> None:
    (requirements / "in.txt").write_text("acme-app\n", encoding="utf-8")
    options = ("--quiet", "--generate-hashes", "--no-emit-index-url", "--strip-extras")
    done = pip_by_names(requirements, "pip-compile", *options, "-o", "-", "in.txt")
    assert done.returncode == 0, done.stderr
    locked = lockfile.parse_lock(done.stdout)
    assert {entry.requirement for entry in locked} == {
        "acme-app==1.0",
        "acme-core==1.2",
        "plain==3.0",
    }
    assert all(entry.hashes for entry in locked)
    assert not (tmp_path / "was-run").exists()


def test_the_pages_of_an_image_give_the_file_that_is_locked(
    requirements: Path, corp: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = next((tmp_path / "corp").glob("acme_app-*.whl"))
    lock = tmp_path / "lock.txt"
    lock.write_text(f"acme-app==1.0 --hash=sha256:{pip_by_name._sha256(wheel)}\n")
    StubWheel("acme-app", "1.0", requires=("other",)).write(tmp_path / "public")
    page = '<a href="/acme_app-1.0-py3-none-any.whl">acme_app-1.0-py3-none-any.whl</a>'
    (tmp_path / "public" / "acme-app" / "index.html").write_text(page, encoding="utf-8")
    monkeypatch.setenv("PIP_FIND_LINKS", f" {corp}/acme-app/")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    into = ["--no-cache-dir", "--dest", str(tmp_path / "got"), "--requirement", str(lock)]
    done = subprocess.run([*command, *into], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "got" / wheel.name).read_bytes() == wheel.read_bytes()


def test_tied_files_are_fetched_and_checked_once(requirements: Path, tmp_path: Path) -> None:
    wheel = next((tmp_path / "corp").glob("acme_core-*.whl"))
    digest = pip_by_name._sha256(wheel)
    lock, into = tmp_path / "lock.txt", tmp_path / "fetched"
    lock.write_text(f"acme-core==1.2 \\\n    --hash=sha256:{digest}\nplain==3.0\n")
    done = pip_by_names(requirements, "fetch", lock, into)
    assert (done.returncode, [path.name for path in into.iterdir()]) == (0, [wheel.name])
    wheel.unlink()
    assert pip_by_names(requirements, "fetch", lock, into).returncode == 0
    lock.write_text(f"acme-core==1.2 \\\n    --hash=sha256:{'0' * 64}\n")
    assert pip_by_names(requirements, "fetch", lock, into).returncode != 0
