"""MLflow's own server on loopback, in an environment apart: it needs older packages than ours."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

STARTED = "Application startup complete"
PAGE = 1000  # values of a metric in one answer


@dataclass(frozen=True)
class MlflowServer:
    """A server that runs.

    Attributes:
        url: Its address, without a path.
        process: The leader of its group of processes.
    """

    url: str
    process: subprocess.Popen[str]

    def kill(self) -> None:
        """End the server and its workers at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def run(self, run_id: str) -> dict[str, Any]:
        """Return what the server has of a run."""
        found: dict[str, Any] = self._get("runs/get", {"run_id": run_id})["run"]
        return found

    def history(self, run_id: str, name: str) -> list[tuple[int, float]]:
        """Return the pairs of step and value of a metric."""
        query = {"run_id": run_id, "metric_key": name, "max_results": PAGE}
        found = self._get("metrics/get-history", query).get("metrics", [])
        return [(int(each["step"]), each["value"]) for each in found]

    def _get(self, path: str, query: Mapping[str, object]) -> Any:
        address = f"{self.url}/api/2.0/mlflow/{path}?{urlencode(query)}"
        with urllib.request.urlopen(address, timeout=60) as answer:
            return json.load(answer)


def make_environment(folder: Path) -> Path:
    """Make an environment with the whole of MLflow; return its interpreter."""
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [uv, "pip", "install", "--quiet", "--python", str(python), "mlflow>=3.17"]
    subprocess.run(install, check=True)
    return python


@contextmanager
def mlflow_server(python: Path, folder: Path, port: int = 0) -> Iterator[MlflowServer]:
    """Serve until the block ends.

    Args:
        python: The interpreter of an environment with the whole of MLflow.
        folder: Where it keeps runs; they are there again for the next server of the folder.
        port: Where it listens; 0 for any that is free.
    """
    port = port or _free_port()
    arguments = [
        *("--backend-store-uri", "sqlite:///server.db", "--artifacts-destination", "artifacts"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
    ]
    with subprocess.Popen(
        [str(python), "-m", "mlflow", "server", *arguments],
        cwd=folder,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    ) as process:
        server = MlflowServer(f"http://127.0.0.1:{port}", process)
        try:
            assert process.stdout is not None
            assert any(STARTED in line for line in process.stdout), "the server did not start"
            # Its log would fill the pipe, and then the server would wait.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            yield server
        finally:
            server.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
