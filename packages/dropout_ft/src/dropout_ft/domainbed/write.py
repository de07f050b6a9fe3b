"""Our runs as DomainBed's records, so that its ``collect_results`` reads them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dropout_ft.domainbed.records import RESULTS
from dropout_ft.methods.trajectory_ensemble import trajectory_ensemble
from dropout_ft.results.coordinates import Coordinates
from dropout_ft.results.run import Run
from holdfast.atomic import write_text
from holdfast.errors import ConfigError, DataError
from holdfast.outputs import keep_apart
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

    Raises:
        ConfigError: two runs have one name, or something that is no export would be replaced; then
            nothing is written.
        DataError: runs of one algorithm differ in what no selection may choose between.
    """
    check_alike(runs)
    check_targets(runs, out)
    points = {key: number for number, key in enumerate(sorted({_point(r) for r in runs}), start=1)}
    seeds = sorted({run.coordinates.seed for run in runs})
    trials = {seed: number for number, seed in enumerate(seeds)}
    written = []
    for run in runs:
        for name, found in _networks(run).items():
            # DomainBed's tools want the test domains' accuracies in every record.
            rows = [row for row in found if "ood" in row]
            if not rows:
                continue
            args = _args(
                run, dataset, SUFFIXES[name], points[_point(run)], trials[run.coordinates.seed]
            )
            folder = out / str(args["output_dir"])
            lines = [json.dumps(_record(row, args, run), sort_keys=True) + "\n" for row in rows]
            write_text(folder / RESULTS, "".join(lines))
            write_text(folder / "done", "done")
            written.append(folder)
    return written


def check_targets(runs: Sequence[Run], out: Path) -> None:
    """Refuse to write over a run, over another run's export, or over what is no export.

    Raises:
        ConfigError: names the folder.
    """
    keep_apart([out], [run.directory.path for run in runs])
    taken: dict[str, Run] = {}
    for run in runs:
        for suffix in SUFFIXES.values():
            name = _folder_name(run, suffix)
            other = taken.setdefault(name, run)
            if other is not run:
                raise ConfigError(
                    f"{other.directory.path} and {run.directory.path} would both be written to "
                    f"{out / name}: export them into folders of their own."
                )
            keep_apart([out / name], [one.directory.path for one in runs])
            if not _is_free(out / name):
                raise ConfigError(
                    f"{out / name} is there and was not written by domainbed-export: choose "
                    "another --out."
                )


def _is_free(folder: Path) -> bool:
    """Tell whether a folder is not there, is empty, or is an export, which may be written anew."""
    if not folder.exists():
        return True
    if not folder.is_dir() or {one.name for one in folder.iterdir()} - {RESULTS, "done"}:
        return False
    try:
        args = json.loads((folder / RESULTS).read_text().split("\n", 1)[0])["args"]
        return bool(args["output_dir"] == folder.name and args["data_dir"] == "")
    except FileNotFoundError:
        return True
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _folder_name(run: Run, suffix: str) -> str:
    return f"{run.directory.path.name}{suffix}"


def check_alike(runs: Sequence[Run]) -> None:
    """Refuse unlike runs of one algorithm: DomainBed's rules would select among their networks.

    Raises:
        DataError: names the first difference.
    """
    for key in (
        "backbone",
        "weights",
        "image_size",
        "steps",
        "holdout_fraction",
        "precision",
        "compiled",
    ):
        found: dict[str, Any] = {}
        for run in runs:
            name, value = algorithm_name(run.coordinates), getattr(run.coordinates, key)
            if found.setdefault(name, value) != value:
                raise DataError(
                    f"Runs of {name} differ in {key.replace('_', ' ')} ({found[name]} and {value}),"
                    " and DomainBed's rules would choose between them as between hyper-parameters: "
                    "export them one kind at a time."
                )


def algorithm_name(where: Coordinates) -> str:
    """Return ``ERM``, ``ERM-drop0.9``, or the same with the name of a variant."""
    name = where.objective
    name = f"{name}-{where.variant.replace(' ', '_')}" if where.variant else name
    return name if where.dropout_rate == 0 else f"{name}-drop{where.dropout_rate:g}"


def _point(run: Run) -> str:
    """Return what tells hyper-parameters apart, as text."""
    where = run.coordinates
    return json.dumps([where.method, where.point], sort_keys=True, default=str)


def _networks(run: Run) -> dict[str, list[Mapping[str, Any]]]:
    current = {step: run.logits[step]["current"] for step in run.logits}
    whole = all("ood" in row for row in run.along("current"))
    return {
        "current": [*run.along("current")],
        "average": [*run.along("average")],
        # Of steps whose test domains were not all evaluated there is no ensemble.
        "ensemble": [*trajectory_ensemble(current, run.table)] if whole else [],
    }


def _args(run: Run, dataset: str, suffix: str, point: int, trial: int) -> dict[str, Any]:
    algorithm = algorithm_name(run.coordinates) + suffix
    tests = list(run.table.test_domains)
    return {
        "algorithm": algorithm,
        "checkpoint_freq": None,
        "data_dir": "",
        "dataset": dataset,
        "holdout_fraction": run.coordinates.holdout_fraction,
        "hparams": None,
        "hparams_seed": point,
        "output_dir": _folder_name(run, suffix),
        "save_model_every_checkpoint": False,
        "seed": seed_hash(dataset, algorithm, tests, point, trial),
        "skip_model_save": True,
        "steps": run.coordinates.steps,
        "task": "domain_generalization",
        "test_envs": tests,
        "trial_seed": trial,
        "uda_holdout_fraction": 0,
    }


def _record(row: Mapping[str, Any], args: Mapping[str, Any], run: Run) -> dict[str, Any]:
    accuracies = {key: value for key, value in row.items() if key.endswith("_acc")}
    accuracies = {k: v for k, v in accuracies.items() if k.startswith("env")}
    return {"args": args, "hparams": _shown(run), "step": row["step"], "epoch": 0.0, **accuracies}


def _shown(run: Run) -> dict[str, Any]:
    """Return the hyper-parameters that people ask about, by short names."""
    where = run.coordinates
    recipe = where.recipe
    optimizer = "model.optimizer.init_args."
    return {
        "lr": recipe.get(f"{optimizer}lr"),
        "weight_decay": recipe.get(f"{optimizer}weight_decay"),
        "dropout_rate": where.dropout_rate,
        "head_lr_factor": where.head_lr_factor,
        "batch_size": where.batch_size,
        "seed": where.seed,
        "split_seed": where.split_seed,
        "backbone": where.backbone,
    }
