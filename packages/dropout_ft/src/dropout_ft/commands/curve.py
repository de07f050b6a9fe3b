"""``dropout-ft curve``: the best rate against the shift's distance and the training images."""

import sys
from pathlib import Path

from rich.console import Console

from dropout_ft.results.scores import TestPart
from holdfast.atomic import write_bytes, write_text
from holdfast.errors import ConfigError, DataError
from holdfast.outputs import check_files

FILES = ("curve.png", "curve.csv")


def curve(
    reports: list[str],
    *,
    out: str = "curve",
    lead: list[float] = [0.9, 0.5],  # noqa: B006  (never changed; shown in --help)
    ood_part: TestPart = "whole",
    overwrite: bool = False,
) -> None:
    """Draw every rate's gain, and the best rate, against distance and number of training images.

    The distance of a shift is the i.i.d. minus the o.o.d. accuracy of ERM. Each domain left out, by
    runs of one method, budget and data set, is a point; intervals are over seeds, gains are paired
    by seed with ERM, and unlike runs are never averaged. Several sweeps go together by their
    reports' tidy tables; a run that stands in two of them counts once.

    Writes ``curve.png`` and ``curve.csv``, and prints a row for each point and the rank
    correlations over them.

    Args:
        reports: folders that ``dropout-ft report`` wrote, or ``tidy.csv`` files.
        out: folder to write into.
        lead: two rates; their difference is shown as well.
        ood_part: score all of a domain left out, or its 80 % ``in`` or 20 % ``out`` part.
        overwrite: replace existing files.
    """
    if len(lead) != 2:
        raise ConfigError(f"--lead needs two rates, not {len(lead)}.")
    folder = Path(out).expanduser()
    check_files([folder / name for name in FILES], reports, overwrite=overwrite)

    from dropout_ft.report.curve import curve_csv, places, read_tables
    from dropout_ft.report.curve_figure import curve_figure, curve_sentences, curve_table

    found = places(read_tables(reports), ood_part)
    if not found:
        raise DataError(
            "No run with dropout has an ERM run (rate 0) of the same seed, data and budget beside "
            "it: there is no gain to draw."
        )
    picture = curve_figure(found)
    pair = (lead[0], lead[1])
    console = Console(width=None if Console().is_terminal else 130)
    console.print(curve_table(found, pair))
    for sentence in curve_sentences(found, pair):
        console.print(sentence)
    write_text(folder / "curve.csv", curve_csv(found))
    if picture is None:
        sys.stdout.write("note: a single place is no curve, and curve.png was not drawn.\n")
    else:
        write_bytes(folder / "curve.png", picture)
    sys.stdout.write(f"curve: {folder}\n")
