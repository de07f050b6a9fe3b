"""``python -m benchmarks.kept FILE [NEW...]``: put new rows into kept results; print the table.

A row of NEW takes the place of the row of the same path and peer, or stands at the end. Each row
keeps the machine and the day it was measured with.
"""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import table
from benchmarks.measure import Results, Rounds, Row

OWN = ("ratio", "reached", "megabytes", "where")
"""What the file says of a row and :class:`Row` does not take."""


def main(words: list[str]) -> int:
    """Merge, write and print; returns the exit status."""
    kept, *new = map(Path, words)
    found = json.loads(kept.read_text())
    for path in new:
        put(found, json.loads(path.read_text()))
    kept.write_text(json.dumps(found, indent=1) + "\n")
    print("\n".join(page(found)))
    return 0


def put(found: dict[str, Any], new: dict[str, Any]) -> None:
    """Put the rows of a measurement into the kept ones."""
    places = {_name(row): number for number, row in enumerate(found["rows"])}
    for row in new["rows"]:
        placed = {**row, "where": where_of(new)}
        if _name(row) in places:
            found["rows"][places[_name(row)]] = placed
        else:
            found["rows"].append(placed)


def where_of(measured: dict[str, Any]) -> str:
    """Say on what and when, in a few words."""
    machine = measured["machine"]
    cpu = ", seconds of CPU" if measured.get("cpu") else ""
    return (
        f"{measured['date']}: {machine['cores']} cores of {machine['processor']}, load "
        f"{machine['load']:.0f}, torch {machine['torch']}{cpu}"
    )


def rows_of(found: dict[str, Any]) -> list[Row]:
    """Return the kept rows."""
    rows = []
    for row in found["rows"]:
        sides = {}
        for side, megabytes in zip(("ours", "theirs"), row.get("megabytes", (0, 0)), strict=True):
            sides[side] = Rounds(row[side])
            sides[side].megabytes = megabytes
        plain = {key: value for key, value in row.items() if key not in OWN}
        rows.append(Row(**{**plain, **sides}))
    return rows


def page(found: dict[str, Any]) -> list[str]:
    """Return the table, the notes, and where each row was measured."""
    by_place: dict[str, list[str]] = {}
    for row in found["rows"]:
        by_place.setdefault(row["where"], []).append(row["path"])
    places = [f"- {where}: {'; '.join(dict.fromkeys(paths))}." for where, paths in by_place.items()]
    return [*table.lines(Results(rows=rows_of(found))), "", *places]


def _name(row: dict[str, Any]) -> tuple[str, str]:
    return row["path"], row["peer"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
