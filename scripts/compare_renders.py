"""Render every project of the tests with two states of the template, and compare them byte by byte.

    python scripts/compare_renders.py OLD [NEW]

OLD and NEW are commits; without NEW it is the work tree. The projects are those of the named cells
and of the pairwise matrix of the checkout that this stands in. envkeep's wheel and its hash are
compared only where envkeep's own sources are the same. Answers that OLD does not know are named and
left out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.render.cells import CELLS
from tests.render.pairwise import pairwise
from tests.support.copier_runs import ROOT, FileState, checked_out, files_of, render, stage

ENVKEEP = "src/envkeep"
OF_ENVKEEP = ("requirements/stack/wheels/envkeep-", "requirements/stack/envkeep.txt")

Files = Mapping[str, FileState]


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command.

    Returns:
        0 when all projects are equal, 1 when one differs.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("old", help="a commit")
    parser.add_argument("new", nargs="?", help="a commit; by default the work tree")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="compare-renders-") as name:
        folder = Path(name)
        old = staged(folder / "old", root, options.old)
        new = staged(folder / "new", root, options.new)
        ignored = () if files_of(old / ENVKEEP) == files_of(new / ENVKEEP) else OF_ENVKEEP
        count = found = 0
        for project, answers in projects():
            try:
                before = rendered(old, folder / "before" / project, answers)
            except ValueError:  # Copier's, about an answer
                print(f"{project}: OLD refuses these answers")
                continue
            after = rendered(new, folder / "after" / project, answers)
            for line in differences(before, after, ignored):
                print(f"{project}: {line}")
                found += 1
            count += 1
    without = ", envkeep's wheel left out" if ignored else ""
    print(f"compare_renders: {count} projects, {found} differences{without}")
    return 1 if found else 0


def staged(folder: Path, root: Path, commit: str | None) -> Path:
    """Release a commit of a repository, or its work tree, in a clone."""
    folder.mkdir()
    source = checked_out(folder / "source", commit, root) if commit else root
    return stage(folder / "template", source=source)


def projects() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name and the answers of every project that is compared."""
    yield from ((cell.name, cell.answers) for cell in CELLS)
    yield from ((f"pairwise-{number}", row) for number, row in enumerate(pairwise()))


def rendered(template: Path, project: Path, answers: Mapping[str, Any]) -> Files:
    """Render a project and return its files; what says where the template lies is cut out."""
    address = str(template).encode()
    return {
        path: FileState(file.content.replace(address, b""), file.executable)
        for path, file in files_of(render(template, project, answers)).items()
    }


def differences(old: Files, new: Files, ignored: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield what two states of a project differ in, one file a line."""
    for path in sorted(old.keys() | new.keys()):
        if path.startswith(ignored) or old.get(path) == new.get(path):
            continue
        if path not in old or path not in new:
            yield f"{path} is only in {'OLD' if path in old else 'NEW'}"
        elif old[path].content != new[path].content:
            yield f"{path} has other bytes"
        else:
            yield f"{path} has another mode"


if __name__ == "__main__":
    sys.exit(main())
