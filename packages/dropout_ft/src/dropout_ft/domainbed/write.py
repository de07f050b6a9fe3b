"""Our runs as DomainBed's records, so that its ``collect_results`` reads them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dropout_ft.domainbed.records import RESULTS
from dropout_ft.methods.trajectory_ensemble import trajectory_ensemble
from dropout_ft.report.collect import Run
from dropout_ft.results.hyperparameters import Hyperparameters, hyperparameters
from holdfast.atomic import write_text
from holdfast.runs.record import read_record
from holdfast.seeding import seed_hash

SUFFIXES = {"current": "", "average": "-average", "ensemble": "-ensemble"}


def export_runs(runs: Sequence[Run], out: Path, dataset: str) -> list[Path]:
    """Write a DomainBed sweep folder.

    Each run becomes one folder for each network it scored: the run itself, its average, and the
    ensemble along it, under the names ERM, ERM-average and ERM-ensemble (ERM-drop0.9 at rate 0.9).
    Every distinct set of hyper-parameters gets its own ``hparams_seed`` from 1 on and every repeat
    its own ``trial_seed``, since DomainBed's tools would otherwise merge them; the faithful seeds
    are in ``hparams``.

    Args:
        runs: finished runs of one data set.
        out: folder to write into.
        dataset: DomainBed's name for the data.

    Returns:
        The folders written.
    """
    facts = [hyperparameters(read_record(run.directory.record)["config"]) for run in runs]
    points = {key: number for number, key in enumerate(sorted({f.key for f in facts}), start=1)}
    trials = {seed: number for number, seed in enumerate(sorted({run.seed for run in runs}))}
    written = []
    for run, fact in zip(runs, facts, strict=True):
        for name, found in _networks(run).items():
            # DomainBed's tools want the test domains' accuracies in every record.
            rows = [row for row in found if "ood" in row]
            if not rows:
                continue
            args = _args(run, fact, dataset, SUFFIXES[name], points[fact.key], trials[run.seed])
            folder = out / str(args["output_dir"])
            lines = [json.dumps(_record(row, args, fact), sort_keys=True) + "\n" for row in rows]
            write_text(folder / RESULTS, "".join(lines))
            write_text(folder / "done", "done")
            written.append(folder)
    return written


def algorithm_name(rate: float, objective: str = "ERM") -> str:
    """Return ``ERM`` or ``ERM-drop0.9``."""
    return objective if rate == 0 else f"{objective}-drop{rate:g}"


def _networks(run: Run) -> dict[str, list[Mapping[str, Any]]]:
    current = {step: found["current"] for step, found in run.logits.items()}
    ensemble = trajectory_ensemble(current, run.table)
    return {
        "current": [{"step": row["step"], **row["current"]} for row in run.rows],
        "average": [{"step": r["step"], **r["average"]} for r in run.rows if "average" in r],
        # Of steps whose test domains were not all evaluated there is no ensemble.
        "ensemble": [*ensemble] if "ood" in ensemble[-1] else [],
    }


def _args(
    run: Run, facts: Hyperparameters, dataset: str, suffix: str, point: int, trial: int
) -> dict[str, Any]:
    algorithm = algorithm_name(run.rate, facts.objective) + suffix
    tests = list(run.table.test_domains)
    return {
        "algorithm": algorithm,
        "checkpoint_freq": None,
        "data_dir": str(facts.root),
        "dataset": dataset,
        "holdout_fraction": facts.holdout_fraction,
        "hparams": None,
        "hparams_seed": point,
        "output_dir": f"{run.directory.path.name}{suffix}",
        "save_model_every_checkpoint": False,
        "seed": seed_hash(dataset, algorithm, tests, point, trial),
        "skip_model_save": True,
        "steps": facts.steps,
        "task": "domain_generalization",
        "test_envs": tests,
        "trial_seed": trial,
        "uda_holdout_fraction": 0,
    }


def _record(
    row: Mapping[str, Any], args: Mapping[str, Any], facts: Hyperparameters
) -> dict[str, Any]:
    accuracies = {key: value for key, value in row.items() if key.endswith("_acc")}
    accuracies = {k: v for k, v in accuracies.items() if k.startswith("env")}
    return {"args": args, "hparams": facts.shown, "step": row["step"], "epoch": 0.0, **accuracies}
