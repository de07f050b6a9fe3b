"""Who may use a page, where it says it listens, and what it leaves behind: nothing."""

import base64
import os
import re
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the page's extra is not installed")

from holdfast.errors import ConfigError, MissingToolError
from holdfast.serving.access import Access, check_page_tools, choose_access
from holdfast.serving.errors import PageError, without_paths
from holdfast.serving.guard import refuse
from holdfast.serving.jobs import FRESH_SECONDS, UNUSED_SECONDS, Jobs, shown_name
from holdfast.serving.server import address_of, listen
from holdfast.serving.site import static_files
from page_support import Served, served, until

LOCAL, OPEN = Access(), Access(host="0.0.0.0")
SESAME = "open sesame"
LOCKED = Access(host="0.0.0.0", password=SESAME)
PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\x90wS\xde"
    b"\0\0\0\x0cIDATx\x9cc\xf8\xcf\xc0\0\0\3\1\1\0\xc9\xfe\x92\xef\0\0\0\0IEND\xaeB`\x82"
)


def status(access: Access, method: str = "POST", **headers: str) -> int:
    """Return the status that a request is refused with; 200 if it may come in."""
    pairs = {"host": "127.0.0.1:7860", **{k.replace("_", "-"): v for k, v in headers.items()}}
    scope = {"method": method, "headers": [(k.encode(), v.encode()) for k, v in pairs.items()]}
    refusal = refuse(scope, access)
    return 200 if refusal is None else refusal[0]


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://127.0.0.1:7860", 200),
        ("http://127.0.0.1:7861", 403),
        ("https://stranger.example", 403),
        ("null", 403),
        ("", 403),
        ("http://[", 403),
    ],
)
def test_pages_of_other_origins_are_refused(origin: str, expected: int) -> None:
    """C4. Was: uploads from a foreign Origin were accepted."""
    assert status(LOCAL, origin=origin) == expected
    assert status(LOCAL) == 200, "no page sent it"
    assert status(LOCAL, sec_fetch_site="cross-site") == 403
    assert status(LOCAL, "GET", sec_fetch_site="cross-site") == 200, "a link may lead here"


@pytest.mark.parametrize(
    ("access", "host", "expected"),
    [
        (LOCAL, "localhost:7860", 200),
        (LOCAL, "[::1]:7860", 200),
        (LOCAL, "stranger.example:7860", 421),
        (LOCAL, "192.168.1.5:7860", 421),
        (LOCAL, "[", 421),
        (LOCAL, "", 421),
        (OPEN, "192.168.1.5:7860", 200),
        (OPEN, f"{socket.gethostname()}:7860", 200),
        (OPEN, "stranger.example", 421),
    ],
)
def test_a_page_answers_to_its_own_names(access: Access, host: str, expected: int) -> None:
    """C4. Was: any Host was answered, which lets another site's name point at this page."""
    assert status(access, "GET", host=host) == expected


def test_a_password_is_asked_for() -> None:
    def given(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    assert status(LOCKED) == 401
    assert status(LOCKED, authorization=given("anybody:open sesame")) == 200
    for wrong in (given("anybody:open"), given("open sesame"), "Basic ???", "Bearer x", ""):
        assert status(LOCKED, authorization=wrong) == 401
    twice = {"method": "GET", "headers": [(b"host", b"127.0.0.1"), (b"host", b"stranger.example")]}
    assert refuse(twice, LOCAL) is not None


def test_others_need_a_password_or_an_explicit_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Was: a note, and everyone who reached 0.0.0.0 could use the page."""
    monkeypatch.delenv("HOLDFAST_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", None)
    assert choose_access("127.0.0.1") == Access()
    with pytest.raises(ConfigError, match="HOLDFAST_PASSWORD, or say --anyone true"):
        choose_access("0.0.0.0")
    assert choose_access("0.0.0.0", anyone=True).password is None
    monkeypatch.setenv("HOLDFAST_PASSWORD", SESAME)
    assert choose_access("0.0.0.0").password == SESAME
    assert choose_access("127.0.0.1").password == SESAME, "asked for wherever it is set"
    assert "sesame" not in repr(choose_access("0.0.0.0"))
    monkeypatch.setenv("HOLDFAST_PASSWORD", "short")
    with pytest.raises(ConfigError, match="8 or more"):
        choose_access("0.0.0.0")


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="pip install starlette uvicorn"):
        check_page_tools()


def test_a_busy_port_is_one_sentence() -> None:
    """C5. Was: "open http://..." and then a traceback."""
    with listen("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"cannot listen on 127\.0\.0\.1:{port}: give"):
            listen("127.0.0.1", port)
    with pytest.raises(ConfigError, match="cannot listen on 203"):
        listen("203.0.113.7", 0)
    with pytest.raises(ConfigError, match="no port 70000"):
        listen("127.0.0.1", 70000)
    assert address_of("::1", 80) == "http://[::1]:80/"
    assert address_of("0.0.0.0", 80) == f"http://{socket.gethostname()}:80/"


def test_names_and_sentences_have_no_paths() -> None:
    assert shown_name("../../etc/passwd") == "passwd"
    assert shown_name("C:\\a\\b.mp4\n\x1b[2J") == "b.mp4[2J"
    assert shown_name("\0") == "file"
    assert len(shown_name("x" * 1000)) == 80
    folder = Path("/x/holdfast-page-1")
    said = without_paths(f"{folder}/ab/clip is bad: '{folder}/ab/clip'.", folder)
    assert said == "the file is bad: 'the file'."


class Content:
    closed = 0

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = Jobs[Content](gigabytes=1e-6, minutes=1, most=3)  # 1,000 bytes
    yield made
    made.close()


def test_a_quota_holds_for_all_and_jobs_in_use_stay(jobs: Jobs[Content]) -> None:
    """C4. Was: 100 files after 33 jobs, and no end."""
    one, two = jobs.new("a"), jobs.new("b")
    jobs.reserve(one, 600)
    with pytest.raises(PageError, match="disk space is used up") as refused:
        jobs.reserve(two, 600)
    assert refused.value.status == 507
    one.content = Content()
    one.touched -= UNUSED_SECONDS + 1
    jobs.reserve(two, 600)
    assert one.content.closed == 1
    assert not one.folder.exists()
    with pytest.raises(PageError, match="not kept any more"):
        jobs.reserve(one, 1)
    with pytest.raises(PageError, match="disk space"):
        jobs.reserve(two, 600)
    jobs.new("c")
    jobs.new("d")
    with pytest.raises(PageError, match="Too many people"):
        jobs.new("e")


def test_jobs_end_when_nobody_asks_and_with_the_page(jobs: Jobs[Content]) -> None:
    one, two = jobs.new("a"), jobs.new("b")
    (two.folder / "clip").write_text("x")
    two.touched -= 61
    late = jobs.folder / "late"
    late.mkdir()
    jobs.sweep()
    assert [one.folder.exists(), two.folder.exists(), late.exists()] == [True, False, False]
    assert jobs.get(one.id) is one
    with pytest.raises(PageError):
        jobs.get(two.id)
    jobs.close()
    assert not jobs.folder.exists()


def test_folders_of_killed_pages_are_removed(jobs: Jobs[Content], tmp_path: Path) -> None:
    left, fresh = tmp_path / "holdfast-page-left", tmp_path / "holdfast-page-fresh"
    for folder in (left, fresh):
        folder.mkdir()
        (folder / "held").touch()
    for folder in (left, jobs.folder):
        os.utime(folder / "held", (0, time.time() - FRESH_SECONDS - 9))
    other = Jobs[Content](gigabytes=1, minutes=1)
    assert not left.exists()
    assert fresh.exists(), "perhaps not locked yet"
    assert jobs.folder.exists(), "in use"
    other.close()


def test_the_pages_ask_nobody_else_for_anything() -> None:
    """The page works without a network: no address of another host in what it is made of."""
    for package in ("holdfast.serving", "vl_track.page", "dropout_ft.page"):
        for name, content in static_files(package).items():
            others = re.findall(rb"(?:https?:)?//(?!www\.w3\.org)[a-z]", content)
            assert others == [], name


def started(number: int) -> tuple[int, Served, list[Path]]:
    with served("pictures") as page:
        made = page.ask("/api/pictures?name=a.png", "POST", PNG)
        assert made.status == 201
        assert len(page.folders()) == 1
        code = page.end(number)
        return code, page, list(page.place.glob("holdfast-page-*"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 0)])
def test_nothing_is_left_when_it_ends(number: int, code: int) -> None:
    """C4. Was: uploads stayed on the disk when the server was ended by SIGTERM."""
    found, _, left = started(number)
    assert found == code
    assert left == []


def test_a_served_page() -> None:
    """C5: the address is the true one, said once the page answers."""
    with served("pictures") as page:
        first = page.ask("/")
        assert first.status == 200
        assert "default-src 'none'" in first.headers["content-security-policy"]
        assert page.ask("/static/base.js").headers["content-type"].startswith("text/javascript")
        for path in ("/static/..%2f..%2fpyproject.toml", "/static/site.py", "/etc/passwd", "//x"):
            refused = page.ask(path)
            assert refused.status == 404
            assert "root:" not in refused.body.decode()
        assert page.ask("/", Host="stranger.example").status == 421
        assert page.ask("/api/pictures", "POST", PNG, Origin="https://x.example").status == 403
        assert page.folders() == []
        assert page.ask("/api/pictures", "PUT").error == "That cannot be done here."
        key = page.ask("/api/pictures?name=a.png", "POST", PNG).json["id"]
        assert until(page.folders)
        assert page.ask(f"/api/pictures/{key}", "DELETE").status == 200
        assert page.folders() == [], "a job's folder ends with it"
        assert page.said.read_text() == ""


def test_a_page_with_a_password() -> None:
    with served("pictures", "--host", "0.0.0.0", HOLDFAST_PASSWORD=SESAME) as page:
        assert page.address.startswith(f"http://{socket.gethostname()}:")
        page.address = page.address.replace(socket.gethostname(), "127.0.0.1")
        assert page.ask("/").status == 401
        known = base64.b64encode(b"x:open sesame").decode()
        assert page.ask("/", Authorization=f"Basic {known}").status == 200
        assert "not encrypted" in page.said.read_text()
