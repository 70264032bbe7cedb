"""Rows of the catalog are compared with an index of PyTorch's layout, served on this machine.

The index and its wheels are stubs: PyTorch's own cannot be reached from where the tests run.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from maintain.stack.checks import Finding, check_rows
from maintain.stack.generated import load_inputs
from maintain.stack.index import Index, Unreachable
from tests.stack.stub_index import NOWHERE, PYTHONS, StubStack
from tests.support.loopback import serving
from tests.support.stub_wheels import ANY, StubWheel, sha256
from tests.support.torch_index import wheel_tag, write_pages

TAG = "manylinux_2_28_x86_64"
NEEDS = {
    "gpu1": ('engine==1.0; platform_system == "Linux"',),
    "gpu2": ("toolkit[parts]==2.0", 'helper==3.0; platform_system == "Linux"'),
}


@dataclass
class TorchIndex:
    """A folder with the layout of PyTorch's index, before it is served."""

    root: Path
    pythons: tuple[str, ...] = PYTHONS
    tag: str = TAG
    label: str = ""
    needs: tuple[str, ...] = ()
    helper_pythons: tuple[str, ...] = PYTHONS
    with_companion: tuple[str, ...] = tuple(NEEDS)

    def write(self) -> None:
        """Write what the catalog of the stub stack says, but for what a test changed."""
        for name, needs in NEEDS.items():
            label = self.label or f"+{name}"
            version, requires = f"1.0.0{label}", ("seed<2", *(self.needs or needs))
            wheels = [
                StubWheel("torch", version, wheel_tag(self.tag, each), requires)
                for each in self.pythons
            ]
            wheels += [
                StubWheel("helper", "3.0", wheel_tag("linux_x86_64", each))
                for each in self.helper_pythons
            ]
            if name in self.with_companion:
                wheels.append(StubWheel("vision", f"4.0{label}", ANY))
            folder = self.root / name
            folder.mkdir()
            write_pages(
                folder, {each.filename: sha256(each.write(folder)) for each in wheels}, prefix="../"
            )


@pytest.fixture
def compare(stub: StubStack, tmp_path: Path) -> Iterator[Callable[..., dict[str, Finding]]]:
    """Write an index, and return what the comparison with it finds about each row."""
    root = tmp_path / "torch"
    root.mkdir()
    with serving(root) as address:

        def compared(**changes: object) -> dict[str, Finding]:
            TorchIndex(root, **changes).write()  # type: ignore[arg-type]
            findings = check_rows(load_inputs(stub.folder), Index(stub.address), address)
            return {each.row: each for each in findings if each.index != "PyPI"}

        yield compared


def test_rows_that_are_as_published(compare: Callable[..., dict[str, Finding]]) -> None:
    findings = compare()
    assert set(findings) == {"builds.yml: gpu1", "builds.yml: gpu2", "companions.yml: vision"}
    assert {each.cells[-1] for each in findings.values()} == {"as published"}


@pytest.mark.parametrize(
    ("changes", "row", "said"),
    [
        (
            {"pythons": PYTHONS[1:]},
            "builds.yml: gpu1",
            f"linux-x86_64: wheels tagged {TAG} are there for 3.11, 3.12, 3.13, "
            "the row says 3.11, 3.12, 3.13, 3.14",
        ),
        ({"tag": "manylinux1_x86_64"}, "builds.yml: gpu1", "are there for none, the row says"),
        ({"label": "+gpu9"}, "builds.yml: gpu2", "are there for none, the row says"),
        (
            {"needs": ('engine==1.1; platform_system == "Linux"',)},
            "builds.yml: gpu1",
            'torch asks for engine==1.1; platform_system == "Linux", the row does not; '
            'differs: linux-x86_64: the row asks for engine==1.0; platform_system == "Linux", '
            "torch does not",
        ),
        (
            {"helper_pythons": PYTHONS[:-1]},
            "builds.yml: gpu2",
            "helper 3.0 has no wheel for Python 3.11",
        ),
        (
            {"with_companion": ("gpu1",)},
            "companions.yml: vision",
            "there is no wheel of 4.0 for gpu2",
        ),
    ],
)
def test_rows_that_differ(
    compare: Callable[..., dict[str, Finding]], changes: dict[str, object], row: str, said: str
) -> None:
    finding = compare(**changes)[row]
    assert finding.differs
    assert said in finding.cells[-1]


def test_a_companion_may_lack_wheels_where_its_row_says_so(
    compare: Callable[..., dict[str, Finding]], stub: StubStack
) -> None:
    stub.replace("companions.yml", "not_for: []", "not_for: [gpu2]")
    stub.replace("companions.yml", "{version: [stub]}", "{version: [stub], not_for: [stub]}")
    assert not compare(with_companion=("gpu1",))["companions.yml: vision"].remarks


def test_other_pythons_and_requirements_of_other_systems_do_not_matter(
    compare: Callable[..., dict[str, Finding]],
) -> None:
    findings = compare(
        pythons=(*PYTHONS, "3.15"), needs=(*NEEDS["gpu1"], 'winner==1; sys_platform == "win32"')
    )
    assert not findings["builds.yml: gpu1"].remarks


def test_a_requirement_that_pypi_lacks_is_a_difference(stub: StubStack) -> None:
    stub.replace("builds.yml", "toolkit[parts]==2.0", "toolkit[parts]==2.1")
    findings = check_rows(load_inputs(stub.folder), Index(stub.address), NOWHERE)
    needs = next(each for each in findings if each.row == "builds.yml: gpu2")
    assert needs.cells[-1] == "differs: PyPI has no wheel of toolkit==2.1"


def test_wheels_without_metadata_beside_them_are_not_checked(stub: StubStack) -> None:
    for path in stub.wheels.glob("torch-*.metadata"):
        path.unlink()
    findings = check_rows(load_inputs(stub.folder), Index(stub.address), NOWHERE)
    plain = next(iter(findings))
    assert not plain.differs
    assert plain.cells[-1] == ("not checked: linux-x86_64: there is no METADATA beside the wheels")


def test_an_index_without_the_package_has_no_wheels_of_it(stub: StubStack) -> None:
    index = Index(stub.address)
    assert index.wheels("missing", "1.0") == []
    assert not index.has(Requirement("fruit>=9"))
    assert index.has(Requirement("fruit"))


def test_yanked_and_free_threaded_wheels_are_not_counted(tmp_path: Path) -> None:
    names = ["a-1.0-cp313-cp313t-win_amd64.whl", "a-1.0-cp313-cp313-win_amd64.whl", "a-1.0.tar.gz"]
    links = [f'<a href="{name}">{name}</a>' for name in names]
    links.append('<a href="a-1.0-cp312-cp312-win_amd64.whl" data-yanked="">yanked</a>')
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "index.html").write_text("\n".join(links), encoding="utf-8")
    with serving(tmp_path) as address:
        wheels = Index(address).wheels("a", "1.0")
    assert [sorted(wheel.pythons) for wheel in wheels] == [[], ["3.13"]]


def test_an_index_that_does_not_answer_is_one_sentence() -> None:
    with pytest.raises(Unreachable, match=r"^127\.0\.0\.1 cannot be reached \(.*refused\)\.$"):
        Index(NOWHERE).wheels("torch", "1.0")
