"""The network, in pure PyTorch."""

from typing import TYPE_CHECKING

from holdfast.lazy import lazy_names

if TYPE_CHECKING:
    from dropout_ft.nn.classifier import Classifier
    from dropout_ft.nn.create import create_model
    from dropout_ft.nn.head import VeryLargeDropoutHead

__all__ = ["Classifier", "VeryLargeDropoutHead", "create_model"]
_PLACES = {
    "Classifier": "dropout_ft.nn.classifier",
    "VeryLargeDropoutHead": "dropout_ft.nn.head",
    "create_model": "dropout_ft.nn.create",
}
__getattr__ = lazy_names(__name__, _PLACES)
