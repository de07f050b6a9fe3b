"""Reading finished runs and scoring every method on them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dropout_ft.data.evaluation_table import EvaluationTable
from dropout_ft.methods.run_ensemble import run_ensemble
from dropout_ft.methods.trajectory_ensemble import Average, trajectory_ensemble
from dropout_ft.results.hyperparameters import hyperparameters
from dropout_ft.results.selection import select_iid
from dropout_ft.results.store import read_logits, read_table
from holdfast.errors import DataError
from holdfast.runs.directory import RunDirectory
from holdfast.runs.record import read_record
from holdfast.runs.results import read_results

Scores = Mapping[str, float]
Part = Literal["whole", "in", "out"]
PART_KEYS: dict[Part, str] = {"whole": "ood", "in": "ood_in", "out": "ood_out"}
"""Which part of a test domain is scored: all of it, DomainBed's 80 % or its 20 %."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One finished run.

    Attributes:
        directory: its files.
        rate: dropout rate.
        seed: the run's seed.
        table: what was evaluated.
        logits: per step, (N, C) of each set of weights.
        rows: the evaluations, in the order of steps.
        seconds: wall time of all its launches.
        variant: what else than the rate sets it apart from plain fine-tuning; see
            :func:`dropout_ft.results.hyperparameters.variant_of`.
        point: equal for runs that differ in seed, test domain and rate only.
        average: what its average along the way is: ``trajectory average`` or ``EMA``.
        gpus: GPUs it trained on; 0 on a CPU.
    """

    directory: RunDirectory
    rate: float
    seed: int
    table: EvaluationTable
    logits: Mapping[int, Mapping[str, np.ndarray]]
    rows: Sequence[Mapping[str, Any]]
    seconds: float
    variant: str = ""
    point: str = ""
    average: str = "trajectory average"
    gpus: int = 0

    @property
    def test_name(self) -> str:
        """The domains left out, as one word."""
        return "+".join(self.table.domain_names[i] for i in self.table.test_domains)


@dataclass(frozen=True, kw_only=True)
class Result:
    """One number pair of one method: a point in the clouds.

    Attributes:
        method: a name in :data:`dropout_ft.report.names.METHODS`.
        rate: dropout rate of the runs it is made of.
        test_name: the domains left out.
        seed: of its run, or -1 for methods over several runs.
        iid: accuracy in [0, 1].
        ood: accuracy in [0, 1].
        ood_in: the same on DomainBed's ``in`` part of the test domains; nan where not known.
        ood_out: the same on the ``out`` part.
        step: the selected step; -1 for methods over final checkpoints.
        train_seconds: wall time of all training it needed.
        networks: forward passes at inference.
        variant: of its runs.
        point: of its run; empty for methods over several hyper-parameters.
        gpu_seconds: ``train_seconds`` times the GPUs of each run; 0 on a CPU.
    """

    method: str
    rate: float
    test_name: str
    seed: int
    iid: float
    ood: float
    step: int = -1
    train_seconds: float = 0.0
    networks: int = 1
    variant: str = ""
    point: str = ""
    ood_in: float = float("nan")
    ood_out: float = float("nan")
    gpu_seconds: float = 0.0


@dataclass(kw_only=True)
class Collection:
    """Runs and everything computed from them."""

    runs: list[Run] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)


def load_run(path: str | Path) -> Run:
    """Read one run directory.

    Raises:
        DataError: it is not a finished run.
    """
    directory = RunDirectory(path=Path(path))
    record = read_record(directory.record)
    if record.get("status") != "finished":
        state = record.get("status", "not started")
        raise DataError(
            f"The run {path} is {state}: finish it with the same `dropout-ft fit` command first."
        )
    table = read_table(directory.path / "table.json")
    if not table.test_domains:
        raise DataError(
            f"The run {path} left no domain out: there is no o.o.d. accuracy to report."
        )
    facts = hyperparameters(record["config"])
    return Run(
        directory=directory,
        variant=facts.variant,
        point=facts.key,
        average=facts.average,
        rate=float(record["config"]["model"]["dropout_rate"]),
        seed=int(record["seed"]),
        table=table,
        logits=read_logits(directory.logits),
        rows=read_results(directory.results),
        seconds=sum(float(launch["wall_seconds"]) for launch in record["launches"]),
        gpus=_gpus(record),
    )


def collect(paths: Iterable[str | Path], *, ensemble_of: Average = "logits") -> Collection:
    """Read runs and score the methods that need no further network evaluation.

    Args:
        paths: run directories.
        ensemble_of: what ensembles sum.
    """
    runs = [load_run(path) for path in paths]
    if not runs:
        raise DataError("There are no runs to report: give at least one run directory.")
    collection = Collection(runs=runs)
    for run in runs:
        collection.results.extend(single_run_results(run, ensemble_of=ensemble_of))
    collection.results.extend(ensembles_over_runs(runs, ensemble_of=ensemble_of))
    return collection


def single_run_results(run: Run, *, ensemble_of: Average = "logits") -> list[Result]:
    """Score one run: its own selected step, its trajectory's ensemble and its average."""
    trajectories: dict[str, list[dict[str, float]]] = {
        "run": [{"step": row["step"], **row["current"]} for row in run.rows],
        "trajectory ensemble": trajectory_ensemble(
            {step: found["current"] for step, found in run.logits.items()},
            run.table,
            average=ensemble_of,
        ),
        run.average: [
            {"step": row["step"], **row["average"]} for row in run.rows if "average" in row
        ],
    }
    results = []
    for method, rows in trajectories.items():
        # An ensemble of steps whose test domains were not all evaluated has no o.o.d. accuracy.
        if rows and not (method == "trajectory ensemble" and "ood" not in rows[-1]):
            best = select_iid(rows)
            networks = int(best.get("members", 1))
            results.append(run_result(method, run, best, networks=networks))
    return results


def ensembles_over_runs(runs: Sequence[Run], *, ensemble_of: Average = "logits") -> list[Result]:
    """Score the ensemble of the final checkpoints of runs that differ in their seed only."""
    results = []
    for group in groups_over_seeds(runs):
        finals = [run.logits[max(run.logits)]["current"] for run in group]
        scores = run_ensemble(finals, [run.table for run in group], average=ensemble_of)
        results.append(over_runs_result("ensemble over runs", group, scores, networks=len(group)))
    return results


def groups_over_seeds(runs: Sequence[Run]) -> list[list[Run]]:
    """Return groups of at least two runs with equal rate, variant and test domain.

    Runs of other seeds and of other hyper-parameters are both members: the paper's "all" are all
    fine-tuning trajectories of a test domain.
    """
    groups: dict[tuple[float, str, str], list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.rate, run.variant, run.test_name].append(run)
    return [group for group in groups.values() if len(group) > 1]


def over_runs_result(method: str, group: Sequence[Run], scores: Scores, *, networks: int) -> Result:
    """Return the result of a method that uses every run of a group."""
    return Result(
        method=method,
        rate=group[0].rate,
        test_name=group[0].test_name,
        seed=-1,
        iid=scores["iid"],
        ood=scores["ood"],
        ood_in=scores.get("ood_in", float("nan")),
        ood_out=scores.get("ood_out", float("nan")),
        train_seconds=sum(run.seconds for run in group),
        gpu_seconds=sum(run.seconds * run.gpus for run in group),
        networks=networks,
        variant=group[0].variant,
    )


def run_result(method: str, run: Run, scores: Scores, *, networks: int = 1) -> Result:
    """Return the result of a method that uses one run."""
    return Result(
        method=method,
        rate=run.rate,
        test_name=run.test_name,
        seed=run.seed,
        iid=scores["iid"],
        ood=scores["ood"],
        ood_in=scores.get("ood_in", float("nan")),
        ood_out=scores.get("ood_out", float("nan")),
        step=int(scores.get("step", -1)),
        train_seconds=run.seconds,
        gpu_seconds=run.seconds * run.gpus,
        networks=networks,
        variant=run.variant,
        point=run.point,
    )


def of_part(results: Iterable[Result], part: Part) -> list[Result]:
    """Return the results with ``ood`` on one part of the test domains.

    Raises:
        DataError: a result was kept without that part.
    """
    chosen = []
    for result in results:
        ood = getattr(result, PART_KEYS[part])
        if np.isnan(ood):
            raise DataError(
                f"{result.method} of {result.test_name} has no accuracy on the '{part}' part: "
                "the part has no pictures."
            )
        chosen.append(replace(result, ood=ood))
    return chosen


def _gpus(record: Mapping[str, Any]) -> int:
    """Return how many GPUs the last launch used: its processes, where it ran on any."""
    hardware = record["launches"][-1]["hardware"]
    accelerator = (record["config"].get("trainer") or {}).get("accelerator")
    on_gpu = bool(hardware["gpus"]) and accelerator not in {"cpu"}
    return int(hardware.get("processes", 1)) if on_gpu else 0
