"""What methods are called in tables, legends and on the page."""

from dropout_ft.methods.base import ZERO_SHOT


def method_name(method: str, dropout_rate: float, label: str = "") -> str:
    """Name a method as people speak of it.

    Args:
        method: name of a :class:`~dropout_ft.methods.base.Method`.
        dropout_rate: dropout rate of its runs.
        label: what else sets them apart from plain fine-tuning; empty for nothing.
    """
    if method == ZERO_SHOT:
        return f"{method}, {label}" if label else method
    base = "ERM" if dropout_rate == 0 else f"dropout {dropout_rate:g}"
    if label:
        base = label if dropout_rate == 0 else f"{base}, {label}"
    return base if method == "run" else f"{base}, {method}"
