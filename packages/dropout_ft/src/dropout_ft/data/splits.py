"""DomainBed's train/validation splits, index for index (``domainbed/lib/misc.py``)."""

import numpy as np

from holdfast.seeding import seed_hash


def split_domain(
    count: int, *, domain: int, trial_seed: int = 0, holdout_fraction: float = 0.2
) -> tuple[np.ndarray, np.ndarray]:
    """Split one domain's indices as DomainBed does.

    Args:
        count: pictures in the domain.
        domain: its position among the sorted domains.
        trial_seed: DomainBed's ``trial_seed``; the paper's runs all use 0.
        holdout_fraction: share of the ``out`` part, rounded down.

    Returns:
        The ``in`` (training) and ``out`` (held out) indices, int64, in DomainBed's order.
    """
    order = np.arange(count)
    # The legacy generator is the point: its shuffle defines the published splits.
    np.random.RandomState(seed_hash(trial_seed, domain)).shuffle(order)
    held_out = held_out_count(count, holdout_fraction)
    return order[held_out:], order[:held_out]


def held_out_count(count: int, holdout_fraction: float) -> int:
    """Return how many of a domain's images are held out, rounded down as DomainBed does."""
    return int(count * holdout_fraction)
