"""Text from a real llama.cpp: in the project's own process, and as a server that another asks.

The model is real too, but tiny and with random weights: its text means nothing, and is always the
same. What no real server does on demand (429, 5xx, silence, bad JSON) a proxy before the real one
does, in the project's own tests of a server that is named to them.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lifecycle.projects import Project, succeeded
from tests.support.answer_sets import PAIRS
from tests.support.copier_runs import render
from tests.support.llama_server import LlamaServer, llama_server

pytestmark = [pytest.mark.network, pytest.mark.slow]

KEY = "only-for-this-test"
PROMPT = "the quick brown fox"
WRITE_MODEL = """
from pathlib import Path
from tests.llama_cpp import test_llama_cpp as tiny
tiny.CONTEXT = 60_000
tiny.write_model(Path("models/tiny.gguf"))
"""
GENERATE = """
from PACKAGE.kit.generation import GenerationSettings, open_generator
settings = GenerationSettings(max_tokens=40)
with open_generator() as generator:
    texts = [generator.generate("PROMPT", settings) for _ in range(2)]
    texts.append("".join(generator.stream("PROMPT", settings)))
assert len(set(texts)) == 1, texts
print(texts[0])
"""
AT_ONCE = """
from concurrent.futures import ThreadPoolExecutor
from PACKAGE.kit.generation import GenerationSettings, open_generator
settings = GenerationSettings(max_tokens=40)
with open_generator() as generator, ThreadPoolExecutor(8) as pool:
    streams = [generator.stream("PROMPT", settings) for _ in range(16)]
    texts = set(pool.map("".join, streams))
assert len(texts) == 1, texts
print(texts.pop())
"""
WATCH = """
import sys
from PACKAGE.kit.errors import AnswerCutOffError
from PACKAGE.kit.generation import GenerationSettings, open_generator
pieces = open_generator().stream("PROMPT", GenerationSettings(max_tokens=50_000))
print("started" if next(pieces) else "", flush=True)
sys.stdin.readline()
try:
    print(len("".join(pieces)), "characters came")
except AnswerCutOffError as error:
    print(f"cut off: {error}")
"""


@dataclass(frozen=True)
class Client:
    """A project that asks a server, from its production environment if nothing else is said."""

    project: Project

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.project.folder

    def configure(self, url: str, *, model: str = "tiny", chat: bool = False) -> None:
        """Write which server is asked."""
        text = f'[http-api]\nbase_url = "{url}/v1"\nmodel = "{model}"\nchat = {str(chat).lower()}\n'
        (self.folder / "configs" / "generate.toml").write_text(text, encoding="utf-8")

    def start(
        self, *arguments: str, key: str = KEY, link: str = ".venv-prod", **variables: str
    ) -> subprocess.Popen[str]:
        """Start Python in an environment of the project."""
        return subprocess.Popen(
            [str(self.project.python_path(link)), *arguments],
            cwd=self.folder,
            env={**os.environ, "NO_PROXY": "127.0.0.1", "GENERATE_API_KEY": key, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(
        self, *arguments: str, key: str = KEY, link: str = ".venv-prod", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Python to its end."""
        with self.start(*arguments, key=key, link=link, **variables) as process:
            out, errors = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, out, errors)

    def command(self, *arguments: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
        """Run the command `generate`."""
        return self.ask("-m", package_of(self.folder), "generate", *arguments, key=key)


def package_of(folder: Path) -> str:
    return Project(folder).package


def filled(code: str, folder: Path) -> str:
    return code.replace("PACKAGE", package_of(folder)).replace("PROMPT", PROMPT)


@pytest.fixture(scope="module")
def owner(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """Return a project with llama.cpp, both its environments, and a model."""
    folder = tmp_path_factory.mktemp("llama") / "project"
    project = Project(render(template, folder, {**answers, **PAIRS["none-llama-cpp"]}))
    for target in ("setup", "install-prod"):
        project.make(target)
    project.python("-c", WRITE_MODEL)
    return project


@pytest.fixture(scope="module")
def client(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Client:
    """Return a project that asks a server, with both its environments."""
    folder = tmp_path_factory.mktemp("http") / "project"
    project = Project(render(template, folder, {**answers, **PAIRS["none-http-api"]}))
    for target in ("setup", "install-prod"):
        project.make(target)
    return Client(project)


@pytest.fixture
def server(owner: Project) -> Iterator[LlamaServer]:
    """Run a llama.cpp server whose answers end where the model ends them, soon."""
    with serving(owner) as running:
        yield running


@pytest.fixture
def endless_server(owner: Project) -> Iterator[LlamaServer]:
    """Run a llama.cpp server whose answers end where they must, and thus not by themselves."""
    with serving(owner, endless=True) as running:
        yield running


def serving(owner: Project, *, endless: bool = False) -> AbstractContextManager[LlamaServer]:
    """Run a server in the production environment."""
    python, model = owner.python_path(".venv-prod"), owner.folder / "models" / "tiny.gguf"
    return llama_server(python, model, "tiny", at_once=4, key=KEY, endless=endless)


def configure(owner: Project, *, model: str = "tiny.gguf", chat: bool = False) -> None:
    table = f"chat = {str(chat).lower()}\nthreads = 1\ncontext = 0\n"
    text = f'[llama-cpp]\nmodel = "models/{model}"\n{table}'
    (owner.folder / "configs" / "generate.toml").write_text(text, encoding="utf-8")


def test_the_health_check_opens_the_model_and_misses_another(owner: Project) -> None:
    configure(owner)
    check = ["-m", f"{owner.package}.generation.health"]
    assert owner.python(*check, link=".venv-prod") == "ok\n"
    configure(owner, model="gone.gguf")
    done = subprocess.run(
        [str(owner.python_path(".venv-prod")), *check],
        cwd=owner.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "gone.gguf is not there" in done.stderr


@pytest.mark.parametrize("chat", [False, True])
def test_a_file_and_a_server_give_the_same_greedy_text(
    chat: bool, owner: Project, client: Client, server: LlamaServer
) -> None:
    configure(owner, chat=chat)
    text = owner.python("-c", filled(GENERATE, owner.folder), link=".venv-prod")
    assert len(text.strip()) > 10
    assert text == owner.python("-c", filled(GENERATE, owner.folder), link=".venv-prod")
    client.configure(server.url, chat=chat)
    assert succeeded(client.ask("-c", filled(GENERATE, client.folder))).stdout == text
    assert succeeded(client.ask("-c", filled(AT_ONCE, client.folder))).stdout == text


def test_the_projects_own_tests_pass_against_a_real_server(
    client: Client, server: LlamaServer
) -> None:
    named = {"TEST_SERVER_URL": f"{server.url}/v1", "TEST_SERVER_MODEL": "tiny"}
    command = ["-m", "pytest", "-q", "tests/http_api/test_real_server.py"]
    done = succeeded(client.ask(*command, link=".venv", **named))
    assert re.fullmatch(r"\d+ passed in .*", done.stdout.splitlines()[-1]), done.stdout


def test_a_server_that_is_killed_in_the_middle(client: Client, endless_server: LlamaServer) -> None:
    url = endless_server.url
    client.configure(url)
    with client.start("-c", filled(WATCH, client.folder)) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline() == "started\n"
        endless_server.process.kill()
        out, errors = watching.communicate("go on\n")
    assert out.startswith(f"cut off: {url}"), errors
    later = client.command("Hello")
    assert later.returncode == 2
    assert f"{url}/v1 cannot be reached" in later.stderr


def test_what_the_server_refuses(client: Client, server: LlamaServer) -> None:
    url = server.url
    client.configure(url, model="other")
    refused = client.command("Hello")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "lists no model 'other'; it has tiny." in refused.stderr
    client.configure(url)
    wrong = "another-key-for-this-test"
    refused = client.command("Hello", key=wrong)
    assert "does not take the key in the environment variable GENERATE_API_KEY" in refused.stderr
    assert wrong not in refused.stderr
    assert "asks for a key: set" in client.command("Hello", key="").stderr
    refused = client.command("word " * 20_000)
    assert refused.returncode == 2
    assert "exceeds the available context size" in refused.stderr
