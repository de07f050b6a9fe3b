"""Which runtime and precision compute a graph, where the user leaves it open."""

from collections.abc import Mapping
from typing import NamedTuple

from vl_track.graphs.description import Loss
from vl_track.graphs.sessions import check, computes_bfloat16, is_installed
from vl_track.runtimes import PACKAGES, PRECISIONS, Precision, Runtime

MOST_LOST = 0.005
"""Success AUC that a precision may lose on Scenes to be taken without being asked for."""


class Choice(NamedTuple):
    """What computes."""

    runtime: Runtime
    precision: Precision


def choose(
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    losses: Mapping[Precision, Loss] | None = None,
) -> Choice:
    """Return the fastest choice that is installed, among those with the same boxes.

    The order of runtimes is the one measured in docs/performance.md. Float32 gives PyTorch's boxes
    on each, which was checked when the graph was written; fewer bits are taken where the graph says
    that they were measured to lose no more than :data:`MOST_LOST`, and the CPU computes in them.

    Args:
        runtime: ``auto``, or the one that is asked for.
        precision: ``auto``, or the one that is asked for.
        losses: what is known of the graph's precisions.

    Returns:
        PyTorch in float32 where no runtime is installed.

    Raises:
        ConfigError: the runtime has no such precision.
        MissingToolError: the runtime that is asked for is not installed.
    """
    check(runtime, precision)
    if runtime == "auto":
        able = [one for one in PACKAGES if precision == "auto" or precision in PRECISIONS[one]]
        there = [one for one in able if is_installed(one)]
        if not there and able and precision == "bfloat16":
            check(able[0], precision)
        runtime = there[0] if there else "torch"
    if precision == "auto":
        precision = _precision(runtime, losses or {})
    return Choice(runtime, precision)


def _precision(runtime: Runtime, losses: Mapping[Precision, Loss]) -> Precision:
    known = losses.get("bfloat16")
    fits = runtime == "openvino" and known is not None and known.auc_lost <= MOST_LOST
    return "bfloat16" if fits and computes_bfloat16() else "float32"
