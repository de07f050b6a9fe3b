"""A data frame as CSV that a spreadsheet shows and does not compute."""

from typing import TYPE_CHECKING, Any

from holdfast.csv_cells import plain_cell

if TYPE_CHECKING:
    import pandas as pd


def csv_of(frame: "pd.DataFrame", *, missing: str = "") -> str:
    """Return CSV without the index; text that looks like a formula gets an apostrophe.

    Args:
        frame: any columns.
        missing: what stands for a missing number.
    """
    return str(frame.map(_plain).to_csv(index=False, na_rep=missing))


def _plain(value: Any) -> Any:  # noqa: ANN401  (a cell)
    return plain_cell(value) if isinstance(value, str) else value
