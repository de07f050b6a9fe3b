"""The paper's clouds: one hyper-parameter point for each test domain, in all combinations."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from dropout_ft.report.results import Result

MOST = 20_000
"""Beyond so many combinations a random sample of them is drawn."""


def cloud(results: Sequence[Result]) -> NDArray[np.float64]:
    """Return the points (N, 2) of one method: mean i.i.d. and o.o.d. accuracy over test domains.

    Paper 4.3: for each test domain and hyper-parameter point, average over seeds; a
    point of the cloud takes one of them for each domain. Six hyper-parameter points and four
    domains give 1,296; one hyper-parameter point gives one.

    Args:
        results: of one method, rate and variant.
    """
    by_domain: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for result in results:
        by_domain[result.test_name][result.point].append((result.iid, result.ood))
    means = [
        [np.mean(values, axis=0) for values in points.values()] for points in by_domain.values()
    ]
    if not means:
        return np.zeros((0, 2))
    total = int(np.prod([len(points) for points in means]))
    if total <= MOST:
        return np.array([np.mean(chosen, axis=0) for chosen in product(*means)])
    draw = np.random.default_rng(0)
    return np.array(
        [np.mean([p[draw.integers(len(p))] for p in means], axis=0) for _ in range(MOST)]
    )
