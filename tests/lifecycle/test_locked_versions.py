"""What the locks are held against: what the requirements give, and what is known of versions."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.lifecycle.projects import Checkpoint, Project, error_sentence, succeeded
from tests.support.advisories import ADVISORY, SUMMARY, Advisories
from tests.support.loopback import answering

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.xdist_group("environment")]

FOREIGN = f"sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with answering(Advisories) as address:
        yield address


@pytest.fixture
def project(small_project: Checkpoint) -> Project:
    return small_project.restore()


def test_a_hash_that_no_file_of_the_index_has_is_found(project: Project) -> None:
    succeeded(project.tools("lock-check"))
    lock = project.locks / "50-lint.txt"
    text = lock.read_text(encoding="utf-8")
    planted = re.sub(r"(--hash=)", rf"\1{FOREIGN} \\\n    \1", text, count=1)
    lock.write_text(planted, encoding="utf-8")
    done = project.tools("lock-check")
    assert "make lock-all" in error_sentence(done)
    assert f"no file of its index has the hash {FOREIGN}" in done.stdout
    assert lock.read_text(encoding="utf-8") == planted


def test_a_version_that_asks_for_a_patch_of_python_is_no_difference(project: Project) -> None:
    """pip-compile asks the Python that is here; to uv a minor begins with its first patch."""
    project.append("requirements/40-dev.in", "soupsieve>=3.0.2  # asks for Python 3.11.5\n")
    succeeded(project.tools("lock"))
    assert "soupsieve==" in project.lock_texts()["40-dev"]
    succeeded(project.tools("lock-check"))


def test_a_version_that_was_changed_by_hand_is_found(project: Project) -> None:
    lock = project.locks / "40-dev.txt"
    text = lock.read_text(encoding="utf-8")
    lock.write_text(re.sub(r"^iniconfig==.*", "iniconfig==1.0 \\\\", text, flags=re.M))
    done = project.tools("lock-check")
    assert error_sentence(done)
    assert "iniconfig==1.0 is locked, iniconfig==" in done.stdout


def test_known_vulnerabilities_fail_until_somebody_accepts_them(
    project: Project, service: str
) -> None:
    done = project.tools("audit", "--service", service)
    assert error_sentence(done).startswith("error: 1 known vulnerabilities are locked")
    assert re.search(rf"^numpy \S+: {ADVISORY}, open\. {SUMMARY}$", done.stdout, re.MULTILINE)
    project.append("requirements/accepted-vulnerabilities.txt", f"{ADVISORY}  # made up\n")
    assert (
        "No known vulnerability" in succeeded(project.tools("audit", "--service", service)).stdout
    )


def test_without_an_answer_nothing_is_known(project: Project) -> None:
    done = project.tools("audit", "--service", "http://127.0.0.1:1")
    assert "nobody could be asked about vulnerabilities" in error_sentence(done)
