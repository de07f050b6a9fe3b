"""Linear fine-tuning on the last three residual blocks (paper 3.2 and 4.3)."""

import torch
from torch import Tensor, nn

from dropout_ft.nn.backbones.base import Backbone
from dropout_ft.nn.backbones.timm_backbone import TimmBackbone
from holdfast.errors import ConfigError


class LastBlocks(Backbone):
    """A frozen ResNet whose last three block outputs are pooled, normalised, weighted and summed.

    The output of each residual block of ``layer4`` is averaged over places to (B, F), normalised
    within the sample to mean zero and variance one, multiplied by a learned vector and summed. Only
    those vectors, and the head above, are trained: the model is linear in what it learns.

    The paper's code draws the vectors from N(0, 1) and does not apply the normalisation that the
    paper names (``resnet50_unfold.py``); ``normalize`` false, ``start`` ``normal`` give the code.

    Args:
        name: timm's name of a ResNet.
        weights: as for :class:`TimmBackbone`.
        blocks: how many of the last blocks; the paper's 3.
        normalize: as the paper's text says.
        start: ``ones`` over the number of blocks, or ``normal`` as in the code.
    """

    def __init__(
        self,
        name: str,
        weights: str = "pretrained",
        blocks: int = 3,
        normalize: bool = True,
        start: str = "ones",
    ) -> None:
        super().__init__()
        self.name = name
        self.weights = weights
        self.inner = TimmBackbone(name, weights)
        layer = getattr(self.inner.net, "layer4", None)
        if not isinstance(layer, nn.Sequential) or len(layer) < blocks:
            raise ConfigError(f"LastBlocks needs a ResNet with {blocks} blocks in layer4: {name}.")
        if start not in {"ones", "normal"}:
            raise ConfigError(f"start is 'ones' or 'normal', not '{start}'.")
        self.inner.requires_grad_(requires_grad=False)
        self.num_features = self.inner.num_features
        self.preprocessing = self.inner.preprocessing
        self.normalize = normalize
        self.blocks = list(layer[-blocks:])
        shape = (blocks, self.num_features)
        self.scale = nn.Parameter(torch.randn(shape) if start == "normal" else torch.ones(shape))

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised pictures (B, 3, H, W) to weighted sums (B, F)."""
        self.inner.eval()
        found: list[Tensor] = []
        hooks = [
            block.register_forward_hook(lambda _m, _i, out: found.append(out.mean((2, 3))))
            for block in self.blocks
        ]
        try:
            with torch.no_grad():
                self.inner.net.forward_features(images)
        finally:
            for hook in hooks:
                hook.remove()
        stacked = torch.stack(found, 1)
        if self.normalize:
            stacked = nn.functional.layer_norm(stacked, stacked.shape[-1:])
        return (stacked * self.scale).sum(1)
