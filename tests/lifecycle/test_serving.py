"""The server for real: signals under load, the model exchanged, many clients, and its page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from tests.lifecycle.projects import ENVIRONMENT, Project
from tests.support.browser import LAPTOP, PHONE, Browser
from tests.support.copier_runs import render
from tests.support.load import Counts, ask
from tests.support.pictures import is_of

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("serving")]

OF_PRODUCTION = ".venv-prod"
MODEL = "models/digits"
ONE = [[0, 0, 0, 14, 10, 0, 0, 0]] * 8
BODY = json.dumps({"images": [ONE]}).encode()
CHECKED = (
    "--checks",
    "not_a_server_error,status_code_conformance,response_schema_conformance,content_type_conformance",
    *("--max-examples", "60", "--seed", "1"),
)


@pytest.fixture(scope="module")
def project(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A project that serves the digits, trained, exported and installed for production."""
    return made(template, answers, tmp_path_factory.mktemp("serving") / "project")


def made(template: Path, answers: dict[str, str], folder: Path) -> Project:
    """Make the project."""
    project = Project(render(template, folder, {**answers, "training": "jax", "serving": "true"}))
    project.git("init", "--quiet")
    project.commit("start")  # which the page names
    for target in ("setup", "data", "train", "export", "install-prod"):
        project.make(target)
    return project


@dataclass
class Running:
    """A server that runs.

    Attributes:
        process: It.
        port: Where it listens.
    """

    process: subprocess.Popen[str]
    port: int

    def get(self, path: str) -> bytes:
        """Return what an address answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return bytes(answer.read())

    def json(self, path: str) -> Any:
        """Return what an address answers, in JSON."""
        return json.loads(self.get(path))

    def metric(self, start: str) -> float:
        """Return the sum of the metrics whose lines begin so."""
        lines = self.get("/metrics").decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(start))

    def predict(self, images: list[Any], request_id: str = "") -> Any:
        """Return the answer to some images."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/predict",
            json.dumps({"images": images}).encode(),
            {"Content-Type": "application/json", "X-Request-ID": request_id},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def wait_until(self, start: str, value: float) -> None:
        """Ask for the metrics until one has a value."""
        while self.metric(start) != value:
            assert self.process.poll() is None

    def ask(self, *, clients: int = 32, seconds: float = 600, most: int = 10**9) -> Counts:
        """Ask until time or requests are up, or the server has closed every connection."""
        return asyncio.run(ask(self.port, BODY, clients=clients, seconds=seconds, most=most))

    def end(self) -> int:
        """Ask the server to end; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)


@contextmanager
def serving(
    project: Project, model: str = MODEL, code: str = "", **settings: str
) -> Iterator[Running]:
    """Start the server as an image does, on a free port, and end it; code runs before it."""
    program = code + f"\nimport sys\nfrom {project.package}.cli import main\nsys.exit(main())"
    start = ["-c", program] if code else ["-m", project.package]
    command = [project.python_path(OF_PRODUCTION), *start, "serve", model]
    with subprocess.Popen(
        [*map(str, command), "--port", "0"],
        cwd=project.folder,
        env={**ENVIRONMENT, **{f"SERVING_{name.upper()}": each for name, each in settings.items()}},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            found = re.match(r"http://127\.0\.0\.1:(\d+) ", process.stdout.readline())
            assert found, "it did not start"
            threading.Thread(target=process.stdout.read, daemon=True).start()
            running = Running(process, int(found[1]))
            models = 2 if "candidate" in settings else 1
            running.wait_until("serving_model_info", models * float(settings.get("workers", 1)))
            yield running
        finally:
            process.terminate()


@contextmanager
def under_load(running: Running) -> Iterator[Future[Counts]]:
    """Ask in another thread; begin with the body once a hundred requests are answered."""
    with ThreadPoolExecutor(1) as pool:
        counts = pool.submit(running.ask)
        route = 'http_request_duration_seconds_count{method="POST",route="/predict",status="200"}'
        while running.metric(route) < 100:
            assert not counts.done()
        yield counts


def test_only_what_serves_is_installed(project: Project) -> None:
    names = set(map(canonicalize_name, project.packages(OF_PRODUCTION)))
    assert {"fastapi", "uvicorn", "prometheus-client", "onnxruntime"} <= names
    assert not names & {"jax", "scikit-learn", "rich", "pydantic-settings", "pytest", "httpx"}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_end_loses_no_request(project: Project, workers: str) -> None:
    with serving(project, workers=workers) as running, under_load(running) as counts:
        assert running.end() == 0
    assert set(counts.result().statuses) == {200}
    assert counts.result().lost == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_new_version_takes_over_without_a_lost_request(
    project: Project, workers: str, tmp_path: Path
) -> None:
    current, versions = tmp_path / "current", [tmp_path / "a", tmp_path / "b"]
    for version in versions:
        exported(project, version, version.name)
    current.symlink_to(versions[0])
    with (
        serving(project, str(current), workers=workers) as running,
        under_load(running) as counts,
    ):
        current.unlink()
        current.symlink_to(versions[1])
        running.process.send_signal(signal.SIGHUP)
        running.wait_until('serving_reloads_total{outcome="done"}', int(workers))
        # What is written over the files of a model that is open harms nobody.
        for path in versions[1].iterdir():
            path.write_bytes(b"something else")
        running.process.send_signal(signal.SIGHUP)
        running.wait_until('serving_reloads_total{outcome="failed"}', int(workers))
        assert running.end() == 0
    assert set(counts.result().statuses) == {200}
    assert counts.result().lost == 0
    assert set(counts.result().versions) == {"a", "b"}


SLOW = """
import time
from PACKAGE.kit.serving import predicting
opened = predicting.open_model

def open_model(*arguments, **options):
    model = opened(*arguments, **options)
    compute = model.predictor._run

    def run(inputs):
        time.sleep(0.1)
        return compute(inputs)

    model.predictor._run = run
    return model

predicting.open_model = open_model
"""


def test_requests_that_wait_together_are_answered_together(project: Project) -> None:
    """A model whose time does not hang on the number of examples, as on an accelerator."""
    code = SLOW.replace("PACKAGE", project.package)
    measured = []
    for max_batch, most in (("1", 60), ("32", 600)):
        with serving(project, code=code, max_batch=max_batch) as running:
            counts = running.ask(most=most)
        assert set(counts.statuses) == {200}
        measured.append(counts.per_second)
    alone, together = measured
    assert together > 4 * alone


def test_a_worker_that_dies_is_replaced(project: Project) -> None:
    with serving(project, workers="2") as running:
        children = f"/proc/{running.process.pid}/task/{running.process.pid}/children"
        pids = [int(pid) for pid in Path(children).read_text(encoding="utf-8").split()]
        victim = max(pids)
        subprocess.run(["kill", "-9", str(victim)], check=True)
        while str(victim) in Path(children).read_text(encoding="utf-8").split():
            pass
        running.wait_until("serving_model_info", 2)
        assert running.ask(clients=4, most=50).statuses.keys() == {200}


def exported(project: Project, folder: Path, version: str, *, reference: bool = True) -> str:
    """Return a copy of the model with another version; without a reference it is an old one."""
    shutil.copytree(project.folder / MODEL, folder)
    path = folder / "metadata.json"
    description = json.loads(path.read_text(encoding="utf-8"))
    description["origin"]["run_id"] = version
    if not reference:
        (folder / "reference.json").unlink()
        del description["files"]["reference.json"]
    path.write_text(json.dumps(description), encoding="utf-8")
    return str(folder)


DIGITS = """
import json
import numpy
with numpy.load("models/digits/parity.npz") as arrays:
    (images,) = [arrays[name] for name in arrays.files if name.endswith("image")]
print(json.dumps((16 * images[:, 0]).tolist()))
"""


def test_drift_is_shown_for_what_was_trained_with_and_for_other_things(
    project: Project, tmp_path: Path
) -> None:
    """Digits of the training are near to it, always the same digit is not; old exports serve."""
    command = [project.python_path(OF_PRODUCTION), "-c", DIGITS]
    written = subprocess.run(
        command, cwd=project.folder, check=True, capture_output=True, env=ENVIRONMENT
    )
    digits = json.loads(written.stdout)
    start = 'serving_drift_distance{array="decision"'
    with serving(project, drift_window="300") as running:
        for digit in digits:
            running.predict([digit])
        assert running.metric("serving_drift_examples{") == 300
        near = running.metric(start)
        running.ask(most=2000)
        far = running.metric(start)
    assert near < 0.2
    assert far > 0.8
    old = exported(project, tmp_path / "old", "old", reference=False)
    with serving(project, old, drift_window="100") as running:
        assert running.ask(most=500).statuses.keys() == {200}
        assert "serving_drift_distance{" not in running.get("/metrics").decode()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_candidate_answers_its_share(project: Project, tmp_path: Path, workers: str) -> None:
    one, other = (exported(project, tmp_path / name, name) for name in ("a", "b"))
    with serving(project, one, workers=workers, candidate=other, candidate_share="0.25") as running:
        counts = running.ask(most=2000)
        share = counts.versions["b"] / counts.answers
        assert set(counts.versions) == {"a", "b"}
        assert share == pytest.approx(0.25, abs=0.05)
        assert running.metric('serving_drift_examples{version="b"}') > 0
        for version, count in counts.versions.items():
            assert running.metric(
                f'serving_answers_total{{outcome="done",version="{version}"}}'
            ) == (count)
        assert len({running.predict([ONE], "mine")["model"]["version"] for _ in range(20)}) == 1
        for path in Path(other).iterdir():
            path.write_bytes(b"something else")
        running.process.send_signal(signal.SIGHUP)
        running.wait_until('serving_reloads_total{outcome="failed"}', int(workers))
        after = running.ask(most=500)
        assert set(after.statuses) == {200}
        assert set(after.versions) == {"a", "b"}, "a broken candidate changes nothing"


def test_clients_that_say_nothing_and_many_requests_cost_little(project: Project) -> None:
    with serving(project, max_waiting="64") as running, contextlib.ExitStack() as idle:
        running.ask(most=2000)
        before = resident(running.process.pid)
        for _ in range(1000):
            idle.enter_context(socket.create_connection(("127.0.0.1", running.port)))
        counts = running.ask(most=20_000)
        assert counts.lost == 0
        assert set(counts.statuses) == {200}
        assert counts.answers >= 20_000
        grown = resident(running.process.pid) - before
        assert grown < 40, f"{grown} MB more, of which a connection takes up to 20 KB"


def resident(pid: int) -> float:
    """Return the MB of memory that a process has."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    assert found
    return int(found[1]) / 1000


def test_no_request_that_the_interface_allows_is_a_fault_of_the_server(
    project: Project, tmp_path: Path
) -> None:
    """Schemathesis makes them up from openapi.json; answers must be what that says, too."""
    program = tmp_path / "bin" / "schemathesis"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, tmp_path], check=True)
    install = [*uv, "pip", "install", "--quiet", "--python", tmp_path / "bin" / "python"]
    subprocess.run([*install, "schemathesis>=4.32"], check=True)
    with serving(project) as running:
        done = subprocess.run(
            [program, "run", f"http://127.0.0.1:{running.port}/openapi.json", *CHECKED],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated and int(generated[1]) > 100, done.stdout


@pytest.fixture(scope="module")
def served(project: Project) -> Iterator[Running]:
    """A server for the tests of its pages."""
    with serving(project) as running:
        yield running


def shown_after(window: Browser, script: str) -> str:
    """Do something on the page and return what it says of the answer to it."""
    return str(window.run(f"{FOLLOW}\n{script}\nreturn said;"))


FOLLOW = """
const said = new Promise(resolve => {
  new MutationObserver(() => {
    const text = document.getElementById("said").textContent;
    if (!text.startsWith("Nothing")) resolve(text);
  }).observe(document.getElementById("said"), {childList: true});
});
"""
DRAW_A_LINE = """
const board = document.getElementById("board"), box = board.getBoundingClientRect();
const at = (name, y) => board.dispatchEvent(new PointerEvent(name, {
  bubbles: true, clientX: box.left + box.width / 2, clientY: box.top + box.height * y,
  pointerType: "touch", isPrimary: true}));
at("pointerdown", 0.08);
at("pointermove", 0.5);
at("pointermove", 0.92);
at("pointerup", 0.92);
"""
DRAW_A_THREE = """
const board = document.getElementById("board"), box = board.getBoundingClientRect();
const at = (name, x, y) => board.dispatchEvent(new PointerEvent(name, {
  bubbles: true, clientX: box.left + box.width * x, clientY: box.top + box.height * y}));
const path = [[.36, .12], [.5, .07], [.6, .16], [.6, .3], [.5, .42], [.44, .44], [.52, .48],
  [.62, .6], [.62, .76], [.52, .88], [.36, .86]];
at("pointerdown", ...path[0]);
for (const [x, y] of path) at("pointermove", x, y);
at("pointerup", ...path.at(-1));
"""
TYPE_A_LINE = """
const press = key => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
document.querySelector("#board button").focus();
for (let step = 0; step < 3; step++) press("ArrowRight");
for (let step = 0; step < 8; step++) { press(" "); press("ArrowDown"); }
"""
TABLE = "return [...document.querySelectorAll('tbody td:last-child')].map(td => td.textContent)"
INK = """
return [...document.querySelectorAll("#board button")]
  .map(each => each.ariaLabel).filter(label => !label.endsWith(": 0 of 16")).length;
"""


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
@pytest.mark.parametrize("script", [DRAW_A_LINE, TYPE_A_LINE], ids=["finger", "keyboard"])
def test_a_digit_is_drawn_and_recognized(
    window: Browser, served: Running, tmp_path: Path, size: tuple[int, int], script: str
) -> None:
    window.resize(*size)
    window.requests()
    window.open(f"http://127.0.0.1:{served.port}/")
    assert window.title() == "Draw a digit"
    said = shown_after(window, script)
    assert said == "It looks like 1.", "a line from top to bottom"
    assert window.run(INK) >= 8
    shares = [float(text.removesuffix(" %")) for text in window.run(TABLE)]
    assert len(shares) == 10
    assert sum(shares) == pytest.approx(100, abs=1)
    assert max(shares) == shares[1]
    assert not window.is_cut_off()
    (board,) = window.boxes("#board")
    assert board["width"] == pytest.approx(board["height"], abs=2)
    assert board["width"] >= 200
    assert window.asked_places() == {f"127.0.0.1:{served.port}"}
    window.screenshot(tmp_path / "page.png")  # for people
    assert (tmp_path / "page.png").stat().st_size > 5_000


def test_the_picture_of_the_readme_is_of_the_page(
    window: Browser, served: Running, tmp_path: Path
) -> None:
    window.open(f"http://127.0.0.1:{served.port}/")
    window.resize_view(860, 680)
    assert shown_after(window, DRAW_A_THREE) == "It looks like 3."
    assert window.footer()
    assert is_of(window, "draw-a-digit.png", tmp_path)


def test_the_page_says_which_model_answers(window: Browser, served: Running) -> None:
    window.open(f"http://127.0.0.1:{served.port}/")
    model = served.json("/health/live")["model"]
    text = window.footer()
    for part in (model["version"], model["commit"][:12], model["data_sha256"][:12]):
        assert part in text


def test_the_interface_can_be_tried_on_its_page(window: Browser, served: Running) -> None:
    window.resize(*LAPTOP)
    window.requests()
    window.open(f"http://127.0.0.1:{served.port}/docs")
    script = """
    const found = () => [...document.querySelectorAll("details")]
      .find(each => each.textContent.startsWith("POST /predict"));
    const sent = details => {
      details.open = true;
      const answer = details.querySelector("form pre");
      const told = new Promise(resolve => new MutationObserver(() => resolve(answer.textContent))
        .observe(answer, {childList: true}));
      details.querySelector("form button").click();
      return told;
    };
    if (found()) return sent(found());
    return new Promise(resolve => new MutationObserver(() => {
      if (found()) resolve(sent(found()));
    }).observe(document.querySelector("main"), {childList: true}));
    """
    answer = str(window.run(script))
    assert answer.startswith("200 OK"), "the example of the types is a request that works"
    assert "predictions" in answer
    assert window.asked_places() == {f"127.0.0.1:{served.port}"}
