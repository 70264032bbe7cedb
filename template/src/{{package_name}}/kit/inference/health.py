# Owned by the template: every update rewrites this file. Your own checks go beside kit/.
"""The image's health check: do the models in a folder open and answer?

Run as `python -m PACKAGE.kit.inference.health FOLDER`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import ArtefactError, ProjectError
from .metadata import METADATA_FILE
from .parity import read_parity
from .predictor import load


def check(folder: Path) -> int:
    """Open every exported model below a folder and let it predict once.

    Returns:
        The number of models.

    Raises:
        ProjectError: There is none, or one of them is changed or does not work.
    """
    models = sorted(path.parent for path in folder.glob(f"*/{METADATA_FILE}"))
    if not models:
        raise ArtefactError(f"{folder} has no exported model: export one, or mount the folder.")
    for model in models:
        with load(model) as predictor:
            inputs, _, _ = read_parity(model, predictor.metadata)
            predictor.predict({name: array[:1] for name, array in inputs.items()})
    return len(models)


def main(arguments: Sequence[str]) -> int:
    """Check the folder that the one argument names; 1 if something is wrong."""
    try:
        count = check(Path(arguments[0] if arguments else "models"))
    except (ProjectError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(f"ok, {count} models")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
