"""What methods are called in tables, legends and on the page."""

from dropout_ft.methods.base import ZERO_SHOT
from dropout_ft.results.coordinates import ERM, Coordinates


def method_name(method: str, dropout_rate: float, label: str = "", objective: str = ERM) -> str:
    """Name a method as people speak of it.

    Args:
        method: name of a :class:`~dropout_ft.methods.base.Method`.
        dropout_rate: dropout rate of its runs.
        label: what else sets them apart from plain fine-tuning; empty for nothing. It names an
            objective other than ERM.
        objective: of its runs.

    Examples:
        >>> method_name("run", 0.0, "resnet50"), method_name("SWAD", 0.9, "MIRO", "MIRO")
        ('ERM, resnet50', 'dropout 0.9, MIRO, SWAD')
    """
    if method == ZERO_SHOT:
        return f"{method}, {label}" if label else method
    words = [] if objective != ERM else [ERM]
    if dropout_rate > 0:
        words = [f"dropout {dropout_rate:g}"]
    words += [label, "" if method == "run" else method]
    return ", ".join(word for word in words if word)


def run_name(where: Coordinates, label: str) -> str:
    """Name single runs by their coordinates and what else sets them apart."""
    return method_name("run", where.dropout_rate, label, where.objective)
