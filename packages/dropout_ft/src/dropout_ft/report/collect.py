"""Reading finished runs and scoring every method on them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dropout_ft.data.evaluation_table import EvaluationTable
from dropout_ft.evaluation.hyperparameters import hyperparameters
from dropout_ft.evaluation.selection import select_iid
from dropout_ft.evaluation.store import read_logits, read_table
from dropout_ft.methods.run_ensemble import run_ensemble
from dropout_ft.methods.trajectory_ensemble import trajectory_ensemble
from holdfast.errors import DataError
from holdfast.runs.directory import RunDirectory
from holdfast.runs.record import read_record
from holdfast.runs.results import read_results

Scores = Mapping[str, float]


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
            :func:`dropout_ft.evaluation.hyperparameters.variant_of`.
        point: equal for runs that differ in seed, test domain and rate only.
        average: what its average along the way is: ``trajectory average`` or ``EMA``.
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
        step: the selected step; -1 for methods over final checkpoints.
        train_seconds: wall time of all training it needed.
        networks: forward passes at inference.
        variant: of its runs.
        point: of its run; empty for methods over several hyper-parameters.
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
    facts = hyperparameters(record["config"])
    return Run(
        directory=directory,
        variant=facts.variant,
        point=facts.key,
        average=facts.average,
        rate=float(record["config"]["model"]["dropout_rate"]),
        seed=int(record["seed"]),
        table=read_table(directory.path / "table.json"),
        logits=read_logits(directory.logits),
        rows=read_results(directory.results),
        seconds=sum(float(launch["wall_seconds"]) for launch in record["launches"]),
    )


def collect(paths: Iterable[str | Path]) -> Collection:
    """Read runs and score the methods that need no further network evaluation."""
    runs = [load_run(path) for path in paths]
    if not runs:
        raise DataError("There are no runs to report: give at least one run directory.")
    collection = Collection(runs=runs)
    for run in runs:
        collection.results.extend(single_run_results(run))
    collection.results.extend(ensembles_over_runs(runs))
    return collection


def single_run_results(run: Run) -> list[Result]:
    """Score one run: its own selected step, its trajectory's ensemble and its average."""
    trajectories: dict[str, list[dict[str, float]]] = {
        "run": [{"step": row["step"], **row["current"]} for row in run.rows],
        "trajectory ensemble": trajectory_ensemble(
            {step: found["current"] for step, found in run.logits.items()}, run.table
        ),
        run.average: [
            {"step": row["step"], **row["average"]} for row in run.rows if "average" in row
        ],
    }
    results = []
    for method, rows in trajectories.items():
        if rows:
            best = select_iid(rows)
            networks = int(best.get("members", 1))
            results.append(run_result(method, run, best, networks=networks))
    return results


def ensembles_over_runs(runs: Sequence[Run]) -> list[Result]:
    """Score the ensemble of the final checkpoints of runs that differ in their seed only."""
    results = []
    for group in groups_over_seeds(runs):
        finals = [run.logits[max(run.logits)]["current"] for run in group]
        scores = run_ensemble(finals, [run.table for run in group])
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
        train_seconds=sum(run.seconds for run in group),
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
        step=int(scores.get("step", -1)),
        train_seconds=run.seconds,
        networks=networks,
        variant=run.variant,
        point=run.point,
    )
