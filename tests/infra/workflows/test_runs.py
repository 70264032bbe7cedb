"""The rendered workflows, executed: green on a fresh project, red for each thing they guard."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from envkeep.toolchain import interpreters
from tests.infra.workflows.files import gitlab_jobs, read
from tests.infra.workflows.running import (
    Machine,
    Run,
    add_docker,
    add_program,
    add_stand_ins,
    install_gitlab_ci_local,
)
from tests.lifecycle.projects import Project, succeeded
from tests.support.copier_runs import commit, git, release, render, stage

PYTHON = "{}.{}".format(*sys.version_info)
SMALL = {"training": "none", "python_version": PYTHON}
"""Without training a project locks and installs in seconds."""

GUARDED = {"locks", "lint", "test"}
"""The jobs that the faults of ``broken`` make red."""

KEY = "AKIA" + "Q6TPS4WD2LN3ZK5B"  # a made-up one, in two parts for those who check this file

BEFORE, AFTER = "998.0.0", "998.1.0"
BRANCH = f"template-update-{AFTER}"
TOKEN = "never-shown"
FRESH = "refs/tests/fresh"

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.xdist_group("workflows")]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Return what the services' machines have."""
    folder = tmp_path_factory.mktemp("machine")
    add_stand_ins(folder / "programs")
    add_docker(folder / "programs")
    npm = install_gitlab_ci_local(folder / "npm")
    return Machine(folder / "home", interpreters.find_interpreter(PYTHON), folder / "programs", npm)


@pytest.fixture(scope="module")
def gitlab(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project on GitLab after its first commit."""
    project = Project(tmp_path_factory.mktemp("gitlab") / "project")
    render(template, project.folder, {**SMALL, "ci": "gitlab"})
    succeeded(project.tools("setup"))
    return committed(project, "https://gitlab.example.org/team/project.git")


@pytest.fixture(scope="module")
def github(template: Path, gitlab: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project on GitHub after its first commit, with the same locks."""
    project = Project(tmp_path_factory.mktemp("github") / "project")
    render(template, project.folder, SMALL)
    shutil.copytree(gitlab.locks.parent, project.folder / "requirements" / "locks")
    return committed(project, "https://github.example.org/team/project.git")


def committed(project: Project, origin: str) -> Project:
    """Commit a project, and give it what a clone has."""
    commit(project.folder, "A fresh project")
    project.git("branch", "--move", "--force", "main")
    project.git("update-ref", FRESH, "HEAD")
    project.git("remote", "add", "origin", origin)
    project.git("update-ref", "refs/remotes/origin/main", "HEAD")
    exclude = project.folder / ".git" / "info" / "exclude"
    exclude.write_text(".gitlab-ci-local/\ntemplate-update.bundle\n", encoding="utf-8")
    project.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    return project


@contextmanager
def broken(project: Project) -> Iterator[None]:
    """Commit a failing test, a line that lint refuses, a secret, a version no lock knows of."""
    (project.folder / "tests" / "test_broken.py").write_text(
        "def test_broken() -> None:\n    assert 1 + 1 == 3\n", encoding="utf-8"
    )
    project.append(f"src/{project.package}/files.py", "\nimport os\n")
    project.append("requirements/overrides.txt", "colorama==0.4.6\n")
    (project.folder / "configs").mkdir(exist_ok=True)
    (project.folder / "configs" / "cloud.yaml").write_text(f"key: {KEY}\n", encoding="utf-8")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--no-verify", "--message", "Four faults, past the hooks")
    project.git("update-ref", "refs/remotes/origin/main", "HEAD")
    yield
    project.git("reset", "--quiet", "--hard", FRESH)


def check_green(run: Run, jobs: set[str]) -> None:
    """Check that all jobs ran, and that none failed."""
    assert run.green == dict.fromkeys(jobs, True), run.said
    assert "prod works for anybody, on a read-only root, without network" in run.said, run.said


def check_red(run: Run) -> None:
    """Check that each fault made its own job red, for its own reason, and nothing else."""
    assert {name for name, green in run.green.items() if not green} == GUARDED, run.said
    assert "assert (1 + 1) == 3" in run.said
    assert {"ruff-check", "secrets"} <= set(re.findall(r"- hook id: (\S+)", run.said)), run.said
    assert re.search(r"\b(E402|F401)\b", run.said), run.said
    assert re.search(r"Secret Type: .*AWS Access Key", run.said), run.said
    assert "Location:    configs/cloud.yaml:1" in run.said, run.said
    assert "older than the requirements" in run.said
    assert not run.said.endswith("exit code 0")


def test_github_is_green_on_a_fresh_project(machine: Machine, github: Project) -> None:
    jobs = set(read(github.folder / ".github" / "workflows" / "checks.yml")["jobs"])
    assert jobs > GUARDED
    check_green(machine.on_github(github, "checks.yml"), jobs)


def test_gitlab_is_green_on_a_fresh_project(machine: Machine, gitlab: Project) -> None:
    found = gitlab_jobs(gitlab.folder).items()
    jobs = {name for name, job in found if job.get("extends") == ".check"}
    assert jobs > GUARDED
    check_green(machine.on_gitlab(gitlab), jobs)


def test_gitlabs_image_is_left_out_where_the_team_says_so(
    machine: Machine, gitlab: Project
) -> None:
    own = gitlab.folder / ".gitlab" / "local.yml"
    text = own.read_text(encoding="utf-8")
    assert re.search("^prod-image ", machine.on_gitlab(gitlab, "--list").said, re.MULTILINE)
    try:
        changed = text.replace("variables: {}", 'variables: {WITHOUT_IMAGE: "true"}')
        own.write_text(changed, encoding="utf-8")
        listed = machine.on_gitlab(gitlab, "--list").said
    finally:
        own.write_text(text, encoding="utf-8")
    assert re.search("^locks ", listed, re.MULTILINE), listed
    assert "prod-image" not in listed


def test_github_is_red_for_a_broken_test_a_lint_error_a_stale_lock_and_a_secret(
    machine: Machine, github: Project
) -> None:
    with broken(github):
        check_red(machine.on_github(github, "checks.yml"))


def test_gitlab_is_red_for_a_broken_test_a_lint_error_a_stale_lock_and_a_secret(
    machine: Machine, gitlab: Project
) -> None:
    with broken(gitlab):
        check_red(machine.on_gitlab(gitlab))


@pytest.fixture(params=["github", "gitlab"])
def behind(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """Return a project that is one release behind, with an edit of its own and a remote."""
    template = stage(tmp_path / "template", BEFORE)
    answers = {**SMALL, "ci": request.param}
    project = Project(render(template, tmp_path / "project", answers))
    page = template / "template" / "docs" / "environment.md.jinja"
    page.write_text(page.read_text(encoding="utf-8") + "\nThe next release.\n", encoding="utf-8")
    release(template, AFTER)
    project.append("local.mk", "# Our line\n")
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    git(tmp_path / "remote.git", "config", "receive.advertisePushOptions", "true")
    committed(project, str(tmp_path / "remote.git"))
    project.git("push", "--quiet", "origin", "main")
    return project


def test_the_weekly_update_is_pushed_to_a_branch_of_its_own_once(
    machine: Machine, behind: Project, tmp_path: Path
) -> None:
    """Nobody answers for GitHub and GitLab here: a remote in a folder gets what they would."""
    remote = tmp_path / "remote.git"
    asked = tmp_path / "asked.txt"
    add_stand_ins(tmp_path / "programs")
    add_program(tmp_path / "programs", "gh", f'echo "gh $*" >> {asked}')
    copier = str(Path(sys.executable).with_name("copier"))
    place = replace(
        machine,
        cache=tmp_path / "home",
        programs=tmp_path / "programs",
        variables={"COPIER": copier, "GIT_ALLOW_PROTOCOL": "file:https"},
    )

    def propose() -> Run:
        if (behind.folder / ".github").exists():
            return place.on_github(behind, "template-update.yml", "workflow_dispatch")
        behind.git("switch", "--quiet", "main")
        address = f"https://template-update:{TOKEN}@gitlab.example.org/team/project.git"
        behind.git("config", f"url.{remote}.insteadOf", address)
        behind.git("remote", "set-url", "origin", "https://gitlab.example.org/team/project.git")
        return place.on_gitlab(
            behind,
            "update-on-a-branch",
            "open-a-merge-request",
            "--variable=CI_PIPELINE_SOURCE=schedule",  # pragma: allowlist secret
            f"--variable=TEMPLATE_UPDATE_TOKEN={TOKEN}",
        )

    first = propose()
    assert first.green
    assert all(first.green.values()), first.said
    files = git(remote, "diff", "--name-only", "main", BRANCH).split()
    assert files == [".copier-answers.yml", "docs/environment.md"], first.said
    assert "# Our line" in git(remote, "show", f"{BRANCH}:local.mk")
    assert TOKEN not in git(remote, "show", BRANCH)
    proposed = git(remote, "rev-parse", BRANCH)
    again = propose()
    assert all(again.green.values()), again.said
    assert "stays as it is" in again.said
    assert git(remote, "rev-parse", BRANCH) == proposed, again.said
    if asked.exists():
        calls = asked.read_text(encoding="utf-8").splitlines()
        created = [line for line in calls if line.startswith("gh pr create")]
        (line,) = created
        assert f"--head {BRANCH} --base main --title Update from the template: {BEFORE}" in line
