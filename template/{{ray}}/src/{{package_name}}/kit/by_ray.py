# Owned by the template: every update rewrites this file. When to take it: docs/scale-out.md.
"""Ray in place of torchrun, of the local search, and of the server's own workers.

Ray runs the commands of this package as they are: so what they give is the same without it. On one
machine a Ray of its own is started for each command; `RAY_ADDRESS` names a cluster to join instead.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO

from .errors import RunError

ADDRESS = "RAY_ADDRESS"
_PACKAGE = __name__.partition(".")[0]
_HERE = "127.0.0.1"
_ENDED = 143


def require_ray() -> None:
    """Refuse to go on where Ray is not installed.

    Raises:
        RunError: It is not; `make` has an environment that has it.
    """
    if find_spec("ray") is None:
        raise RunError("Ray has an environment of its own: use `make`, as in docs/scale-out.md.")


def launch(processes: int) -> int:
    """Run this command again in each of several actors and return the exit status.

    Raises:
        RunError: There are too few CPUs, or Ray lost one of them.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with _cluster(processes) as ray:
        gpus = int(ray.cluster_resources().get("GPU", 0) >= processes)
        if ray.cluster_resources().get("CPU", 0) < processes:
            raise RunError(f"Ray's machines have fewer than {processes} CPUs.")
        kind = ray.remote(num_cpus=1, num_gpus=gpus, max_concurrency=2)(Process)
        workers = [kind.remote() for _ in range(processes)]
        training = ThreadPoolExecutor(1).submit(_train, ray, workers)
        try:
            return _ended(training, workers[0].end.remote)
        except ray.exceptions.RayActorError as error:
            raise RunError(f"Ray lost a process of the training: {error}") from error


def _ended(training: Future[int], end: Callable[[], Any]) -> int:
    """Wait for the exit status; the first signal asks the training to end, the second is the end.

    The training is followed in another thread, where no signal can come between two lines.
    """
    try:
        return training.result()
    except KeyboardInterrupt:
        end()
        training.result()
        return _ENDED


def _train(ray: Any, workers: list[Any]) -> int:
    """Have all train, say what the first one says, and return its exit status, or another's."""
    address, port = ray.get(workers[0].place.remote())
    common = {
        name: os.environ[name] for name in ("OMP_NUM_THREADS", "PYTHONPATH") if name in os.environ
    }
    common |= {"MASTER_ADDR": address, "MASTER_PORT": str(port), "WORLD_SIZE": str(len(workers))}
    if address == _HERE and sys.platform == "linux":
        common["GLOO_SOCKET_IFNAME"] = "lo"
    command = [sys.executable, "-m", _PACKAGE, *sys.argv[1:]]
    runs = [
        worker.run.options(num_returns="streaming").remote(
            command, str(Path.cwd()), {**common, "RANK": str(rank), "LOCAL_RANK": "0"}
        )
        for rank, worker in enumerate(workers)
    ]
    codes = [_said(ray, run) for run in runs]
    return next((code if code > 0 else 1 for code in codes if code), 0)


def _said(ray: Any, run: Any) -> int:
    """Print what a process says and return its status."""
    code: int | None = None
    for line in run:
        out, error, code = ray.get(line)
        print(out, end="", flush=True)
        print(error, end="", file=sys.stderr)
    return code or 0


class Process:
    """An actor that runs a command of the project, and passes a signal on to it."""

    def place(self) -> tuple[str, int]:
        """Return an address of this machine that the others reach, and a free port of it."""
        address = import_module("ray").util.get_node_ip_address()
        with socket.create_server((address, 0)) as listener:
            return address, listener.getsockname()[1]

    def run(
        self, command: list[str], folder: str, variables: dict[str, str]
    ) -> Iterator[tuple[str, str, int | None]]:
        """Yield each line that it prints, and at the end what it says of errors and its status."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **variables},
                stdout=subprocess.PIPE,
                stderr=errors,
                encoding="utf-8",
            )
            stdout: TextIO = self.process.stdout  # type: ignore[assignment]
            for line in stdout:
                yield line, "", None
            code = self.process.wait()
            errors.seek(0)
            yield "", errors.read(), code

    def end(self) -> None:
        """Have the command write a checkpoint and end."""
        self.process.send_signal(signal.SIGTERM)


def tune(study: str, trials: int) -> None:
    """Have Ray Tune train all trials of a search that are not done, as many at once as fit.

    The values of each follow from its number alone, so they do not depend on which one ends first.

    Raises:
        RunError: A trial could not be tried.
    """
    command = [sys.executable, "-m", _PACKAGE, "tune", "--resume", study, "--json", "--trial"]
    folder = str(Path.cwd())

    def trial(config: dict[str, int]) -> dict[str, float]:
        done = subprocess.run(
            [*command, str(config["trial"])],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip() or "a trial was killed")
        value = (json.loads(done.stdout) or {}).get("value")
        return {"value": float("nan") if value is None else value}

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with _cluster(1) as ray, tempfile.TemporaryDirectory(prefix="ray-tune-") as storage:
        tune = import_module("ray.tune")
        gpus = int(ray.cluster_resources().get("GPU", 0) >= 1)
        tuner = tune.Tuner(
            tune.with_resources(trial, {"cpu": 1, "gpu": gpus}),
            param_space={"trial": tune.grid_search(list(range(1, trials + 1)))},
            run_config=tune.RunConfig(storage_path=storage, verbose=0),
        )
        errors = tuner.fit().errors
    if errors:
        reason = str(errors[0]).strip().splitlines()[-1]
        raise RunError(f"{len(errors)} of {trials} trials were not tried: {reason}")


def serve(build: Callable[[], Any], settings: Any) -> int:
    """Answer with Ray Serve, one replica for each worker, until a signal ends it.

    Args:
        build: Returns the application; it is called in each replica, so it is pickled.
        settings: Address, workers, limits.
    """

    def application() -> Any:  # Ray takes what is no function for the application itself
        if alone:
            _stay_on_loopback()
        return build()

    alone = ADDRESS not in os.environ
    # By default 5 seconds, which is too few on two cores.
    os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "60")
    with _cluster(settings.workers + 1):
        serve = import_module("ray.serve")
        serve.start(http_options={"host": settings.host, "port": settings.port})
        replica = serve.deployment(
            num_replicas=settings.workers, max_ongoing_requests=settings.max_waiting
        )(serve.ingress(application)(type("Model", (), {})))
        serve.run(replica.bind(), name=_PACKAGE, route_prefix="/")
        print(f"http://{settings.host}:{settings.port} answers until Ctrl-C", flush=True)
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(1)
        serve.shutdown()
    return 0


def _stay_on_loopback() -> None:
    """Have a replica listen here alone for others: Ray has no setting for that port."""
    replica: Any = import_module("ray.serve._private.replica")
    listen = replica.add_port_to_grpc_server
    replica.add_port_to_grpc_server = lambda server, address: listen(
        server, address.replace("[::]", _HERE)
    )


@contextmanager
def _cluster(cpus: int) -> Iterator[Any]:
    """Yield Ray: that of a cluster, or one of its own that nothing outside this machine reaches."""
    require_ray()
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AIR_NEW_OUTPUT": "0"}
    if ADDRESS not in os.environ:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # else it listens to all interfaces
        # Other users of this machine reach loopback too; without a token Ray writes one into HOME.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    ray = import_module("ray")
    quiet = {"log_to_driver": False, "logging_level": "error"}
    # Sockets lie in it, whose paths must be short.
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp" if os.name == "posix" else None)
    try:
        if ADDRESS in os.environ:
            ray.init(**quiet)
        else:
            ray.init(
                address="local",
                num_cpus=max(cpus, os.cpu_count() or 1),
                include_dashboard=False,
                _temp_dir=folder,
                **quiet,
            )
        for each in (signal.SIGINT, signal.SIGTERM):  # the second of which Ray has taken
            signal.signal(each, signal.default_int_handler)
        yield ray
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)
