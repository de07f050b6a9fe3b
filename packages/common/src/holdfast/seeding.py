"""Random seeds as pure functions of names and numbers, so that nothing depends on history."""

import hashlib
import random
from typing import NamedTuple


class SampleKey(NamedTuple):
    """What a sampler hands a data set: which sample, and the seed of its augmentation."""

    sample: int
    seed: int


def fold_seed(*parts: int | str) -> int:
    """Fold names and numbers into one seed in [0, 2**63).

    Args:
        parts: for example ``("batch", seed, step, rank)``; order and type matter.

    Returns:
        A seed that is equal for equal parts and unrelated for different ones.
    """
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def seed_hash(*parts: object) -> int:
    """DomainBed's seed function (``lib/misc.py``): md5 of the printed tuple, modulo 2**31."""
    digest = hashlib.md5(str(parts).encode(), usedforsecurity=False).hexdigest()
    return int(digest, 16) % 2**31


def seed_all_generators(seed: int) -> None:
    """Seed torch (every device), numpy and Python's random with one number."""
    import numpy as np  # noqa: PLC0415  (the other functions here are used without training)
    import torch  # noqa: PLC0415

    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  (third-party transforms draw from the legacy generator)
    random.seed(seed)
