"""CLIP's text tower, and classifiers made of class names."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.errors import ConfigError

TEMPLATES = (
    "a photo of a {}.",
    "a picture of a {}.",
    "a drawing of a {}.",
    "a close-up photo of a {}.",
    "a photo of the small {}.",
    "a photo of the large {}.",
)


class ClipText(nn.Module):
    """The text tower of a CLIP model, with its tokenizer and logit scale.

    Args:
        clip: an open_clip model; its image tower is taken out.
        tokenizer: from texts to tokens (N, T).
    """

    def __init__(self, clip: Any, tokenizer: Callable[[list[str]], Tensor]) -> None:  # noqa: ANN401
        super().__init__()
        clip.visual = nn.Identity()
        self.clip = clip
        self.tokenizer = tokenizer

    @property
    def scale(self) -> Tensor:
        """The factor of the cosines, a scalar."""
        scale: Tensor = self.clip.logit_scale.exp()
        return scale

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Map N texts to embeddings (N, F) of length 1."""
        tokens = self.tokenizer(list(texts)).to(self.clip.logit_scale.device)
        embeddings: Tensor = self.clip.encode_text(tokens, normalize=True)
        return embeddings

    def classes(self, class_names: Sequence[str], templates: Sequence[str]) -> Tensor:
        """Return an embedding (C, F) of length 1 for each class: the mean over its prompts.

        Args:
            class_names: underscores are read as spaces.
            templates: each with one ``{}`` for the name.

        Raises:
            ConfigError: there is no template, or one has no place for the name.
        """
        check_templates(templates)
        texts = [t.replace("{}", n.replace("_", " ")) for n in class_names for t in templates]
        embeddings = self(texts).view(len(class_names), len(templates), -1)
        return F.normalize(embeddings.mean(dim=1), dim=-1)


def check_templates(templates: Sequence[str]) -> None:
    """Refuse templates without exactly one place for the name of a class.

    Raises:
        ConfigError: names the first such template.
    """
    wrong = [one for one in templates if one.count("{}") != 1]
    if wrong or not templates:
        what = f"'{wrong[0]}' is none" if wrong else "there is none"
        raise ConfigError(f"A template of prompts has one {{}} for the class's name: {what}.")


@torch.no_grad()
def set_prompt_head(head: nn.Module, text: ClipText, embeddings: Tensor) -> None:
    """Make a head's logits those of CLIP: scaled cosines with the classes' embeddings.

    Args:
        head: a VeryLargeDropoutHead with normalization ``unit``.
        text: has the scale.
        embeddings: (C, F) of length 1.
    """
    linear = head.get_submodule("linear")
    assert isinstance(linear, nn.Linear)
    linear.weight.copy_(text.scale * embeddings / float(getattr(head, "feature_scale", 1.0)))
    linear.bias.zero_()
