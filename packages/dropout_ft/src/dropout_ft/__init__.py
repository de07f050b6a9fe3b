"""Fine-tuning with very large dropout (Zhang & Bottou, arXiv 2403.00946).

Names are imported when they are used: ``from dropout_ft import VeryLargeDropoutHead`` needs
PyTorch only, ``create_model`` timm or open_clip as well, ``FineTuning`` Lightning as well.
"""

from typing import TYPE_CHECKING

from holdfast.lazy import lazy_names

if TYPE_CHECKING:
    from dropout_ft.data.domains import DomainData
    from dropout_ft.loading import load
    from dropout_ft.nn.classifier import Classifier
    from dropout_ft.nn.create import create_model
    from dropout_ft.nn.head import VeryLargeDropoutHead
    from dropout_ft.training.module import FineTuning

__version__ = "0.1.0"
__all__ = [
    "Classifier",
    "DomainData",
    "FineTuning",
    "VeryLargeDropoutHead",
    "create_model",
    "load",
]
_PLACES = {
    "Classifier": "dropout_ft.nn.classifier",
    "DomainData": "dropout_ft.data.domains",
    "FineTuning": "dropout_ft.training.module",
    "VeryLargeDropoutHead": "dropout_ft.nn.head",
    "create_model": "dropout_ft.nn.create",
    "load": "dropout_ft.loading",
}
__getattr__ = lazy_names(__name__, _PLACES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
