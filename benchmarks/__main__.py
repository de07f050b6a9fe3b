"""``python -m benchmarks [paths] [--rounds N] [--out FOLDER]``: measure and write the table."""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import table
from benchmarks.measure import CPU_TIME, Results, Rounds, Row, machine

PATHS = (
    "start",
    "folders",
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
    parser.add_argument(
        "--cpu", action="store_true", help="seconds of CPU, where other work runs beside it"
    )
    parser.add_argument("--out", type=Path, default=Path("results/bench"))
    words = parser.parse_args()
    unknown = [name for name in words.paths if name not in PATHS]
    if unknown:
        parser.error(f"there is no path {unknown[0]}: choose from {', '.join(PATHS)}")
    if words.cpu:
        os.environ[CPU_TIME] = "1"
    results = Results()
    for name in words.paths:
        found = measure(name, words.rounds)
        results.rows += found.rows
        results.skipped += found.skipped
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
    """Return the table, what was skipped, and the machine."""
    where = machine()
    told = (
        f"Machine: {where['processor']}, {where['cores']} cores, load {where['load']:g}, "
        f"GPUs: {', '.join(where['gpus']) or 'none'}, torch {where['torch']}, "
        f"Python {where['python']}; {datetime.now(UTC).date()}."
    )
    if os.environ.get(CPU_TIME):
        told += " Seconds are of CPU: other work ran beside it."
    return "\n".join([*table.lines(results), "", told]) + "\n"


def as_json(results: Results) -> dict[str, object]:
    """Return everything measured."""
    rows = [
        {
            **asdict(row), "ratio": row.ratio, "reached": row.reached, "megabytes": row.megabytes,
        }
        for row in results.rows
    ]  # fmt: skip
    return {
        "machine": machine(), "date": str(datetime.now(UTC).date()),
        "cpu": bool(os.environ.get(CPU_TIME)), "rows": rows, "skipped": results.skipped,
    }  # fmt: skip


def measure(name: str, rounds: int) -> Results:
    """Measure a path in a process of its own.

    Raises:
        RuntimeError: the process fails.
    """
    words = [sys.executable, "-m", "benchmarks.one", name, str(rounds)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the path {name} failed with status {done.returncode}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    rows = []
    for row in found["rows"]:
        for side, megabytes in zip(("ours", "theirs"), row.pop("megabytes"), strict=True):
            row[side] = Rounds(row[side])
            row[side].megabytes = megabytes
        rows.append(Row(**row))
    return Results(rows=rows, skipped=[(path, reason) for path, reason in found["skipped"]])


if __name__ == "__main__":
    sys.exit(main())
