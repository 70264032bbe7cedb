"""A server of the loopback interface that stands for OSV, where vulnerabilities are looked up."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler

ADVISORY = "CVE-2026-0001"
SUMMARY = "Made up"


class Advisories(BaseHTTPRequestHandler):
    """Answers in the form of OSV that one advisory is open for numpy, and none for others."""

    def do_POST(self) -> None:
        """Answer a question about one version."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        affected = [{"package": asked["package"], "ranges": []}]
        known = [{"id": ADVISORY, "summary": SUMMARY, "affected": affected}]
        is_known = self.knows(asked["package"]["name"], asked["version"])
        self.answer({"vulns": known} if is_known else {}, "application/json")

    def knows(self, package: str, version: str) -> bool:
        """Tell whether the advisory is about a version."""
        return package == "numpy"

    def answer(self, content: object, form: str) -> None:
        """Send an answer as JSON."""
        self.send_response(200)
        self.send_header("Content-Type", form)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""
