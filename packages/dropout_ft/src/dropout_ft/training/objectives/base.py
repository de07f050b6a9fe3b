"""The interface of training objectives."""

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from dropout_ft.nn.classifier import Classifier

Batch = Mapping[str, Tensor]


class Objective(nn.Module):
    """A loss of a classifier on a batch; it may have parameters of its own.

    A batch has ``input`` (uint8 pictures or cached activations), ``label`` (B,) and ``domain``
    (B,), the images of each training domain one after the other. With ``data.class_weights`` it
    has ``weight`` (B,) as well, the weight of each picture's class; :meth:`cross_entropy` uses it.

    Attributes:
        lr_factor: learning rate of the objective's own parameters over the backbone's.
        class_names: in label order; set before :meth:`prepare`.
        weighed: whether weights of classes have entered a loss; a run whose objective leaves them
            out is refused.
    """

    lr_factor: float = 1.0
    weighed: bool = False
    class_names: Sequence[str] = ()

    def prepare(self, model: Classifier) -> None:
        """Build what depends on the network, before the optimiser is made. Nothing by default."""

    def update_head(self, model: Classifier) -> None:
        """Set the head after a step, where it is computed and not trained. Nothing by default."""

    def cross_entropy(
        self,
        logits: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        *,
        label_smoothing: float = 0.0,
    ) -> Tensor:
        """Return the mean over rows of the cross-entropy, each times the weight of its class.

        Args:
            logits: (B, C).
            label: (B,) classes.
            weight: (B,), ``batch.get("weight")``; None where all classes count alike.
            label_smoothing: of :func:`torch.nn.functional.cross_entropy`.
        """
        if weight is None:
            return F.cross_entropy(logits, label, label_smoothing=label_smoothing)
        self.weighed = True
        losses = F.cross_entropy(logits, label, reduction="none", label_smoothing=label_smoothing)
        return (losses * weight.to(losses.dtype)).mean()

    def forward(self, model: Classifier, batch: Batch) -> dict[str, Tensor]:
        """Return ``loss`` and any parts of it worth logging, each a scalar."""
        raise NotImplementedError


def by_domain(values: Tensor, domain: Tensor) -> list[Tensor]:
    """Split the rows of a batch by their domain, in the order of domain numbers."""
    return [values[domain == number] for number in sorted(set(domain.tolist()))]
