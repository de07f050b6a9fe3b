"""The scores as torchmetrics, for loops that score while they track."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from vl_track.scoring.benchmark import TrueSequence
from vl_track.scoring.conventions import Name, convention
from vl_track.scoring.curves import ERROR_STEPS, OVERLAP_STEPS
from vl_track.scoring.scores import OP50, OP75, P20, score


class TrackingScores(Metric):
    """AUC, OP50, OP75, precision and normalised precision of sequences, in percent.

    One update is one whole sequence; sequences are averaged, on any number of processes.

    Args:
        toolkit: the convention.
        label: the data set's name as the toolkit is told it.
        strict: refuse what the toolkit refuses.
        arguments: of :class:`torchmetrics.Metric`.

    Examples:
        >>> scores = TrackingScores("pytracking")
        >>> box = torch.tensor([[10.0, 10, 40, 20], [12, 11, 40, 20]])
        >>> scores.update(box, box)
        >>> round(float(scores.compute()["auc"]), 3)
        95.238
    """

    higher_is_better = True
    full_state_update = False
    success: Tensor
    precision: Tensor
    normalised: Tensor
    count: Tensor

    def __init__(
        self,
        toolkit: Name = "pytracking",
        label: str = "lasot",
        *,
        strict: bool = False,
        **arguments: Any,  # noqa: ANN401  (torchmetrics')
    ) -> None:
        super().__init__(**arguments)
        self.rules, self.strict = convention(toolkit, label), strict
        for name, steps in (
            ("success", OVERLAP_STEPS),
            ("precision", ERROR_STEPS),
            ("normalised", ERROR_STEPS),
        ):
            self.add_state(name, torch.zeros(steps, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros(3, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, predicted: Tensor, truth: Tensor, visible: Tensor | None = None) -> None:
        """Add one sequence.

        Args:
            predicted: (T, 4) x, y, width, height.
            truth: (T, 4).
            visible: (T,) bool; all by default.
        """
        one = TrueSequence(
            name="sequence",
            boxes=truth.double().cpu().numpy(),
            visible=None if visible is None else visible.bool().cpu().numpy(),
        )
        boxes = {"sequence": predicted.double().cpu().numpy()}
        curves = score([one], boxes, self.rules, strict=self.strict).mean_curves()
        for place, (name, curve) in enumerate(
            zip(("success", "precision", "normalised"), curves, strict=True)
        ):
            values = torch.from_numpy(curve).to(self.count.device)
            setattr(self, name, getattr(self, name) + values)
            skipped = self.rules.skips_zero_rows and not bool(values.any())
            self.count[place] += 0 if skipped else 1

    def compute(self) -> dict[str, Tensor]:
        """Return the scores; NaN before the first update."""
        success, precision, normalised = (
            100 * curve / self.count[place]
            for place, curve in enumerate((self.success, self.precision, self.normalised))
        )
        at, mean = normalised[P20], normalised.mean()
        return {
            "auc": success.mean(),
            "op50": success[OP50],
            "op75": success[OP75],
            "precision": precision[P20],
            "normalised_precision": at if self.rules.normalised_score == "at_0.2" else mean,
        }
