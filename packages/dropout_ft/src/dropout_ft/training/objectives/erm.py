"""Empirical risk minimisation: plain cross-entropy, as in the paper."""

from torch import Tensor

from dropout_ft.nn.classifier import Classifier
from dropout_ft.training.objectives.base import Batch, Objective


class ERM(Objective):
    """Cross-entropy, mean over the concatenated domains; no smoothing, no mixup (paper 4.1)."""

    def forward(self, model: Classifier, batch: Batch) -> dict[str, Tensor]:
        """Return the loss."""
        return {
            "loss": self.cross_entropy(model(batch["input"]), batch["label"], batch.get("weight"))
        }
