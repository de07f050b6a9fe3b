"""What every peer's worker shares: stand-ins for absent packages, and the loop."""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock


def stand_in(*names: str) -> None:
    """Put empty modules in place of packages that the measured code imports but does not use."""
    for name in names:
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            whole = ".".join(parts[:end])
            if whole not in sys.modules and (name == whole or not _is_there(whole)):
                module = ModuleType(whole)
                module.__getattr__ = lambda attribute: MagicMock()  # type: ignore[method-assign]
                module.__path__ = []
                sys.modules[whole] = module


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


# The same choice as in benchmarks/measure.py, which a peer's process does not import.
clock = time.process_time if os.environ.get("HOLDFAST_BENCH_CPU") else time.perf_counter


def first_line() -> dict[str, Any]:
    """Return the setting."""
    found: dict[str, Any] = json.loads(sys.stdin.readline())
    return found


def serve(
    work: Callable[[], object],
    extra: Callable[[], dict[str, Any]] = dict,
    asked: Callable[[dict[str, Any]], object] = dict,
) -> None:
    """Say that it is ready; then for each line do ``count`` units and answer the mean seconds.

    ``asked`` is told each line, ``extra`` adds to each answer.
    """
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        asked(question)
        count = int(question["count"])
        start = clock()
        for _ in range(count):
            work()
        seconds = (clock() - start) / count
        print(json.dumps({"seconds": seconds, **extra()}), flush=True)
