"""Debian's Chromium without a display, driven by the WebDriver protocol: JSON over HTTP."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAMS = {"chromium": "chromium", "chromedriver": "chromium-driver"}
"""What is started, and the package that brings it."""

OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars",
)  # fmt: skip
PHONE, LAPTOP = (360, 740), (1280, 900)
"""What people have: width and height of a window."""

FOOTER = """
const footer = document.querySelector("footer");
if (footer.querySelector("a")) return footer.textContent;
return new Promise(resolve => new MutationObserver(() => {
  if (footer.querySelector("a")) resolve(footer.textContent);
}).observe(footer, {childList: true}));
"""
STARTED = re.compile(r"started successfully on port (\d+)")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of a reference, in the protocol


class NoBrowserError(Exception):
    """Why there is no browser on this machine."""


@dataclass(frozen=True)
class Browser:
    """A window of a browser.

    Attributes:
        session: The address of its session.
    """

    session: str

    def open(self, address: str) -> None:
        """Go to an address, and wait until all is loaded."""
        self._call("url", url=address)

    def resize(self, width: int, height: int) -> None:
        """Give the window a size."""
        self._call("window/rect", width=width, height=height)

    def resize_view(self, width: int, height: int) -> None:
        """Give what the window shows of a page a size; its frame is added to that."""
        self.resize(width, height)
        frame = "return [outerWidth - innerWidth, outerHeight - innerHeight]"
        more_width, more_height = self.run(frame)
        self.resize(width + more_width, height + more_height)

    def title(self) -> str:
        """Return the title of the page."""
        return str(self._call("title"))

    def boxes(self, selector: str) -> list[dict[str, float]]:
        """Return where the elements of a CSS selector are: x, y, width and height."""
        found = self._call("elements", using="css selector", value=selector)
        return [self._call(f"element/{each[ELEMENT]}/rect") for each in found]

    def displayed(self, selector: str) -> list[bool]:
        """Tell of each element of a CSS selector whether people can see it."""
        found = self._call("elements", using="css selector", value=selector)
        return [self._call(f"element/{each[ELEMENT]}/displayed") for each in found]

    def run(self, script: str) -> Any:
        """Return what a function's body in JavaScript returns, run in the page."""
        return self._call("execute/sync", script=script, args=[])

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since this was last called."""
        entries = self._call("se/log", type="performance")
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def asked_places(self) -> set[str]:
        """Return the hosts with their ports that were asked since the requests were last read."""
        addresses = [each for each in self.requests() if not each.startswith("data:")]
        return {address.split("/")[2] for address in addresses}

    def is_cut_off(self, *, below: bool = False) -> bool:
        """Tell whether a part of the page is beside what the window shows, or below it."""
        size = "Height" if below else "Width"
        return bool(self.run(f"return document.documentElement.scroll{size} > inner{size}"))

    def footer(self) -> str:
        """Return what the page says at its end of the model, once it is there."""
        return str(self.run(FOOTER))

    def screenshot(self, path: Path) -> None:
        """Write what the window shows, as PNG."""
        path.write_bytes(base64.b64decode(self._call("screenshot")))

    def _call(self, command: str, **values: Any) -> Any:
        is_question = command in ("title", "screenshot") or command.startswith("element/")
        return _asked(f"{self.session}/{command}", None if is_question else values)


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start a browser with a new profile, and end it.

    Args:
        profile: The folder of the profile.

    Raises:
        NoBrowserError: there is none here, and none can be installed.
    """
    _install()
    with subprocess.Popen(
        ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as driver:
        try:
            assert driver.stdout is not None
            started = next(filter(None, map(STARTED.search, driver.stdout)), None)
            assert started, "chromedriver did not start"
            address = f"http://127.0.0.1:{started[1]}/session"
            session = f"{address}/{_asked(address, _capabilities(profile))['sessionId']}"
            yield Browser(session)
            _asked(session, method="DELETE")
        finally:
            driver.terminate()


def _capabilities(profile: Path) -> dict[str, Any]:
    options = {
        "binary": shutil.which("chromium"),
        "args": [*OPTIONS, f"--user-data-dir={profile}"],
    }
    wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"performance": "ALL"}}
    return {"capabilities": {"alwaysMatch": {"browserName": "chrome", **wanted}}}


def _asked(address: str, values: dict[str, Any] | None = None, method: str = "") -> Any:
    data = None if values is None else json.dumps(values).encode()
    method = method or ("GET" if data is None else "POST")
    request = urllib.request.Request(address, data, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return json.load(answer)["value"]


def _install() -> None:
    if all(map(shutil.which, PROGRAMS)):
        return
    if not shutil.which("apt-get") or os.geteuid():
        raise NoBrowserError("there is no Chromium, and only root can install it by apt-get")
    for command in (
        ["apt-get", "update", "--quiet"],
        ["apt-get", "install", "--yes", "--no-install-recommends", *PROGRAMS.values()],
    ):
        done = subprocess.run(
            command,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NoBrowserError(f"{' '.join(command)} failed: {done.stderr[-300:]}")
