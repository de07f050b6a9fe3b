"""Every method that needs a network evaluated but nothing trained again, on finished runs."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch

from dropout_ft.methods.concatenation import probe_concatenation
from dropout_ft.methods.eoa import average_logits
from dropout_ft.methods.keeping import Scores, kept_scores
from dropout_ft.methods.learned_soup import learn_shares, mix
from dropout_ft.methods.mc_dropout import mc_dropout_logits
from dropout_ft.methods.reevaluation import Rerun, final_weights
from dropout_ft.methods.run_ensemble import check_same_tables
from dropout_ft.methods.soups import greedy_soup
from dropout_ft.methods.swa import last_part, mean_of_checkpoints
from dropout_ft.methods.swad import mean_of_segments, valley
from dropout_ft.methods.wise_ft import SHARES, interpolate
from dropout_ft.report.collect import (
    Result,
    Run,
    groups_over_seeds,
    over_runs_result,
    run_result,
)
from dropout_ft.results.scores import iid_loss, iid_rows, score
from dropout_ft.training.segments import complete, segments_of
from holdfast.errors import ConfigError

KEPT = "derived"
PROBE_BATCHES = 60
MOST_INPUTS = 1024


def mc_dropout(run: Run) -> Scores:
    """Average 30 random predictions of the last weights."""
    rerun = Rerun(run.directory)
    features, _ = rerun.features(rerun.final)
    logits = mc_dropout_logits(rerun.module.model.head, features)
    return score(logits.numpy(), run.table)


def swa(run: Run) -> Scores:
    """Average the checkpoints of the last quarter."""
    rerun = Rerun(run.directory)
    chosen = last_part(segments_of(run.directory.path))
    return rerun.scores(complete(mean_of_checkpoints(chosen), rerun.final))


def swad(run: Run) -> Scores:
    """Average every step between the bounds of the valley of the i.i.d. loss."""
    rerun = Rerun(run.directory)
    segments = [s for s in segments_of(run.directory.path) if s.step in run.logits]
    losses = [iid_loss(run.logits[s.step]["current"], run.table) for s in segments]
    first, last = valley(losses)
    scores = rerun.scores(complete(mean_of_segments(segments[first : last + 1]), rerun.final))
    return {**scores, "step": segments[last].step}


def wise_ft(run: Run, share: float | None = None) -> Scores:
    """Interpolate between start and end; without a share the i.i.d. accuracy chooses it."""
    rerun = Rerun(run.directory)
    segments = segments_of(run.directory.path)
    start, end = segments[0].read()[0], segments[-1].read()[0]

    def at(value: float) -> Scores:
        return rerun.scores(complete(interpolate(start, end, value), rerun.final))

    if share is not None:
        return at(share)
    return max((at(value) for value in SHARES), key=lambda found: found["iid"])


def eoa(group: Sequence[Run]) -> Scores | None:
    """Sum the logits of the runs' moving averages, each at its selected step."""
    members = [average_logits(run.rows, run.logits) for run in group]
    kept = [member.astype(np.float64) for member in members if member is not None]
    if len(kept) != len(group):
        return None
    return score(np.sum(kept, axis=0), group[0].table)


def soup(group: Sequence[Run], *, equal_enters: bool) -> Scores:
    """Greedy soup, or DiWA's restricted selection, of last weights."""
    rerun = Rerun(group[0].directory)
    accuracies = [run.rows[-1]["current"]["iid"] for run in group]
    weights = [final_weights(run.directory) for run in group]
    chosen, members = greedy_soup(
        weights, accuracies, lambda w: rerun.scores(w)["iid"], equal_enters=equal_enters
    )
    return {**rerun.scores(chosen), "members": len(members)}


def learned_soup(group: Sequence[Run]) -> Scores:
    """Fit mixing shares to the i.i.d. validation pictures."""
    rerun = Rerun(group[0].directory)
    weights = [final_weights(run.directory) for run in group]
    rows = np.flatnonzero(iid_rows(group[0].table))
    keep = np.zeros(len(group[0].table), dtype=bool)
    keep[rows[np.linspace(0, len(rows) - 1, min(MOST_INPUTS, len(rows))).astype(int)]] = True
    inputs, labels = rerun.iid_inputs(keep)
    shares, _ = learn_shares(weights, rerun.module, inputs, labels)
    with torch.no_grad():
        mixed = mix(weights, shares)
    return rerun.scores(mixed)


def concatenation(group: Sequence[Run]) -> Scores:
    """Probe the concatenated representations under the dropout the runs were trained with."""
    train, test = [], []
    for run in group:
        rerun = Rerun(run.directory)
        rerun.data.seed = 0  # the same training pictures for every network
        found, labels = rerun.features(rerun.final, training_batches=PROBE_BATCHES)
        train.append(found)
        test.append(rerun.features(rerun.final)[0])
    logits = probe_concatenation(
        train, labels, test, classes=len(group[0].table.class_names), rate=group[0].rate
    )
    return score(logits.numpy(), group[0].table)


ALONG_A_RUN: dict[str, Callable[[Run], Scores]] = {
    "MC dropout": mc_dropout,
    "WiSE-FT 0.5": partial(wise_ft, share=0.5),
    "WiSE-FT": wise_ft,
    "SWA": swa,
    "SWAD": swad,
}
OVER_RUNS: dict[str, Callable[[Sequence[Run]], Scores | None]] = {
    "EoA": eoa,
    "greedy soup": partial(soup, equal_enters=False),
    "DiWA, restricted": partial(soup, equal_enters=True),
    "learned soup": learned_soup,
    "concatenation": concatenation,
}
MANY_NETWORKS = {"EoA", "concatenation"}
DERIVED = (*ALONG_A_RUN, *OVER_RUNS)


def derived_results(runs: Sequence[Run], methods: Sequence[str]) -> list[Result]:
    """Apply methods to runs and to groups of runs.

    Scores are kept in the run's ``derived`` folder, so that a report made again costs nothing.
    Runs that lack what a method needs (weights along the way, dropout) are passed over.

    Args:
        runs: finished runs.
        methods: names in :data:`DERIVED`.

    Raises:
        ConfigError: there is no such method.
    """
    unknown = [name for name in methods if name not in DERIVED]
    if unknown:
        raise ConfigError(f"There is no method '{unknown[0]}': choose from {', '.join(DERIVED)}.")
    results = []
    for name in methods:
        if name in ALONG_A_RUN:
            able = [run for run in runs if _able(run, name)]
            for run in able:
                scores = _kept(name, [run], partial(ALONG_A_RUN[name], run))
                if scores is not None:
                    results.append(run_result(name, run, scores))
            continue
        for group in groups_over_seeds(runs):
            check_same_tables([run.table for run in group])
            scores = _kept(name, group, partial(OVER_RUNS[name], group))
            if scores is not None:
                networks = len(group) if name in MANY_NETWORKS else 1
                results.append(over_runs_result(name, group, scores, networks=networks))
    return results


def _able(run: Run, method: str) -> bool:
    if method == "MC dropout":
        return run.rate > 0
    return any((run.directory.path / "segments").glob("step-*.safetensors"))


def _kept(method: str, group: Sequence[Run], compute: Callable[[], Scores | None]) -> Scores | None:
    slug = method.lower().replace(" ", "_").replace(",", "")
    return kept_scores(group[0].directory.path / KEPT / f"{slug}.json", group, compute)
