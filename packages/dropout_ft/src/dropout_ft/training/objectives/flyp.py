"""FLYP (Goyal et al. 2023): fine-tune CLIP as it was pre-trained, on pictures and class prompts."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from dropout_ft.nn.backbones.open_clip_backbone import OpenClipBackbone
from dropout_ft.nn.classifier import Classifier
from dropout_ft.nn.clip_text import ClipText, check_templates, set_prompt_head
from dropout_ft.training.objectives.base import Batch, Objective
from holdfast.errors import ConfigError


class FLYP(Objective):
    """CLIP's contrastive loss between the pictures of a batch and the prompts of their classes.

    Both towers are trained. As in the paper, other pictures of the same class count as negatives,
    and the classifier is made of the prompts by the text tower as it is after each step; the head's
    own weights are not trained. Unlike the paper, which draws a template for each picture, a class
    has one embedding, the mean over all templates. The head's dropout is on the pictures' side.

    Args:
        templates: of prompts, each with one ``{}``.
        text_lr_factor: learning rate of the text tower over the image tower's.
    """

    def __init__(
        self, templates: Sequence[str] = ("a photo of a {}.",), text_lr_factor: float = 1.0
    ) -> None:
        super().__init__()
        check_templates(templates)
        self.templates = tuple(templates)
        self.lr_factor = text_lr_factor
        self.text: ClipText | None = None

    def prepare(self, model: Classifier) -> None:
        """Take the text tower and make the head of it.

        Raises:
            ConfigError: the backbone has no text tower, or the head does not compute cosines.
        """
        self.text = text_tower_of(model, "FLYP")
        self.update_head(model)

    def forward(self, model: Classifier, batch: Batch) -> dict[str, Tensor]:
        """Return the mean of the losses from pictures to prompts and from prompts to pictures."""
        assert self.text is not None
        # The head's weights have the scale divided out as well: one temperature in both.
        features = model.head.normalize(model.features(batch["input"])) / model.head.feature_scale
        features = F.dropout(features, model.head.dropout_rate, model.head.training)
        prompts = self.text.classes(self.class_names, self.templates)[batch["label"]]
        cosines = self.text.scale * features @ prompts.T
        own, weight = torch.arange(len(cosines), device=cosines.device), batch.get("weight")
        to_prompts = self.cross_entropy(cosines, own, weight)
        to_images = self.cross_entropy(cosines.T, own, weight)
        # The head takes no part, and distributed training wants a gradient of every weight.
        unused = 0.0 * (model.head.linear.weight.sum() + model.head.linear.bias.sum())
        return {"loss": (to_prompts + to_images) / 2 + unused}

    @torch.no_grad()
    def update_head(self, model: Classifier) -> None:
        """Make the head of the prompts."""
        assert self.text is not None
        embeddings = self.text.classes(self.class_names, self.templates)
        set_prompt_head(model.head, self.text, embeddings)


def text_tower_of(model: Classifier, user: str) -> ClipText:
    """Return the text tower of a classifier's backbone.

    Args:
        model: on CLIP's image tower, with a head that computes cosines.
        user: what needs it, for messages.

    Raises:
        ConfigError: the backbone is not CLIP's, or the head does not compute cosines.
    """
    if not isinstance(model.backbone, OpenClipBackbone):
        raise ConfigError(
            f"{user} needs CLIP's text tower: take an OpenClipBackbone, such as "
            "configs/model/clip_vit_b16.yaml."
        )
    if model.head.normalization != "unit":
        raise ConfigError(f"{user} needs cosines: set model.normalization to unit.")
    return model.backbone.text_tower()
