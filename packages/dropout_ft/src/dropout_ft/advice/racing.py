"""Successive halving over candidates, on ever more domains left out and seeds.

Optuna and ASHA stop single runs by their own curves, so that the candidates which are left were
judged on unlike domains, and differences could no longer be paired. Here a rung is a number of
splits (a domain left out with a seed) and every candidate that is still in the race runs all of
them: any two are compared on the same splits, as in a race (Maron & Moore 1993; Birattari 2002).
"""

import time
from collections.abc import Callable, Sequence

import numpy as np

from dropout_ft.advice.choosing import Key, Split, Trajectory, at_best
from dropout_ft.report.table import standard_error
from holdfast.console import say

FIRST_RUNG = 2
"""Splits of the first rung: a paired difference has no error with fewer."""
Run = Callable[[Sequence[tuple[Key, Split]]], list[Trajectory]]


def rungs(count: int) -> list[int]:
    """Return how many splits have been run after each rung: 2, 4, 8, ..., all."""
    found = []
    size = FIRST_RUNG
    while size < count:
        found.append(size)
        size *= 2
    return [*found, count]


def survivors(alive: Sequence[Key], trajectories: Sequence[Trajectory]) -> list[Key]:
    """Return the candidates that stay: the better half, and all that are not told from the best.

    A candidate of the worse half stays where its paired difference to the best is within two of
    its standard errors.

    Args:
        alive: candidates that have run the same splits.
        trajectories: of theirs, at least.
    """
    values = {
        key: at_best([t for t in trajectories if (t.backbone, t.dropout_rate) == key])[1]
        for key in alive
    }
    order = sorted(alive, key=lambda key: -float(np.mean(list(values[key].values()))))
    best = values[order[0]]
    kept = set(order[: max(2, (len(order) + 1) // 2)])
    for key in order:
        differences = [best[split] - value for split, value in values[key].items()]
        # Without an error, of one split only, nothing is told apart.
        if not float(np.mean(differences)) > 2 * standard_error(differences):
            kept.add(key)
    return [key for key in alive if key in kept]


def race(
    candidates: Sequence[Key],
    splits: Sequence[Split],
    run: Run,
    *,
    minutes: float = 0.0,
    workers: int = 1,
) -> list[Trajectory]:
    """Run candidates on splits, dropping those that fall behind; return every trajectory.

    Args:
        candidates: backbone and rate of each.
        splits: domain left out and seed, in the order in which they are run.
        run: trains a candidate on a split, or reads what was trained before.
        minutes: no rung is begun that would end later than this, judged by the runs before, also
            where they were trained in an earlier call, with one run's time left for the final
            training; the first rung always runs. 0 sets no limit.
        workers: runs at the same time.
    """
    alive, found, done = list(candidates), list[Trajectory](), 0
    began, slowest = time.monotonic(), 0.0
    for size in rungs(len(splits)):
        wanted = [(key, split) for split in splits[done:size] for key in alive]
        if done and minutes:
            spent = time.monotonic() - began
            # Runs that are only read back take no time now; how long each trained is kept.
            trained = float(np.mean([one.seconds for one in found])) if found else 0.0
            each = max(slowest, trained / workers)
            if spent + each * (len(wanted) + 1) > 60 * minutes:
                say(
                    f"note: --minutes {minutes:g} ends the short runs after {done} of "
                    f"{len(splits)} domains and seeds."
                )
                break
        before = time.monotonic()
        found += run(wanted)
        slowest = max(slowest, (time.monotonic() - before) / max(len(wanted), 1))
        done = size
        if done < len(splits):
            kept = survivors(alive, found)
            for backbone, rate in alive:
                if (backbone, rate) not in kept:
                    say(f"{backbone} with rate {rate:g} is behind after {done} and is left out.")
            alive = kept
    return found
