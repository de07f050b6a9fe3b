"""Where a page listens is said when it listens, and not before."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from holdfast.errors import ConfigError
from holdfast.serving import LOCAL_NAMES, SameOrigin, guards, serve


class Page:
    """Stands for gradio's."""

    def __init__(self, *, busy: bool = False) -> None:
        self.busy, self.asked, self.blocked = busy, dict[str, Any](), 0

    def queue(self, **_: Any) -> None:
        return

    def launch(self, **options: Any) -> tuple[None, str, None]:
        if self.busy:
            raise OSError("Cannot find empty port in range: 7860-7860")
        self.asked = options
        return None, "http://127.0.0.1:45678/", None

    def block_thread(self) -> None:
        self.blocked += 1


@pytest.mark.parametrize("block", [True, False])
def test_the_true_address_is_said(block: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """C5. Was: `http://127.0.0.1:0` for port 0."""
    page = Page()
    assert serve(page, host="127.0.0.1", port=0, megabytes=20, block=block) == (
        "http://127.0.0.1:45678/"
    )
    said = capsys.readouterr()
    assert said.out == "open http://127.0.0.1:45678/ in a browser; Ctrl-C ends it\n"
    assert said.err == ""
    assert page.blocked == block
    assert page.asked["server_port"] is None
    assert page.asked["max_file_size"] == "20mb"
    assert page.asked["share"] is False


def test_a_busy_port_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """C5. Was: "open http://..." and then a traceback."""
    with pytest.raises(ConfigError, match=r"cannot listen on 127\.0\.0\.1:7860"):
        serve(Page(busy=True), host="127.0.0.1", port=7860, megabytes=20)
    assert capsys.readouterr().out == ""


def test_others_who_can_reach_it_are_mentioned(capsys: pytest.CaptureFixture[str]) -> None:
    serve(Page(), host="0.0.0.0", port=7860, megabytes=20)
    assert "everyone who reaches 0.0.0.0" in capsys.readouterr().err


async def ask(headers: dict[bytes, bytes]) -> int:
    """Return the status that a guarded page answers with."""
    statuses: list[int] = []

    async def page(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: dict[str, Any]) -> None:
        if "status" in message:
            statuses.append(message["status"])

    await SameOrigin(page)({"type": "http", "headers": list(headers.items())}, None, send)
    return statuses[0]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        (b"http://127.0.0.1:7860", 200),
        (b"http://127.0.0.1:7861", 403),
        (b"https://stranger.example", 403),
        (b"null", 403),
    ],
)
def test_pages_of_other_origins_are_refused(origin: bytes | None, status: int) -> None:
    """C4. Was: uploads from a foreign Origin were accepted."""
    headers = {b"host": b"127.0.0.1:7860"} | ({b"origin": origin} if origin else {})
    assert asyncio.run(ask(headers)) == status


def test_this_machines_page_answers_to_its_names_only() -> None:
    """C4. Was: any Host was answered, which lets another site's name point at this page."""
    pytest.importorskip("starlette")
    _, trusted = guards("127.0.0.1")
    assert trusted.kwargs["allowed_hosts"] == list(LOCAL_NAMES)
    assert len(guards("0.0.0.0")) == 1, "visitors from elsewhere may use any name"


def test_uploads_go_to_a_folder_that_ends_with_the_process() -> None:
    """C4. Was: 100 files after 33 jobs, kept when the server had ended."""
    code = (
        "import os; from holdfast.serving import check_page_tools; check_page_tools(); "
        "place = os.environ['GRADIO_TEMP_DIR']; open(place + '/upload', 'w').close(); print(place)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "holdfast-page-" in done.stdout
    assert not Path(done.stdout.strip()).exists()
