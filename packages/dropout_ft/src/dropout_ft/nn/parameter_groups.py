"""The two parameter groups: backbone and head, with a learning-rate factor of the head."""

from torch import nn
from torch.optim import Optimizer

from dropout_ft.nn.classifier import Classifier


def parameter_groups(model: Classifier) -> list[dict[str, list[nn.Parameter] | str]]:
    """Return the trainable parameters as a ``backbone`` and a ``head`` group."""
    head = list(model.head.parameters())
    backbone = [p for p in model.backbone.parameters() if p.requires_grad]
    groups: list[dict[str, list[nn.Parameter] | str]] = [{"params": head, "name": "head"}]
    if backbone:
        groups.insert(0, {"params": backbone, "name": "backbone"})
    return groups


def scale_rate(optimizer: Optimizer, name: str, factor: float) -> None:
    """Multiply the learning rate of the group of that name; call before a schedule is built on it.

    The paper's section 4.2.1 uses 10 for the head; forks of DomainBed are known to ignore such a
    setting silently, so a test asserts the groups.
    """
    for group in optimizer.param_groups:
        if group.get("name") == name:
            group["lr"] = group["lr"] * factor
