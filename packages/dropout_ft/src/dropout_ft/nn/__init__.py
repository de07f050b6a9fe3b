"""The network, in pure PyTorch."""

from dropout_ft.nn.classifier import Classifier
from dropout_ft.nn.head import VeryLargeDropoutHead

__all__ = ["Classifier", "VeryLargeDropoutHead"]
