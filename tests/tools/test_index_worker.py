"""What is asked of a package index about a version, and what its answers mean."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from template.tools import index_worker

INDEX = "https://index.example/simple"
HASHES = {"wheel": "a" * 64, "source": "b" * 64, "foreign": "c" * 64}


def file(name: str, hash_: str, **facts: object) -> dict[str, Any]:
    return {"filename": name, "url": f"../../{name}#sha256=x", "hashes": {"sha256": hash_}, **facts}


def page(yanked: object = False) -> dict[str, Any]:
    return {
        "files": [
            file("demo-1.0.tar.gz", HASHES["source"], size=7, yanked=yanked),
            file("demo-1.0-py2-none-any.whl", HASHES["foreign"], size=8, yanked=yanked),
            file(
                "demo-1.0-py3-none-any.whl",
                HASHES["wheel"],
                size=9,
                yanked=yanked,
                **{"core-metadata": True},
            ),
            file("demo-1.1-py3-none-any.whl", HASHES["foreign"], size=10, yanked=False),
        ]
    }


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Return what lies on a stand-in for an index, by address."""
    found = {
        f"{INDEX}/demo/": json.dumps(page()).encode(),
        "https://index.example/demo-1.0-py3-none-any.whl.metadata": b"License: MIT\n",
    }
    monkeypatch.setattr(index_worker, "fetch", lambda address, form: found.get(address))
    return found


def wanted(*hashes: str, version: str = "1.0") -> Mapping[str, Any]:
    given = [f"sha256:{HASHES[each]}" for each in hashes]
    return {"name": "demo", "version": version, "hashes": given}


def test_the_wheel_that_would_be_installed(pages: dict[str, bytes]) -> None:
    assert index_worker.answer(INDEX, wanted("wheel", "source")) == {
        "name": "demo",
        "version": "1.0",
        "size": 9,
        "yanked": None,
        "metadata": "License: MIT\n",
    }


@pytest.mark.parametrize("hashes", [("source",), ("foreign",)])
def test_without_a_wheel_for_this_python_the_size_is_not_known(
    hashes: tuple[str, ...], pages: dict[str, bytes]
) -> None:
    assert index_worker.answer(INDEX, wanted(*hashes))["size"] is None


def test_a_version_that_nobody_has(pages: dict[str, bytes]) -> None:
    found = index_worker.answer(INDEX, wanted("wheel", version="9.9"))
    assert (found["size"], found["yanked"], found["metadata"]) == (None, None, None)
    other = index_worker.answer(INDEX, {**wanted("wheel"), "name": "other"})
    assert other["size"] is None


@pytest.mark.parametrize(("yanked", "expected"), [("broken", "broken"), (True, ""), (False, None)])
def test_what_was_yanked(yanked: object, expected: str | None, pages: dict[str, bytes]) -> None:
    pages[f"{INDEX}/demo/"] = json.dumps(page(yanked)).encode()
    assert index_worker.answer(INDEX, wanted("wheel"))["yanked"] == expected


def test_without_a_network_one_question_is_enough(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def nobody(address: str, form: str) -> None:
        asked.append(address)
        raise index_worker.NobodyError("refused")

    monkeypatch.setattr(index_worker, "fetch", nobody)
    given = {"index": INDEX, "wanted": [wanted("wheel")] * 9}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(given)))
    assert index_worker.main() == 1
    assert len(asked) == 1
    assert capsys.readouterr().out == ""
