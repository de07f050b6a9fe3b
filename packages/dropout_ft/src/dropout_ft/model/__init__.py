"""The network, in pure PyTorch."""

from dropout_ft.model.classifier import Classifier
from dropout_ft.model.head import VeryLargeDropoutHead

__all__ = ["Classifier", "VeryLargeDropoutHead"]
