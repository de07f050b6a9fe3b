"""``dropout-ft verify``: is this folder what training expects?"""

import sys
from pathlib import Path

from dropout_ft.data.folder import Domain, Leftovers, class_names, scan
from dropout_ft.data.known import KnownSet
from dropout_ft.data.sources.csv_list import ListedSource
from dropout_ft.data.sources.given import as_source
from dropout_ft.data.verifying import (
    counts_of,
    duplicates,
    leftover_problems,
    missing_classes,
    remarks,
    too_small,
    unreadable,
    which_copy,
    wrong_counts,
)
from holdfast.errors import DataError

SHOWN_PAIRS = 10


def verify(root: str, *, images: bool = True, holdout_fraction: float = 0.2) -> None:
    """Check a folder ``<root>/<domain>/<class>/<image>``, or a CSV, and print what is in it.

    Args:
        root: the folder of domains, or a CSV with the columns path, label and domain.
        images: also decode every picture; each unreadable one is named.
        holdout_fraction: part of each domain that training will hold out, as in ``fit``.
    """
    verify_folder(Path(root).expanduser(), images=images, holdout_fraction=holdout_fraction)


def verify_folder(
    folder: Path,
    *,
    known: KnownSet | None = None,
    images: bool = True,
    same_bytes: bool = True,
    holdout_fraction: float = 0.2,
) -> None:
    """Check a folder and print what is in it.

    Args:
        folder: the folder of domains, or a CSV.
        known: the data set it should be.
        images: also decode every picture.
        same_bytes: also name files of equal content; a remark, not a problem.
        holdout_fraction: part of each domain that training will hold out.

    Raises:
        DataError: something would spoil a run; everything found is printed first.
    """
    leftovers = Leftovers()
    classes, domains = _listed(folder, leftovers)
    problems = missing_classes(domains, classes) + too_small(domains, holdout_fraction)
    problems += leftover_problems(leftovers)
    if known is not None:
        problems += wrong_counts(known, domains, len(classes))
    for domain in domains:
        sys.stdout.write(f"{domain.name}: {len(domain.paths)} pictures\n")
        sys.stdout.write(f"  {counts_of(domain, classes)}\n")
        if images:
            problems += unreadable(domain)
    sys.stdout.write(f"{len(classes)} classes: {', '.join(classes)}\n")
    copy = which_copy(known, sum(len(d.paths) for d in domains)) if known is not None else ""
    for remark in [*([copy] if copy else []), *remarks(domains, leftovers, deep=images)]:
        sys.stdout.write(f"note: {remark}\n")
    pairs = duplicates(domains) if same_bytes else []
    if pairs:
        sys.stdout.write(f"note: {len(pairs)} file(s) have the same content as another, such as\n")
    for first, second in pairs[:SHOWN_PAIRS]:
        sys.stdout.write(f"  {_shown(first, folder)} = {_shown(second, folder)}\n")
    for problem in problems:
        sys.stdout.write(f"problem: {problem}\n")
    if problems:
        raise DataError(f"{folder} has {len(problems)} problem(s), listed above: mend them first.")
    sys.stdout.write("no problems found\n")


def _listed(folder: Path, leftovers: Leftovers) -> tuple[list[str], list[Domain]]:
    """Return classes and domains of a folder or of a CSV; a class may be missing from a domain."""
    source = as_source(folder, allow_missing_classes=True)
    if isinstance(source, ListedSource):
        return source.class_names, source.domains()
    domains = scan(folder, allow_missing_classes=True, leftovers=leftovers)
    return class_names(folder), domains


def _shown(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)
