"""Where a page listens is said when it listens, and not before."""

from typing import Any

import pytest

from holdfast.errors import ConfigError
from holdfast.serving import serve


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
