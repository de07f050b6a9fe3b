"""What the program says to its user, once, whatever the number of processes."""

import logging
import math
import os
import sys

RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")
"""Where launchers write a process's number, in the order that Lightning asks them."""


def say(message: str) -> None:
    """Print one line on the first process."""
    if process_number() == 0:
        sys.stdout.write(message + "\n")
        sys.stdout.flush()


def readable(seconds: float) -> str:
    """Return a time as ``75 s``, ``12 min`` or ``3.4 h``; a dash for NaN."""
    if math.isnan(seconds):
        return "-"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def process_number() -> int:
    """Return this process's number among those of one run; 0 where there is one.

    Lightning knows it best, but is not imported only to be asked.
    """
    lightning = sys.modules.get("lightning_utilities.core.rank_zero")
    known = getattr(getattr(lightning, "rank_zero_only", None), "rank", None)
    if known is not None:
        return int(known)
    given = (os.environ.get(name, "") for name in RANKS)
    return next((int(number) for number in given if number.isdigit()), 0)


def quiet_lightning() -> None:
    """Keep Lightning's notes about hardware and products out of the output; warnings stay."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
