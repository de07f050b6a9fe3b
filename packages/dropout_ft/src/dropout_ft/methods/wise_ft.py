"""WiSE-FT (Wortsman et al. 2022): a straight line between the start and the end of a run.

The start is the pre-trained network with the warm-started head (a zero-shot head in the paper).
"""

from dropout_ft.methods.weight_average import StateDict

SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def interpolate(start: StateDict, end: StateDict, share: float) -> StateDict:
    """Return ``(1 - share) * start + share * end``.

    Args:
        start: weights at step 0.
        end: weights of the same names after training.
        share: of the end, in [0, 1]; the paper recommends 0.5 where nothing can be validated.
    """
    return {name: start[name] + share * (value - start[name]) for name, value in end.items()}
