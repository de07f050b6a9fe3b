"""A share of time, and commands that are stopped when it is over and go on another time."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

Outcome = Literal["finished", "stopped", "failed"]
GRACE_SECONDS = 45.0
"""A run that is interrupted writes its last checkpoint; then it is killed."""
LEAST_SECONDS = 5.0
"""With less than this left nothing is started."""


class Budget:
    """Time from now on.

    Args:
        minutes: in all; the grace of what is stopped at the end comes out of it.
    """

    def __init__(self, minutes: float) -> None:
        self.end = time.monotonic() + 60 * minutes
        self.grace = min(GRACE_SECONDS, 0.1 * 60 * minutes)

    @property
    def seconds_left(self) -> float:
        """Seconds in which something may still run."""
        return self.end - self.grace - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether nothing should be started any more."""
        return self.seconds_left < LEAST_SECONDS

    def run(self, words: Sequence[str], log: Path) -> Outcome:
        """Run a command of this environment's Python until it ends or the time is over.

        Args:
            words: what follows ``python -m``.
            log: its output is added here.
        """
        if self.over:
            return "stopped"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as output:
            output.write(f"\n$ python -m {' '.join(words)}\n")
            output.flush()
            process = subprocess.Popen(
                [sys.executable, "-m", *words], stdout=output, stderr=subprocess.STDOUT
            )
            try:
                return "failed" if process.wait(self.seconds_left) else "finished"
            except subprocess.TimeoutExpired:
                return "stopped"
            finally:
                _end(process, self.grace)


def _end(process: subprocess.Popen[bytes], grace: float) -> None:
    """Interrupt, then kill."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
