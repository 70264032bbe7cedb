"""Send HTTP requests as pip does: with its certificates, proxies and passwords."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from envkeep.errors import ToolError, quoted
from envkeep.paths import python
from envkeep.process import announce, run
from envkeep.toolchain import locking_tools

WORKER = Path(__file__).with_name("web_worker.py")
REFUSED = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
    HTTPStatus.TOO_MANY_REQUESTS,
)


@dataclass(frozen=True)
class Request:
    """A request.

    Attributes:
        address: Where.
        accept: The forms of an answer that can be read, as HTTP's header names them.
        question: What is sent there, None if only what lies there is wanted.
    """

    address: str
    accept: str = "*/*"
    question: Any = None


@dataclass(frozen=True)
class Response:
    """A response.

    Attributes:
        status: HTTP's number for it.
        reason: The same in words.
        kind: The form of the text, as HTTP's header names it.
        text: The answer itself.
    """

    status: int
    reason: str
    kind: str
    text: str

    @property
    def is_good(self) -> bool:
        """Whether the request succeeded."""
        return self.status < HTTPStatus.BAD_REQUEST

    @property
    def is_refusal(self) -> bool:
        """Whether the service lets nobody in, or fails itself: then it says nothing of the rest."""
        return self.status in REFUSED or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def fetch(wanted: Sequence[Request]) -> list[Response]:
    """Return what is answered, in the order of the requests.

    Raises:
        ToolError: Nobody answers at one of the addresses; the error's text is the reason.
    """
    if not wanted:
        return []
    command = [python(locking_tools.ensure()), "-I", WORKER]
    announce(command)
    given = json.dumps([asdict(each) for each in wanted]).encode()
    done = run(command, env=certificates(), stdin=given, mode="capture", check=False)
    if done.code:
        raise ToolError(quoted(done.errors))
    return [Response(**each) for each in json.loads(done.output)]


def certificates() -> dict[str, str]:
    """Return the certificates that pip is configured for, as requests reads them."""
    configured = locking_tools.pip_settings()
    return {"REQUESTS_CA_BUNDLE": configured["cert"]} if "cert" in configured else {}
