"""``dropout-ft domainbed-tables`` and ``domainbed-export``: DomainBed's tables, either way."""

import sys
from pathlib import Path
from typing import Literal

from dropout_ft.data.known import KNOWN
from dropout_ft.domainbed.records import read_sweep, sweep_files
from dropout_ft.domainbed.selection import RULES
from dropout_ft.domainbed.tables import (
    Format,
    Table,
    averages_text,
    make_tables,
    table_latex,
    table_text,
    tables_csv,
)
from dropout_ft.domainbed.write import export_runs
from dropout_ft.results.run import load_runs
from holdfast.atomic import write_text
from holdfast.cli.suggestions import hint, nearest_key
from holdfast.errors import ConfigError
from holdfast.outputs import check_files, keep_apart

DOMAINBED_RULES = ["iid", "leave-one-domain-out", "oracle"]


def domainbed_tables(
    folder: str,
    *,
    rules: list[Literal["iid", "leave-one-domain-out", "oracle", "last"]] = DOMAINBED_RULES,  # type: ignore[assignment]
    format: Format = "text",  # noqa: A002  (the word users expect)
    out: str | None = None,
    overwrite: bool = False,
) -> None:
    """Select models in a DomainBed sweep folder and print its tables.

    Args:
        folder: has one sub-folder with ``results.jsonl`` for each run.
        rules: ``iid``, ``leave-one-domain-out``, ``oracle`` (DomainBed's three) and ``last``.
        format: ``text`` as DomainBed prints it, ``latex``, or ``csv`` with full precision.
        out: file to write instead of printing.
        overwrite: replace an existing file.
    """
    unknown = [rule for rule in rules if rule not in RULES]
    if unknown:
        raise ConfigError(f"There is no rule {unknown[0]}: choose from {', '.join(RULES)}.")
    records = read_sweep(folder)
    out_file = Path(out).expanduser() if out is not None else Path()
    if out is not None:
        keep_apart([out_file], [path.parent for path in sweep_files(folder)])
        check_files([out_file], overwrite=overwrite)
    text = render(make_tables(records, list(rules)), format, total=len(records))
    if out is None:
        sys.stdout.write(text)
    else:
        write_text(out_file, text)


def render(tables: list[Table], format: Format, *, total: int) -> str:  # noqa: A002
    """Return all tables in one format.

    Args:
        tables: of every data set and rule.
        format: see :func:`domainbed_tables`.
        total: how many records they were made from.
    """
    if format == "csv":
        return tables_csv(tables)
    if format == "latex":
        return "\n".join(table_latex(table) for table in tables)
    parts = [f"Total records: {total}\n"]
    for rule in dict.fromkeys(table.rule for table in tables):
        own = [table for table in tables if table.rule == rule]
        parts += [table_text(table) for table in own] + [averages_text(own)]
    return "".join(parts)


def domainbed_export(runs: list[str], *, out: str, dataset: str) -> None:
    """Write finished runs as a sweep folder that DomainBed's ``collect_results`` reads.

    Args:
        runs: run directories, or folders of them.
        out: folder to write.
        dataset: DomainBed's name for the data, such as PACS; its tools refuse others.
    """
    written = export_runs(load_runs(runs), Path(out).expanduser(), dataset)
    if dataset not in KNOWN:
        sys.stderr.write(
            f"DomainBed's own tools know no data set '{dataset}': only ours will read this folder."
            f"{hint(nearest_key(dataset, list(KNOWN)))}\n"
        )
    sys.stdout.write(f"{len(written)} runs written to {out}: dropout-ft domainbed-tables {out}\n")
