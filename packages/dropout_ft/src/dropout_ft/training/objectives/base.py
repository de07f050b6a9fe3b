"""The interface of training objectives."""

from collections.abc import Mapping

from torch import Tensor, nn

from dropout_ft.nn.classifier import Classifier

Batch = Mapping[str, Tensor]


class Objective(nn.Module):
    """A loss of a classifier on a batch; it may have parameters of its own.

    A batch has ``input`` (uint8 pictures or cached activations), ``label`` (B,) and ``domain``
    (B,), the images of each training domain one after the other.

    Attributes:
        lr_factor: learning rate of the objective's own parameters over the backbone's.
    """

    lr_factor: float = 1.0

    def prepare(self, model: Classifier) -> None:
        """Build what depends on the network, before the optimiser is made. Nothing by default."""

    def forward(self, model: Classifier, batch: Batch) -> dict[str, Tensor]:
        """Return ``loss`` and any parts of it worth logging, each a scalar."""
        raise NotImplementedError


def by_domain(values: Tensor, domain: Tensor) -> list[Tensor]:
    """Split the rows of a batch by their domain, in the order of domain numbers."""
    return [values[domain == number] for number in sorted(set(domain.tolist()))]
