"""Deep CORAL (Sun & Saenko 2016), between training domains as in DomainBed."""

from itertools import combinations

from torch import Tensor

from dropout_ft.nn.classifier import Classifier
from dropout_ft.training.objectives.base import Batch, Objective, by_domain


class CORAL(Objective):
    """Cross-entropy plus the distance between the domains' means and covariances.

    Args:
        weight: of the penalty; DomainBed's default is 1 and its range 0.1 to 10.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, model: Classifier, batch: Batch) -> dict[str, Tensor]:
        """Return the loss and its penalty."""
        features = model.features(batch["input"])
        penalty = coral_penalty(by_domain(features, batch["domain"]))
        risk = self.cross_entropy(model.head(features), batch["label"], batch.get("weight"))
        return {"loss": risk + self.weight * penalty, "penalty": penalty}


def coral_penalty(domains: list[Tensor]) -> Tensor:
    """Return the mean over pairs of domains of their squared distance in mean and covariance.

    Args:
        domains: (n_d, F) representations of each; at least two rows.
    """
    moments = [_moments(features) for features in domains]
    pairs = list(combinations(moments, 2))
    total = domains[0].new_zeros(())
    for (first_mean, first_cov), (second_mean, second_cov) in pairs:
        total = total + (first_mean - second_mean).square().mean()
        total = total + (first_cov - second_cov).square().mean()
    return total / max(len(pairs), 1)


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    mean = features.mean(0)
    centred = features - mean
    return mean, centred.T @ centred / max(len(features) - 1, 1)
