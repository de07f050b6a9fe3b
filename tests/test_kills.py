"""The tool that kills at random moments sees a difference, and a kill is a kill."""

import random
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from conftest import REPOSITORY

sys_path = str(REPOSITORY / "tools")


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(sys_path)
    return __import__("kills")


def counting(kills: Any, spoil: bool) -> Any:
    """A work that appends a line every 50 ms until there are six, and goes on where it stopped."""
    program = (
        "import sys, time, pathlib\n"
        "place = pathlib.Path(sys.argv[1]); place.mkdir(exist_ok=True)\n"
        "file = place / 'lines.txt'\n"
        "start = len(file.read_text().splitlines()) if file.exists() else 0\n"
        "for number in range(start, 6):\n"
        "    time.sleep(0.05)\n"
        "    with file.open('a') as out: out.write(f'{number}\\n')\n"
        f"if {spoil} and start: file.write_text('spoiled')\n"
    )
    return kills.Work(
        name="counting",
        words=lambda folder: [sys.executable, "-c", program, str(folder)],
        read=lambda folder: {"lines": (folder / "lines.txt").read_bytes()},
    )


@pytest.mark.parametrize("spoil", [False, True])
def test_a_work_that_resumes_wrongly_is_caught(kills: Any, spoil: bool, tmp_path: Path) -> None:
    work = counting(kills, spoil)
    seconds, wanted = kills.undisturbed(work, tmp_path / "whole")
    assert wanted == {"lines": b"0\n1\n2\n3\n4\n5\n"}
    killed, finished, wrong = kills.killed_at_random(
        work, tmp_path, wanted, seconds, 8, random.Random(1)
    )
    assert killed == 8
    assert finished >= 1
    assert bool(wrong) == spoil


def test_a_command_that_ends_by_itself_was_not_killed(kills: Any) -> None:
    assert not kills.started_and_killed([sys.executable, "-c", "pass"], 60.0)
    assert kills.started_and_killed([sys.executable, "-c", "import time; time.sleep(60)"], 0.2)


def test_weights_lists_and_bytes_are_compared_deeply(kills: Any) -> None:
    one = {"state": {"a": torch.ones(2), "b": [torch.zeros(1), 3]}, "logits": b"x"}
    same = {"state": {"a": torch.ones(2), "b": [torch.zeros(1), 3]}, "logits": b"x"}
    assert kills.differences(one, same) == []
    same["state"]["b"][0] += 1  # type: ignore[index]
    assert kills.differences(one, same) == ["state"]
    assert kills.differences(one, {"logits": b"y"}) == ["logits", "state"]
