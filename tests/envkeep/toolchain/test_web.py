"""Services in the network are asked as pip asks them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from envkeep.errors import ToolError
from envkeep.toolchain import locking_tools, web
from envkeep.toolchain.web import Request
from tests.support.loopback import QuietHandler, answering


class Echo(QuietHandler):
    """Answers with what it was asked; knows nothing at /none."""

    def do_GET(self) -> None:
        """Answer with the form that was asked for."""
        self._answer(404 if self.path == "/none" else 200, self.headers["Accept"])

    def do_POST(self) -> None:
        """Answer with the question."""
        self._answer(200, self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking_tools, "ensure", lambda: Path(sys.prefix))
    monkeypatch.setattr(locking_tools, "pip_settings", dict)


def test_answers_come_in_the_order_of_the_requests() -> None:
    with answering(Echo) as address:
        wanted = [Request(f"{address}/{number}", f"text/x-{number}") for number in range(9)]
        found = web.fetch([*wanted, Request(f"{address}/none"), Request(address, question=[1])])
    assert [each.text for each in found[:9]] == [each.accept for each in wanted]
    assert {(each.status, each.kind, each.is_good) for each in found[:9]} == {
        (200, "text/plain", True)
    }
    assert (found[9].status, found[9].is_good, found[9].is_refusal) == (404, False, False)
    assert json.loads(found[10].text) == [1]


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "nonsense"])
def test_where_nobody_answers_the_reason_is_said(address: str) -> None:
    with pytest.raises(ToolError, match=r"127\.0\.0\.1|nonsense"):
        web.fetch([Request(address)] * 9)


def test_nobody_is_asked_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking_tools, "ensure", lambda: Path("/nowhere"))
    assert web.fetch([]) == []


def test_pips_certificates_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert web.certificates() == {}
    monkeypatch.setattr(locking_tools, "pip_settings", lambda: {"cert": "/etc/own.pem"})
    assert web.certificates() == {"REQUESTS_CA_BUNDLE": "/etc/own.pem"}


def test_the_address_of_the_index_is_pips(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = locking_tools.index_address()
    assert plain.startswith("https://")
    assert plain.endswith("/simple")
    monkeypatch.setattr(locking_tools, "pip_settings", lambda: {"index-url": "http://own/simple/"})
    assert locking_tools.index_address() == "http://own/simple"
