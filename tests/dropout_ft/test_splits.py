"""DomainBed's splits, against vectors computed with DomainBed's own code."""

import numpy as np
import pytest

from dropout_ft.data.splits import split_domain
from holdfast.seeding import seed_hash

SEEDS = {
    0: [894182419, 1514274641, 1325548499, 1796103049],
    1: [785910682, 1442673865, 1981683110, 1739848239],
    2: [472130416, 181139023, 248334461, 1709828778],
}


@pytest.mark.parametrize(("trial", "expected"), SEEDS.items())
def test_seed_hash_gives_domainbeds_numbers(trial: int, expected: list[int]) -> None:
    assert [seed_hash(trial, env) for env in range(4)] == expected


def test_seed_hash_of_a_sweep_job() -> None:
    assert seed_hash("PACS", "ERM", [0], 0, 0) == 94828300


@pytest.mark.parametrize(
    ("count", "out_count", "out_start", "in_start"),
    [
        (2048, 409, [548, 677, 1997, 977, 1553], [895, 510, 1575, 933, 362]),
        (1415, 283, [222, 1032, 864, 859, 1037], None),
        (2427, 485, [822, 1832, 2137, 511, 1675], None),
        (4741, 948, [3653, 2511, 994, 423, 3012], None),
    ],
    ids=["PACS art", "VLCS Caltech", "OfficeHome Art", "Terra L100"],
)
def test_split_gives_domainbeds_indices(
    count: int, out_count: int, out_start: list[int], in_start: list[int] | None
) -> None:
    inside, outside = split_domain(count, domain=0)
    assert len(outside) == out_count
    assert outside[:5].tolist() == out_start
    if in_start is not None:
        assert inside[:5].tolist() == in_start


@pytest.mark.parametrize("count", [1, 4, 5, 97])
@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.5])
def test_parts_cover_every_picture_once(count: int, fraction: float) -> None:
    inside, outside = split_domain(count, domain=2, trial_seed=1, holdout_fraction=fraction)
    assert len(outside) == int(count * fraction)
    assert np.array_equal(np.sort(np.concatenate([inside, outside])), np.arange(count))
