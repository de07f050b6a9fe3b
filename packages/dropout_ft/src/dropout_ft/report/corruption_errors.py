"""Corruption errors relative to a reference, as ImageNet-C's mCE (Hendrycks & Dietterich 2019).

A kind's CE is the sum of a method's errors over the severities divided by that of the reference;
the mean over kinds is the mCE. The relative mCE takes the error on clean images from both first.
ImageNet-C's own mCE divides by AlexNet's errors on ImageNet and leaves four kinds out; on another
data set the reference is a method of the table, or a table that the user brings.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from rich.table import Table

from dropout_ft.data.corruptions import EXTRA
from dropout_ft.report.corruptions import CLEAN, CorruptionRow
from dropout_ft.results.coordinates import Coordinates
from dropout_ft.results.csv_text import csv_of
from holdfast.errors import ConfigError, DataError

Errors = Mapping[str, float]
"""Mean error over severities by kind, in percent; ``none`` is that on clean images."""


@dataclass(frozen=True, kw_only=True)
class MeanCorruptionError:
    """One line: a method's errors relative to a reference; 100 is as bad as the reference.

    Attributes:
        name: method and rate.
        part: ``i.i.d.`` or ``o.o.d.``.
        reference: what the errors are divided by.
        mce: mean corruption error, in percent.
        relative_mce: of what the errors rise above those on clean images; nan where the reference
            has no clean error, or does not rise.
        kinds: that entered.
    """

    name: str
    part: str
    reference: str
    mce: float
    relative_mce: float
    kinds: int


def check_reference(
    reference: str, names: Sequence[str], kinds: Sequence[str], severities: Sequence[int]
) -> Errors | None:
    """Check what the errors are divided by, before anything is measured.

    Args:
        reference: name of a method, or a CSV with the columns ``kind`` and ``error`` in percent,
            the mean over severities; the kind ``none`` is the error on clean images.
        names: of the methods that are measured.
        kinds: that are measured.
        severities: that are measured; a table is over all five.

    Returns:
        The errors of a table; None where the reference is a method.

    Raises:
        ConfigError: there is no such method, or a table is to be compared with some severities.
        DataError: the table lacks a kind, or has no errors there.
    """
    counted = _counted(kinds)
    if reference in names:
        return None
    if not reference.lower().endswith(".csv"):
        raise ConfigError(
            f"--reference is '{reference}': give a CSV, or one of {', '.join(names)}."
        )
    if sorted(severities) != [1, 2, 3, 4, 5]:
        raise ConfigError(
            "A table's errors are means over all five severities: leave --severities out."
        )
    table = read_reference(reference)
    _check(table, counted, reference)
    return table


def check_places(where: Sequence[tuple[str, Coordinates]], reference: str) -> None:
    """Refuse to divide by a reference whose runs left out other domains, or others as often.

    Args:
        where: name of the method and coordinates of each run.
        reference: name of a method among them.

    Raises:
        ConfigError: names the method.
    """
    cases: dict[str, Counter[object]] = {}
    for name, one in where:
        cases.setdefault(name, Counter())[one.test_case] += 1
    shares = {
        name: {case: Fraction(count, found.total()) for case, count in found.items()}
        for name, found in cases.items()
    }
    for name, share in shares.items():
        if share != shares[reference]:
            raise ConfigError(
                f"The runs of '{name}' and of the reference '{reference}' left out other domains, "
                "or the same ones unequally often: their errors are not those of the same "
                "pictures. Give runs of the same domains and splits."
            )


def mean_corruption_errors(
    rows: Sequence[CorruptionRow], reference: str, table: Errors | None = None
) -> list[MeanCorruptionError]:
    """Return a line for each method and part.

    Args:
        rows: of the report.
        reference: name of a method in it, or of the table.
        table: of :func:`check_reference`; None where the reference is a method.

    Raises:
        DataError: the reference makes no errors under a kind.
    """
    given = _errors_by_part(rows)
    found = []
    for (name, part), errors in given.items():
        base = given[reference, part] if table is None else table
        kinds = _counted(list(errors))
        _check(base, kinds, reference)
        ratios = [errors[kind] / base[kind] for kind in kinds]
        risen = [_relative(errors, base, kind) for kind in kinds]
        found.append(
            MeanCorruptionError(
                name=name, part=part, reference=reference, kinds=len(kinds),
                mce=100 * float(np.mean(ratios)), relative_mce=100 * float(np.mean(risen)),
            )
        )  # fmt: skip
    return found


def _counted(kinds: Sequence[str]) -> list[str]:
    """Return the kinds that enter the mCE."""
    found = [kind for kind in kinds if kind not in {CLEAN, *EXTRA}]
    if not found:
        raise ConfigError(f"The mCE leaves {', '.join(EXTRA)} out: --kinds has nothing else.")
    return found


def read_reference(file: str | Path) -> Errors:
    """Read a reference's errors.

    Raises:
        DataError: it is no such table.
    """
    import pandas as pd  # noqa: PLC0415  (half a second, for reports only)

    try:
        frame = pd.read_csv(Path(file).expanduser(), dtype={"kind": str}, keep_default_na=False)
        errors = {
            str(kind): float(error)
            for kind, error in zip(frame["kind"], frame["error"], strict=True)
        }
    except (OSError, ValueError, KeyError, pd.errors.ParserError) as error:
        raise DataError(
            f"{file} is no table of errors with the columns kind and error ({error})."
        ) from error
    if len(errors) < len(frame) or not all(0 <= error <= 100 for error in errors.values()):
        raise DataError(f"{file} has a kind twice, or an error that is no percentage.")
    return errors


def _errors_by_part(rows: Sequence[CorruptionRow]) -> dict[tuple[str, str], dict[str, float]]:
    by_kind: dict[tuple[str, str], dict[str, list[float]]] = {}
    for row in rows:
        kinds = by_kind.setdefault((row.name, row.part), {})
        kinds.setdefault(row.kind, []).append(100 - row.accuracy)
    return {
        where: {kind: float(np.mean(errors)) for kind, errors in kinds.items()}
        for where, kinds in by_kind.items()
    }


def _check(base: Errors, kinds: Sequence[str], reference: str) -> None:
    for kind in kinds:
        if kind not in base:
            raise DataError(f"The reference {reference} has no error for '{kind}'.")
        if base[kind] <= 0:
            raise DataError(
                f"The reference {reference} makes no errors under '{kind}': nothing can be divided "
                "by them."
            )


def _relative(errors: Errors, base: Errors, kind: str) -> float:
    if CLEAN not in base or base[kind] <= base[CLEAN]:
        return float("nan")
    return (errors[kind] - errors[CLEAN]) / (base[kind] - base[CLEAN])


def error_csv(rows: Sequence[MeanCorruptionError]) -> str:
    """Return the rows with full precision."""
    import pandas as pd  # noqa: PLC0415

    names = list(MeanCorruptionError.__dataclass_fields__)
    return csv_of(pd.DataFrame(map(asdict, rows), columns=names))


def error_table(rows: Sequence[MeanCorruptionError]) -> Table:
    """Return a table for a terminal."""
    reference = rows[0].reference
    table = Table(title=f"Corruption errors relative to {reference}, % ({rows[0].kinds} kinds)")
    for number, name in enumerate(("method", "part", "mCE", "relative mCE")):
        table.add_column(name, justify="left" if number == 0 else "right")
    for row in rows:
        relative = "-" if np.isnan(row.relative_mce) else f"{row.relative_mce:.1f}"
        table.add_row(row.name, row.part, f"{row.mce:.1f}", relative)
    return table
