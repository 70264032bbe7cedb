"""What a bisection is made of: the changes of two locks, what moves together, the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from envkeep.bisect import dependencies, endpoints, test_run
from envkeep.bisect import result as outcomes
from envkeep.bisect.endpoints import LayerLocks
from envkeep.bisect.groups import Dependency, GroupPlan, plan_groups, ranked
from envkeep.bisect.log import BisectLog
from envkeep.bisect.mixing import FILES, ORDER, PackageChange, between, mixed
from envkeep.bisect.result import BisectResult
from envkeep.bisect.search import Found, Verdict
from envkeep.errors import ToolError

A, B = (f"--hash=sha256:{digit * 64}" for digit in "ab")
HEADER = "# Made by `make lock` for linux-x86_64-cpu, Python 3.11; do not edit.\n"


def lock(*requirements: str, file: str = A, via: str = "-r requirements/30-prod.in") -> str:
    blocks = [f"{each} \\\n    {file}\n    # via {via}\n" for each in requirements]
    return HEADER + "".join(blocks)


def end(**layers: str) -> LayerLocks:
    return LayerLocks("a lock", {name.replace("_", "-"): text for name, text in layers.items()})


def applied(good: LayerLocks, bad: LayerLocks, *names: str) -> dict[str, list[str]]:
    found = mixed(good, bad, between(good, bad), names)
    return {
        layer: [line.split(" ")[0] for line in text.splitlines() if "==" in line]
        for layer, text in found.texts.items()
    }


GOOD = end(prod=lock("numpy==2.4.6", "gone==1.0", "same==1.0"), dev=lock("pytest==9.0"))
BAD = end(prod=lock("numpy==2.5.5", "came==1.0", "same==1.0"), dev=lock("pytest==9.1"))


def test_changes_read_as_people_say_them() -> None:
    assert [str(change) for change in between(GOOD, BAD)] == [
        "came 1.0 (new)",
        "gone 1.0 (removed)",
        "numpy 2.4.6 -> 2.5.5",
        "pytest 9.0 -> 9.1",
    ]
    assert between(GOOD, GOOD) == []


def test_a_mixed_lock_has_each_package_of_the_end_that_is_wanted() -> None:
    assert applied(GOOD, BAD, "numpy", "gone") == {
        "prod": ["numpy==2.5.5", "same==1.0"],
        "dev": ["pytest==9.0"],
    }
    assert applied(GOOD, BAD, "came", "pytest") == {
        "prod": ["came==1.0", "gone==1.0", "numpy==2.4.6", "same==1.0"],
        "dev": ["pytest==9.1"],
    }


def test_the_ends_themselves_stay_as_they_were_written() -> None:
    changes = between(GOOD, BAD)
    assert mixed(GOOD, BAD, changes, []) is GOOD
    assert mixed(GOOD, BAD, changes, [change.name for change in changes]) is BAD


def test_every_entry_of_a_mixed_lock_has_its_hashes() -> None:
    text = mixed(GOOD, BAD, between(GOOD, BAD), ["numpy"]).texts["prod"]
    assert text.count("--hash=sha256:") == text.count("==")


def test_another_order_of_the_layers_is_one_change() -> None:
    bad = LayerLocks("bad", dict(reversed([*BAD.texts.items()])))
    assert between(GOOD, bad)[-1].name == ORDER
    assert [*applied(GOOD, bad, "numpy")] == ["prod", "dev"]
    assert [*applied(GOOD, bad, ORDER)] == ["dev", "prod"]


def test_a_package_that_moves_into_another_layer_is_a_change_of_the_order() -> None:
    bad = end(prod=lock("numpy==2.5.5", "gone==1.0"), dev=lock("pytest==9.0", "same==1.0"))
    assert [change.name for change in between(GOOD, bad)] == ["numpy", ORDER]
    assert applied(GOOD, bad, "numpy")["dev"] == ["pytest==9.0"]
    assert applied(GOOD, bad, ORDER)["dev"] == ["pytest==9.0", "same==1.0"]


def test_more_files_of_the_same_versions_are_one_change() -> None:
    bad = end(prod=lock("numpy==2.5.5", "gone==1.0", "same==1.0", file=B), dev=GOOD.texts["dev"])
    assert [change.name for change in between(GOOD, bad)] == ["numpy", FILES]
    entries = mixed(GOOD, bad, between(GOOD, bad), ["numpy"]).packages
    assert (entries["numpy"].hashes, entries["same"].hashes) == (
        frozenset({B.partition("=")[2]}),
        frozenset({A.partition("=")[2]}),
    )


def test_a_layer_that_one_end_has_keeps_its_place() -> None:
    bad = end(prod=lock("numpy==2.5.5"), extra=lock("new==1.0"), dev=lock("pytest==9.0"))
    assert [*applied(GOOD, bad, "new")] == ["prod", "extra", "dev"]
    assert ORDER not in [change.name for change in between(GOOD, bad)]


def test_locks_for_another_python_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "python_version", lambda: "3.12")
    with pytest.raises(ToolError, match=r"Python 3\.11, the project for 3\.12"):
        endpoints._check_python(GOOD)


def distribution(environment: Path, name: str, version: str, *requires: str) -> None:
    folder = environment / "lib/python3.11/site-packages" / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    lines = [
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {each}" for each in requires),
    ]
    (folder / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(lines) + "\n")


def needed(
    tmp_path: Path,
    good: Mapping[str, Sequence[str]],
    bad: Mapping[str, Sequence[str]],
    written: Sequence[str] = (),
) -> set[tuple[str, str]]:
    """Return the needs between what two environments hold, given as ``name version: needs``."""
    found = {}
    for title, content in (("good", good), ("bad", bad)):
        for each, requires in content.items():
            name, version = each.split()
            distribution(tmp_path / title, name, version, *requires)
        found[title] = dependencies.Installed.of(tmp_path / title)
    changed = {each.split()[0] for each in (*good, *bad)}
    rows = dependencies.dependencies_between(changed, found["good"], found["bad"], written)
    return {(row.change, row.needs) for row in rows}


def test_a_new_version_that_needs_a_new_one_follows_it(tmp_path: Path) -> None:
    good = {"a 1": ["b"], "b 1": []}
    assert needed(tmp_path, good, {"a 2": ["B>=2"], "b 2": []}) == {("a", "b")}


def test_an_old_version_that_needs_an_old_one_goes_first(tmp_path: Path) -> None:
    good = {"a 1": ["b<2"], "b 1": []}
    assert needed(tmp_path, good, {"a 2": ["b"], "b 2": []}) == {("b", "a")}


def test_what_pins_each_other_moves_together(tmp_path: Path) -> None:
    good = {"torch 1": [], "vision 1": ["torch==1"]}
    bad = {"torch 2": [], "vision 2": ["torch==2"]}
    assert needed(tmp_path, good, bad) == {("vision", "torch"), ("torch", "vision")}


def test_what_comes_brings_what_it_needs_and_what_goes_goes_first(tmp_path: Path) -> None:
    bad = {"a 1": ["b"], "b 1": []}
    assert needed(tmp_path, {}, bad) == {("a", "b")}
    assert needed(tmp_path / "other", bad, {}) == {("b", "a")}


def test_extras_and_markers_count_where_they_are_in_use(tmp_path: Path) -> None:
    good = {"a 1": [], "b 1": []}
    bad = {"a 2": ['b>=2; extra == "fast"', 'b>=2; python_version < "3"'], "b 2": []}
    assert needed(tmp_path / "unused", good, bad) == set()
    assert needed(tmp_path / "used", good, bad, ["a[fast]>=1", "-r nonsense"]) == {("a", "b")}


def test_markers_are_of_the_environments_python_and_not_of_this_one(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "pyvenv.cfg").write_text("version_info = 3.99.2.final.0\n")
    bad = {"a 2": ['b>=2; python_full_version >= "3.99.1"'], "b 2": []}
    assert needed(tmp_path, {"a 1": [], "b 1": []}, bad) == {("a", "b")}


def test_what_an_end_does_not_keep_itself_counts_not(tmp_path: Path) -> None:
    assert needed(tmp_path, {"a 1": [], "b 1": []}, {"a 2": ["b>=3"], "b 2": []}) == set()


def test_groups_stand_behind_what_they_need() -> None:
    dependencies = [
        Dependency("b", "c", ""),
        Dependency("c", "b", ""),
        Dependency("a", "b", ""),
        Dependency("d", "a", ""),
    ]
    plan = plan_groups(["d", "x", "a", "b", "c"], dependencies)
    assert plan.groups == (("b", "c"), ("a",), ("d",), ("x",))
    assert plan.dependencies == (frozenset(), frozenset({0}), frozenset({1}), frozenset())
    assert set(plan.dependents(["b"])) == {"a", "b", "c", "d"}


def test_the_framework_is_suspected_first_then_numpy_then_what_is_near() -> None:
    def locks(number: int) -> LayerLocks:
        far = (
            lock(f"far=={number}", via="near") + lock(f"near=={number}", via="asked")[len(HEADER) :]
        )
        asked = lock(f"asked=={number}.0", "numpy==2.4", f"minor==1.{number}")[len(HEADER) :]
        texts = {"10-torch": lock(f"torch=={number}"), "30-prod": far + asked}
        return LayerLocks("", {**texts, "30-prod": texts["30-prod"].replace("2.4", f"2.{number}")})

    good, bad = locks(1), locks(2)
    order = ranked([*between(good, bad), PackageChange(ORDER)], good, bad)
    assert order == ["torch", "numpy", "asked", "minor", "near", "far", ORDER]


def outcome(
    culprits: Sequence[Sequence[str]],
    dependencies: Sequence[Dependency] = (),
    *,
    good: LayerLocks = GOOD,
    bad: LayerLocks = BAD,
) -> BisectResult:
    changes = {change.name: change for change in between(good, bad)}
    plan = plan_groups([*changes], dependencies)
    numbers = [
        tuple(number for number, group in enumerate(plan.groups) if set(group) & set(names))
        for names in culprits
    ]
    return BisectResult(Found(tuple(numbers), is_enough=True), plan, changes, good)


PIN = "requirements/overrides.txt"


@pytest.mark.parametrize(
    ("culprits", "sentence"),
    [
        ([["numpy"]], f"numpy 2.4.6 -> 2.5.5 breaks it; pin it in {PIN}: numpy==2.4.6"),
        (
            [["numpy"], ["pytest"]],
            "numpy 2.4.6 -> 2.5.5 and pytest 9.0 -> 9.1 break it together; pin one of them in "
            f"{PIN}: pytest==9.0",
        ),
        (
            [["numpy"], ["came"]],
            "numpy 2.4.6 -> 2.5.5 and came 1.0 (new) break it together; pin one of them in "
            f"{PIN}: numpy==2.4.6",
        ),
        ([["came"]], "came 1.0 (new) breaks it; do without it"),
        (
            [["gone"]],
            "gone 1.0 (removed) breaks it; ask for gone again in the file of its layer",
        ),
        (
            [["numpy", "pytest"]],
            "one or more of numpy 2.4.6 -> 2.5.5 and pytest 9.0 -> 9.1 (no verdict tells them "
            f"apart) break it; pin them in {PIN}: numpy==2.4.6 pytest==9.0",
        ),
    ],
)
def test_the_end_is_a_sentence(culprits: Sequence[Sequence[str]], sentence: str) -> None:
    assert outcome(culprits).sentence() == sentence


def test_what_needs_a_culprit_is_pinned_with_it() -> None:
    dependencies = [Dependency("pytest", "numpy", "pytest 9.1 needs numpy>=2.5")]
    found = outcome([["numpy"]], dependencies)
    assert found.pins() == ["numpy==2.4.6", "pytest==9.0"]
    assert "pin them in" in found.sentence()


def test_a_group_says_why_it_cannot_be_taken_apart() -> None:
    dependencies = [
        Dependency("pytest", "numpy", "pytest 9.1 needs numpy>=2.5"),
        Dependency("numpy", "pytest", "pytest 9.0 needs numpy<2.5"),
    ]
    found = outcome([["numpy"]], dependencies)
    assert found.sentence().startswith("numpy 2.4.6 -> 2.5.5 and pytest 9.0 -> 9.1 break it; pin")
    assert found.reasons() == [dependency.reason for dependency in dependencies]


def test_pins_replace_a_line_and_keep_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "overrides.txt"
    file.write_text("# ours\nNumPy==2.5.5  # newer\npandas==3.0\n")
    monkeypatch.setattr(outcomes, "OVERRIDES", file)
    assert outcome([["numpy"]]).apply() == ["numpy==2.4.6"]
    assert file.read_text() == "# ours\nnumpy==2.4.6\npandas==3.0\n"


def test_which_build_of_torch_it_is_is_not_pinned() -> None:
    good, bad = (end(prod=lock(f"torch=={version}+cpu")) for version in ("2.12.0", "2.13.0"))
    assert outcome([["torch"]], good=good, bad=bad).pins() == ["torch==2.12.0"]


def row(log: BisectLog, lock: str, verdict: Verdict) -> None:
    log.add(environment=f"bisect-{lock}", is_own=True)
    log.add(lock=lock, verdict=verdict)


def test_a_record_that_was_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    log = BisectLog(tmp_path / "id")
    assert log.steps() == []
    row(log, "a", Verdict.PASS)
    with log.path.open("a") as file:
        file.write('{"lock": "b", "verd')
    assert [each["lock"] for each in log.steps()] == ["a"]
    row(log, "b", Verdict.FAIL)
    assert [each["lock"] for each in log.steps()] == ["a", "b"]


def test_what_ended_without_a_culprit_is_tried_again_the_next_time(tmp_path: Path) -> None:
    log = BisectLog(tmp_path)
    row(log, "a", Verdict.FAIL)
    log.add(ended="inconclusive")
    assert log.steps() == []
    assert log.environments() == {"bisect-a"}
    row(log, "a", Verdict.PASS)
    log.add(ended="found")
    assert [each["verdict"] for each in log.steps()] == ["pass"]


@pytest.mark.parametrize(
    ("codes", "verdict"),
    [((0, 0), Verdict.PASS), ((1, 1), Verdict.FAIL), ((-11, 2), Verdict.FAIL), ((5, 5), "unknown")],
)
def test_an_exit_code_is_a_verdict(
    codes: Sequence[int], verdict: Verdict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judged(codes, tmp_path, monkeypatch) == verdict


def judged(codes: Sequence[int], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Verdict:
    left = iter(codes)
    monkeypatch.setattr(test_run, "_run", lambda *_: next(left))
    return test_run.verdict(
        ["pytest"], folder, folder, folder / "output.txt", title="the good lock", runs=2
    )


@pytest.mark.parametrize(("codes", "passed"), [((0, 1, 0, 0, 1), 3), ((1, 0, 1, 1, 1), 1)])
def test_a_test_that_changes_its_mind_is_named_with_the_counts(
    codes: Sequence[int], passed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(test_run.Inconclusive, match=f"lock it passed {passed} of 5 times"):
        judged(codes, tmp_path, monkeypatch)


def test_a_plan_names_its_changes() -> None:
    plan = GroupPlan((("a",), ("b", "c")), (frozenset(), frozenset()))
    assert plan.names({1, 0}) == ["a", "b", "c"]
