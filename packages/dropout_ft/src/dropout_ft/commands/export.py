"""``dropout-ft export``: a folder that timm loads by itself."""

import sys

from dropout_ft.backbones import TimmBackbone
from dropout_ft.export_timm import write_timm_folder
from dropout_ft.loading import Weights, load_classifier
from holdfast.errors import ConfigError


def export(*, ckpt: str, out: str, weights: Weights = "default") -> None:
    """Write ``model.safetensors`` and ``config.json`` for ``timm.create_model("local-dir:OUT")``.

    Dropout is inactive at test and a standardised head folds into one linear layer, so the result
    is an ordinary timm classifier with the same outputs.

    Args:
        ckpt: checkpoint written by ``fit``.
        out: the folder to write.
        weights: ``current`` or ``average`` where the run kept both.
    """
    loaded = load_classifier(ckpt, weights=weights)
    if not isinstance(loaded.model.backbone, TimmBackbone):
        raise ConfigError("Only timm backbones can be exported for timm: this one is another kind.")
    write_timm_folder(loaded, out)
    sys.stdout.write(f"Exported: timm.create_model('local-dir:{out}', pretrained=True)\n")
