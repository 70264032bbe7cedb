"""Find secrets in tracked files by their form.

Forms that mean nothing else, so that this check is quick and never wrong about what it finds; what
detect-secrets guesses from names and from entropy is the affair of ``make lint``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from envkeep.doctor.context import Secret

LARGEST = 1_000_000  # bytes; the hooks keep larger files out of git
GENERATED = ("requirements/locks/", "requirements/stack/")
FILES = (".env", "*.env", ".netrc", ".pypirc", "id_rsa", "id_ed25519", "id_ecdsa", "kaggle.json")


@dataclass(frozen=True)
class Form:
    """The form of one kind of secret.

    Attributes:
        kind: What they are.
        marks: Texts of which each holds one: looking for these is much quicker than for the form.
        form: The regular expression.
    """

    kind: str
    marks: tuple[bytes, ...]
    form: bytes


FORMS = (
    Form(
        "a private key", (b"PRIVATE KEY",), rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----"
    ),
    Form("a key of AWS", (b"AKIA", b"ASIA"), rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    Form(
        "a token of GitHub",
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
        rb"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})\b",
    ),
    Form("a token of GitLab", (b"glpat-",), rb"\bglpat-[A-Za-z0-9_-]{20,}"),
    Form("a token of Hugging Face", (b"hf_",), rb"\bhf_[A-Za-z0-9]{34,}\b"),
    Form("a token of a package index", (b"pypi-AgE",), rb"\bpypi-AgE[A-Za-z0-9_-]{50,}"),
    Form("a key of OpenAI or Anthropic", (b"sk-",), rb"\bsk-(?:proj-|ant-)[A-Za-z0-9_-]{20,}"),
    Form("a token of Slack", (b"xox",), rb"\bxox[baprs]-[A-Za-z0-9-]{20,}"),
    Form("a key of Google", (b"AIza",), rb"\bAIza[0-9A-Za-z_-]{35}\b"),
)


def scan(folder: Path, tracked: Iterable[str]) -> Iterator[Secret]:
    """Yield the secrets in some files.

    Args:
        folder: Where they lie.
        tracked: Their paths in it.
    """
    for path in tracked:
        if path.startswith(GENERATED):
            continue
        name = path.rpartition("/")[2]
        if any(fnmatchcase(name, pattern) for pattern in FILES):
            yield Secret(path, "what such files are for, secrets,")
        else:
            yield from _in_text(folder / path, path)


def _in_text(file: Path, path: str) -> Iterator[Secret]:
    try:
        if file.is_symlink() or file.stat().st_size > LARGEST:
            return
        content = file.read_bytes()
    except OSError:
        return  # deleted since
    found = (
        (content.count(b"\n", 0, match.start()) + 1, each.kind)
        for each in FORMS
        if any(mark in content for mark in each.marks)
        for match in re.finditer(each.form, content)
    )
    yield from (Secret(f"{path}:{line}", kind) for line, kind in sorted(found))
