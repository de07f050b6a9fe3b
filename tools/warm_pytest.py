"""Run pytest many times without importing torch each time: one warm process that forks.

``serve SOCKET [MODULE...]`` imports the modules, then answers; ``run SOCKET [WORD...]`` asks for
one ``pytest WORD...`` in a forked copy of that process and exits with its status. Nothing of the
code under test may be imported before the fork. For ``tools/mutants.py``.
"""

import importlib
import os
import signal
import socket
import sys
from pathlib import Path

LONGEST = 110
"""Seconds after which a run is ended; a mutant that loops for ever counts as noticed."""
CRASHED = 70
QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""pytest's plugins are among what was imported before."""


def serve(address: str, modules: list[str]) -> None:
    """Import, then fork for every request until the process is ended."""
    for name in modules:
        importlib.import_module(name)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address + ".new")
        listener.listen()
        Path(address + ".new").rename(address)  # whoever sees it can connect
        while True:
            asked, _ = listener.accept()
            with asked:
                words = asked.makefile("r", encoding="utf-8").readline().rstrip("\n")
                asked.sendall(f"{_forked(words.split(chr(0)))}\n".encode())


def run(address: str, words: list[str]) -> int:
    """Have the server run pytest and return its exit status."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        server.sendall((chr(0).join(words) + "\n").encode())
        return int(server.makefile("r", encoding="utf-8").readline())


def _forked(words: list[str]) -> int:
    child = os.fork()
    if child == 0:
        signal.alarm(LONGEST)
        import pytest  # noqa: PLC0415  (the client needs none)

        os._exit(int(pytest.main([*QUIET, *words])))
    _, status = os.waitpid(child, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else CRASHED


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], sys.argv[3:])
    sys.exit(run(sys.argv[2], sys.argv[3:]))
