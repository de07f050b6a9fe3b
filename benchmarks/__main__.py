"""``python -m benchmarks [paths] [--rounds N] [--out FOLDER]``: measure and write the table."""

import argparse
import importlib
import json
import statistics
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Results, Row, Skip, machine

PATHS = (
    "start",
    "pictures",
    "stream",
    "run",
    "ensembles",
    "pairs",
    "tracker",
    "together",
    "exported",
    "evaluation",
)


def main() -> int:
    """Measure what is asked and write the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("paths", nargs="*", default=PATHS, help=f"of {', '.join(PATHS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("results/bench"))
    words = parser.parse_args()
    unknown = [name for name in words.paths if name not in PATHS]
    if unknown:
        parser.error(f"there is no path {unknown[0]}: choose from {', '.join(PATHS)}")
    results = Results()
    for name in words.paths:
        try:
            importlib.import_module(f"benchmarks.paths.{name}").measure(results, words.rounds)
        except Skip as reason:
            results.skipped.append((name, str(reason)))
        write(results, words.out)  # now: a later path may fail or be interrupted
        print(f"{name}: done", file=sys.stderr, flush=True)
    print(markdown(results))
    return 0


def write(results: Results, out: Path) -> None:
    """Write what is measured so far."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.md").write_text(markdown(results))
    (out / "bench.json").write_text(json.dumps(as_json(results), indent=1) + "\n")


def markdown(results: Results) -> str:
    """Return the table, the machine and what was skipped."""
    lines = [
        "| path | unit | peer | ours, ms | theirs, ms | ratio (least to greatest) | aim | floor, ms | reached |",  # noqa: E501
        "|---|---|---|---|---|---|---|---|---|",
        *map(_line, results.rows),
        "",
        *(f"- {row.path}: {row.note}." for row in results.rows),
        *(f"- {name}: not measured: {reason}." for name, reason in results.skipped),
        "",
        f"Machine: {json.dumps(machine())}; {datetime.now(UTC).isoformat(timespec='minutes')}.",
    ]
    return "\n".join(lines) + "\n"


def as_json(results: Results) -> dict[str, object]:
    """Return everything measured."""
    rows = [{**asdict(row), "ratio": row.ratio, "reached": row.reached} for row in results.rows]
    return {"machine": machine(), "rows": rows, "skipped": results.skipped}


def _line(row: Row) -> str:
    ours = 1000 * statistics.median(row.ours)
    theirs = f"{1000 * statistics.median(row.theirs):.3g}" if row.theirs else "-"
    least, greatest = row.spread
    ratio = f"{row.ratio:.2f} ({least:.2f} to {greatest:.2f})"
    aim = f"{row.aim:g}x" if row.theirs else f"{row.aim:g} s"
    floor = f"{1000 * row.floor:.3g}" if row.floor else "-"
    cells = [row.path, row.unit, row.peer, f"{ours:.3g}", theirs, ratio, aim, floor]
    return f"| {' | '.join(cells)} | {'yes' if row.reached else 'no'} |"


if __name__ == "__main__":
    sys.exit(main())
