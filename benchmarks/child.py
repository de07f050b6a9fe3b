"""A peer in a process of its own: its checkout on the path, its missing packages stood in for."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.measure import Skip

WORKERS = Path(__file__).parent / "peers"
PEERS = {
    "DomainBed": "facebookresearch/DomainBed",
    "OSTrack": "botaoye/OSTrack",
    "pytracking": "visionml/pytracking",
    "toolkit": "got-10k/toolkit",
}


def checkout(name: str) -> Path:
    """Return a peer's folder below ``HOLDFAST_PEERS`` (default ``data/peers``).

    Raises:
        Skip: it is not there; says how to get it.
    """
    root = Path(os.environ.get("HOLDFAST_PEERS", "data/peers")).expanduser()
    if not (root / name).is_dir():
        raise Skip(f"{root / name} is missing: clone {PEERS[name]} there, or set HOLDFAST_PEERS")
    return (root / name).resolve()


class Child:
    """A worker script: reads a line of JSON, does the work, answers with a line of JSON.

    Args:
        script: in benchmarks/peers.
        peer: its checkout is put on the worker's path.
        setting: the first line it is sent.
    """

    def __init__(self, script: str, peer: str, setting: dict[str, Any]) -> None:
        environment = {**os.environ, "PYTHONPATH": f"{checkout(peer)}:{WORKERS}"}
        self.process = subprocess.Popen(
            [sys.executable, str(WORKERS / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=checkout(peer),
        )
        self.peer = peer
        try:
            self.ask(setting)
        except Skip:
            self.close()
            raise

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Send a line and wait for the answer.

        Raises:
            Skip: the worker ended; its last words are the reason.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        for line in self.process.stdout:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        assert self.process.stderr is not None
        words = self.process.stderr.read().strip().splitlines()
        raise Skip(f"{self.peer} does not run here: {words[-1] if words else 'no reason given'}")

    @property
    def pid(self) -> int:
        """The worker's process, whose memory is measured."""
        return self.process.pid

    def seconds(self, count: int) -> float:
        """Let it do so many units; return the seconds of one."""
        return float(self.ask({"count": count})["seconds"])

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
