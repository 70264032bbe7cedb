"""Propose answers to the template's questions from what a repository says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from hooks.adoption.frameworks import HUGGINGFACE, KERAS, NONE, PYTORCH
from hooks.adoption.stack import Stack
from hooks.adoption.survey import Survey
from hooks.adoption.wanted import DEVELOP, RUN, admits, poetry_versions, without_password
from hooks.hardware_choice import CPU, Hardware
from hooks.machine_answers import Found, choose
from maintain.stack.rows import Build

MINIMAL = "minimal"
_WORDS_OF_A_NAME = 6  # a longer heading is a sentence
_BUILD = re.compile(r"(cu|rocm)(?P<version>\d[\d.]*)|cpu|xpu")
_CUDA_SAID = re.compile(
    r"(?:^|[^a-z])(?:pytorch-cuda|cuda-version|cudatoolkit|cuda)\D{0,5}(\d+)\.(\d+)"
)
_CONTAINERS = re.compile(r"Dockerfile|(docker-)?compose(\.override)?\.ya?ml|\.dockerignore", re.I)
_SERVICES = re.compile(
    r"\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.ya?ml|\.travis\.yml|\.circleci/config\.yml"
    r"|azure-pipelines\.yml|bitbucket-pipelines\.yml|Jenkinsfile"
)
_RUNTIMES = {
    "onnxruntime": "onnxruntime",
    "onnxruntime-gpu": "onnxruntime",
    "openvino": "openvino",
    "openvino-genai": "openvino-genai",
    "llama-cpp-python": "llama-cpp",
}
_MODULES = {
    "onnxruntime-gpu": "onnxruntime",
    "openvino-genai": "openvino_genai",
    "llama-cpp-python": "llama_cpp",
}
_MAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9./_~:%@+-]+")


@dataclass(frozen=True)
class Proposal:
    """Proposed answers.

    Attributes:
        answers: By question.
        reasons: Why, by question; what has no entry was found as it stands.
        undecided: What the repository does not say, in sentences.
        foreign_indexes: Package indexes that are not PyTorch's, each with its file.
    """

    answers: Mapping[str, str]
    reasons: Mapping[str, str]
    undecided: tuple[str, ...]
    foreign_indexes: tuple[tuple[str, str], ...] = ()


def propose(found: Survey, stack: Stack, machine: Found, given: Mapping[str, str]) -> Proposal:
    """Propose answers.

    Args:
        found: What the repository says.
        stack: The stack release.
        machine: What this machine has.
        given: Answers that the user gave; others may follow from them.
    """
    return _Proposing(found, stack, machine, given).proposal()


class _Proposing:
    def __init__(
        self, found: Survey, stack: Stack, machine: Found, given: Mapping[str, str]
    ) -> None:
        self._found = found
        self._stack = stack
        self._machine = machine
        self._given = given
        self._answers: dict[str, str] = {}
        self._reasons: dict[str, str] = {}
        self._undecided: list[str] = []

    def proposal(self) -> Proposal:
        """Decide the questions in the order in which they are asked."""
        self._names()
        self._people()
        self._license()
        self._containers()
        self._service()
        uses_torch = self._training()
        self._python()
        foreign = self._indexes()
        if uses_torch:
            self._backends()
        return Proposal(self._answers, self._reasons, tuple(self._undecided), foreign)

    def _containers(self) -> None:
        """Leave a repository's own images and devcontainers as they are."""
        tree = self._found.repository.tree
        own = {
            "docker": [path for path in tree if _CONTAINERS.fullmatch(path)],
            "devcontainer": [path for path in tree if path.startswith(".devcontainer")],
        }
        for question, paths in own.items():
            if paths and question not in self._given:
                self._answers[question] = "false"
                self._reasons[question] = f"{min(paths)} is the repository's own"
        if self._found.own_build and "docker" not in self._given:
            self._answers["docker"] = "false"
            self._reasons["docker"] = "the template's image builds packages by setuptools alone"

    def _service(self) -> None:
        """Keep a repository's own CI, or choose that of its host if the profile has one."""
        own = [path for path in self._found.repository.tree if _SERVICES.fullmatch(path)]
        if "ci" in self._given:
            return
        if own:
            self._answers["ci"] = "none"
            self._reasons["ci"] = f"{min(own)} is the repository's own"
        elif "gitlab" in self._found.repository.origin and self._given.get("profile") != MINIMAL:
            self._answers["ci"] = "gitlab"
            self._reasons["ci"] = "the repository is on GitLab"

    def _training(self) -> bool:
        found = self._found.framework
        self._answers["training"] = self._given.get("training", found.training)
        training = self._answers["training"]
        is_own = "training" not in self._given
        if is_own:
            self._reasons["training"] = found.reason
        backend = self._given.get("keras_backend", found.backend if is_own else "")
        if training == KERAS and backend:
            self._answers["keras_backend"] = backend
        if found.note and is_own:
            self._undecided.append(found.note)
        if training == NONE and is_own and not found.note:
            self._undecided.append(
                f"{found.reason}, so the project gets no layer of training; "
                '`make update ARGS="--data training=pytorch"` adds it.'
            )
        self._inference(trains=training != NONE)
        return training in (PYTORCH, HUGGINGFACE) or backend == "torch"

    def _inference(self, *, trains: bool) -> None:
        """Choose what runs in production: the framework itself, unless a package needs a runtime.

        A package that declares a runtime to run, and no framework, runs on that.
        """
        wanted = [each for each in self._found.findings.once_each() if each.use != DEVELOP]
        runtimes = [
            (runtime, each)
            for name, runtime in _RUNTIMES.items()
            for each in wanted
            if each.name == name and self._found.imports.count([_MODULES.get(name, name)])
        ]
        needs = {each.name for each in wanted if each.use == RUN}
        if trains and ("torch" in needs or not any(each.use == RUN for _, each in runtimes)):
            self._answers["inference"] = "native"
            self._reasons["inference"] = "what trains runs in production too"
        elif runtimes:
            self._answers["inference"], each = runtimes[0]
            self._reasons["inference"] = f"{each.origin} asks for {each.name}, and the code uses it"
        elif self._found.framework.note:
            # The stack's runtimes do not go together with TensorFlow in one environment.
            self._answers["inference"] = "http-api"
            self._reasons["inference"] = "the one that brings no runtime beside TensorFlow"
        else:
            self._answers["inference"] = "onnxruntime"

    def _names(self) -> None:
        found = self._found
        folder = found.repository.folder.resolve().name
        is_name = len(found.title.split()) <= _WORDS_OF_A_NAME
        title = found.title if is_name else found.distribution or found.title
        self._answers["project_name"] = _line(title or found.distribution or folder)
        name = found.package.name
        slug = re.sub(r"[^a-z0-9]+", "_", (found.distribution or folder).lower()).strip("_")[:40]
        taken = name in self._stack.reserved or not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name)
        if name and not taken:
            self._answers["package_name"] = name
            return
        slug = slug if re.match(r"[a-z]", slug) else "my_project"
        is_anothers = slug in self._stack.reserved or found.is_required(slug)
        self._answers["package_name"] = f"{slug[:32]}_project" if is_anothers else slug
        if name:
            self._undecided.append(
                f"the package is called {name}, which the template cannot call it; "
                "the template's own commands of a package are not there for it."
            )

    def _people(self) -> None:
        project = self._found.pyproject.get("project", {})
        poetry = self._found.pyproject.get("tool", {}).get("poetry", {})
        setup = self._found.setup
        about = project.get("description") or poetry.get("description") or setup.get("description")
        if about:
            self._answers["project_description"] = _line(str(about))
        author = _author(project, poetry, setup)
        name = _line(_MAIL.sub("", author).replace("<", "").replace(">", ""))
        if name:
            self._answers["author_name"] = name
        if mail := _MAIL.search(author):
            self._answers["author_email"] = mail.group()
        address = _web_address(self._found.repository.origin)
        if address:
            self._answers["repository_url"] = address

    def _license(self) -> None:
        found = self._found
        self._answers["license"] = found.license or "Proprietary"
        if not found.license:
            what = "is none that the template knows" if found.license_file else "was not found"
            self._reasons["license"] = f"the license {what}; no license file is written"
            self._undecided.append(
                f"the license {what}: the answer is Proprietary, and no license file was "
                "written or changed."
            )

    def _indexes(self) -> tuple[tuple[str, str], ...]:
        """Take a mirror of PyTorch's index as the answer; return the other indexes."""
        foreign = []
        for address, path in self._found.findings.indexes:
            base, _, last = address.rstrip("/").rpartition("/")
            if base.rstrip("/") == self._stack.release.torch_index or _is_torch_page(
                address, self._stack
            ):
                continue
            if _BUILD.fullmatch(last):
                self._answers["torch_index"] = without_password(base)
                self._reasons["torch_index"] = f"{path} names this mirror"
            else:
                foreign.append((address, path))
        return tuple(foreign)

    def _backends(self) -> None:
        said = self._builds_said()
        gpu = {label: path for label, path in said.items() if label != CPU}
        if not gpu and CPU in said:
            self._answers["backends"] = f"[{CPU}]"
            self._reasons["backends"] = f"{said[CPU]} names the CPU's build"
            return
        if not gpu:
            here = self._here()
            self._answers.update(here.answers)
            self._reasons["backends"] = f"this machine: {here.reason}"
            self._undecided.append(
                "nothing names a build of torch (the plain wheel is CUDA's on Linux): the project "
                f"gets what this machine has, {here.answers.get('backends', f'[{CPU}]')}; "
                "`make update ARGS=\"--data 'backends=[cpu, cuda]'\"` adds others."
            )
            return
        backends = [CPU]
        for label, path in gpu.items():
            build = self._build(label)
            if build.backend in backends:
                continue
            backends.append(build.backend)
            if sum(row.backend == build.backend for row in self._stack.builds) > 1:
                self._answers[f"{build.backend}_build"] = build.build
                self._reasons[f"{build.backend}_build"] = f"{path} names {label}"
        self._answers["backends"] = f"[{', '.join(backends)}]"
        self._reasons["backends"] = "as the files name them"

    def _here(self) -> Hardware:
        """Return what this machine can compute with, and take its folder of torch's wheels."""
        python = self._answers["python_version"]
        if python not in self._machine.pythons or "backends" in self._given:
            return Hardware()
        choice = choose(self._machine, {**self._given, "python_version": python})
        wanted = self._found.findings.once_each()
        exact = {each.name: each.exact.partition("+")[0] for each in wanted}
        is_stacks = exact.get("torch", "") in ("", self._stack.release.torch)
        family = [each.name for each in wanted if self._stack.is_torch_family(each.name)]
        if choice.torch_index and is_stacks and _has_all(choice.torch_index, family):
            self._answers.setdefault("torch_index", choice.torch_index)
            self._reasons.setdefault("torch_index", "this machine's folder of torch's wheels")
        return choice.hardware

    def _builds_said(self) -> dict[str, str]:
        """Return the labels of torch's builds that files name, each with the first file."""
        findings = self._found.findings
        said: dict[str, str] = {}
        for each in findings.wanted:
            if self._stack.is_torch_family(each.name) and _BUILD.fullmatch(each.label):
                said.setdefault(each.label, each.origin)
        for address, path in findings.indexes:
            for part in address.rstrip("/").split("/"):
                if _BUILD.fullmatch(part):
                    said.setdefault(part, path)
        for text, path in [*findings.builds, *self._found.images]:
            if found := _CUDA_SAID.search(text):
                said.setdefault(f"cu{found[1]}{found[2]}", path)
        return said

    def _build(self, label: str) -> Build:
        """Return the catalog's build of a label, else the lowest one that is not older."""
        rows = {row.build: row for row in self._stack.builds}
        if label in rows:
            return rows[label]
        kind = "cu" if label.startswith("cu") else label.rstrip("0123456789.")
        same = sorted(
            (name for name in rows if name.startswith(kind) and name != CPU), key=_version
        )
        chosen = next((name for name in same if _version(name) >= _version(label)), same[-1])
        self._undecided.append(
            f"torch {self._stack.release.torch} has no {label} build: {chosen} is the nearest one; "
            "check that your drivers serve it."
        )
        return rows[chosen]

    def _python(self) -> None:
        said = self._found.findings.pythons + [
            (found.group(1), path)
            for image, path in self._found.images
            if (found := re.search(r"python:?-?(3\.\d+)", image))
        ]
        ranges = [
            spec for text, _ in said if not _minor(text) and (spec := _range(text)) is not None
        ]
        fitting = [
            each
            for each in self._stack.pythons
            if all(admits(spec, f"{each}.99") for spec in ranges)
        ]
        # What runs the tests is one of many; what a range excludes was never meant.
        exact = [
            (minor, path)
            for text, path in said
            if (minor := _minor(text)) and (minor in fitting or not fitting or not ranges)
        ]
        served = self._served(fitting or list(self._stack.pythons))
        if "python_version" in self._given:
            self._answers["python_version"] = self._given["python_version"]
        elif exact and exact[0][0] in served:
            self._answers["python_version"], origin = exact[0]
            self._reasons["python_version"] = f"{origin} says so"
        else:
            wanted = exact[0][0] if exact else ""
            self._nearest_python(wanted, served, has_ranges=bool(ranges), fits=bool(fitting))
        chosen = self._answers["python_version"]
        if chosen not in self._machine.pythons:
            self._undecided.append(f"Python {chosen} is not on this machine: install it first.")
        self._undecided += [str(each) for each in self._found.unfit.get(chosen, ())]

    def _served(self, pythons: list[str]) -> list[str]:
        """Return the Pythons that most of the exact pins have wheels for."""
        lacking = {each: len(self._found.unfit.get(each, ())) for each in pythons}
        return [each for each in pythons if lacking[each] == min(lacking.values())]

    def _nearest_python(
        self, wanted: str, served: list[str], *, has_ranges: bool, fits: bool
    ) -> None:
        here = [each for each in served if each in self._machine.pythons] or served
        is_offered = wanted in self._stack.pythons
        if wanted and not is_offered:
            newer = sorted((each for each in here if Version(each) > Version(wanted)), key=Version)
            here = newer or here
        self._answers["python_version"] = here[0]
        if wanted:
            reason = "the nearest that the template offers"
        elif has_ranges and fits:
            reason = "in the range that the files give"
        else:
            reason = "the template's default, as no file names one"
        if len(served) < len(self._stack.pythons) and any(self._found.unfit.values()):
            reason = "the exact pins have wheels for it"
        self._reasons["python_version"] = reason
        if (wanted and not is_offered) or (has_ranges and not fits):
            what = f"Python {wanted}" if wanted else "the range of Pythons that the files give"
            self._undecided.append(
                f"{what} is not offered for this stack release: the project gets {here[0]}; "
                "run the tests with it."
            )
        elif is_offered and here[0] != wanted:
            self._undecided.append(
                f"the files name Python {wanted}, for which exact pins have no wheels: the project "
                f"gets {here[0]}; run the tests with it."
            )


def _author(
    project: Mapping[str, object], poetry: Mapping[str, object], setup: Mapping[str, object]
) -> str:
    authors = project.get("authors") or poetry.get("authors")
    first = authors[0] if isinstance(authors, list) and authors else ""
    if isinstance(first, Mapping):
        return f"{first.get('name', '')} <{first.get('email', '')}>"
    return str(first or setup.get("author") or "")


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _web_address(origin: str) -> str:
    """Return the web address of a repository from its git remote."""
    found = re.fullmatch(r"(?:ssh://)?[^@/]+@(?P<host>[^:/]+)[:/](?P<path>.+)", origin)
    address = f"https://{found['host']}/{found['path']}" if found else origin
    address = re.sub(r"//[^@/]*@", "//", address).removesuffix("/").removesuffix(".git")
    return address if _ADDRESS.fullmatch(address) else ""


def _has_all(folder: str, names: Sequence[str]) -> bool:
    """Tell whether a folder holds wheels of some packages."""
    files = [path.name.lower() for path in Path(folder).rglob("*.whl")]
    return all(
        any(file.startswith(f"{name.replace('-', '_')}-") for file in files) for name in names
    )


def _is_torch_page(address: str, stack: Stack) -> bool:
    """Tell whether an address is PyTorch's list of all wheels, which ``--find-links`` took."""
    return address.startswith(stack.release.torch_index)


def _version(label: str) -> Version:
    digits = re.sub(r"^[a-z]+", "", label)
    if label.startswith("cu") and "." not in digits:
        digits = f"{digits[:-1]}.{digits[-1]}"
    return Version(digits)


def _minor(text: str) -> str:
    found = re.fullmatch(r"(?:==)?(?P<minor>3\.\d+)(\.\d+|\.\*)*", text.strip())
    return found["minor"] if found else ""


def _range(text: str) -> SpecifierSet | None:
    try:
        return SpecifierSet(poetry_versions(text))
    except InvalidSpecifier:
        return None
