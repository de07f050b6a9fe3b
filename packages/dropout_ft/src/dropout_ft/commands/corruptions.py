"""``dropout-ft corruptions``: accuracy under ImageNet-C's corruptions, on any data set."""

import sys
from pathlib import Path

from rich.console import Console

from dropout_ft.commands.trusted import own_classes
from dropout_ft.results.run import load_runs
from holdfast.atomic import write_text
from holdfast.cli.suggestions import hint, nearest_key
from holdfast.errors import ConfigError
from holdfast.outputs import keep_apart


def corruptions(
    runs: list[str],
    *,
    out: str = "corruptions.csv",
    kinds: list[str] = [],  # noqa: B006  (never changed; shown in --help)
    severities: list[int] = [1, 2, 3, 4, 5],  # noqa: B006
    images: int = 0,
    backbone: str | None = None,
    source: str | None = None,
) -> None:
    """Evaluate finished runs on corrupted pictures of their i.i.d. part and of the domain left out.

    Each picture is resized as for the network and then corrupted; every run sees the same
    corruptions. Severity 0 is the same pictures as they are. The weights are those of best.ckpt, or
    of last.ckpt where a run has no other.

    Writes a CSV with a row for each method, kind, severity and part, and prints means over
    severities.

    Args:
        runs: run directories, or folders of run directories.
        out: the CSV.
        kinds: of corruption; all eleven by default.
        severities: 1 to 5.
        images: at most so many pictures of each part of each domain, evenly spread; 0 takes all.
        backbone: ``module.Class`` of your own that the runs name; it is imported.
        source: ``module.Class`` of your own source of data that the runs name; it is imported.
    """
    from dropout_ft.data.corruptions import KINDS, SEVERITIES

    for kind in kinds:
        if kind not in KINDS:
            near = hint(nearest_key(kind, list(KINDS)))
            raise ConfigError(f"There is no corruption '{kind}': take {', '.join(KINDS)}.{near}")
    for severity in severities:
        if severity not in SEVERITIES:
            raise ConfigError(f"--severities has {severity}: give numbers from 1 to 5.")
    if images < 0:
        raise ConfigError(f"--images is {images}: give a number above 0, or 0 for all.")
    found = load_runs(runs, own_classes(backbone, source))
    keep_apart([out], [run.directory.path for run in found])

    from dropout_ft.report.corruptions import corruption_csv, corruption_rows, corruption_table

    rows = corruption_rows(
        found, kinds or list(KINDS), sorted(set(severities)) or list(SEVERITIES), images
    )
    write_text(Path(out).expanduser(), corruption_csv(rows))
    Console(width=None if Console().is_terminal else 110).print(corruption_table(rows))
    sys.stdout.write(f"accuracy by kind and severity: {out}\n")
