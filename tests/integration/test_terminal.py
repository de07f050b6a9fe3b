"""On a real terminal a bar is drawn; in a pipe plain lines are printed."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

CONTROL = re.compile(r"\x1b\[")


def output_on_a_terminal(words: list[str]) -> str:
    """Run ``dropout-ft`` with a pseudo-terminal as its output."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "dropout_ft", *words],
        stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        parts.append(part)
    assert process.wait(timeout=60) == 0
    return b"".join(parts).decode(errors="replace")


@pytest.mark.slow
def test_a_terminal_gets_a_bar_that_counts_to_max_steps(
    tiny_arguments: Callable[..., list[str]],
) -> None:
    shown = output_on_a_terminal(tiny_arguments("fit"))
    assert CONTROL.search(shown)
    assert "2/2" in shown
    assert "Training" in shown
    assert "/-2" not in shown
    assert "Traceback" not in shown


@pytest.mark.slow
def test_a_pipe_gets_no_control_characters(tiny_arguments: Callable[..., list[str]]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dropout_ft", *tiny_arguments("fit")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not CONTROL.search(done.stdout)
    assert "it/s" not in done.stdout
