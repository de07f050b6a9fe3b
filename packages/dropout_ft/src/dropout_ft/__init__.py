"""Fine-tuning with very large dropout (Zhang & Bottou, arXiv 2403.00946)."""

__version__ = "0.1.0"
