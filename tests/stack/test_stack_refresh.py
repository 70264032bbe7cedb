"""The refresh against stub wheels: what it writes, reports, explains and refuses."""

import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast

import pytest
from packaging.version import Version
from rich.console import Console

from maintain.files import replace_files
from maintain.stack import refresh as stack_refresh
from maintain.stack.data import StackError
from maintain.stack.generated import check_cutoff
from maintain.stack.pins import by_name, parse_pins
from maintain.stack.refresh import refresh
from maintain.stack.report import Reporter
from maintain.stack.resolver import Resolver, Unresolvable
from scripts import refresh_stack
from scripts.refresh_stack import main
from tests.stack.stub_index import StubStack

NUT = '- {layer: 20-train, package: nut, when: always, why: "stub"}\n'


def run(
    stub: StubStack,
    *,
    check: bool = False,
    keep: bool = False,
    values: Mapping[str, str] | None = None,
) -> tuple[bool, str]:
    """Refresh the stub stack; return whether it was up to date, and the report."""
    written = io.StringIO()
    reporter = Reporter(Console(file=written, highlight=False, markup=False))
    up_to_date = refresh(
        stub.folder, reporter, values=values or {}, check=check, keep=keep, indexes=stub.indexes
    )
    return up_to_date, written.getvalue()


def pins_in(stub: StubStack, name: str) -> list[str]:
    """Read a file's lines below the header."""
    return stub.read(name).splitlines()[3:]


def add_requirement(stub: StubStack, row: str) -> None:
    """Add a row to requirements.yml."""
    path = stub.folder / "requirements.yml"
    path.write_text(stub.read("requirements.yml") + row, encoding="utf-8")


def test_first_refresh_writes_all_files_and_the_second_changes_nothing(stub: StubStack) -> None:
    assert run(stub)[0] is False
    assert stub.read("constraints.txt").startswith("# Stack release 2026.01: ")
    assert pins_in(stub, "constraints.txt") == ["fruit==1.0", "seed==1.0", "torch==1.0.0"]
    assert pins_in(stub, "constraints/gpu1.txt") == ["engine==1.0 ; sys_platform == 'linux'"]
    assert "locker==1.0 \\\n    --hash=sha256:" in stub.read("toolchain.txt")
    before = stub.files()
    assert run(stub)[0] is True
    assert stub.files() == before


def test_a_toolkit_keeps_its_own_release_and_the_index_its_packages(stub: StubStack) -> None:
    run(stub)
    helper = 'helper==3.0 ; platform_system == "Linux"'  # PyPI has none
    assert pins_in(stub, "constraints/gpu2.txt") == [helper, "part==2.0", "toolkit==2.0"]


def test_a_build_fits_the_pins_of_everybody(stub: StubStack) -> None:
    stub.publish("engine", "1.0", "seed>=1.5")
    stub.publish("seed", "1.5")
    stub.publish_torch("1.0.0", "seed<1.5")
    assert_refused(stub, r"stack/builds\.yml, row gpu1: No set of versions fits: .*seed>=1\.5")


def test_an_exporter_has_versions_of_its_own_but_for_what_it_shares(stub: StubStack) -> None:
    for version in ("1.4", "1.5"):
        stub.publish("seed", version)
    for version in ("1.0", "1.1"):
        stub.publish("fruit", version)
    stub.publish("sugar", "1.0", "seed<1.5")
    run(stub)
    assert pins_in(stub, "constraints.txt") == ["fruit==1.1", "seed==1.5", "torch==1.0.0"]
    of_jam = ["fruit==1.1", "seed==1.4", "sugar==1.0", "torch==1.0.0"]
    assert pins_in(stub, "exporters/jam.txt") == of_jam


def test_an_exporter_that_cannot_share_a_version_is_refused(stub: StubStack) -> None:
    stub.publish("sugar", "1.0", "fruit<1")
    assert_refused(stub, r"stack/exporters\.yml, jam: No set of versions fits: .*fruit<1")


def test_hardware_that_everybody_would_get_is_refused(stub: StubStack) -> None:
    stub.publish("fruit", "1.1", "engine")
    assert_refused(stub, r"constraints\.txt would pin engine, which only torch's build gpu1 needs")


def test_the_pins_of_a_removed_build_go_with_it(stub: StubStack) -> None:
    run(stub)
    stub.replace("builds.yml", "build: gpu2", "build: gpu3")
    assert not run(stub, check=True)[0]
    _, report = run(stub)
    assert "removed from constraints/gpu2.txt:\n  helper 3.0\n" in report
    left = sorted(path.name for path in (stub.folder / "constraints").iterdir())
    assert left == ["gpu1.txt", "gpu3.txt"]
    assert run(stub, check=True)[0]


def test_rows_are_compared_with_pypi_and_the_report_says_which_could_not_be(
    stub: StubStack,
) -> None:
    report = run(stub)[1].splitlines()
    assert "  builds.yml: gpu1 | PyPI | torch's plain wheels, METADATA | as published" in report
    unreached = "not checked: 127.0.0.1 cannot be reached"
    for row in ("builds.yml: gpu1", "builds.yml: gpu2", "companions.yml: vision"):
        assert any(line.startswith(f"  {row} | 127.0.0.1") and unreached in line for line in report)


def test_a_row_that_differs_from_pypi_changes_nothing(stub: StubStack) -> None:
    run(stub)
    stub.publish_torch("1.4.0", hardware='engine==1.1; platform_system == "Linux"')
    stub.publish("engine", "1.1")
    assert_refused(stub, "differs from the indexes in builds.yml: gpu1; correct", torch="1.4.0")


def test_a_pin_moves_to_the_newest_release_and_is_reported(stub: StubStack) -> None:
    run(stub)
    stub.publish("fruit", "2.1")
    stub.publish("seed", "1.5")
    _, report = run(stub)
    assert "fruit==2.1" in stub.read("constraints.txt")
    moved = report.partition("moved in constraints.txt:\n")[2].splitlines()[:2]
    assert moved == ["  fruit | 1.0 | 2.1 | major", "  seed | 1.0 | 1.5 | "]


def test_added_and_removed_packages_are_reported(stub: StubStack) -> None:
    run(stub)
    stub.publish("fruit", "1.1", "stone")
    stub.publish("stone", "3.0")
    assert "added to constraints.txt:\n  stone 3.0\n" in run(stub)[1]
    stub.publish("fruit", "1.2")
    assert "removed from constraints.txt:\n  stone 3.0\n" in run(stub)[1]


def test_a_pre_release_is_never_taken(stub: StubStack) -> None:
    stub.publish("fruit", "2.0rc1")
    _, report = run(stub)
    assert "fruit==1.0" in stub.read("constraints.txt")
    assert "older than" not in report


def test_a_newest_release_that_another_package_forbids_is_explained(stub: StubStack) -> None:
    stub.publish("seed", "2.0")
    assert "seed | 1.0 | 2.0 | every version of torch needs seed<2\n" in run(stub)[1]


def test_a_newest_release_that_needs_a_newer_python_is_explained(stub: StubStack) -> None:
    stub.publish("fruit", "2.0", python=">=3.12")
    _, report = run(stub)
    assert "fruit==1.0 ; python_full_version < '3.12'" in stub.read("constraints.txt")
    assert "fruit==2.0 ; python_full_version >= '3.12'" in stub.read("constraints.txt")
    assert "fruit | 1.0, 2.0 | 2.0 | fruit 2.0 needs Python>=3.12; 1.0 stays where" in report


def test_a_newest_release_with_a_price_names_it(stub: StubStack) -> None:
    add_requirement(stub, NUT)
    stub.publish("nut", "1.0")
    stub.publish("nut", "2.0", "fruit<2")
    stub.publish("fruit", "2.0", "nut<2")
    _, report = run(stub)
    assert "nut | 1.0 | 2.0 | it would fit, but moves fruit to 1.0\n" in report


def test_torch_stays_at_the_release_and_the_report_says_so(stub: StubStack) -> None:
    stub.publish_torch("1.1.0")
    assert "torch | 1.0.0 | 1.1.0 | stack/release.yml asks for this version" in run(stub)[1]


def test_a_held_back_tool_is_explained_too(stub: StubStack) -> None:
    stub.publish("locker", "1.1", "seed<2")
    stub.publish("seed", "2.0")
    assert "older than the newest release, in toolchain.txt:\n  seed | 1.0 | 2.0" in run(stub)[1]


def test_the_toolchain_takes_the_constraints_versions(stub: StubStack) -> None:
    stub.publish("locker", "1.1", "fruit")
    stub.publish("fruit", "2.0", "seed>=2")
    stub.publish("seed", "2.0")
    run(stub)
    assert "fruit==1.0" in stub.read("constraints.txt")
    assert "fruit==1.0 \\" in stub.read("toolchain.txt")


def test_given_values_are_written_into_the_release_and_comments_stay(stub: StubStack) -> None:
    stub.publish_torch("1.1.0")
    run(stub, values={"torch": "1.1.0", "cutoff": "2026-01-20"})
    release = stub.read("release.yml")
    assert "# A comment that a refresh keeps.\n" in release
    assert '  cutoff: "2026-01-20"  # this one too\n  torch: "1.1.0"\n' in release
    assert "torch==1.1.0" in stub.read("constraints.txt")


def test_check_writes_nothing_and_reports_the_difference(stub: StubStack) -> None:
    run(stub)
    stub.publish("fruit", "1.3")
    before = stub.files()
    up_to_date, report = run(stub, check=True)
    assert not up_to_date
    assert "fruit | 1.0 | 1.3" in report
    assert stub.files() == before
    run(stub)
    assert run(stub, check=True)[0]


def test_what_an_index_shows_late_moves_no_pin_that_is_kept(stub: StubStack) -> None:
    run(stub)
    for name in ("fruit", "seed", "sugar", "locker", "renderer"):
        stub.publish(name, "1.1")
    stub.publish("toolkit", "2.0.1")
    assert run(stub, check=True, keep=True)[0]
    up_to_date, report = run(stub, check=True)
    assert not up_to_date
    moved = [
        line.split(" | ")[0].strip() for line in report.splitlines() if "| 1.0 | 1.1 |" in line
    ]
    assert set(moved) == {"fruit", "seed", "sugar", "locker", "renderer"}


def test_a_new_requirement_gets_its_pins_and_the_others_are_kept(stub: StubStack) -> None:
    run(stub)
    before = pins_in(stub, "constraints.txt")
    add_requirement(stub, NUT)
    stub.publish("nut", "1.0", "seed")
    stub.publish("seed", "1.5")
    run(stub, keep=True)
    assert pins_in(stub, "constraints.txt") == sorted([*before, "nut==1.0"])


@pytest.mark.parametrize(
    ("name", "pin"),
    [
        ("constraints.txt", "fruit"),
        ("constraints/gpu2.txt", "part"),
        ("exporters/jam.txt", "sugar"),
        ("toolchain.txt", "locker"),
    ],
)
def test_a_pin_that_the_index_has_not_is_not_kept(stub: StubStack, name: str, pin: str) -> None:
    run(stub)
    before = stub.read(name)
    found = re.search(rf"^{pin}==(.*?)( |$)", before, re.MULTILINE)
    assert found
    stub.replace(name, f"{pin}=={found[1]}", f"{pin}==9.0")
    up_to_date, report = run(stub, check=True, keep=True)
    assert not up_to_date
    assert f"moved in {name}:\n  {pin} | 9.0 | {found[1]} | major\n" in report
    run(stub, keep=True)
    assert stub.read(name) == before


def test_a_pin_that_does_not_fit_is_not_kept(stub: StubStack) -> None:
    run(stub)
    add_requirement(stub, NUT)
    stub.publish("nut", "1.0", "fruit>1")
    stub.publish("fruit", "1.1")
    assert "  fruit | 1.0 | 1.1 | \n" in run(stub, keep=True)[1]


def test_a_pin_that_nothing_asks_for_is_not_kept(stub: StubStack) -> None:
    run(stub)
    path = stub.folder / "constraints.txt"
    path.write_text(stub.read("constraints.txt") + "sugar==1.0\n", encoding="utf-8")
    assert "removed from constraints.txt:\n  sugar 1.0\n" in run(stub, keep=True)[1]


def test_check_sees_an_edited_comment(stub: StubStack) -> None:
    run(stub)
    path = stub.folder / "toolchain.txt"
    path.write_text(stub.read("toolchain.txt") + "# mine\n", encoding="utf-8")
    up_to_date, report = run(stub, check=True)
    assert not up_to_date
    assert "toolchain.txt: the pins are the same, other lines differ" in report


def test_a_file_with_conflict_markers_is_named(stub: StubStack) -> None:
    (stub.folder / "constraints.txt").write_text("<<<<<<< ours\n", encoding="utf-8")
    assert_refused(stub, r"stack/constraints\.txt: The line '<<<<<<< ours' .* Delete the file")


def assert_refused(stub: StubStack, message: str, **values: str) -> None:
    before = stub.files()
    with pytest.raises(StackError, match=message):
        run(stub, values=values)
    assert stub.files() == before


def test_unresolvable_requirements_change_nothing(stub: StubStack) -> None:
    run(stub)
    stub.publish_torch("1.2.0", "seed>=9")
    assert_refused(stub, "No set of versions fits: torch>=1.2.0 needs seed>=9", torch="1.2.0")


def test_an_unresolvable_toolchain_changes_nothing(stub: StubStack) -> None:
    run(stub)
    stub.publish("fruit", "1.4")  # constraints.txt alone could be made
    (stub.folder / "toolchain.in").write_text("missing-tool\n", encoding="utf-8")
    assert_refused(stub, "No set of versions fits: .*missing-tool")


def test_a_listed_python_without_a_torch_wheel_is_refused(stub: StubStack) -> None:
    stub.publish_torch("1.3.0", pythons=("3.12", "3.13", "3.14"))
    assert_refused(stub, r"torch==1\.3\.0 has no wheel for 3\.11; remove the row", torch="1.3.0")


def test_a_missing_python_with_a_torch_wheel_is_refused(stub: StubStack) -> None:
    stub.publish_torch("1.3.0", pythons=("3.11", "3.12", "3.13", "3.14", "3.15"))
    assert_refused(stub, r"torch==1\.3\.0 has a wheel for 3\.15; add a row", torch="1.3.0")


def test_a_torch_that_does_not_exist_is_refused(stub: StubStack) -> None:
    assert_refused(stub, r"There is no wheel of torch==9\.9 up to 2026-01-15", torch="9.9")


def test_a_wrong_row_of_the_catalog_is_refused(stub: StubStack) -> None:
    stub.replace("builds.yml", "title: ", "name: ")
    assert_refused(stub, r"stack/builds\.yml row 1: `title` is missing")


def test_a_day_that_is_not_over_is_refused(stub: StubStack) -> None:
    today = datetime.now(UTC).date().isoformat()
    assert_refused(stub, "is not over yet", cutoff=today)
    with pytest.raises(StackError, match="2026-01-02 is not over yet; use 2026-01-01"):
        check_cutoff(date(2026, 1, 2), date(2026, 1, 2))
    check_cutoff(date(2026, 1, 1), date(2026, 1, 2))


def test_without_uv_one_sentence_says_what_to_do(
    stub: StubStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("maintain.stack.resolver.shutil.which", lambda *_, **__: None)
    monkeypatch.setattr(refresh_stack, "STACK", stub.folder)
    assert main([]) == 2
    error = capsys.readouterr().err
    assert error == (
        "refresh_stack: uv is not installed; run `pip install -r stack/toolchain.txt`.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cutoff", "20.11.2026"], "'20.11.2026' is no date; write YYYY-MM-DD"),
        (["--torch", "newest"], "'newest' is no version; write X.Y.Z"),
        (["--torch", "2.14.0rc1"], "'2.14.0rc1' is no final release"),
    ],
)
def test_wrong_arguments_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_files_are_replaced_together_or_not_at_all(tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.write_text("old", encoding="utf-8")
    with pytest.raises(StackError, match="cannot be written"):
        replace_files({first: "new", tmp_path / "missing" / "second": "new"})
    assert first.read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["first"]


class Dated:
    """Stands for a resolver: knows the newest release of each package by year."""

    python, cutoff = "3.11", date(2026, 1, 15)

    def __init__(self, releases: Mapping[str, Mapping[int, str]], year: int = 2026) -> None:
        """Take the releases by package and year, and the year up to which they are seen."""
        self.releases, self.year = releases, year

    def __replace__(self, *, cutoff: date) -> "Dated":
        return Dated(self.releases, cutoff.year)

    def newest(self, names: Sequence[str], python: str) -> dict[str, Version]:
        """Return the newest release that was there, or fail as uv does."""
        found = {}
        for name in names:
            there = [each for year, each in self.releases[name].items() if year <= self.year]
            if not there:
                raise Unresolvable([f"{name} is not there"])
            found[name] = Version(there[-1])
        return found


@pytest.mark.parametrize(
    ("row", "releases", "is_refused"),
    [
        ("nut", {2022: "1.0", 2024: "2.0", 2026: "3.0"}, True),
        ("nut>=1", {2022: "1.0", 2024: "2.0", 2026: "3.0"}, False),
        ("nut", {2022: "1.0", 2026: "2.0"}, False),
        ("nut", {2026: "2.0"}, False),
        ("nut", {2022: "1.0"}, False),
    ],
)
def test_a_package_that_fell_back_by_a_year_is_refused_by_name(
    row: str, releases: Mapping[int, str], is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack_refresh, "replace", lambda each, **new: each.__replace__(**new))
    pins = by_name(parse_pins("nut==1.0\n"))
    resolver = cast("Resolver", Dated({"nut": releases}))
    if not is_refused:
        stack_refresh.refuse_fallen_back(resolver, [row], pins)
        return
    with pytest.raises(StackError, match=r"nut fell back to 1\.0, and 2\.0 was there 365 days"):
        stack_refresh.refuse_fallen_back(resolver, [row], pins)
