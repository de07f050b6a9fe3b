"""From result files to scores, in one call."""

from collections.abc import Sequence
from pathlib import Path

from holdfast.cli.suggestions import hint, nearest_key
from holdfast.errors import ConfigError
from vl_track.data.sets.base import Split
from vl_track.scoring.analysis import Analysis, Missing, analyse
from vl_track.scoring.conventions import Name, convention
from vl_track.scoring.raw_results import RawResults, read_many
from vl_track.scoring.truths import read_truths


def evaluate(
    results: str | Path | Sequence[str | Path],
    dataset: str = "lasot",
    *,
    annotations: str | None = None,
    root: str | None = None,
    folder: str | None = None,
    split: Split | None = None,
    rules: Name = "stark",
    label: str | None = None,
    truncate: bool = False,
    strict: bool = False,
    missing: Missing = "refuse",
    sequences: list[str] | None = None,
    samples: int = 10_000,
    reference: str | None = None,
) -> Analysis:
    """Score one tracker or several on a benchmark.

    Args:
        results: folders or archives of results.
        dataset: name of the benchmark.
        annotations: the evaluation toolkit's folder or archive instead of the data set.
        root: data root.
        folder: the data set's own folder, where it does not lie below the data root.
        split: which part; by default ``val`` of GOT-10k and ``test`` of the others.
        rules: name of the convention.
        label: the data set's name as the toolkit gets it; by default ``dataset``.
        truncate: cut coordinates to whole numbers.
        strict: refuse what the toolkit refuses.
        missing: what is done about sequences without a readable result.
        sequences: score these only.
        samples: of the bootstrap and the sign-flip test.
        reference: the tracker that the others are compared with; the first one by default.

    Raises:
        ConfigError: no such data set, sequence or tracker.
        DataError: files are missing or malformed, or nothing is left to score.

    Examples:
        >>> found = vl_track.evaluate("results/mine", "lasot", root="data")  # doctest: +SKIP
        >>> found.trackers[0].figures["auc"]                                 # doctest: +SKIP
    """
    truths = read_truths(
        dataset, annotations=annotations, root=root, folder=folder, split=split, names=sequences
    )
    paths = [results] if isinstance(results, str | Path) else list(results)
    return analyse(
        truths,
        reference_first(read_many(paths, truths, truncate=truncate), reference),
        convention(rules, label or dataset),
        dataset=dataset,
        missing=missing,
        strict=strict,
        truncated=truncate,
        samples=samples,
    )


def reference_first(found: Sequence[RawResults], reference: str | None) -> list[RawResults]:
    """Put the tracker that the others are compared with in front.

    Raises:
        ConfigError: there are no results of such a tracker.
    """
    if reference is None:
        return list(found)
    names = [one.tracker for one in found]
    if reference not in names:
        near = hint(nearest_key(reference, names))
        raise ConfigError(
            f"There are no results of '{reference}': the trackers are {', '.join(names)}.{near}"
        )
    return sorted(found, key=lambda one: one.tracker != reference)
