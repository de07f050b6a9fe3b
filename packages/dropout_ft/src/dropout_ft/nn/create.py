"""A classifier in one call, for a notebook or a training loop of one's own."""

from dropout_ft.nn.backbones.base import Backbone
from dropout_ft.nn.classifier import Classifier
from dropout_ft.nn.head import Normalization, VeryLargeDropoutHead

OPEN_CLIP = "open_clip:"
"""What the name of a CLIP image tower begins with."""


def create_model(
    backbone: str = "resnet50.tv2_in1k",
    *,
    num_classes: int,
    dropout_rate: float = 0.9,
    weights: str = "pretrained",
    normalization: Normalization = "none",
    feature_scale: float = 1.0,
    frozen_stages: int = 0,
    freeze_batch_norm: bool = True,
) -> Classifier:
    """Build a pre-trained network with a very large dropout head.

    Args:
        backbone: timm's name of a model, or ``open_clip:`` and open_clip's.
        num_classes: number C of logits.
        dropout_rate: probability of dropping a feature, in [0, 1); the paper's is 0.9, 0 is ERM.
        weights: ``pretrained``, ``none``, a file, ``package:NAME``, or a tag of open_clip's.
        normalization: of the representation; ``none`` is the paper's recipe.
        feature_scale: factor of a standardised representation.
        frozen_stages: the backbone's first stages that are not trained; 0 trains all of it.
        freeze_batch_norm: keep the BatchNorm statistics of the pre-trained network, as the paper.

    Returns:
        A module from uint8 RGB images (B, 3, H, W) to logits (B, C).

    Raises:
        ConfigError: there is no such model, or it cannot be split into stages.
        CheckpointError: the weights are missing or belong to another architecture.

    Examples:
        >>> model = create_model("test_resnet", num_classes=5, weights="none").eval()
        >>> model(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
        torch.Size([2, 5])
    """
    built = _backbone(backbone, weights)
    head = VeryLargeDropoutHead(
        built.num_features,
        num_classes,
        dropout_rate=dropout_rate,
        normalization=normalization,
        feature_scale=feature_scale,
    )
    return Classifier(built, head, frozen_stages=frozen_stages, freeze_batch_norm=freeze_batch_norm)


def _backbone(name: str, weights: str) -> Backbone:
    if name.startswith(OPEN_CLIP):
        from dropout_ft.nn.backbones.open_clip_backbone import OpenClipBackbone  # noqa: PLC0415

        tag = "openai" if weights == "pretrained" else weights
        return OpenClipBackbone(name.removeprefix(OPEN_CLIP), tag)
    from dropout_ft.nn.backbones.timm_backbone import TimmBackbone  # noqa: PLC0415

    return TimmBackbone(name, weights)
