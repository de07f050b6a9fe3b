"""Pages in a process of their own, for tests: asked over HTTP or through headless Chromium."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

TESTS = Path(__file__).parent
CHROMIUM = os.environ.get("HOLDFAST_CHROMIUM") or shutil.which("chromium")
WIDTHS = ((1280, 720, "light"), (390, 844, "dark"), (1280, 720, "dark"), (390, 844, "light"))
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")


@dataclass
class Answer:
    """What a page answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return str(self.json["error"])


@dataclass
class Served:
    """A running page."""

    address: str
    process: "subprocess.Popen[str]"
    said: Path
    place: Path

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, given: object = None,
        **headers: str,
    ) -> Answer:  # fmt: skip
        """Send one request; names of headers have an underscore for a hyphen."""
        if given is not None:
            body = json.dumps(given).encode()
        parts = urlsplit(self.address)
        link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=300)
        with contextlib.closing(link):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            link.request(method, path, body, named)
            found = link.getresponse()
            return Answer(found.status, dict(found.getheaders()), found.read())

    def folders(self) -> list[Path]:
        """The folders of visitors' jobs on the server's disk."""
        return [one for one in self.place.glob("holdfast-page-*/*") if one.is_dir()]

    def disk(self) -> int:
        return sum(one.stat().st_size for one in self.place.rglob("*") if one.is_file())

    def memory(self) -> float:
        """Resident megabytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) / 1000

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@contextlib.contextmanager
def served(page: str, *words: str, **environment: str) -> Iterator[Served]:
    """Run tests/page_server.py until the block ends; its temporary files lie in a folder."""
    place = Path(tempfile.mkdtemp(prefix="page-test-"))
    said = place / "stderr.txt"
    with said.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, str(TESTS / "page_server.py"), page, *words],
            stdout=subprocess.PIPE, stderr=errors, text=True, cwd=TESTS,
            env={**os.environ, "TMPDIR": str(place), **environment},
        )  # fmt: skip
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("open http"), said.read_text()
        yield Served(first.split()[1], process, said, place)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        shutil.rmtree(place, ignore_errors=True)


def until(found: Any, seconds: float = 30.0) -> Any:
    """Ask again and again until the answer is true, and return it."""
    latest = time.monotonic() + seconds
    while time.monotonic() < latest:
        answer = found()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


@contextlib.contextmanager
def chromium(*words: str) -> Iterator[Any]:
    """Headless Chromium, with further words of its command line."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking",
                  "--disable-dev-shm-usage", *words],
        )  # fmt: skip
        yield browser
        browser.close()


@contextlib.contextmanager
def visitor(
    browser: Any, address: str, width: int = 1280, height: int = 720, scheme: str = "light"
) -> Iterator[Any]:
    """A visitor's own view of a page; an error of the page's scripts fails the test."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=width < 500
    )
    view, wrong = context.new_page(), list[str]()
    view.on("pageerror", lambda error: wrong.append(str(error)))
    view.set_default_timeout(30_000)
    view.goto(address)
    view.wait_for_selector("#begin:visible, #work:visible")
    yield view
    context.close()
    assert not wrong
