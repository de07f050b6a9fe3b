"""Several trackers on one benchmark: scores, what other toolkits would say, comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from holdfast.errors import ConfigError, DataError
from vl_track.data.truth import TrueSequence
from vl_track.scoring.averages import average_overlap, got_scores, mean_accuracy
from vl_track.scoring.conventions import TOOLKITS, Convention, convention
from vl_track.scoring.raw_results import Finding, RawResults
from vl_track.scoring.scores import Scores, score_all
from vl_track.scoring.uncertainty import Comparison, Interval, bootstrap, compare

Missing = Literal["refuse", "skip", "zero"]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One tracker's scores.

    Attributes:
        tracker: its name.
        source: where its results lie.
        scores: under the chosen convention.
        figures: numbers of all sequences in percent, by name.
        auc: mean of the sequences' AUC with its interval (of the success curve's mean).
        by_convention: the numbers under every toolkit's rules, by its title; none where only some
            frames are annotated, because the toolkits count all others as absent.
        averages: further numbers in percent, by the heading of their column.
        frames_per_second: as recorded; ``None`` where it was not.
        findings: what is wrong with the results.
        versus: the first tracker of the analysis minus this one, on AUC; ``None`` for the first.
    """

    tracker: str
    source: str
    scores: Scores = field(repr=False)
    figures: dict[str, float]
    auc: Interval
    by_convention: dict[str, dict[str, float]]
    averages: dict[str, float]
    frames_per_second: float | None
    findings: tuple[Finding, ...]
    versus: Comparison | None = None


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """All trackers on the sequences that were scored.

    Attributes:
        dataset: its name.
        rules: the convention of every number but those of ``by_convention``.
        truths: the sequences scored.
        left_out: sequences that were not, and why nothing stands for them.
        truncated: whether coordinates were cut to whole numbers.
        strict: whether what the toolkit refuses was refused.
        trackers: in the order given.
    """

    dataset: str
    rules: Convention
    truths: tuple[TrueSequence, ...] = field(repr=False)
    left_out: tuple[str, ...]
    truncated: bool
    strict: bool
    trackers: tuple[Scored, ...]

    @property
    def every_frame(self) -> bool:
        """Whether every frame of every sequence is annotated, as the toolkits expect."""
        return all(true.every_frame for true in self.truths)

    @property
    def attributes(self) -> list[str]:
        """All attributes of at least two sequences, as the toolkits show them."""
        every = [name for true in self.truths for name in true.attributes]
        return sorted({name for name in every if every.count(name) >= 2})

    def with_attribute(self, name: str) -> np.ndarray:
        """Return the indices of the sequences that have an attribute."""
        return np.array([k for k, true in enumerate(self.truths) if name in true.attributes])


def analyse(
    truths: Sequence[TrueSequence],
    results: Sequence[RawResults],
    rules: Convention,
    *,
    dataset: str,
    missing: Missing = "refuse",
    strict: bool = False,
    truncated: bool = False,
    samples: int = 10_000,
) -> Analysis:
    """Score trackers on the same sequences.

    Args:
        truths: of the benchmark.
        results: of the trackers; the first one is compared with the others.
        rules: the convention.
        dataset: name of the benchmark.
        missing: sequences without a readable result: ``refuse`` to score, ``skip`` them for every
            tracker, or count their frames as misses (``zero``).
        strict: refuse what the toolkit refuses.
        truncated: whether coordinates were cut to whole numbers (for the record).
        samples: of the bootstrap and the sign-flip test.

    Raises:
        ConfigError: the convention needs every frame annotated, and some are not.
        DataError: something is missing, or nothing is left to score.
    """
    if rules.hidden != "left_out" and not all(true.every_frame for true in truths):
        raise ConfigError(
            f"{dataset} is annotated on some of its frames only, and the convention {rules.name} "
            "would count the others as absent: give --convention plain."
        )
    gaps = _gaps(truths, results)
    if gaps and missing == "refuse":
        raise DataError(_say_gaps(gaps, results, len(truths)))
    left_out = sorted({name for names in gaps.values() for name in names})
    if missing == "zero":
        results, left_out = _with_zeros(truths, results), []
    kept = [true for true in truths if true.name not in set(left_out)]
    if not kept:
        raise DataError("Every sequence lacks a result of one of the trackers: nothing to score.")
    scored = [
        _score_one(kept, one, rules, dataset, strict=strict, samples=samples) for one in results
    ]
    return Analysis(
        dataset=dataset,
        rules=rules,
        truths=tuple(kept),
        left_out=tuple(left_out),
        truncated=truncated,
        strict=strict,
        trackers=(scored[0], *(_versus(scored[0], other, samples) for other in scored[1:])),
    )


def _score_one(
    truths: Sequence[TrueSequence],
    one: RawResults,
    rules: Convention,
    dataset: str,
    *,
    strict: bool,
    samples: int,
) -> Scored:
    whole = all(true.every_frame for true in truths)
    toolkits = [convention(name, rules.label) for name in TOOLKITS if whole]
    if rules.label == "lasot" and whole:
        toolkits.append(convention("stark", "any other label"))
    others = [toolkit for toolkit in toolkits if toolkit.title != rules.title]
    asked = [(rules, strict), *((toolkit, False) for toolkit in others)]
    scores, *found = score_all(truths, one.boxes, asked)
    figures = {one.rules.title: one.figures() for one in (scores, *found)}
    return Scored(
        tracker=one.tracker,
        source=one.source,
        scores=scores,
        figures=figures[rules.title],
        auc=bootstrap(scores.sequence_auc(), samples=samples),
        by_convention={toolkit.title: figures[toolkit.title] for toolkit in toolkits},
        averages=_averages(truths, one, rules, dataset),
        frames_per_second=one.frames_per_second,
        findings=one.findings,
    )


def _averages(
    truths: Sequence[TrueSequence], one: RawResults, rules: Convention, dataset: str
) -> dict[str, float]:
    """Return the averages that stand beside the curves: GOT-10k has its own AO and SR."""
    if dataset == "got10k":
        found = got_scores(truths, one.boxes)
        return {"AO": found.ao, "SR50": found.sr50, "SR75": found.sr75}
    averages = {"AO": average_overlap(truths, one.boxes)}
    if rules.name == "mmot":
        averages["mAcc"] = mean_accuracy(truths, one.boxes)
    return averages


def _versus(first: Scored, other: Scored, samples: int) -> Scored:
    values = {**vars(other)}
    values["versus"] = compare(
        first.scores.sequence_auc(), other.scores.sequence_auc(), samples=samples
    )
    return Scored(**values)


def _gaps(
    truths: Sequence[TrueSequence], results: Sequence[RawResults]
) -> dict[str, tuple[str, ...]]:
    """Return, for each tracker, the sequences without a readable result."""
    gaps = {
        one.tracker: tuple(true.name for true in truths if true.name not in one.boxes)
        for one in results
    }
    return {tracker: names for tracker, names in gaps.items() if names}


def _say_gaps(gaps: dict[str, tuple[str, ...]], results: Sequence[RawResults], count: int) -> str:
    """Say which results are missing or unreadable, and why the first unreadable one is."""
    malformed = {
        one.tracker: finding.text
        for one in results
        for finding in reversed(one.findings)
        if finding.kind == "malformed"
    }
    parts = [
        f"{tracker} has no readable result for {len(names)} of {count} sequences "
        f"({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})"
        + (f"; the first unreadable one: {malformed[tracker]}" if tracker in malformed else "")
        for tracker, names in gaps.items()
    ]
    return (
        "; ".join(parts) + ": run the tracker on them, or score with --missing skip (the others "
        "only) or --missing zero (as misses)."
    )


def _with_zeros(truths: Sequence[TrueSequence], results: Sequence[RawResults]) -> list[RawResults]:
    filled = []
    for one in results:
        zeros = {
            true.name: np.zeros_like(true.boxes) for true in truths if true.name not in one.boxes
        }
        filled.append(RawResults(**{**vars(one), "boxes": {**one.boxes, **zeros}}))
    return filled
