"""Edits where the template says that they belong: no update may touch them.

Some make files of kinds that the template does not bring (workflows, a Dockerfile, scripts): teams
do that in every project, and later releases must leave such files alone.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.copier_update.edits import (
    Edits,
    Outcome,
    append,
    format_files,
    make_executable,
    package,
    picture,
    replace,
    write,
)
from tests.support.copier_runs import commit

TRAINING = "configs/train.yaml"

edit = Edits()

# Environment


@edit(TRAINING)
def require_a_package_beside_torch(project: Path) -> None:
    """Add a requirement to the lowest layer."""
    append(project / "requirements" / "10-torch.in", "torchvision\n")


@edit(TRAINING)
def require_packages_for_training(project: Path) -> None:
    """Add requirements with and without versions, one with a comment."""
    append(project / "requirements" / "20-train.in", "einops\nlightning>=2.4  # loops\n")


@edit()
def require_a_package_in_production(project: Path) -> None:
    """Put a requirement above the template's include."""
    path = project / "requirements" / "30-prod.in"
    replace(path, "-r stack/30-prod.in", "fastapi\n-r stack/30-prod.in")


@edit()
def require_a_package_for_tests(project: Path) -> None:
    """Write a layer anew."""
    write(project / "requirements" / "40-dev.in", "-r stack/40-dev.in\npytest-cov\nhypothesis\n")


@edit()
def require_a_package_for_linting(project: Path) -> None:
    """Add a requirement without a newline at the end."""
    append(project / "requirements" / "50-lint.in", "types-PyYAML")


@edit()
def add_a_layer(project: Path) -> None:
    """Add a file of requirements that the template does not know."""
    write(project / "requirements" / "60-notebooks.in", "jupyterlab\n")


@edit()
def pin_another_version(project: Path) -> None:
    """Override a pin of the stack release."""
    append(project / "requirements" / "overrides.txt", "numpy==2.3.5  # a bug in the newer one\n")


@edit()
def add_a_make_target(project: Path) -> None:
    """Add a target where the template says."""
    append(project / "local.mk", "\nours:  ## our target\n\t@echo ours\n")


@edit(TRAINING)
def edit_settings_of_one_machine(project: Path) -> None:
    """Fill the ignored ``.env`` and describe it for colleagues."""
    write(project / ".env", "APP_TRAINING__EPOCHS=3\nSECRET=not for git\n")
    append(project / "README.md", "\nWrite `SECRET=...` into `.env`.\n")


# Around the code


@edit()
def add_workflows(project: Path) -> None:
    """Add CI as a team writes it."""
    steps = "    steps:\n      - uses: actions/checkout@v4\n      - run: make setup test\n"
    text = f"on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n{steps}"
    write(project / ".github" / "workflows" / "ours.yml", text)


@edit(".gitlab/local.yml")
def add_jobs_for_gitlab(project: Path) -> None:
    """Add a job, and a variable that leaves one of the template's out."""
    path = project / ".gitlab" / "local.yml"
    replace(path, "variables: {}\n", 'variables:\n  WITHOUT_IMAGE: "true"\n')
    append(path, "\nours:\n  extends: .project\n  script: [make install, make ours]\n")


@edit()
def add_a_container(project: Path) -> None:
    """Add a Dockerfile and the system packages that it installs."""
    write(project / "Dockerfile.ours", "FROM debian:12\nCOPY apt.txt .\nRUN echo ours\n")
    write(project / "apt.txt", "libgl1\n")


@edit()
def append_to_the_readme(project: Path) -> None:
    """Add a section at the end."""
    append(project / "README.md", "\n## Our results\n\nGood ones.   \n")


@edit(alone=True)
def rewrite_the_readme(project: Path) -> None:
    """Replace every line."""
    write(project / "README.md", "# Ours\r\n\r\nWritten on another system.\r\n")


@edit(alone=True)
def make_the_readme_a_link(project: Path) -> None:
    """Keep the text elsewhere."""
    write(project / "docs" / "start.md", "# Ours\n")
    (project / "README.md").unlink()
    (project / "README.md").symlink_to("docs/start.md")


@edit()
def add_a_page(project: Path) -> None:
    """Write a page of the team's own beside the template's."""
    write(project / "docs" / "our-data.md", "# Our data\n")


@edit()
def name_files_as_people_do(project: Path) -> None:
    """Add names with spaces, quotes and letters beyond ASCII."""
    for name in ("größe 数据.md", 'it\'s "quoted".md', "-dash.md"):
        write(project / "docs" / "notes" / name, "ours\n")


@edit()
def take_another_licence(project: Path) -> None:
    """Replace the licence's text."""
    write(project / "LICENSE", "All ours.\n")


@edit(alone=True)
def remove_the_licence(project: Path) -> None:
    """Keep the terms elsewhere."""
    (project / "LICENSE").unlink()


@edit()
def add_a_picture(project: Path) -> None:
    """Commit a binary file."""
    (project / "docs" / "images").mkdir(parents=True)
    (project / "docs" / "images" / "architecture.png").write_bytes(picture(1))


@edit()
def replace_a_picture(project: Path) -> None:
    """Commit a binary file and another one in its place."""
    path = project / "docs" / "logo.png"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(picture(2))
    commit(project, "Logo")
    path.write_bytes(picture(3))


@edit()
def add_a_script(project: Path) -> None:
    """Add an executable file."""
    write(project / "scripts" / "sync.sh", "#!/bin/sh\necho ours\n")
    make_executable(project / "scripts" / "sync.sh")


@edit()
def configure_a_tool(project: Path) -> None:
    """Add a tool's table at the end of pyproject.toml."""
    append(project / "pyproject.toml", "\n[tool.coverage.run]\nbranch = true\n")


@edit()
def release_the_project(project: Path) -> None:
    """Raise the version, add a command and change a tool's setting, all below the fence."""
    path = project / "pyproject.toml"
    replace(path, 'version = "0.1.0"', 'version = "0.2.0"')
    replace(path, "[project.scripts]\n", '[project.scripts]\nours = "ours:main"\n')
    replace(path, "strict = true\n", "strict = true\nwarn_unreachable = true\n")


@edit()
def ignore_more_files(project: Path) -> None:
    """Add patterns at the end of .gitignore, and take one away."""
    path = project / ".gitignore"
    replace(path, ".vscode/\n", "")
    append(path, "/scratch/\n*.tmp\n")


# Data, models and notebooks


@edit()
def add_a_notebook(project: Path) -> None:
    """Add a notebook as Jupyter writes it."""
    text = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n'
    write(project / "notebooks" / "exploration.ipynb", text)


@edit("docs/make-it-yours.md")
def remove_a_page_that_is_ours(project: Path) -> None:
    """Delete a seed."""
    (project / "docs" / "make-it-yours.md").unlink()


@edit(TRAINING)
def keep_large_data_out_of_git(project: Path) -> None:
    """Fill an ignored folder."""
    folder = project / "data" / "raw"
    folder.mkdir(exist_ok=True)
    (folder / "images.bin").write_bytes(bytes(range(256)) * 4096)


@edit("experiments", alone=True, outcome=Outcome.REFUSED)
def keep_runs_on_another_disk(project: Path) -> None:
    """Replace a folder by a link out of the project, which Copier does not follow."""
    disk = project.parent / f"{project.name}-disk"
    disk.mkdir()
    shutil.rmtree(project / "experiments")
    (project / "experiments").symlink_to(disk, target_is_directory=True)


@edit()
def add_a_trained_model(project: Path) -> None:
    """Leave an ignored artefact in the folder of models."""
    (project / "models" / "ours").mkdir(parents=True)
    (project / "models" / "ours" / "model.onnx").write_bytes(picture(4))


@edit()
def nest_a_repository(project: Path) -> None:
    """Clone another project into an ignored folder."""
    append(project / ".gitignore", "/third_party/\n")
    nested = project / "third_party" / "theirs"
    write(nested / "README.md", "theirs\n")
    commit(nested, "Theirs")


@edit(TRAINING)
def edit_configurations(project: Path) -> None:
    """Change the example's configuration and add one."""
    append(project / TRAINING, "# ours\n")
    write(project / "configs" / "large.yaml", "training: {epochs: 300}\n")


# Code


@edit()
def add_a_command(project: Path) -> None:
    """Add a module where commands lie."""
    write(package(project) / "commands" / "annotate.py", '"""Annotate."""\n')


@edit()
def add_a_subpackage(project: Path) -> None:
    """Add code of the team's own, an empty file and a type stub."""
    write(package(project) / "ours" / "__init__.py", "")
    write(package(project) / "ours" / "fast.pyi", "def run() -> None: ...\n")
    write(project / "stubs" / "vendor" / "__init__.pyi", "")


@edit()
def edit_the_command_line(project: Path) -> None:
    """Change a module of the team in its first and its last line."""
    path = package(project) / "cli.py"
    write(path, "# Ours\n" + path.read_text(encoding="utf-8") + "\n# Ours\n")
    make_executable(path)


@edit("src/*/data.py")
def remove_the_example(project: Path) -> None:
    """Delete the example's data and model, and their tests."""
    (package(project) / "data.py").unlink()
    (package(project) / "model.py").unlink()
    shutil.rmtree(project / "tests" / "training")


@edit()
def rename_a_module(project: Path) -> None:
    """Give a module another name."""
    (module,) = (*package(project).glob("task.py"), *package(project).glob("preprocessing.py"))
    module.rename(package(project) / "features.py")


@edit("src/*/train.py")
def split_a_module(project: Path) -> None:
    """Make a package of a module."""
    module = package(project) / "train.py"
    text = module.read_text(encoding="utf-8")
    module.unlink()
    write(module.with_suffix("") / "__init__.py", text)
    write(module.with_suffix("") / "steps.py", '"""Ours."""\n')


@edit()
def move_tests(project: Path) -> None:
    """Sort tests into folders, and delete one."""
    tests = project / "tests"
    module = min((*tests.glob("test_kit.py"), *tests.glob("test_files.py")))
    (tests / "unit").mkdir()
    module.rename(tests / "unit" / module.name)
    (project / "tests" / "test_cli.py").unlink()


@edit()
def format_our_code(project: Path) -> None:
    """Run a formatter with another line length over the team's modules and tests."""
    names = [package(project) / "cli.py", package(project) / "commands", project / "tests"]
    format_files(["--line-length=72", *names])


@edit()
def check_out_with_carriage_returns(project: Path) -> None:
    """Have Windows' line ends in files of the team, as an editor leaves them."""
    for path in (*(project / "tests").rglob("*.py"), project / "local.mk"):
        write(path, path.read_text(encoding="utf-8").replace("\n", "\r\n"))
