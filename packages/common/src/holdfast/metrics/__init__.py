"""Metrics whose states survive several processes."""

from holdfast.metrics.indexed_logits import IndexedLogits

__all__ = ["IndexedLogits"]
