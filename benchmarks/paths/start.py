"""How long the commands take to answer, and to their first training step."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.first_step import first_step
from benchmarks.material import domain_folder
from benchmarks.measure import Results, Row
from vl_track.commands.example import BOX, CLIP, TEXT
from vl_track.data.clips import pip_clip


def measure(results: Results, rounds: int) -> None:
    """``--help`` under 1 s, first step under 5 s; both processes are cold."""
    for command in ("dropout_ft", "vl_track"):
        words = [sys.executable, "-m", command, "--help"]
        results.rows.append(
            Row(
                path=f"{command.replace('_', '-')} --help", unit="start", peer="1 s",
                ours=[_seconds(words) for _ in range(rounds)], theirs=[], aim=1.0,
                note="a new process each time",
            )
        )  # fmt: skip
    results.rows += [_first_box(runtime, rounds) for runtime in ("auto", "torch")]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "pictures"
        domain_folder(root, each=2)
        whole, first = [], []
        for number in range(rounds):
            words = [
                sys.executable, "-m", "dropout_ft", "fit", "--config",
                "configs/dropout_ft/tiny.yaml", "--data.source", str(root), "--run.root",
                f"{folder}/{number}", "--trainer.max_steps=1",
                "--trainer.callbacks+=benchmarks.first_step.SayFirstStep",
            ]  # fmt: skip
            begun = time.time()
            done = subprocess.run(words, check=True, capture_output=True, text=True)
            whole.append(time.time() - begun)
            first.append(first_step(done.stderr) - begun)
        results.rows.append(
            Row(
                path="dropout-ft fit, start to the end of the first step", unit="start",
                peer="5 s", ours=first, theirs=[], aim=5.0,
                note="tiny network, every package of the development environment installed; the "
                "whole process, with an evaluation, checkpoints and its end: "
                f"{statistics.median(whole):.1f} s",
            )
        )  # fmt: skip


def _seconds(words: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    return time.perf_counter() - start


def _first_box(runtime: str, rounds: int) -> Row:
    """Time ``vl-track track`` on two frames, in seconds of CPU, so that other work counts less."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            sys.executable, "-m", "vl_track", "track", str(pip_clip(CLIP)), "--box", BOX,
            "--text", TEXT, "--max_frames", "2", "--runtime", runtime, "--save",
            f"{folder}/boxes.csv", "--overwrite", "true",
        ]  # fmt: skip
        spent = [_cpu_seconds(words) for _ in range(rounds)]
    memory = max(megabytes for _, megabytes in spent)
    return Row(
        path=f"vl-track track, start to the first box, --runtime {runtime}", unit="start of CPU",
        peer="3 s", ours=[seconds for seconds, _ in spent], theirs=[], aim=3.0,
        note="two frames of the example clip, the shipped model, the whole process, seconds of "
        f"CPU; at most {memory:.0f} MB of memory",
    )  # fmt: skip


_ASK = """
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""


def _cpu_seconds(words: list[str]) -> tuple[float, float]:
    """Return the seconds of CPU and the greatest megabytes of memory that a process took.

    A small process between asks for them: a child begins with the memory of its parent.
    """
    asked = [sys.executable, "-S", "-c", _ASK, *words]
    done = subprocess.run(asked, check=True, capture_output=True, text=True)
    status, seconds, megabytes = json.loads(done.stdout)
    if status:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), words)
    return seconds, megabytes
