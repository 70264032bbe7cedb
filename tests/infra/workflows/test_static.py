"""Workflows of every answer, and this repository's, by their schemas and the known checkers."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from maintain.action_pins import pinned
from maintain.stack.data import load_actions, load_images, load_runners
from scripts import action_pins
from tests.infra.workflows.conftest import check
from tests.infra.workflows.files import (
    ANSWERS,
    GITHUB,
    GITLAB,
    USES,
    gitlab_jobs,
    jobs,
    jobs_in,
    pipelines,
    read,
    steps,
    targets,
    workflows,
)
from tests.render.questions import answers_of
from tests.support.copier_runs import ROOT

Projects = dict[str, Path]
WITH_WORKFLOWS = [*GITHUB, "own"]
CHECKED = ["matrix", "own"]
pytestmark = pytest.mark.xdist_group("workflows")
SHELLCHECK = Path(sys.executable).parent / "shellcheck"
WRITES = {"template-update.yml: propose": {"contents": "write", "pull-requests": "write"}}
READS = {"contents": "read"}


@pytest.mark.parametrize("name", CHECKED)
def test_workflows_fit_githubs_schema(name: str, rendered: Projects) -> None:
    schema = "--builtin-schema=vendor.github-workflows"
    check(rendered[name], "check-jsonschema", schema, *workflows(rendered[name]))


@pytest.mark.parametrize("name", CHECKED)
def test_actionlint_and_shellcheck_find_nothing(name: str, rendered: Projects) -> None:
    paths = [path.relative_to(rendered[name]) for path in workflows(rendered[name])]
    check(rendered[name], "actionlint", f"-shellcheck={SHELLCHECK}", "-pyflakes=", *paths)


@pytest.mark.parametrize("name", CHECKED)
def test_zizmor_finds_nothing_above_informational(name: str, rendered: Projects) -> None:
    found = check(
        rendered[name], "zizmor", "--offline", "--no-exit-codes", "--format=json", ".github"
    )
    severities = {each["ident"]: each["determinations"]["severity"] for each in json.loads(found)}
    assert not {ident: each for ident, each in severities.items() if each != "Informational"}


def test_jobs_fit_gitlabs_schema(rendered: Projects) -> None:
    options = ("--builtin-schema=vendor.gitlab-ci", "--data-transform=gitlab-ci")
    own = rendered["gitlab"] / ".gitlab" / "local.yml"
    check(ROOT, "check-jsonschema", *options, *pipelines(rendered["matrix"]), own)


def test_shellcheck_finds_nothing_in_gitlabs_scripts(rendered: Projects, tmp_path: Path) -> None:
    for number, pipeline in enumerate(pipelines(rendered["matrix"])):
        for job, content in jobs_in(pipeline).items():
            lines = [*content.get("before_script", []), *content.get("script", [])]
            text = "\n".join(lines) + "\n"
            (tmp_path / f"{number}-{job}.sh").write_text(text, encoding="utf-8")
    # What it does not follow is the script that activates an environment.
    options = ("--shell=bash", "--exclude=SC1091")
    check(tmp_path, "shellcheck", *options, *sorted(tmp_path.iterdir()))


@pytest.mark.parametrize("name", ANSWERS)
def test_a_project_has_the_files_of_its_service_alone(name: str, rendered: Projects) -> None:
    service = name.partition("-")[0]
    assert (rendered[name] / ".github").exists() is (service == "github")
    assert (rendered[name] / ".gitlab-ci.yml").exists() is (service == "gitlab")
    assert (rendered[name] / ".gitlab").exists() is (service == "gitlab")


@pytest.mark.parametrize("name", WITH_WORKFLOWS)
def test_every_action_is_a_row_of_the_stack(name: str, rendered: Projects) -> None:
    rows = {(row.repository, row.commit, row.version) for row in load_actions(ROOT / "stack")}
    labels = {row.label for row in load_runners(ROOT / "stack")}
    for path in workflows(rendered[name]):
        text = path.read_text(encoding="utf-8")
        used = [found.groups() for found in USES.finditer(text)]
        assert len(used) == text.count("uses:"), path.name
        assert set(used) <= rows
    for _, job in jobs(rendered[name]):
        machine = job["runs-on"]
        assert machine[0] == "self-hosted" if isinstance(machine, list) else machine in labels


def test_every_row_of_the_stack_is_used(rendered: Projects) -> None:
    texts = "".join(
        path.read_text(encoding="utf-8") for name in GITHUB for path in workflows(rendered[name])
    )
    for row in load_actions(ROOT / "stack"):
        assert f"{row.repository}@{row.commit}" in texts
    for machine in load_runners(ROOT / "stack"):
        assert f"runs-on: {machine.label}" in texts


@pytest.mark.parametrize("name", GITLAB)
def test_gitlabs_image_is_that_of_the_projects_python(name: str, rendered: Projects) -> None:
    python = answers_of(rendered[name])["python_version"]
    (row,) = (
        row
        for row in load_images(ROOT / "stack")
        if (row.image, row.python) == ("python-slim", python)
    )
    assert gitlab_jobs(rendered[name])[".project"]["image"] == f"{row.reference}@{row.digest}"


@pytest.mark.parametrize("name", WITH_WORKFLOWS)
def test_rights_times_and_credentials(name: str, rendered: Projects) -> None:
    for path in workflows(rendered[name]):
        assert read(path)["permissions"] == {}, path.name
        assert "concurrency" in read(path), path.name
        assert "pull_request_target" not in path.read_text(encoding="utf-8")
    for where, job in jobs(rendered[name]):
        assert job["permissions"] == WRITES.get(where, READS), where
        assert job["timeout-minutes"] > 0, where
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, where


@pytest.mark.parametrize("name", WITH_WORKFLOWS)
def test_what_sees_a_secret_runs_no_code_of_the_project(name: str, rendered: Projects) -> None:
    with_secrets = {
        where: job
        for where, job in jobs(rendered[name])
        if "secrets." in str(job) or "write" in str(job["permissions"])
    }
    assert with_secrets.keys() <= WRITES.keys()
    for where, job in with_secrets.items():
        commands = "\n".join(steps(job))
        assert not [word for word in ("make", "python", "./") if word in commands.split()], where
        assert job["environment"] == "template-update"


@pytest.mark.parametrize("name", GITLAB)
def test_gitlabs_token_is_for_a_job_that_runs_no_code_of_the_project(
    name: str, rendered: Projects
) -> None:
    content = gitlab_jobs(rendered[name])
    (where,) = (
        job for job in content if "TEMPLATE_UPDATE_TOKEN" in str(content[job].get("script", ""))
    )
    assert where == "open-a-merge-request"
    assert content[where]["environment"] == "template-update"
    assert not {"make", "python"} & set(" ".join(content[where]["script"]).split())


def test_both_services_have_the_same_jobs(rendered: Projects) -> None:
    for github, gitlab in zip(GITHUB, GITLAB, strict=True):
        on_github = {each for _, job in jobs(rendered[github]) for each in targets(steps(job))}
        in_gitlab = gitlab_jobs(rendered[gitlab]).values()
        scripts = [line for job in in_gitlab for line in job.get("script", [])]
        assert on_github == set(targets(scripts)), github


@pytest.mark.parametrize("name", ANSWERS)
def test_every_command_is_a_target_of_the_makefile(name: str, rendered: Projects) -> None:
    makefile = (rendered[name] / "Makefile").read_text(encoding="utf-8")
    called = [line for _, job in jobs(rendered[name]) for line in steps(job)]
    if (rendered[name] / ".gitlab-ci.yml").exists():
        called += [
            line for job in gitlab_jobs(rendered[name]).values() for line in job.get("script", [])
        ]
    page = (rendered[name] / "docs" / "continuous-integration.md").read_text(encoding="utf-8")
    called += re.findall(r"`(make [^`]+)`", page)
    assert targets(called)
    for target in targets(called):
        assert f"\n{target}:" in makefile, target


def test_this_repositorys_workflows_follow_the_stack(capsys: pytest.CaptureFixture[str]) -> None:
    assert action_pins.main(["--check"]) == 0, capsys.readouterr().err


def test_action_pins_brings_in_a_newer_release() -> None:
    actions, runners = load_actions(ROOT / "stack"), load_runners(ROOT / "stack")
    newer = [row.model_copy(update={"commit": "f" * 40, "version": "v99.0.0"}) for row in actions]
    (path, *_) = workflows(ROOT)
    text = pinned(path.read_text(encoding="utf-8"), newer, runners)
    assert not [row.commit for row in actions if row.commit in text]
    assert f"actions/checkout@{'f' * 40} # v99.0.0" in text
