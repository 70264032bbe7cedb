"""Find secrets that are known by their form alone, in files that git tracks.

Forms that mean nothing else, so that this check is quick and never wrong about what it finds; what
detect-secrets guesses from names and from entropy is the affair of ``make lint``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from envkeep.doctor.context import Secret

LARGEST = 1_000_000  # bytes; the hooks keep larger files out of git
GENERATED = ("requirements/locks/", "requirements/stack/")
FILES = (".env", "*.env", ".netrc", ".pypirc", "id_rsa", "id_ed25519", "id_ecdsa", "kaggle.json")
FORMS = {
    "a private key": rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----",
    "a key of AWS": rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a token of GitHub": rb"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})\b",
    "a token of GitLab": rb"\bglpat-[A-Za-z0-9_-]{20,}",
    "a token of Hugging Face": rb"\bhf_[A-Za-z0-9]{34,}\b",
    "a token of a package index": rb"\bpypi-AgE[A-Za-z0-9_-]{50,}",
    "a key of OpenAI or Anthropic": rb"\bsk-(?:proj-|ant-)[A-Za-z0-9_-]{20,}",
    "a token of Slack": rb"\bxox[baprs]-[A-Za-z0-9-]{20,}",
    "a key of Google": rb"\bAIza[0-9A-Za-z_-]{35}\b",
}
ANY = re.compile(
    b"|".join(b"(?P<form%d>%s)" % (at, form) for at, form in enumerate(FORMS.values()))
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
    kinds = list(FORMS)
    for found in ANY.finditer(content):
        line = content.count(b"\n", 0, found.start()) + 1
        kind = kinds[int((found.lastgroup or "form0").removeprefix("form"))]
        yield Secret(f"{path}:{line}", kind)
