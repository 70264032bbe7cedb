# Owned by the template: every update rewrites this file. Your stages: dvc.yaml.
"""What the project's commands and DVC know of each other.

DVC has an environment of its own, so its files are read here, and nothing of it is imported.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import DataError, RunError
from .files import read_json, write_json

STAGE = "DVC_STAGE"  # DVC says in it which stage a command is run for
METRICS = Path("metrics")
TRAINS = "train"  # the stage that trains, whose run the others take
PIPELINE = Path("dvc.yaml")
LOCK = Path("dvc.lock")
DATA_FACT, DVC_FACT = "data_sha256", "data_dvc_md5"


def with_versions(config: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts of a run with DVC's hash of its data after that of the manifest."""
    settings = config.get("data")
    path = settings.get("path") if isinstance(settings, Mapping) else None
    found: dict[str, Any] = {}
    for name, value in facts.items():
        found[name] = value
        if name == DATA_FACT and path:
            found[DVC_FACT] = md5_of(Path(path))
    return found


def md5_of(data: Path) -> str | None:
    """Return the MD5 by which DVC lists a file; None where it lists none, or other bytes.

    Raises:
        DataError: A file of DVC is damaged.
    """
    listed = set(_listed(data))
    if not listed or not data.is_file():
        return None
    with data.open("rb") as file:
        actual = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    return actual if actual in listed else None


def write_metrics(result: Any) -> None:
    """In a stage, write the numbers of a command's result to `metrics/STAGE.json`.

    That file is written where `dvc.yaml` names it.
    """
    path = METRICS / f"{os.environ.get(STAGE)}.json"
    if STAGE not in os.environ or not isinstance(result, Mapping):
        return
    if PIPELINE.is_file() and path.as_posix() in PIPELINE.read_text(encoding="utf-8"):
        write_json(path, {"run_id": result.get("run_id"), **_numbers(result)})


def trained_run() -> str | None:
    """Return the id of the run of the stage that trains; None outside of the stages after it.

    Raises:
        RunError: The run is not in `experiments/`.
    """
    path = METRICS / f"{TRAINS}.json"
    if os.environ.get(STAGE, TRAINS) == TRAINS or not path.exists():
        return None
    run_id = str(read_json(path).get("run_id"))
    if not Path("experiments", run_id).exists():
        raise RunError(
            f"Run {run_id} of the stage {TRAINS} is not in experiments/, as another machine "
            f'trained it: run `make dvc ARGS="repro --force {TRAINS}"`.'
        )
    return run_id


def _listed(data: Path) -> Iterator[str]:
    """Yield the hashes of a file in the file of DVC beside it, and in the outputs of stages."""
    beside = data.with_name(f"{data.name}.dvc")
    for out in _read(beside).get("outs", ()):
        if out.get("path") == data.name:
            yield str(out.get("md5"))
    for stage in _read(LOCK).get("stages", {}).values():
        for out in stage.get("outs", ()):
            if Path(out.get("path", "")) == data:
                yield str(out.get("md5"))


def _read(path: Path) -> Any:
    import yaml  # production environments do without it

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path} is damaged: restore it from git.") from error


def _numbers(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was measured; of a training, what its best epoch reached, or its last one."""
    if "final_metrics" in result:
        best = result.get("best")
        return {"epoch": best["epoch"], **best["metrics"]} if best else {**result["final_metrics"]}
    found = {**result, **(result.get("metrics") or {})}
    return {name: value for name, value in found.items() if type(value) in (int, float)}
