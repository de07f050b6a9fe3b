"""What the program says to its user, once, whatever the number of processes."""

import logging
import sys

from lightning_utilities.core.rank_zero import rank_zero_only


@rank_zero_only
def say(message: str) -> None:
    """Print one line on the first process."""
    sys.stdout.write(message + "\n")
    sys.stdout.flush()


def quiet_lightning() -> None:
    """Keep Lightning's notes about hardware and products out of the output; warnings stay."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
