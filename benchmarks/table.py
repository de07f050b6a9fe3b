"""The table for readers: units that people use, the peer beside ours, memory in every row."""

import statistics

from benchmarks.measure import Results, Row

RATES = {"picture": "images/s", "frame": "frames/s", "frame of one video": "frames/s",
         "pair": "pairs/s"}  # fmt: skip
"""Units of which there are many a second; of all others the time is told."""
HEAD = (
    "| what | ours | beside it | times as fast (rounds) | aim | reached | memory: ours, theirs |",
    "|---|---|---|---|---|---|---|",
)


def lines(results: Results) -> list[str]:
    """Return the rows, then the notes, each once for the rows that share it."""
    return [
        *HEAD,
        *map(line, results.rows),
        "",
        *notes(results.rows),
        *(f"- {name}: not measured: {reason}." for name, reason in results.skipped),
    ]


def line(row: Row) -> str:
    """Return one row."""
    theirs = f"{row.peer}: {amount(row.theirs, row.unit)}" if row.theirs else "-"
    least, greatest = row.spread
    ratio = f"{times(row.ratio)} ({times(least)} to {times(greatest)})" if row.theirs else "-"
    aim = times(row.aim) if row.theirs else seconds(row.aim)
    if row.most_megabytes:
        aim += f", {row.most_megabytes:.0f} MB"
    reached = "yes" if row.reached else "no"
    if row.floor and not row.reached:
        bound = "most" if row.unit in RATES else "least"
        reached += f"; at {bound} {amount([row.floor], row.unit)} on that machine"
    cells = [row.path, amount(row.ours, row.unit), theirs, ratio, aim, reached, memory(row)]
    return f"| {' | '.join(cells)} |"


def notes(rows: list[Row]) -> list[str]:
    """Return how rows were made; those of one note stand together."""
    by_note: dict[str, list[str]] = {}
    for row in rows:
        by_note.setdefault(f"{row.unit}: {row.note}", []).append(row.path)
    return [
        f"- {'; '.join(dict.fromkeys(paths))} (per {note.removesuffix('.')})."
        for note, paths in by_note.items()
    ]


def amount(rounds: list[float], unit: str) -> str:
    """Return the median as a rate where there are many a second, else as a time."""
    middle = statistics.median(rounds)
    if unit in RATES:
        return f"{digits(1 / middle)} {RATES[unit]}"
    return seconds(middle)


def seconds(value: float) -> str:
    """Return a time: 38 ms, 4.9 s, 1 min 36 s."""
    if value < 0.9995:
        return f"{digits(1000 * value)} ms"
    if value < 99.5:
        return f"{digits(value)} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def digits(value: float) -> str:
    """Return a number with two or three digits that count and never an exponent."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def times(value: float) -> str:
    """Return a ratio."""
    return f"{digits(value)}x"


def memory(row: Row) -> str:
    """Return the peak of both sides."""
    known = [f"{value:,.0f} MB" if value else "-" for value in row.megabytes]
    return known[0] if not row.theirs or known[0] == known[1] else ", ".join(known)
