"""Edits to files of the template, which those files ask not to make."""

from __future__ import annotations

from pathlib import Path

from tests.copier_update.edits import (
    Edits,
    Outcome,
    append,
    format_files,
    make_executable,
    package,
    replace,
    write,
)
from tests.copier_update.next_release import NEW_PAGE, RETIRED_PAGE

edit = Edits()


@edit()
def change_a_recipe(project: Path) -> None:
    """Change a target of the Makefile, far from what the template changes."""
    replace(
        project / "Makefile",
        "\t@$(KEEP) format $(ARGS)\n",
        "\t@$(KEEP) format $(ARGS)\n\techo ours\n",
    )


@edit(alone=True, outcome=Outcome.CONFLICT)
def change_the_head_of_the_makefile(project: Path) -> None:
    """Change the lines that the template changes too."""
    path = project / "Makefile"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    write(path, "".join([lines[0], "# Ours\n", *lines[2:]]))


@edit(alone=True)
def remove_the_makefile(project: Path) -> None:
    """Use other means."""
    (project / "Makefile").unlink()


@edit(alone=True)
def make_the_makefile_a_link(project: Path) -> None:
    """Keep own text elsewhere."""
    (project / "Makefile").unlink()
    write(project / "ours.mk", "ours:\n")
    (project / "Makefile").symlink_to("ours.mk")


@edit()
def edit_a_page_of_the_template(project: Path) -> None:
    """Add to a page."""
    append(project / "docs" / "environment.md", "\nOur words.\n")


@edit(RETIRED_PAGE, outcome=Outcome.LOST)
def edit_a_page_that_will_go(project: Path) -> None:
    """Add to a page that the next release does not have."""
    append(project / RETIRED_PAGE, "\nOur words.\n")


@edit(alone=True, outcome=Outcome.CONFLICT)
def write_a_page_that_will_come(project: Path) -> None:
    """Have a file where the next release brings one."""
    write(project / NEW_PAGE, "# Ours\n")


@edit(alone=True)
def remove_a_page_of_the_template(project: Path) -> None:
    """Delete a page."""
    (project / "docs" / "environment.md").unlink()


@edit()
def edit_the_launcher(project: Path) -> None:
    """Add to the end of the launcher, and make it executable."""
    append(project / "keep.py", "\n# Ours\n")
    make_executable(project / "keep.py")


@edit(alone=True, outcome=Outcome.CONFLICT)
def replace_the_launcher(project: Path) -> None:
    """Write the launcher anew."""
    write(project / "keep.py", "# Ours\n" * 20)


@edit()
def add_a_wheel(project: Path) -> None:
    """Keep a wheel of the team's own beside the template's."""
    write(project / "requirements" / "stack" / "wheels" / "ours-1-py3-none-any.whl", "ours\n")


@edit()
def keep_tools_of_our_own(project: Path) -> None:
    """Have a folder of the name that the template gave up."""
    write(project / "tools" / "__main__.py", "# Ours\n")
    write(project / "tools" / "owners.json", "{}\n")


@edit(alone=True)
def rename_plumbing(project: Path) -> None:
    """Give a module of the plumbing another name."""
    kit = package(project) / "kit"
    (kit / "errors.py").rename(kit / "problems.py")


@edit()
def edit_plumbing(project: Path) -> None:
    """Change a module of the plumbing at its end."""
    append(
        package(project) / "kit" / "errors.py", "\n\nclass OurError(Exception):\n    '''Ours.'''\n"
    )


@edit(alone=True)
def format_everything(project: Path) -> None:
    """Run a formatter with another line length over all code."""
    format_files(["--line-length=72", project / "src", project / "tests"])


@edit()
def change_a_pin_in_place(project: Path) -> None:
    """Change a version where the template says not to."""
    path = project / "requirements" / "stack" / "constraints.txt"
    text = path.read_text(encoding="utf-8")
    line, *_ = (line for line in text.splitlines() if line.startswith("numpy=="))
    replace(path, line, "numpy==1.26.4  # ours")


@edit()
def take_another_python(project: Path) -> None:
    """Change the Python beside the answer."""
    write(project / ".python-version", "3.11.7\n")


@edit()
def keep_attributes_of_files(project: Path) -> None:
    """Add to .gitattributes."""
    append(project / ".gitattributes", "*.bin filter=lfs\n")


@edit()
def edit_above_the_fences(project: Path) -> None:
    """Change the template's part of shared files."""
    replace(project / "pyproject.toml", 'requires = ["setuptools"]', 'requires = ["hatchling"]')
    replace(project / ".gitignore", "build/\n", "")


@edit(alone=True)
def convert_the_makefile(project: Path) -> None:
    """Have Windows' line ends in a file of the template."""
    path = project / "Makefile"
    write(path, path.read_text(encoding="utf-8").replace("\n", "\r\n"))
