"""``dropout-ft estimate``: will it hold at the new site? From unlabelled pictures and a sweep."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dropout_ft.commands.predict import classify, list_images
from dropout_ft.commands.trusted import own_classes
from dropout_ft.results.run import Run, load_runs
from holdfast.console import say
from holdfast.errors import ConfigError, DataError, ImageError
from holdfast.outputs import check_files, keep_apart

if TYPE_CHECKING:
    from dropout_ft.report.estimating import Evidence


FILES = ("estimate.html", "estimates.csv", "checks.csv", "label_first.csv")


def estimate(
    folder: str,
    *,
    sweep: list[str],
    out: str = "estimate",
    dropout_rates: list[float] = [],  # noqa: B006  (never changed; shown in --help)
    batch_size: int = 64,
    overwrite: bool = False,
    backbone: str | None = None,
    source: str | None = None,
) -> None:
    """Estimate the accuracy at a new site from unlabelled pictures and a sweep's saved networks.

    Every run answers the pictures; three published estimators (ATC, difference of confidences,
    agreement on the line) turn the answers into an accuracy. Each run left domains out whose truth
    is known: the same estimate is made there, and its errors become the interval.

    Writes ``estimate.html``, ``estimates.csv``, ``checks.csv`` (the errors) and ``label_first.csv``
    (the fifty pictures that all runs together know least of).

    Args:
        folder: unlabelled pictures, searched recursively.
        sweep: folders of a sweep, of a comparison or of runs that left domains out.
        out: folder to write into.
        dropout_rates: only runs of these rates; all by default.
        batch_size: pictures at a time.
        overwrite: replace the files of an earlier estimate.
        backbone: ``module.Class`` of your own that the runs name; it is imported.
        source: ``module.Class`` of your own source of data that the runs name; it is imported.
    """
    if batch_size < 1:
        raise ConfigError(f"--batch_size is {batch_size}: give 1 or more.")
    site = Path(folder).expanduser()
    paths = list_images(site)
    trusted = own_classes(backbone, source)
    runs = load_runs(sweep, trusted)
    runs = [r for r in runs if not dropout_rates or r.coordinates.dropout_rate in dropout_rates]
    check_runs(runs, dropout_rates)
    keep_apart([out], [site, *(run.directory.path for run in runs)])
    check_files([Path(out).expanduser() / name for name in FILES], overwrite=overwrite)
    paths = readable(paths)

    from dropout_ft.report.estimate_page import others, sentence, write_estimate
    from dropout_ft.report.estimating import estimates_of, labels_of, surest_estimator

    names = labels_of(runs)
    found = []
    for number, run in enumerate(runs, 1):
        say(f"run {number} of {len(runs)}: {run.directory.path.name}")
        found.append(answers_of(run, paths, names, batch_size))
    estimates, checks = estimates_of(found)
    page = write_estimate(
        Path(out).expanduser(), site=site.name, paths=paths, found=found,
        class_names=runs[0].table.class_names, estimates=estimates, checks=checks,
    )  # fmt: skip
    best = surest_estimator(estimates)
    lines = [sentence(best), *others(estimates, best), f"page: {page}"]
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def check_runs(runs: list[Run], dropout_rates: list[float]) -> None:
    """Refuse runs that cannot be put together.

    Raises:
        DataError: there are none of these rates, or they tell different classes apart.
    """
    if not runs:
        wanted = ", ".join(f"{rate:g}" for rate in dropout_rates)
        raise DataError(f"The sweep has no finished run of the rates {wanted}.")
    for run in runs[1:]:
        if run.table.class_names != runs[0].table.class_names:
            raise DataError(
                f"{run.directory.path} and {runs[0].directory.path} tell different classes apart: "
                "give runs of one data set."
            )


def readable(paths: list[Path]) -> list[Path]:
    """Return the pictures that can be read; the others are named.

    Raises:
        DataError: none can be read.
    """
    from dropout_ft.data.decoding import read_rgb

    found = []
    for path in paths:
        try:
            read_rgb(path)
        except ImageError as error:
            say(f"left out: {error}")
        else:
            found.append(path)
    if not found:
        raise DataError(f"None of the {len(paths)} pictures can be read.")
    return found


def answers_of(
    run: Run, paths: list[Path], names: dict[tuple[object, ...], str], batch_size: int
) -> "Evidence":
    """Return what the selected network of a run says of the pictures and of its own domains.

    Raises:
        DataError: its logits do not belong to its selected network.
    """
    from dropout_ft.loading import load_classifier
    from dropout_ft.report.estimating import evidence_of
    from holdfast.checkpoints.reading import read_checkpoint

    file = run.directory.best if run.directory.best.is_file() else run.directory.last
    step = int(read_checkpoint(file).get("global_step", -1))
    if step not in run.logits or not np.isfinite(run.logits[step]["current"]).all():
        raise DataError(
            f"{file} is of step {step}, at which the run did not score every picture: train it "
            "with configs/methods/test_domains_when_best.yaml left out."
        )
    loaded = load_classifier(file, weights="current", backbones=run.trusted.backbones)
    bad: list[ImageError] = []
    batches = classify(loaded, paths, bad, batch_size=batch_size)
    probabilities = np.concatenate([found.numpy() for _, found in batches])
    if bad:
        raise DataError(f"{bad[0]} (it could be read a moment ago)")
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-38))
    return evidence_of(run, step, logits, names)
