"""The app in a process of its own, and sessions that speak to it as its page does."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from splgbench.processes import children

PATIENCE = 240.0
"""Seconds until a job that does not end counts as hung; no claim on how long one takes."""


@dataclass
class App:
    """A running app.

    Parameters
    ----------
    address : as it printed it.
    pid : of its process.
    seconds, cpu_seconds : from its start to the first page, by the clock and of its processor.
    """

    address: str
    pid: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request: status, headers, body."""
        place = urlsplit(self.address)
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return response.status, found, response.read()
        finally:
            connection.close()

    def session(self) -> Session:
        """A new session, as a browser that opens the address gets it."""
        status, headers, _ = self.ask("GET", "/")
        assert status == 303
        return Session(self, headers["location"])

    def workers(self) -> list[int]:
        """Processes that fork servers of the app have forked."""
        return [worker for server in children(self.pid) for worker in children(server)]


@dataclass
class Session:
    """A session by its place on the app."""

    app: App
    place: str

    def get(self, name: str, /, **query: Any) -> Any:
        """What a read answers; `Refused` if it is refused."""
        status, _, data = self.app.ask("GET", f"{self.place}{name}?{urlencode(query)}")
        return _answer(status, data)

    def post(self, name: str, /, **asked: Any) -> Any:
        """What an act answers; `Refused` if it is refused."""
        body = json.dumps(asked).encode()
        status, _, data = self.app.ask("POST", self.place + name, body, {"content-type": "application/json"})
        return _answer(status, data)

    def upload(self, name: str, data: bytes) -> Any:
        """Upload a file and wait until it is read."""
        status, _, answer = self.app.ask("POST", f"{self.place}upload", data, {"x-name": name})
        return self.wait(_answer(status, answer)["job"])

    def wait(self, job: str) -> Any:
        """The last progress of a job."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = self.get("progress", job=job)
            if found["done"]:
                return found
            time.sleep(0.05)
        raise AssertionError(f"job {job} does not end")

    def solve(self, **asked: Any) -> Any:
        """The newest run after a solve."""
        found = self.wait(self.post("solve", **asked)["job"])
        assert found["error"] == ""
        return self.get("state")["runs"][-1]


class Refused(Exception):  # noqa: N818 - reads as what it says
    """The app refused a request; the text is its reason."""


def _answer(status: int, data: bytes) -> Any:
    found = json.loads(data)
    if status != 200:
        raise Refused(found["error"])
    return found


def _cpu_seconds(pid: int) -> float:
    """Of a process, without what it started; from /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running_app(*arguments: str) -> Iterator[App]:
    """`splgbench app ARGUMENTS` on a free port."""
    command = [sys.executable, "-m", "splgbench", "app", *arguments, "--port", "0", "--json"]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the app ended with code {process.wait()}"
        app = App(json.loads(line)["address"], process.pid)
        session = app.session()
        status, _, _ = app.ask("GET", session.place)
        assert status == 200
        app.seconds, app.cpu_seconds = time.perf_counter() - began, _cpu_seconds(process.pid)
        yield app
    finally:
        process.terminate()
        process.communicate(timeout=30)
