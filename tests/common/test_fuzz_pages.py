"""Requests that no page sends, to running servers: each is answered by a sentence or served.

No answer is a 500, nothing is said in the terminal, no path of the server is told, and neither disk
nor memory grows. Three hundred by day; HOLDFAST_FUZZ asks for more (ten thousand by night).
"""

import http.client
import io
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

pytest.importorskip("starlette", reason="the page's extra is not installed")

from page_support import Served, served
from tracking_support import moving_box, write_clip

pytestmark = pytest.mark.slow  # servers that load torch, and hundreds of requests
COUNT = int(os.environ.get("HOLDFAST_FUZZ", "300"))
FUZZ = settings(
    max_examples=COUNT,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
GROWTH = 60.0
"""Megabytes that a server may take more after all requests than after the first ones."""
FULL = {503, 507}
"""Refusals of a page that is full, which are its own."""

PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30),
    st.sampled_from([0, 1, 5, 11, 12, -1, 10**30, "", "red", "../../etc/passwd"]),
)  # fmt: skip
JSON = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
BOX = st.one_of(JSON, st.lists(st.floats(-50, 300), min_size=4, max_size=4))
PROMPT = st.fixed_dictionaries({
    "frame": st.one_of(PLAIN, st.integers(-1, 12)), "box": BOX,
    "text": st.one_of(PLAIN, st.just("red")), "stay": PLAIN,
})  # fmt: skip
OBJECT = st.fixed_dictionaries({
    "id": st.one_of(PLAIN, st.integers(0, 3)), "name": PLAIN,
    "prompts": st.one_of(JSON, st.lists(PROMPT, max_size=4)),
})  # fmt: skip
OBJECTS = st.fixed_dictionaries({"objects": st.one_of(JSON, st.lists(OBJECT, max_size=4))})
SHIFT = st.dictionaries(
    st.sampled_from(["blur", "noise", "contrast", "rotation", "colour", "downsample", "x"]), PLAIN
)
BODY = st.one_of(
    st.just(b""), st.binary(max_size=200),
    st.one_of(JSON, OBJECTS, SHIFT).map(lambda one: json.dumps(one).encode()),
    st.sampled_from([b"[" * 50_000, b'{"objects": ' * 9000, b'{"a": "\\ud800"}', b"9" * 9000]),
)  # fmt: skip
WORD = st.one_of(
    st.text(max_size=20).map(lambda one: quote(one, safe="")),
    st.sampled_from(["0", "1", "11", "12", "-1", "9" * 30, "..", "%2e%2e", "%00", "%ff", "a%2fb"]),
)
METHOD = st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"])
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
HEADERS = st.dictionaries(
    st.sampled_from(["Origin", "Range", "Cookie", "Accept", "If-None-Match", "Content-Type",
                     "X-Forwarded-For", "Authorization", "Sec-Fetch-Site", "Expect"]),
    st.one_of(HEADER, st.sampled_from(["null", "bytes=0-,1-,2-", "bytes=9-1", "cross-site"])),
    max_size=2,
)  # fmt: skip
TRACK = ["/api/jobs/{key}", "/api/jobs/{key}/frames/{word}.jpg", "/api/jobs/{key}/objects",
         "/api/jobs/{key}/track", "/api/jobs/{key}/stop", "/api/jobs/{key}/boxes/{word}.txt",
         "/api/jobs/{key}/progress?run={word}&since={word}", "/api/jobs/{key}/overlay.mp4",
         "/api/jobs?name={word}", "/api/words?text={word}", "/api/examples/{word}",
         "/api/examples/{word}.jpg", "/api/jobs/{word}/track"]  # fmt: skip
PICTURES = ["/api/pictures/{key}", "/api/pictures/{key}/answer", "/api/pictures/{key}/picture.jpg",
            "/api/pictures?name={word}", "/api/examples/{word}", "/report",
            "/api/pictures/{word}/answer"]  # fmt: skip
BOTH = ["/", "/static/{word}", "/{word}", "/api/{word}", "/api/page", "//{word}"]


@pytest.fixture(scope="module", params=["track", "pictures"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with served(request.param, "--gigabytes", "0.02", "--frames", "12") as found:
        if request.param == "track":
            clip = write_clip(tmp_path_factory.mktemp("clips") / "a.mp4")
            yield found, "/api/jobs", clip.read_bytes(), TRACK
        else:
            buffer = io.BytesIO()
            Image.new("RGB", (30, 20), (200, 60, 60)).save(buffer, "PNG")
            yield found, "/api/pictures", buffer.getvalue(), PICTURES


def send(link: http.client.HTTPConnection, method: str, path: str, body: bytes,
         headers: dict[str, str]) -> tuple[int, bytes]:  # fmt: skip
    try:
        link.request(method, path, body, headers)
        answer = link.getresponse()
        return answer.status, answer.read()
    except (http.client.HTTPException, ConnectionError, TimeoutError):
        link.close()  # the server may end a link after what is no request
        return 0, b""


def check(page: Served, status: int, body: bytes, request: str) -> None:
    """What holds for every answer."""
    assert status < 500 or status in FULL, request
    assert page.process.poll() is None, request
    assert str(page.place).encode() not in body, f"a path is told: {request}"
    assert b"Traceback" not in body, request
    assert b"site-packages" not in body, request


def test_requests_that_no_page_sends(page: Any) -> None:
    running, jobs, content, paths = page
    parts = urlsplit(running.address)
    link = http.client.HTTPConnection(parts.hostname, parts.port, timeout=300)
    state: dict[str, Any] = {"count": 0, "memory": 0.0}
    address = st.sampled_from(paths * 3 + BOTH)

    def key() -> str:
        """A job that lives: the requests may have removed the one before."""
        known = state.get("key")
        if known is None or send(link, "GET", f"{jobs}/{known}", b"", {})[0] != 200:
            status, body = send(link, "POST", f"{jobs}?name=a", content, {})
            assert status in {201, *FULL}, body
            state["key"] = json.loads(body).get("id", "none")
        return str(state["key"])

    @FUZZ
    @given(METHOD, address, WORD, BODY, HEADERS)
    def ask(method: str, path: str, word: str, body: bytes, headers: dict[str, str]) -> None:
        target = path.format(key=key() if "{key}" in path else "", word=word)
        status, found = send(link, method, target, body, headers)
        check(
            running, status, found, f"{method} {target} {body[:300]!r} {headers}: {found[:300]!r}"
        )
        if status == 201 and f"{jobs}/{state.get('key')}" != target:
            send(link, "DELETE", f"{jobs}/{json.loads(found)['id']}", b"", {})
        state["count"] += 1
        if state["count"] == min(COUNT // 2, 1000):
            state["memory"] = running.memory()

    ask()
    link.close()
    assert running.said.read_text() == "", "nothing is said in the terminal"
    assert running.disk() < 20_000_000
    grown = running.memory() - state["memory"]
    assert grown < GROWTH, f"{grown:.0f} MB more"
    log = os.environ.get("HOLDFAST_FUZZ_LOG")
    if log:
        said = f"{jobs}: {state['count']} requests, memory {state['memory']:.0f} MB + {grown:.1f}"
        with Path(log).open("a") as file:
            file.write(f"{said}, disk {running.disk() / 1e6:.1f} MB\n")


@settings(FUZZ, max_examples=max(COUNT // 5, 20))
@given(st.data())
def test_files_that_are_nearly_right(page: Any, data: st.DataObject) -> None:
    """Real clips and pictures with bytes changed, cut and repeated."""
    running, jobs, content, _ = page
    start = data.draw(st.integers(0, len(content)))
    damage = data.draw(st.binary(max_size=8))
    kept = data.draw(st.sampled_from([content[start + len(damage) :], b"", content]))
    answer = running.ask(f"{jobs}?name=a.bin", "POST", content[:start] + damage + kept)
    check(running, answer.status, answer.body, repr((start, damage, len(kept))))
    if answer.status != 201:
        return
    at = f"{jobs}/{answer.json['id']}"
    if jobs == "/api/jobs":
        box = {"frame": 0, "box": list(moving_box(0)), "text": ""}
        objects = {"objects": [{"id": 1, "name": "a", "prompts": [box]}]}
        for path, method in (("/objects", "PUT"), ("/track", "POST"), ("/overlay.mp4", "GET")):
            found = running.ask(at + path, method, given=objects)
            check(running, found.status, found.body, path)
    assert running.ask(at, "DELETE").status == 200
    assert running.said.read_text() == ""


RAW = [
    b"GET /\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01", b"GET / HTTP/1.1\r\n\r\n",
    b"GET /a b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: stranger.example\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 9000 + b"\r\n",
]  # fmt: skip


@pytest.mark.parametrize("raw", RAW, ids=range(len(RAW)))
def test_what_is_no_request(page: Any, raw: bytes) -> None:
    running = page[0]
    parts = urlsplit(running.address)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as link:
        link.sendall(raw)
        link.shutdown(socket.SHUT_WR)
        assert not link.recv(20).startswith((b"HTTP/1.1 200", b"HTTP/1.1 500"))
    assert running.ask("/").status == 200
    assert running.said.read_text() == ""
