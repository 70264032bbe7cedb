"""Where a build of an image finds packages that have an index of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkeep.commands import image
from envkeep.errors import ToolError
from envkeep.locks import indexes
from envkeep.locks.lock_set import Locks
from envkeep.project.target import Target
from envkeep.toolchain.pip_by_name import Tie

CPU = Target("linux-x86_64", "cpu")


@pytest.fixture
def ties(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Tie]:
    """Return the ties of a project whose lock has two of a company's packages."""
    lock = tmp_path / "30-prod.txt"
    lock.write_text("acme-app==1.0\nacme-core==1.2\nnumpy==2.5\n", encoding="utf-8")
    found: list[Tie] = []
    monkeypatch.setattr(indexes, "ties", lambda target: found)
    monkeypatch.setattr(image, "torch_build", lambda target: None)
    monkeypatch.setattr(Locks, "require", lambda self, wanted: [lock])
    return found


def test_a_build_is_told_the_pages_of_these_packages_alone(ties: list[Tie]) -> None:
    assert image._tied("prod", CPU) == []
    ties.append(Tie("acme-*", "acme", "https://acme.example/simple/"))
    pages = [f"https://acme.example/simple/{name}/" for name in ("acme-app", "acme-core")]
    assert image._tied("prod", CPU) == ["--build-arg", f"TIED_PAGES={' '.join(pages)}"]
    ties[0] = Tie("acme-*", "acme", "https://acme.example/all.html", flat=True)
    assert image._tied("prod", CPU)[1] == "TIED_PAGES=https://acme.example/all.html"


def test_a_folder_of_this_machine_is_refused(ties: list[Tie]) -> None:
    ties.append(Tie("acme-*", "acme", "/wheels", flat=True))
    with pytest.raises(ToolError, match="a build cannot read /wheels, where acme-app comes from"):
        image._tied("prod", CPU)
