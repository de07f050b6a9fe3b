"""``dropout-ft corruptions``: accuracy under ImageNet-C's corruptions, on any data set."""

import sys
from pathlib import Path

from rich.console import Console

from dropout_ft.commands.trusted import own_classes
from dropout_ft.results.run import load_runs
from holdfast.atomic import write_text
from holdfast.cli.suggestions import hint, nearest_key
from holdfast.errors import ConfigError
from holdfast.outputs import check_files, keep_apart


def corruptions(
    runs: list[str],
    *,
    out: str = "corruptions.csv",
    kinds: list[str] = [],  # noqa: B006  (never changed; shown in --help)
    severities: list[int] = [1, 2, 3, 4, 5],  # noqa: B006
    images: int = 0,
    frost: str | None = None,
    reference: str | None = None,
    overwrite: bool = False,
    backbone: str | None = None,
    source: str | None = None,
) -> None:
    """Evaluate finished runs on corrupted pictures of their i.i.d. part and of the domain left out.

    Each picture is resized as for the network and then corrupted; every run sees the same
    corruptions. Severity 0 is the same pictures as they are. The weights are those of best.ckpt, or
    of last.ckpt where a run has no other.

    Writes a CSV with a row for each method, kind, severity and part, and prints means over
    severities. With ``--reference`` it also prints the mean corruption error (mCE) of each method
    relative to it, over the kinds that ImageNet-C's mCE has, and writes it beside the CSV
    (``corruptions_mce.csv``).

    Args:
        runs: run directories, or folders of run directories.
        out: the CSV.
        kinds: of corruption; all by default: eighteen, and frost where its pictures are given.
        severities: 1 to 5.
        images: at most so many pictures of each part of each domain, evenly spread; 0 takes all.
        frost: folder of photographs of frost, which the kind ``frost`` lays over the pictures.
        reference: what the mCE divides by: a method of the table, such as ERM, or a CSV with the
            columns ``kind`` and ``error`` (percent, mean over five severities; the kind ``none`` is
            the clean error), such as AlexNet's on ImageNet.
        overwrite: replace an existing CSV.
        backbone: ``module.Class`` of your own that the runs name; it is imported.
        source: ``module.Class`` of your own source of data that the runs name; it is imported.
    """
    from dropout_ft.data.corruptions import SEVERITIES, kinds_with, read_frost

    check_choices(kinds, severities, images, frost)
    chosen = sorted(set(severities)) or list(SEVERITIES)
    found = load_runs(runs, own_classes(backbone, source))
    csv = Path(out).expanduser()
    errors = csv.with_name(f"{csv.stem}_mce.csv")
    files = [csv] if reference is None else [csv, errors]
    keep_apart(files, [run.directory.path for run in found])
    check_files(files, [reference] if reference else [], overwrite=overwrite)
    known = kinds_with([] if frost is None else read_frost(frost))
    known = {kind: known[kind] for kind in kinds or known}

    from dropout_ft.report import corruption_errors as relative_to
    from dropout_ft.report.corruptions import (
        corruption_csv,
        corruption_rows,
        corruption_table,
        names_of,
    )

    table = None
    if reference is not None:
        names = names_of(found)
        table = relative_to.check_reference(reference, list(names.values()), list(known), chosen)
        if table is None:
            where = [(names[run.coordinates.group], run.coordinates) for run in found]
            relative_to.check_places(where, reference)
    rows = corruption_rows(found, known, chosen, images)
    console = Console(width=None if Console().is_terminal else 110)
    console.print(corruption_table(rows))
    write_text(csv, corruption_csv(rows))
    sys.stdout.write(f"accuracy by kind and severity: {csv}\n")
    if reference is not None:
        relative = relative_to.mean_corruption_errors(rows, reference, table)
        console.print(relative_to.error_table(relative))
        write_text(errors, relative_to.error_csv(relative))


def check_choices(kinds: list[str], severities: list[int], images: int, frost: str | None) -> None:
    """Refuse what cannot be measured, before anything is read.

    Raises:
        ConfigError: names the option.
    """
    from dropout_ft.data.corruptions import FROST, KINDS, SEVERITIES

    for kind in kinds:
        if kind == FROST and frost is None:
            raise ConfigError(
                "The kind frost needs photographs of frost: give their folder with --frost "
                "(docs/dropout_ft.md says where there are some)."
            )
        if kind not in {*KINDS, FROST}:
            near = hint(nearest_key(kind, [*KINDS, FROST]))
            raise ConfigError(
                f"There is no corruption '{kind}': take {', '.join([*KINDS, FROST])}.{near}"
            )
    for severity in severities:
        if severity not in SEVERITIES:
            raise ConfigError(f"--severities has {severity}: give numbers from 1 to 5.")
    if images < 0:
        raise ConfigError(f"--images is {images}: give a number above 0, or 0 for all.")
