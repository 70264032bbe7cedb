"""Which layers are compiled again if only what changed is to be compiled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from envkeep import transaction
from envkeep.commands import lock as lock_command
from envkeep.errors import CommandError, ToolError
from envkeep.locks import compile as locking
from envkeep.locks import constraints, failures, lock_set, package_index
from envkeep.locks.lock_set import Locks
from envkeep.locks.lockfile import LockEntry
from envkeep.locks.package_index import Fit
from envkeep.project import metadata, requirements
from envkeep.project.target import Target

TARGET = Target("linux-x86_64", "cpu")
LAYERS = ("30-prod", "40-dev", "50-lint")
FILES = {
    "stack/30-prod.in": "numpy\n",
    "stack/40-dev.in": "pytest\n",
    "stack/50-lint.in": "numpy\nruff\n",
    "stack/constraints.txt": "numpy==2.5\npytest==9.0\nruff==0.9\n",
    "30-prod.in": "-r stack/30-prod.in\n",
    "stack/exporters/jam.in": "sugar\n",
    "stack/exporters/jam.txt": "sugar==1.0\n",
}
ALL = [*LAYERS, "jam"]


class Recording:
    """Stands for a resolver: takes the first pin that an input names, and remembers the outputs."""

    def __init__(self) -> None:
        """Begin with nothing compiled."""
        self.compiled: list[str] = []
        self.versions: dict[str, str] = {}
        self.partners: dict[str, str] = {}
        self.brought: list[str] = []

    def compile(
        self, sources: Sequence[Path], output: Path, constraints: Sequence[Path], *, upgrade: bool
    ) -> list[LockEntry]:
        """Return what the inputs ask for, in the version that is set or in 1.0."""
        self.compiled.append(output.stem)
        self._refuse_new_partners(constraints[0].read_text(encoding="utf-8").splitlines())
        asked = [line for path in sources for line in requirements.all_statements(path)]
        names = [line.partition("==")[0] for line in asked if not line.startswith("-")]
        pins = [f"{name}=={self.versions.get(name, '1.0')}" for name in dict.fromkeys(names)]
        pins += self.brought
        return [
            LockEntry(pin, frozenset({f"sha256:{'0' * 64}"}), frozenset({"in"})) for pin in pins
        ]

    def _refuse_new_partners(self, limits: Sequence[str]) -> None:
        """Fail in uv's words while the constraints pin what needs a newer package."""
        for pin, need in self.partners.items():
            if pin in limits:
                words = f"Because {pin} depends on {need} and you require {need.partition('>')[0]}"
                raise CommandError("`uv` failed", words)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the requirements of a small project without torch."""
    folder = tmp_path / "requirements"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for module in (requirements, constraints):
        monkeypatch.setattr(module, "REQUIREMENTS", folder)
        monkeypatch.setattr(module, "STACK", folder / "stack")
        monkeypatch.setattr(module, "OVERRIDES", folder / "overrides.txt")
        monkeypatch.setattr(module, "ORDER", folder / "order.txt")
    monkeypatch.setattr(constraints, "CONSTRAINTS", folder / "stack" / "constraints.txt")
    monkeypatch.setattr(lock_set, "LOCKS", folder / "locks")
    monkeypatch.setattr(lock_set, "ROOT", tmp_path)
    monkeypatch.setattr(locking, "RESOLUTIONS", tmp_path / "resolutions")
    staged = tmp_path / "staged"
    for name, path in {"ROOT": tmp_path, "STAGED": staged, "FILES": staged / "files"}.items():
        monkeypatch.setattr(transaction, name, path)
    monkeypatch.setattr(transaction, "DONE", staged / "done")
    for module in (constraints, lock_set, locking, failures):
        monkeypatch.setattr(module, "python_version", lambda: "3.12")
    facts = {"package_name": "shop", "builds": {"cpu": "cpu"}}
    monkeypatch.setattr(metadata, "project_metadata", lambda: facts)
    monkeypatch.setattr("envkeep.locks.torch_builds.project_metadata", lambda: facts)
    Locks(TARGET).folder.mkdir(parents=True)
    return folder


@pytest.fixture
def resolver(folder: Path) -> Recording:
    """Return the resolver after everything was locked once."""
    recording = Recording()
    assert lock(recording) == ALL
    return recording


def lock(resolver: Recording, *, only_changed: bool = True) -> list[str]:
    """Lock, and return what was compiled."""
    resolver.compiled.clear()
    wanted = requirements.layers()
    locking.lock(TARGET, wanted, lambda *_: resolver, upgrade=False, only_changed=only_changed)
    assert Locks(TARGET).are_fresh()
    return list(resolver.compiled)


def test_nothing_is_compiled_if_nothing_changed(resolver: Recording) -> None:
    assert lock(resolver) == []
    assert lock(resolver, only_changed=False) == ALL


def test_a_new_package_concerns_its_layer_alone(
    resolver: Recording, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "40-dev.in").write_text("-r stack/40-dev.in\nrich\n", encoding="utf-8")
    capfd.readouterr()
    assert lock(resolver) == ["40-dev"]
    said = capfd.readouterr().out
    assert "[1/4] " in said
    assert said.count(": stays as it is") == 3
    assert lock_set.pinned(Locks(TARGET).file("40-dev")) == {"pytest": "1.0", "rich": "1.0"}


def test_a_file_that_is_taken_in_counts(resolver: Recording, folder: Path) -> None:
    (folder / "stack" / "30-prod.in").write_text("numpy\nonnx\n", encoding="utf-8")
    assert lock(resolver) == ["30-prod"]


def test_a_later_layer_with_a_package_that_moved_is_compiled_too(
    resolver: Recording, folder: Path
) -> None:
    (folder / "30-prod.in").write_text("-r stack/30-prod.in\nnumpy==2.0\n", encoding="utf-8")
    resolver.versions["numpy"] = "2.0"
    assert lock(resolver) == ["30-prod", "50-lint"]
    assert lock_set.pinned(Locks(TARGET).file("50-lint"))["numpy"] == "2.0"


@pytest.mark.parametrize(
    ("path", "text", "compiled"),
    [
        ("overrides.txt", "pytest==9.1\n", list(LAYERS)),
        ("stack/constraints.txt", "numpy==2.6\n", list(LAYERS)),
        ("order.txt", "40-dev\n30-prod\n50-lint\n", ["40-dev", "30-prod", "50-lint", "jam"]),
        ("stack/exporters/jam.txt", "sugar==1.1\n", ["jam"]),
    ],
)
def test_what_holds_for_all_concerns_all(
    resolver: Recording, folder: Path, path: str, text: str, compiled: list[str]
) -> None:
    (folder / path).write_text(text, encoding="utf-8")
    assert lock(resolver) == compiled


def test_a_lock_that_is_missing_is_compiled(resolver: Recording, folder: Path) -> None:
    Locks(TARGET).file("40-dev").unlink()
    assert lock(resolver) == ["40-dev"]


def test_locks_that_do_not_say_what_they_were_compiled_from_are_compiled(
    resolver: Recording, folder: Path
) -> None:
    path = Locks(TARGET).constraints
    kept = [line for line in path.read_text().splitlines() if "inputs of" not in line]
    path.write_text("\n".join(kept), encoding="utf-8")
    assert Locks(TARGET).are_fresh()
    assert lock(resolver) == ALL


NEEDS = {"pytest==9.0": "numpy>=2.5", "ruff==0.9": "pytest>=9"}


def test_all_pins_that_an_older_override_contradicts_are_named_at_once(
    resolver: Recording, folder: Path
) -> None:
    (folder / "overrides.txt").write_text("numpy==2.0\n", encoding="utf-8")
    resolver.partners = NEEDS
    with pytest.raises(ToolError, match=r"add to it `pytest<9\.0` and `ruff<0\.9`, with which all"):
        lock(resolver)
    assert (folder / "overrides.txt").read_text(encoding="utf-8") == "numpy==2.0\n"


@pytest.mark.parametrize("is_broken", [False, True])
def test_lines_that_are_needed_can_be_added(
    resolver: Recording, folder: Path, is_broken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = folder / "overrides.txt"
    overrides.write_text("# ours\nnumpy==2.0\n", encoding="utf-8")
    monkeypatch.setattr(lock_command, "OVERRIDES", overrides)
    resolver.partners = NEEDS
    if is_broken:
        monkeypatch.setattr(lock_command, "say", lambda line: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            lock_command.compile_locks([TARGET], lambda *_: resolver, upgrade=False, loosen=True)
        assert overrides.read_text(encoding="utf-8") == "# ours\nnumpy==2.0\n"
        return
    lock_command.compile_locks([TARGET], lambda *_: resolver, upgrade=False, loosen=True)
    lines = ["# ours", "numpy==2.0", "pytest<9.0", "ruff<0.9"]
    assert overrides.read_text(encoding="utf-8").splitlines() == lines
    assert Locks(TARGET).are_fresh()
    resolver.partners = {}
    assert lock(resolver) == []


def says(monkeypatch: pytest.MonkeyPatch, **facts: object) -> list[tuple[str, str]]:
    """Let the index say something of each version; return which ones it is asked about."""
    asked: list[tuple[str, str]] = []
    usual = {"has_version": True, "by": "wheel", "pythons": ["3.10"], "yanked": None}

    def fits(wanted: Sequence[tuple[str, str]]) -> list[Fit]:
        asked.extend(wanted)
        rest = {"is_known": True, "requires_python": None, "nearest": "1.2", "newest": []}
        return [Fit(*each, **{**usual, **rest, **facts}) for each in wanted]  # type: ignore[arg-type]

    monkeypatch.setattr(package_index, "fits", fits)
    return asked


def test_only_versions_that_are_new_and_not_of_the_stack_are_looked_at(
    resolver: Recording, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = says(monkeypatch)
    (folder / "40-dev.in").write_text("-r stack/40-dev.in\nrich\nruff\n", encoding="utf-8")
    resolver.versions["ruff"] = "0.9"
    lock(resolver)
    assert asked == [("rich", "1.0")]
    lock(resolver, only_changed=False)
    assert asked == [("rich", "1.0")]


def test_a_version_that_this_python_cannot_have_is_not_locked(
    resolver: Recording, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, by="")
    (folder / "40-dev.in").write_text("-r stack/40-dev.in\nrich\n", encoding="utf-8")
    with pytest.raises(ToolError, match=r"rich 1\.0 has no wheel for Python .* has one is 1\.2;"):
        lock(resolver)


@pytest.mark.parametrize("by", ["wheel", "source"])
def test_a_version_that_can_be_built_is_locked_and_a_withdrawn_one_is_named(
    resolver: Recording,
    folder: Path,
    by: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    says(monkeypatch, by=by, yanked="it is broken")
    (folder / "40-dev.in").write_text("-r stack/40-dev.in\nrich\n", encoding="utf-8")
    assert lock(resolver) == ["40-dev"]
    said = capfd.readouterr().out
    assert "note: rich 1.0 was withdrawn by its makers (it is broken); take another" in said


OLD = {"days_behind": 1200, "newest": ["3.17.2", "3.17.1"]}


@pytest.mark.parametrize("place", ["40-dev.in", "exporters/jam.in"])
def test_a_resolver_may_not_fall_back_to_a_release_far_older_than_the_newest(
    resolver: Recording, folder: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, **OLD)
    path = folder / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"-r {'../' * (len(path.relative_to(folder).parts) - 1)}stack/{place}\nmlflow\n"
    )
    before = Locks(TARGET).file(place.removesuffix(".in")).read_bytes() if "40" in place else b""
    words = r"mlflow fell back from 3\.17\.2 to 1\.0, released 3\.3 years before it, as no newer"
    with pytest.raises(ToolError, match=rf"{words}.*`mlflow>=3\.17\.2` in .*{path.name} to see"):
        lock(resolver)
    if before:
        assert Locks(TARGET).file("40-dev").read_bytes() == before


@pytest.mark.parametrize("line", ["mlflow>=1.0", "mlflow<2", "mlflow==1.0"])
def test_an_old_release_that_a_line_admits_is_locked(
    resolver: Recording, folder: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, **OLD)
    resolver.versions[line] = "1.0"
    (folder / "40-dev.in").write_text(f"-r stack/40-dev.in\n{line}\n", encoding="utf-8")
    assert lock(resolver) == ["40-dev"]


def test_an_old_release_that_an_override_names_or_only_others_need_is_locked(
    resolver: Recording, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(monkeypatch, **OLD)
    (folder / "overrides.txt").write_text("rich<2\n", encoding="utf-8")
    (folder / "40-dev.in").write_text("-r stack/40-dev.in\nrich\n", encoding="utf-8")
    assert lock(resolver) == [*LAYERS]
    resolver.brought = ["antlr==1.0"]
    assert "40-dev" in lock(resolver, only_changed=False)


@pytest.mark.parametrize(
    ("version", "newest", "days", "is_old"),
    [
        ("1.27", "3.17", 1200, True),
        ("1.27", "3.17", 365, False),
        ("3.17", "3.17", 0, False),
        ("1.27", "3.17", None, True),
        ("3.1", "3.17", None, False),
    ],
)
def test_how_old_is_far_older(version: str, newest: str, days: int | None, is_old: bool) -> None:
    fit = Fit("mlflow", version, True, True, "wheel", [], None, None, None, [newest], days)
    assert failures.is_far_behind(fit) is is_old
