"""Batch normalisation while fine-tuning: statistics frozen, scale and shift trained."""

from torch import nn


def freeze_batch_norm_statistics(module: nn.Module) -> None:
    """Put every BatchNorm2d into evaluation mode; its affine parameters stay trainable.

    The paper's recipe (``freeze_bn`` in its code). Must be called again after each
    ``train()``, which would otherwise undo it.
    """
    for child in module.modules():
        if isinstance(child, nn.BatchNorm2d):
            child.eval()
