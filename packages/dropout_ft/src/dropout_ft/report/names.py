"""What methods are called, in the order of tables and legends."""

METHODS = {
    "run": "the run itself, at the step that the i.i.d. accuracy selects",
    "last step": "the run itself, at its last step",
    "MC dropout": "the run's last weights, 30 random masks averaged at test",
    "WiSE-FT 0.5": "halfway between the start and the end of the run",
    "WiSE-FT": "between start and end, where the i.i.d. accuracy is best",
    "trajectory ensemble": "summed logits of all checkpoints of a run so far",
    "trajectory average": "mean of the weights after every step (SMA)",
    "EMA": "exponential moving average of the weights",
    "SWA": "mean of the checkpoints of the last quarter",
    "SWAD": "mean of every step between the bounds of the loss valley",
    "ensemble over runs": "summed logits of the last checkpoints of all runs",
    "EoA": "summed logits of every run's moving average",
    "average over runs": "uniform soup (DiWA): mean of the last weights of all runs",
    "greedy soup": "members enter while the i.i.d. accuracy rises",
    "DiWA, restricted": "members enter while the i.i.d. accuracy does not fall",
    "learned soup": "mixing shares fitted to the i.i.d. validation pictures",
    "concatenation": "CAT: representations of all runs side by side, one linear layer",
}
"""Each method's name and what it is, in one line."""

METHOD_ORDER = tuple(METHODS)
MARKERS = dict(zip(METHOD_ORDER, "o.xPpsD*dh^<v>H8X", strict=True))


def method_name(method: str, rate: float, variant: str = "") -> str:
    """Name a method as people speak of it."""
    base = "ERM" if rate == 0 else f"dropout {rate:g}"
    if variant:
        base = variant if rate == 0 else f"{base}, {variant}"
    return base if method == "run" else f"{base}, {method}"
