"""``python -m benchmarks.one PATH ROUNDS``: measure one path in this process; JSON on stdout."""

import importlib
import json
import sys
from dataclasses import asdict

from benchmarks.measure import Results, Skip


def main() -> int:
    """Measure; a process of its own tells the memory of one path from another's."""
    name, rounds = sys.argv[1], int(sys.argv[2])
    results = Results()
    try:
        importlib.import_module(f"benchmarks.paths.{name}").measure(results, rounds)
    except Skip as reason:
        results.skipped.append((name, str(reason)))
    rows = [{**asdict(row), "megabytes": row.megabytes} for row in results.rows]
    print("\n" + json.dumps({"rows": rows, "skipped": results.skipped}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
