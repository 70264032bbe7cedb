"""What is left of tools/, the folder of before: ours is removed, and what names it is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkeep.project import former_tools
from tests.support.copier_runs import ROOT, git

CROSSING = (ROOT / "template" / "tools" / "__main__.py").read_text(encoding="utf-8")


def write(project: Path, path: str, text: str) -> None:
    """Write a file of the project and let git know it."""
    (project / path).parent.mkdir(parents=True, exist_ok=True)
    (project / path).write_text(text, encoding="utf-8")
    git(project, "add", "--force", "--", path)


def named(project: Path) -> list[tuple[str, str]]:
    """Return each place that names the old way, and what to write there."""
    return [(each.place, each.instead) for each in former_tools.names(project)]


@pytest.mark.parametrize(
    ("path", "line", "instead"),
    [
        ("local.mk", "\t@$(TOOLS) status", "$(KEEP)"),
        ("local.mk", "\t@${TOOLS} status", "$(KEEP)"),
        (".github/workflows/ours.yml", "      - run: python -m tools status", "python keep.py"),
        ("run.py", 'run([sys.executable, "-m", "tools", "doctor"])', "python keep.py"),
        ("owners.sh", "jq .paths tools/owners.json", "requirements/stack/"),
        (
            ".pre-commit-config.yaml",
            "        entry: sh tools/hook.sh codespell",
            "the entry *keep with args: [hook, PROGRAM]",
        ),
    ],
)
def test_what_names_the_old_way_is_found_with_what_to_write(
    project: Path, path: str, line: str, instead: str
) -> None:
    write(project, path, f"first\n{line}\n")
    assert named(project) == [(f"{path}:2", instead)]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("local.mk", "TOOLS := ours\nours:\n\t$(TOOLS) status\n"),
        ("notes.md", "pip-tools and tools/our-own.py stay; python -m toolsmith too\n"),
        ("picture.bin", "\0python -m tools\n"),
    ],
)
def test_what_means_something_else_is_not(project: Path, path: str, line: str) -> None:
    write(project, path, line)
    assert named(project) == []


def test_a_package_of_the_team_of_that_name_is_theirs(project: Path) -> None:
    write(project, "tools/__main__.py", "print('ours')\n")
    write(project, "tools/hook.sh", "echo ours\n")
    write(project, "run.sh", "python -m tools\nsh tools/hook.sh ours\n")
    assert named(project) == []
    former_tools.remove_crossing(project)
    assert (project / "tools" / "__main__.py").exists()


def test_pages_come_after_what_runs(project: Path) -> None:
    for path in ("README.md", "run.sh"):
        write(project, path, "python -m tools\n")
    assert [place for place, _ in named(project)] == ["run.sh:1", "README.md:1"]


def test_without_a_repository_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "local.mk").write_text("\t$(TOOLS) status\n", encoding="utf-8")
    assert named(tmp_path) == []


def test_the_sentence_names_a_few_places_and_each_change_once(project: Path) -> None:
    for number in range(7):
        write(project, f"{number}.mk", "ours:\n\t$(TOOLS) status\n")
    assert former_tools.sentence(former_tools.names(project)) == (
        "tools/ is gone but still named in 0.mk:2, 1.mk:2, 2.mk:2, 3.mk:2, 4.mk:2, 2 more: "
        "write `$(KEEP)` for `$(TOOLS)`."
    )
    assert former_tools.sentence(()) == ""


@pytest.fixture
def crossed(project: Path) -> Path:
    """Return a project as the update leaves it in which somebody had compiled the tools."""
    write(project, "tools/__main__.py", CROSSING)
    for path in ("tools/owners.json", "tools/project.toml", "tools/updates/__pycache__/a.3.pyc"):
        write(project, path, "")
    return project


def test_what_only_the_update_needed_goes_with_the_folder(crossed: Path) -> None:
    former_tools.remove_crossing(crossed)
    assert not (crossed / "tools").exists()
    former_tools.remove_crossing(crossed)


def test_what_somebody_added_to_the_folder_stays(crossed: Path) -> None:
    for path in ("ours.py", "__pycache__/ours.3.pyc", "lib/more.txt"):
        write(crossed, f"tools/{path}", "ours")
    former_tools.remove_crossing(crossed)
    files = [path for path in (crossed / "tools").rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["more.txt", "ours.3.pyc", "ours.py"]


def test_what_is_left_to_do_is_said(crossed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(crossed, "run.sh", "python -m tools status\n")
    former_tools.finish(crossed)
    sentence = (
        "tools/ is gone but still named in run.sh:1: write `python keep.py` for `python -m tools`."
    )
    assert capsys.readouterr().out == f"note: {sentence}\n"
    assert not (crossed / "tools").exists()
