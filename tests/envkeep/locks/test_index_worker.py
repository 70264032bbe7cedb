"""What is asked of a package index about a version, and what its answers mean."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from envkeep.locks import index_worker
from tests.support.loopback import QuietHandler, answering

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


THIS = sys.version_info.minor
OLD, NEXT = f"cp3{THIS - 2}", f"cp3{THIS + 1}"
HERE = f"cp3{THIS}"


@pytest.mark.parametrize(
    ("files", "by"),
    [
        (["demo-1.0-py3-none-any.whl"], "wheel"),
        (["demo-1.0-py2.py3-none-any.whl"], "wheel"),
        (["demo-1.0-py2-none-any.whl"], ""),
        ([f"demo-1.0-{HERE}-{HERE}-win_amd64.whl"], "wheel"),
        ([f"demo-1.0-{OLD}-abi3-win_amd64.whl"], "wheel"),
        ([f"demo-1.0-{NEXT}-abi3-win_amd64.whl"], ""),
        ([f"demo-1.0-{HERE}-{HERE}t-win_amd64.whl"], ""),
        ([f"demo-1.0-{OLD}-{OLD}-win_amd64.whl"], ""),
        ([f"demo-1.0-{OLD}-{OLD}-win_amd64.whl", "demo-1.0.tar.gz"], "source"),
        (["demo-1.0.tar.gz"], "source"),
        ([], ""),
    ],
)
def test_how_this_python_can_have_a_version(
    files: list[str], by: str, pages: dict[str, bytes]
) -> None:
    listed = [file(each, "0" * 64) for each in files]
    pages[f"{INDEX}/demo/"] = json.dumps({"files": listed}).encode()
    assert index_worker.fit(INDEX, wanted())["by"] == by


@pytest.mark.parametrize(
    ("files", "by"),
    [
        ([f"demo-1.0-{OLD}-{OLD}-win_amd64.whl", "demo-1.0.tar.gz"], ""),
        (["demo-1.0.tar.gz"], "source"),
        (["demo-1.0-py3-none-any.whl"], "wheel"),
    ],
)
def test_the_makers_word_on_pythons_counts_where_they_made_wheels_for_these(
    files: list[str], by: str, pages: dict[str, bytes]
) -> None:
    need = f">=3.7,<3.{THIS}"
    listed = [file(each, "0" * 64, **{"requires-python": need}) for each in files]
    pages[f"{INDEX}/demo/"] = json.dumps({"files": listed}).encode()
    found = index_worker.fit(INDEX, wanted())
    assert (found["by"], found["requires_python"]) == (by, need)


def test_which_other_versions_there_are(pages: dict[str, bytes]) -> None:
    names = [
        f"demo-0.9-{HERE}-{HERE}-linux_x86_64.whl",
        f"demo-1.0-{OLD}-{OLD}-linux_x86_64.whl",
        "demo-1.1.tar.gz",
        f"demo-1.2-{HERE}-{HERE}-linux_x86_64.whl",
        "demo-1.10-py3-none-any.whl",
        f"demo-2.0-{NEXT}-{NEXT}-linux_x86_64.whl",
        "demo-3.0rc1-py3-none-any.whl",
    ]
    pages[f"{INDEX}/demo/"] = json.dumps({"files": [file(each, "") for each in names]}).encode()
    found = index_worker.fit(INDEX, wanted())
    assert found["pythons"] == [f"3.{THIS - 2}"]
    assert found["nearest"] == "1.2"
    assert found["newest"] == ["1.10", "1.2", "1.1"]
    assert index_worker.fit(INDEX, wanted(version="2.0"))["nearest"] == "1.10"


def test_a_package_that_nobody_has(pages: dict[str, bytes]) -> None:
    found = index_worker.fit(INDEX, {"name": "nobody", "version": "1"})
    assert (found["is_known"], found["has_version"]) == (False, False)
    assert index_worker.fit(INDEX, wanted(version="9"))["has_version"] is False


def test_an_index_without_json(pages: dict[str, bytes]) -> None:
    need = "data-requires-python='&lt;3.5'"
    pages[f"{INDEX}/demo/"] = (
        f"<!DOCTYPE html><html><body><a href='../f/demo-1.0-py3-none-any.whl#sha256=ab' {need} "
        "data-yanked='broken' data-core-metadata='sha256=cd'>demo</a></body></html>"
    ).encode()
    found = index_worker.fit(INDEX, wanted())
    assert (found["by"], found["yanked"]) == ("wheel", "broken")
    assert found["requires_python"] == "<3.5"
    assert index_worker.answer(INDEX, wanted())["yanked"] == "broken"


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


@pytest.mark.parametrize(
    ("status", "is_known"), [(200, True), (404, False), (401, None), (403, None), (503, None)]
)
def test_an_index_that_lets_nobody_in_says_nothing(status: int, is_known: bool | None) -> None:
    class Handler(QuietHandler):
        def do_GET(self) -> None:
            body = b"<a href='demo-1.0-py3-none-any.whl'>demo</a>"
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with answering(Handler) as index:
        if is_known is None:
            with pytest.raises(index_worker.NobodyError, match=str(status)):
                index_worker.fit(index, wanted())
        else:
            assert index_worker.fit(index, wanted())["is_known"] is is_known
