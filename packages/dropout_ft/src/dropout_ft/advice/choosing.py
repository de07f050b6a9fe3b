"""Which backbone, rate and number of steps the short sweep speaks for."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dropout_ft.report.table import standard_error
from dropout_ft.results.run import Run

Key = tuple[str, float]
"""A candidate: backbone and dropout rate."""
Split = tuple[str, int]
"""Domain left out, and seed."""


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """What the choice needs of one run.

    Attributes:
        backbone: its name.
        dropout_rate: dropout rate.
        split: the domain left out and the seed.
        curve: (step, accuracy on the domain left out), in the order of steps.
        iid: i.i.d. accuracy at the same steps.
        seconds: of training.
    """

    backbone: str
    dropout_rate: float
    split: Split
    curve: tuple[tuple[int, float], ...]
    iid: tuple[float, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A backbone and a rate at its best number of steps; accuracies in [0, 1].

    Attributes:
        backbone: its name.
        dropout_rate: dropout rate.
        steps: where the mean accuracy on domains left out is highest, the first of equals.
        ood: that mean.
        ood_error: its standard error over domains and seeds.
        iid: mean i.i.d. accuracy there.
        behind: mean paired difference to the best candidate; 0 for the best itself.
        behind_error: standard error of that difference; nan with fewer than two pairs.
        seconds: mean training time of a run.
        splits: domains left out, times seeds, that it ran on; fewer than the best where it fell
            behind.
    """

    backbone: str
    dropout_rate: float
    steps: int
    ood: float
    ood_error: float
    iid: float
    behind: float
    behind_error: float
    seconds: float
    splits: int = 0

    @property
    def alike(self) -> bool:
        """Whether the difference to the best is within two of its standard errors."""
        return self.behind == 0 or not self.behind > 2 * self.behind_error


def trajectory_of(run: Run) -> Trajectory:
    """Read what the choice needs; the sweep declared the backbone as the run's variant."""
    rows = [row for row in run.along("current") if "ood" in row]
    return Trajectory(
        backbone=run.coordinates.variant,
        dropout_rate=run.coordinates.dropout_rate,
        split=(run.coordinates.test_name, run.coordinates.seed),
        curve=tuple((int(row["step"]), float(row["ood"])) for row in rows),
        iid=tuple(float(row["iid"]) for row in rows),
        seconds=run.seconds,
    )


def rank(trajectories: Sequence[Trajectory]) -> list[Candidate]:
    """Return all candidates, best first; those that ran on fewer splits come after the others.

    Every domain here is the user's own training data, so leaving each out in turn is
    cross-validation: unlike the i.i.d. accuracy it measures what a new domain will see.
    """
    groups: dict[Key, list[Trajectory]] = defaultdict(list)
    for one in trajectories:
        groups[one.backbone, one.dropout_rate].append(one)
    chosen = {key: at_best(group) for key, group in groups.items()}
    # Means over unlike splits do not compare: only who ran on all of them can be the best.
    best = max(chosen, key=lambda key: (len(chosen[key][1]), _mean(chosen[key][1])))
    found = [_candidate(*key, groups[key], chosen[key], chosen[best][1]) for key in groups]
    return sorted(found, key=lambda one: (-one.splits, -one.ood, one.seconds))


def _mean(values: dict[Split, float]) -> float:
    return float(np.mean(list(values.values())))


def at_best(group: Sequence[Trajectory]) -> tuple[int, dict[Split, float]]:
    """Return the position of the best step, and the accuracies there by place."""
    length = min(len(one.curve) for one in group)
    means = [float(np.mean([one.curve[i][1] for one in group])) for i in range(length)]
    position = int(np.argmax(means))
    return position, {one.split: one.curve[position][1] for one in group}


def _candidate(
    backbone: str,
    dropout_rate: float,
    group: Sequence[Trajectory],
    own: tuple[int, dict[Split, float]],
    best: dict[Split, float],
) -> Candidate:
    position, values = own
    differences = [best[split] - value for split, value in values.items() if split in best]
    return Candidate(
        backbone=backbone,
        dropout_rate=dropout_rate,
        steps=group[0].curve[position][0],
        ood=float(np.mean(list(values.values()))),
        ood_error=standard_error(list(values.values())),
        iid=float(np.mean([one.iid[position] for one in group])),
        behind=float(np.mean(differences)) if differences else float("nan"),
        behind_error=standard_error(differences),
        seconds=float(np.mean([one.seconds for one in group])),
        splits=len(values),
    )
