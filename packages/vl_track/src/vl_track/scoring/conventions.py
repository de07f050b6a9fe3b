"""Where the field's toolkits differ, each difference a named field; see docs/evaluation.md."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vl_track.scoring import measures

Floats = NDArray[np.float64]
Name = Literal["stark", "pytracking", "matlab", "got10k", "mmot", "plain"]
TOOLKITS: tuple[Name, ...] = ("stark", "pytracking", "matlab", "got10k", "mmot")
NAMES: tuple[Name, ...] = (*TOOLKITS, "plain")
# k * 0.05 and k / 100, as the toolkits' ranges give them; linspace differs in the last bit.
OVERLAPS: Floats = np.asarray(np.arange(21) * 0.05, dtype=np.float64)
OVERLAPS_LINSPACE: Floats = np.linspace(0, 1, 21)
PIXELS: Floats = np.arange(51, dtype=np.float64)
SIDES: Floats = np.arange(51) / 100.0
SIDES_LINSPACE: Floats = np.linspace(0, 0.5, 51)
PLAIN = "plain: no +1, visible frames only, first frame left out, 21 thresholds, overlap > t"
Measure = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True, kw_only=True)
class Convention:
    """How one toolkit turns boxes into a score.

    Attributes:
        name: of the toolkit.
        label: the data set's name as the toolkit is told it.
        overlap: the IoU.
        normalised: the normalised centre error.
        valid: true boxes that count as present: sides above 0, all four numbers above 0, or every.
        hidden: frames in which the object is flagged as absent count as ``missed``, are
            ``left_out`` of the numbers and their denominators, or are scored by their boxes
            (``flags_ignored``).
        first: the first frame counts with the ``given`` box, or is ``left_out``.
        invalid_precision: whether a present frame without a valid true box counts as a hit of
            precision.
        absent_normalised: whether an absent frame counts as a hit of normalised precision.
        repairs: a prediction without area takes the box before it: never, where a side is 0, or
            also where a side is negative or not a number.
        normalised_score: P_norm is the curve's value at 0.2, or its mean.
        lengths: what is done with a prediction of another length.
        skips_zero_rows: sequences whose curve is zero everywhere are left out of the mean.
        overlap_thresholds: of the success curve.
        normalised_thresholds: of the normalised precision curve.
    """

    name: Name
    label: str
    overlap: Measure
    normalised: Measure
    valid: Literal["sides", "all_four", "every"]
    hidden: Literal["missed", "left_out", "flags_ignored"]
    first: Literal["given", "left_out"]
    invalid_precision: bool
    absent_normalised: bool
    repairs: Literal["never", "zero", "not_positive"]
    normalised_score: Literal["at_0.2", "mean"]
    lengths: Literal["equal", "cut", "cut_or_pad", "shortest"]
    skips_zero_rows: bool
    overlap_thresholds: Floats
    normalised_thresholds: Floats

    @property
    def title(self) -> str:
        """How the convention is named beside every number."""
        if self.name in {"stark", "pytracking"}:
            return f"{self.name} (label '{self.label}')"
        return PLAIN if self.name == "plain" else self.name


def convention(name: Name, label: str = "lasot") -> Convention:
    """Return a toolkit's rules.

    Args:
        name: ``stark`` (also OSTrack, All-in-One, JointNLT, MMTrack, UVLTrack, SUTrack, DUTrack,
            ODTrack), ``pytracking`` (since 2022-08-28), ``matlab`` (LaSOT and TNL2K), ``got10k``
            (its LaSOT and OTB experiments), ``mmot`` (WebUAV-3M), or ``plain``: ours, no toolkit's;
            continuous boxes, visible frames only, the first frame left out.
        label: the data set's name as STARK's family and pytracking are told it. Only for exactly
            ``lasot`` do absent frames count as misses of normalised precision; only for ``uav`` do
            invalid frames count as hits of precision. The other toolkits do not look at it.

    Raises:
        KeyError: there is no such convention.
    """
    stark = _stark(label)
    got10k = _got10k(label)
    known: dict[str, Convention] = {
        "stark": stark,
        "pytracking": replace(stark, name="pytracking", valid="all_four"),
        "matlab": replace(
            stark,
            name="matlab",
            valid="all_four",
            invalid_precision=True,
            absent_normalised=False,
            repairs="not_positive",
            lengths="cut",
            skips_zero_rows=True,
        ),
        "got10k": got10k,
        "mmot": replace(
            got10k, name="mmot", normalised=measures.normalised_error_tiny, lengths="equal"
        ),
        "plain": replace(
            got10k,
            name="plain",
            overlap=measures.overlap_plain,
            hidden="left_out",
            first="left_out",
        ),
    }
    return known[name]


def _stark(label: str) -> Convention:
    return Convention(
        name="stark",
        label=label,
        overlap=measures.overlap_pixels,
        normalised=measures.normalised_error,
        valid="sides",
        hidden="missed",
        first="given",
        invalid_precision=label == "uav",
        absent_normalised=label != "lasot",
        repairs="zero",
        normalised_score="at_0.2",
        lengths="cut" if label == "lasot" else "cut_or_pad",
        skips_zero_rows=False,
        overlap_thresholds=OVERLAPS,
        normalised_thresholds=SIDES,
    )


def _got10k(label: str) -> Convention:
    return Convention(
        name="got10k",
        label=label,
        overlap=measures.overlap_continuous,
        normalised=measures.normalised_error_guarded,
        valid="every",
        hidden="flags_ignored",
        first="given",
        invalid_precision=False,
        absent_normalised=False,
        repairs="never",
        normalised_score="mean",
        lengths="shortest",
        skips_zero_rows=False,
        overlap_thresholds=OVERLAPS_LINSPACE,
        normalised_thresholds=SIDES_LINSPACE,
    )
