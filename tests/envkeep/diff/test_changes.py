"""What changed between two locks or environments, and how it is said."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from envkeep.diff import changes, examine, sides
from envkeep.diff import report as diff_report
from envkeep.diff.changes import LockChange, VersionFacts
from envkeep.diff.report import Report
from envkeep.diff.sides import ComparedPackage, Side
from envkeep.environments import store
from envkeep.errors import ToolError
from envkeep.project.target import Target

TARGET = Target("linux-x86_64", "cpu")
HASH, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def side(*packages: ComparedPackage, title: str = "x") -> Side:
    return Side(title, {each.name: each for each in packages})


def kinds(before: ComparedPackage | None, after: ComparedPackage | None) -> tuple[str, ...]:
    found = changes.compare_sides(
        side(*[before] * (before is not None)), side(*[after] * bool(after))
    )
    return found[0].kinds if found else ()


@pytest.mark.parametrize(
    ("before", "after", "severity"),
    [
        ("1.26.4", "2.4.6", "major"),
        ("2.4.6", "2.5.0", "minor"),
        ("2.4.6", "2.4.7", "patch"),
        ("2.4", "2.4.0.1", "patch"),
        ("2.4.6", "2.4.6.post1", "patch"),
        ("2.4.0rc1", "2.4.0", "patch"),
        ("0.11.1", "0.12.0", "major"),
        ("0.11.1", "0.11.2", "patch"),
        ("1!2.0", "2.0", "major"),
        ("2.13.0+cpu", "2.13.0+cu130", "patch"),
        ("2.13.0", "https://example.org/x.whl", "major"),
    ],
)
def test_how_grave_a_change_of_version_is(before: str, after: str, severity: str) -> None:
    assert changes.severity(before, after) == severity


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, ComparedPackage("a", "1"), ("added",)),
        (ComparedPackage("a", "1"), None, ("removed",)),
        (ComparedPackage("a", "1.0"), ComparedPackage("a", "1.0"), ()),
        (ComparedPackage("a", "2026.01.02"), ComparedPackage("a", "2026.1.2"), ()),
        (ComparedPackage("a", "1", "10-torch"), ComparedPackage("a", "1", "20-train"), ("moved",)),
        (
            ComparedPackage("a", "1", "10-torch"),
            ComparedPackage("a", "2", "20-train"),
            ("major", "moved"),
        ),
        (ComparedPackage("a", "1", "10-torch"), ComparedPackage("a", "1"), ()),
        (
            ComparedPackage("a", "1", license="MIT"),
            ComparedPackage("a", "1", license="GPL-3.0"),
            ("license",),
        ),
        (ComparedPackage("a", "1", license="MIT"), ComparedPackage("a", "1"), ()),
        (
            ComparedPackage("a", "1", hashes=frozenset({HASH})),
            ComparedPackage("a", "1", hashes=frozenset({OTHER})),
            ("files",),
        ),
        (
            ComparedPackage("a", "1", hashes=frozenset({HASH})),
            ComparedPackage("a", "1", hashes=frozenset({HASH, OTHER})),
            (),
        ),
    ],
)
def test_what_changed_of_a_package(
    before: ComparedPackage | None, after: ComparedPackage | None, expected: tuple[str, ...]
) -> None:
    assert kinds(before, after) == expected


def test_licenses_that_only_others_know() -> None:
    (change,) = changes.compare_sides(
        side(ComparedPackage("a", "1.0")), side(ComparedPackage("a", "1.1"))
    )
    known = {("a", "1.0"): VersionFacts("MIT"), ("a", "1.1"): VersionFacts("GPL-3.0-only")}
    assert changes.with_facts(change, known).kinds == ("minor", "license")
    assert changes.with_facts(change, {("a", "1.0"): VersionFacts("MIT")}).kinds == ("minor",)


BEFORE = side(
    ComparedPackage("click", "8.2.0", "40-dev"),
    ComparedPackage("gone", "1.0", "20-train"),
    ComparedPackage("numpy", "1.26.4", "30-prod"),
    ComparedPackage("tqdm", "4.70", "40-dev"),
    title="v1",
)
AFTER = side(
    ComparedPackage("click", "8.1.0", "40-dev"),
    ComparedPackage("new", "1.0", "20-train"),
    ComparedPackage("numpy", "2.4.6", "30-prod"),
    ComparedPackage("tqdm", "4.70", "20-train"),
    title="v2",
)
KNOWN = {
    ("numpy", "1.26.4"): VersionFacts("BSD-3-Clause", 18_000_000),
    ("numpy", "2.4.6"): VersionFacts("BSD-3-Clause AND MIT", 16_900_000, "breaks ABI"),
    ("new", "1.0"): VersionFacts("MIT", 12_000),
}


def report(**facts: object) -> Report:
    found = [changes.with_facts(each, KNOWN) for each in changes.compare_sides(BEFORE, AFTER)]
    return Report(BEFORE, AFTER, found, **facts)  # type: ignore[arg-type]


def test_the_report_has_the_most_severe_first() -> None:
    text = "\n".join(diff_report.as_lines(report(brought=["numpy 2.4.6: CVE-1, open."], fixed=[])))
    assert text == (
        "From v1 to v2: 1 major, 1 minor, 1 added, 1 removed, 1 in another layer, 1 other licenses."
        "\n\nKnown vulnerabilities that it brings"
        "\n  numpy 2.4.6: CVE-1, open."
        "\n\nYanked by those who made them"
        "\n  numpy 2.4.6: breaks ABI"
        "\n\nMajor versions"
        "\n  numpy  1.26.4 -> 2.4.6  30-prod  18 MB -> 16.9 MB"
        "\n\nMinor versions"
        "\n  click  8.2.0 -> 8.1.0 (older)  40-dev"
        "\n\nAdded"
        "\n  new  1.0  20-train  12 kB  MIT"
        "\n\nRemoved"
        "\n  gone  1.0  20-train  size not known  license not known"
        "\n\nIn another layer"
        "\n  tqdm  40-dev -> 20-train"
        "\n\nOther licenses"
        "\n  numpy  BSD-3-Clause -> BSD-3-Clause AND MIT"
        "\n\nWheels of what changed: at least 18 MB before, at least 16.9 MB after."
    )


def test_what_could_not_be_found_out_is_said() -> None:
    found = report(notes=["nobody could be asked."])
    assert list(diff_report.as_lines(found))[-1] == "note: nobody could be asked."
    data = diff_report.as_data(found)
    assert data["vulnerabilities"] is None
    assert data["notes"] == ["nobody could be asked."]
    (numpy,) = [each for each in data["changes"] if each["package"] == "numpy"]
    assert numpy["kinds"] == ["major", "licence"], "as programs know it from before"
    assert numpy["to"]["licence"] == numpy["to"]["license"] == "BSD-3-Clause AND MIT"
    assert (numpy["to"]["size"], numpy["to"]["yanked"]) == (16_900_000, "breaks ABI")
    asked = diff_report.as_data(report(brought=["one"], fixed=["two"]))["vulnerabilities"]
    assert asked == {"brought": ["one"], "fixed": ["two"], "mended": ["two"]}


def test_sizes_that_nobody_knows_are_not_made_up() -> None:
    found = Report(BEFORE, AFTER, changes.compare_sides(BEFORE, AFTER))
    assert list(diff_report.as_lines(found))[-1] == "Wheels of what changed: sizes are not known."


def test_two_sides_that_are_the_same() -> None:
    lines = list(diff_report.as_lines(Report(BEFORE, BEFORE, [])))
    assert lines == ["From v1 to v1: nothing changed."]


def test_vulnerabilities_that_a_change_brings_and_fixes() -> None:
    old, new = ComparedPackage("torch", "2.0+cpu"), ComparedPackage("torch", "2.1+cpu")
    known: examine.Advisories = {
        ("torch", "2.0"): {"P-1": ({"P-1", "CVE-1"}, "one"), "P-2": ({"P-2", "CVE-2"}, "two")},
        ("torch", "2.1"): {"G-2": ({"G-2", "CVE-2"}, "two again"), "P-3": ({"P-3"}, "three")},
    }
    assert examine.moved([LockChange("torch", ("minor",), old, new)], known) == (["three"], ["one"])
    gone = [LockChange("torch", ("removed",), old, None)]
    assert examine.moved(gone, known) == ([], ["one", "two"])


def lock(folder: Path, layer: str, *packages: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    entries = (f"{each} \\\n    --hash={HASH}\n    # via -r {layer}.in\n" for each in packages)
    (folder / f"{layer}.txt").parent.mkdir(parents=True, exist_ok=True)
    (folder / f"{layer}.txt").write_text("# Made by\n" + "".join(entries))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository whose only commit has locks, in which they have changed since."""
    monkeypatch.setattr(sides, "ROOT", tmp_path)
    monkeypatch.setattr(store, "ENVIRONMENTS", tmp_path / ".venvs")
    monkeypatch.chdir(tmp_path)
    locks = tmp_path / "requirements" / "locks" / TARGET.name
    lock(locks, "20-train", "numpy==1.0", "pandas==1.0")
    lock(locks, "30-prod", "numpy==1.0")
    lock(locks, "exporters/own", "numpy==0.9")
    for arguments in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "--quiet", "-m", "locks"],
    ):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    lock(locks, "20-train", "numpy==2.0")
    return tmp_path


def test_locks_of_a_commit_and_of_a_folder(repository: Path) -> None:
    before = sides.read_side("HEAD", TARGET)
    assert {key: each.version for key, each in before.packages.items()} == {
        "numpy": "1.0",
        "pandas": "1.0",
        "exporters/own: numpy": "0.9",
    }
    assert before.packages["numpy"].layer == "20-train", "the first layer that has it"
    assert before.packages["numpy"].hashes == {HASH}
    for name in ("requirements/locks", f"requirements/locks/{TARGET.name}"):
        after = sides.read_side(name, TARGET)
        assert after.packages["numpy"].version == "2.0"
        assert "pandas" not in after.packages


@pytest.mark.parametrize(
    ("kind", "layers", "missing"),
    [
        ("development", ("20-train", "30-prod"), set()),
        ("production", ("30-prod",), set()),
        ("exporters/own", ("exporters/own",), {"numpy"}),
    ],
)
def test_an_environment_is_compared_with_what_it_is_filled_from(
    kind: str,
    layers: tuple[str, ...],
    missing: set[str],
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The environment holds numpy 1.0 alone, as the production layer does."""
    own = sides.Side("environment 0123", {"numpy": ComparedPackage("numpy", "1.0")}, True, layers)
    read = sides.read_side
    environments = {"0123": own}
    monkeypatch.setattr(
        sides,
        "read_side",
        lambda name, *others: environments[name] if name in environments else read(name, *others),
    )
    for one, other in (("HEAD", "0123"), ("0123", "HEAD")):
        found = changes.compare_sides(*sides.read_sides(one, other, TARGET))
        changed = {each.key for each in found}
        assert changed == ({"pandas"} if kind == "development" else missing)


@pytest.mark.parametrize("name", ["nothing", "--help", "requirements", "", "..", "nowhere/at/all"])
def test_what_is_neither_is_refused(name: str, repository: Path) -> None:
    with pytest.raises(ToolError, match="neither a commit, nor a folder of locks"):
        sides.read_side(name, TARGET)


def test_a_commit_without_locks_of_the_target(repository: Path) -> None:
    with pytest.raises(ToolError, match="has no locks for macos-arm64-mps"):
        sides.read_side("HEAD", Target("macos-arm64", "mps"))
