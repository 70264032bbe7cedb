"""Servers of text for real: OpenAI's own client asks every runtime the same, and the page."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lifecycle.projects import ENVIRONMENT, Project
from tests.lifecycle.test_serving import OF_PRODUCTION, Running, serving
from tests.support.answer_sets import PAIRS
from tests.support.browser import LAPTOP, PHONE, Browser
from tests.support.chat_templates import (
    REFUSED,
    TALKS,
    TEMPLATES,
    WITH_TEMPLATE,
    interpreter_with_transformers,
    texts_of,
)
from tests.support.copier_runs import render
from tests.support.pictures import is_of

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("text-serving")]

KEY = "only-for-this-test"
PROMPT = "Alice said"
ANSWERS = {
    "native": {"training": "huggingface", "inference": "native"},
    "llama-cpp": PAIRS["none-llama-cpp"],
    "openvino-genai": PAIRS["none-openvino-genai"],
}
MODELS = {
    "native": "models/alice",
    "llama-cpp": "models/tiny.gguf",
    "openvino-genai": "models/tiny",
}
WRITE_LLAMA_CPP = """
from pathlib import Path
from tests.llama_cpp import test_llama_cpp as tiny
tiny.CONTEXT = 60_000
tiny.write_model(Path("models/tiny.gguf"))
"""
WRITE_OPENVINO_GENAI = """
from pathlib import Path
from tests.openvino_genai import test_openvino_genai as tiny
tiny.CONTEXT = 60_000
tiny.CHARACTERS = [*tiny.CHARACTERS, "\\n"]  # which chat templates write
folder = Path("models/tiny")
folder.mkdir()
tiny.write_tokenizer(folder)
tiny.write_model(folder)
"""
CLIENT = """
import json, sys, openai
url, key, prompt = sys.argv[1:]
client = openai.OpenAI(base_url=url, api_key=key, max_retries=0)
model = client.models.list().data[0].id
same = dict(model=model, temperature=0, max_tokens=12)
whole = client.completions.create(prompt=prompt, **same)
text = whole.choices[0].text
said = {"model": client.models.retrieve(model).id, "text": text, "usage": whole.usage.to_dict(),
  "reason": whole.choices[0].finish_reason}
chunks = list(client.completions.create(
    prompt=prompt, stream=True, stream_options={"include_usage": True}, **same))
said["streamed"] = "".join(each.choices[0].text for each in chunks if each.choices)
said["pieces"], said["streamed usage"] = len(chunks), chunks[-1].usage.to_dict()
stop = text[3:5]
ended = client.completions.create(prompt=prompt, stop=stop, **same)
said["ended"] = [ended.choices[0].text, text[:text.index(stop)], ended.choices[0].finish_reason]
said["seeded"] = [client.completions.create(
    model=model, prompt=prompt, max_tokens=12, temperature=1, seed=seed).choices[0].text
    for seed in (1, 1, 2)]
messages = [{"role": "user", "content": prompt}]
chat = client.chat.completions.create(messages=messages, **same)
said["chat"] = chat.choices[0].message.content
said["chat streamed"] = "".join(each.choices[0].delta.content or "" for each in
    client.chat.completions.create(messages=messages, stream=True, **same))
def refusal(client=client, **changes):
    try:
        client.completions.create(**{"prompt": prompt, **same, **changes})
    except openai.APIStatusError as error:
        return [type(error).__name__, error.body["message"]]
said["refused"] = {
    "key": refusal(client.with_options(api_key="wrong")), "model": refusal(model="other"),
    "temperature": refusal(temperature=3), "n": refusal(n=2), "long": refusal(prompt="x " * 70_000)}
print(json.dumps(said))
"""
LEAVE = """
import sys, openai
url, key, prompt, most = sys.argv[1:]
client = openai.OpenAI(base_url=url, api_key=key, max_retries=0)
model = client.models.list().data[0].id
with client.completions.create(
    model=model, prompt=prompt, max_tokens=int(most), temperature=0, stream=True) as stream:
    next(iter(stream))
"""


def made(runtime: str, template: Path, answers: dict[str, str], folder: Path) -> Project:
    """Make a project with a model, and its environment of production."""
    chosen = {**answers, **ANSWERS[runtime], "serving": "true"}
    project = Project(render(template, folder, chosen))
    project.make("setup")
    if runtime == "native":
        for target in ("data", "train", "export"):
            project.make(target)
    else:
        project.python("-c", {**globals()}[f"WRITE_{runtime.upper().replace('-', '_')}"])
    project.make("install-prod")
    return project


def asking(template: Path, answers: dict[str, str], folder: Path) -> Path:
    """Return the interpreter of an environment with OpenAI's client."""
    project = Project(render(template, folder, {**answers, **PAIRS["none-http-api"]}))
    for target in ("setup", "install-prod"):
        project.make(target)
    return project.python_path(OF_PRODUCTION)


@pytest.fixture(scope="module")
def client(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the interpreter of an environment with OpenAI's client."""
    return asking(template, answers, tmp_path_factory.mktemp("client") / "project")


@pytest.fixture(scope="module", params=list(ANSWERS))
def project(
    request: pytest.FixtureRequest,
    template: Path,
    answers: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Project:
    """Return a project for each runtime."""
    folder = tmp_path_factory.mktemp(request.param) / "project"
    project = made(request.param, template, answers, folder)
    path = project.folder / "configs" / "generate.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("chat = true", "chat = false"))
    return project


@pytest.fixture(scope="module")
def runtime(project: Project) -> str:
    """Return the runtime of the project."""
    (answers,) = (project.folder / "src").glob("*/answers.json")
    found: str = json.loads(answers.read_text(encoding="utf-8"))["inference"]
    return found


@pytest.fixture(scope="module")
def served(project: Project, runtime: str) -> Iterator[Running]:
    """A server for the questions of clients."""
    with serving(project, MODELS[runtime], api_key=KEY) as running:
        yield running


def asked(python: Path, program: str, running: Running, *arguments: str) -> str:
    """Run a program of a client and return what it prints."""
    url = f"http://127.0.0.1:{running.port}/v1"
    command = [str(python), "-c", program, url, KEY, PROMPT, *arguments]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_openais_client_is_answered(client: Path, served: Running, runtime: str) -> None:
    said = json.loads(asked(client, CLIENT, served))
    assert said["model"] == Path(MODELS[runtime]).stem
    assert said["text"] == said["streamed"] == said["chat"] == said["chat streamed"]
    assert said["pieces"] > 4
    usage = said["usage"]
    assert (said["reason"], usage["completion_tokens"]) == ("length", 12)
    assert usage == said["streamed usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + 12
    ended, expected, reason = said["ended"]
    assert (ended, reason) == (expected, "stop")
    first, again, other = said["seeded"]
    assert first == again != other
    refused = said["refused"]
    assert {name: kind for name, (kind, _) in refused.items()} == {
        "key": "AuthenticationError",
        "model": "NotFoundError",
        "temperature": "UnprocessableEntityError",
        "n": "UnprocessableEntityError",
        "long": "UnprocessableEntityError",
    }
    assert "temperature" in refused["temperature"][1]
    assert "context size" in refused["long"][1]


def test_what_nobody_reads_is_not_written(client: Path, served: Running, runtime: str) -> None:
    tokens = 'serving_tokens_total{kind="answer"'
    before, most = served.metric(tokens), 240 if runtime == "native" else 50_000
    asked(client, LEAVE, served, str(most))
    served.wait_until("http_requests_in_flight", 1)  # which is the one that asks for it
    assert 0 < served.metric(tokens) - before < most


def test_a_signal_exchanges_the_model_and_the_end_waits_for_answers(
    project: Project, runtime: str
) -> None:
    with serving(project, MODELS[runtime]) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=120)
        body = json.dumps({"prompt": PROMPT, "max_tokens": 200, "stream": True})
        connection.request("POST", "/v1/completions", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.readline()
        running.process.send_signal(signal.SIGHUP)
        running.wait_until('serving_reloads_total{outcome="done"}', 1)
        running.process.send_signal(signal.SIGTERM)
        assert response.read().endswith(b"data: [DONE]\n\n")
        connection.close()
        assert running.process.wait(120) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="children are looked for in /proc")
def test_llama_cpp_is_started_again_if_it_dies(project: Project, runtime: str) -> None:
    if runtime != "llama-cpp":
        pytest.skip("the others are in the process of the server")
    with serving(project, MODELS[runtime]) as running:
        pid = running.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        victim = max(map(int, children.read_text(encoding="utf-8").split()))
        os.kill(victim, signal.SIGKILL)
        while str(victim) in children.read_text(encoding="utf-8").split():
            pass
        running.wait_until("serving_model_info", 1)
        assert running.json("/v1/models")["data"][0]["id"] == "tiny"
        assert running.end() == 0


@pytest.fixture(scope="module")
def open_to_all(project: Project, runtime: str) -> Iterator[Running]:
    """A server for the tests of its page."""
    with serving(project, MODELS[runtime]) as running:
        yield running


WATCH = """
const said = document.getElementById("said"), shown = document.getElementById("answer");
const lengths = new Set();
new MutationObserver(() => lengths.add(shown.textContent.length))
  .observe(shown, {childList: true, subtree: true});
const done = new Promise(resolve => new MutationObserver(() => {
  if (/Stopped|tokens in|No answer/.test(said.textContent)) resolve();
}).observe(said, {childList: true}));
const press = (key, more) => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true, ...more}));
const prompt = document.getElementById("prompt");
const ask = text => {
  prompt.focus();
  prompt.value = text;
  document.getElementById("most").value = 12;
  press("Enter", {ctrlKey: true});
};
const result = () => ({said: said.textContent, text: shown.textContent, lengths: [...lengths]});
"""


def tried(window: Browser, script: str) -> Any:
    """Do something on the page and return what it shows in the end."""
    return window.run(f"{WATCH}\n{script}\nreturn done.then(result);")


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_the_page_shows_an_answer_as_it_is_written(
    window: Browser, open_to_all: Running, tmp_path: Path, size: tuple[int, int]
) -> None:
    window.resize(*size)
    window.requests()
    window.open(f"http://127.0.0.1:{open_to_all.port}/")
    assert window.title() == "Continue a text"
    shown = tried(window, f"ask({json.dumps(PROMPT)});")
    assert shown["said"].startswith("12 tokens in ")
    assert shown["text"].startswith(PROMPT)
    assert len(shown["text"]) > len(PROMPT)
    assert len(set(shown["lengths"])) > 2, "it came in pieces"
    assert not window.is_cut_off()
    assert window.asked_places() == {f"127.0.0.1:{open_to_all.port}"}
    window.screenshot(tmp_path / "page.png")


def test_the_page_stops_by_keyboard(window: Browser, open_to_all: Running) -> None:
    window.open(f"http://127.0.0.1:{open_to_all.port}/")
    stop = """
    ask("Alice was");
    document.getElementById("end").focus();
    press("Escape");
    """
    assert tried(window, stop)["said"] == "Stopped."


def test_the_page_says_what_is_wrong(window: Browser, open_to_all: Running) -> None:
    window.open(f"http://127.0.0.1:{open_to_all.port}/")
    assert tried(window, 'ask("x ".repeat(70000));')["said"].startswith("No answer: ")


def test_the_page_says_which_model_answers(window: Browser, open_to_all: Running) -> None:
    window.open(f"http://127.0.0.1:{open_to_all.port}/")
    model = open_to_all.json("/health/live")["model"]
    text = window.footer()
    shown = [
        model["version"],
        *(model[name][:12] for name in ("commit", "data_sha256") if name in model),
    ]
    assert all(part in text for part in shown), text


def test_the_picture_of_the_docs_is_of_the_page(
    window: Browser, open_to_all: Running, runtime: str, tmp_path: Path
) -> None:
    if runtime != "native":
        pytest.skip("the models of the others are written for the tests, and write nothing to read")
    window.open(f"http://127.0.0.1:{open_to_all.port}/")
    window.resize_view(860, 620)
    assert tried(window, f"ask({json.dumps(PROMPT)});")["text"].startswith(PROMPT)
    assert window.footer()
    assert is_of(window, "continue-a-text.png", tmp_path)


def test_a_load_is_measured_and_the_interface_is_kept(project: Project, runtime: str) -> None:
    model = "" if runtime == "native" else MODELS[runtime]
    options = "--clients 2 --requests 6 --seconds 600 --tokens 8 --json"
    for more in ("", " --chat"):
        row = json.loads(project.make("load", f"{model} {options}{more}").stdout.splitlines()[-1])
        assert (row["clients"], row["errors"]) == ("2", "0")
        assert 6 <= int(row["answers"]) <= 7
        assert float(row["tokens/s"]) > 0
        assert 0 < float(row["first p50 ms"]) <= float(row["p50 ms"]) <= float(row["p99 ms"])
    project.make("openapi")
    project.make("openapi", "--check")
    path = project.folder / "openapi.json"
    written = json.loads(path.read_text(encoding="utf-8"))
    del written["paths"]["/v1/models"]
    path.write_text(json.dumps(written), encoding="utf-8")
    checked = project.tools("openapi", "--check")
    assert checked.returncode == 1
    assert "differs from the code at /paths//v1/models" in checked.stdout
    path.unlink()


@pytest.fixture(scope="module")
def transformers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an interpreter that has transformers."""
    return interpreter_with_transformers(tmp_path_factory.mktemp("transformers") / "venv")


@pytest.fixture
def chatting(project: Project) -> Iterator[None]:
    """Let messages go through the chat template."""
    path = project.folder / "configs" / "generate.toml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("chat = false", "chat = true"), encoding="utf-8")
    yield
    path.write_text(before, encoding="utf-8")


def answered(running: Running, path: str, **asked: Any) -> tuple[int, Any]:
    """Ask and return the status, and the tokens of the prompt with the text, or the error."""
    body = json.dumps({**asked, "max_tokens": 8, "temperature": 0}).encode()
    address = f"http://127.0.0.1:{running.port}/v1/{path}"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            found = json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["detail"]
    (choice,) = found["choices"]
    text = choice["text"] if "text" in choice else choice["message"]["content"]
    return 200, (found["usage"]["prompt_tokens"], text)


@pytest.mark.usefixtures("chatting")
@pytest.mark.parametrize("name", list(TEMPLATES))
def test_messages_become_what_transformers_makes_of_them(
    project: Project, runtime: str, transformers: Path, tmp_path: Path, name: str
) -> None:
    """The same tokens go in and come out as for the text that transformers writes."""
    source = MODELS[runtime]
    model = str(tmp_path / f"model{Path(source).suffix}")
    project.python("-c", WITH_TEMPLATE, runtime, source, model, TEMPLATES[name])
    with serving(project, model) as running:
        for talk, text in zip(TALKS[name], texts_of(transformers, name), strict=True):
            status, chat = answered(running, "chat/completions", messages=talk)
            assert (status, chat) == answered(running, "completions", prompt=text)
            assert status == 200
            assert chat != answered(running, "completions", prompt=text.replace("\n", "", 1))[1]
        if name == "strict":
            status, detail = answered(running, "chat/completions", messages=REFUSED)
            assert status == 422, detail
