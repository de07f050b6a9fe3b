"""Scoring every method on finished runs."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dropout_ft.methods.base import Method, Options, Scores
from dropout_ft.methods.registry import chosen_methods
from dropout_ft.report.names import method_name
from dropout_ft.results.coordinates import Coordinates, labels
from dropout_ft.results.run import Run, groups_of_runs
from dropout_ft.results.scores import TestPart
from dropout_ft.results.selection import select_iid
from holdfast.atomic import write_text
from holdfast.console import say
from holdfast.errors import DataError, HoldfastError

PART_KEYS: dict[TestPart, str] = {"whole": "ood", "in": "ood_in", "out": "ood_out"}
"""Which part of a test domain is scored: all of it, DomainBed's 80 % or its 20 %."""
KEPT = "derived"


@dataclass(frozen=True, kw_only=True)
class Result:
    """One number pair of one method: a point in the clouds.

    Attributes:
        method: name of a :class:`~dropout_ft.methods.base.Method`.
        coordinates: of its run, or of the first of its runs.
        seed: of its run, or -1 for methods over several runs.
        label: what sets its runs apart from plain fine-tuning, besides the rate.
        iid: accuracy in [0, 1].
        ood: accuracy in [0, 1].
        ood_in: the same on DomainBed's ``in`` part of the test domains; nan where not known.
        ood_out: the same on the ``out`` part.
        step: the selected step; -1 for methods over final checkpoints.
        rows: all scores of the method on its run or runs, with their steps.
        train_seconds: wall time of all training it needed.
        gpu_seconds: ``train_seconds`` times the GPUs of each run; 0 on a CPU.
        networks: forward passes at inference.
        runs: folders of its runs.
    """

    method: str
    coordinates: Coordinates
    seed: int
    iid: float
    ood: float
    label: str = ""
    ood_in: float = float("nan")
    ood_out: float = float("nan")
    step: int = -1
    rows: Sequence[Scores] = ()
    train_seconds: float = 0.0
    gpu_seconds: float = 0.0
    networks: int = 1
    runs: tuple[str, ...] = ()

    @property
    def dropout_rate(self) -> float:
        """Dropout rate."""
        return self.coordinates.dropout_rate

    @property
    def name(self) -> str:
        """The method's name in tables, legends and on the page."""
        return method_name(self.method, self.dropout_rate, self.label, self.coordinates.objective)

    @property
    def test_name(self) -> str:
        """The domains left out."""
        return self.coordinates.test_name

    @property
    def point(self) -> str:
        """The hyper-parameters of a search, as text; empty for methods over several of them."""
        return json.dumps(self.coordinates.point, sort_keys=True) if self.seed >= 0 else ""

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for results that may share a mean."""
        return (self.method, self.coordinates.group)

    @property
    def is_erm(self) -> bool:
        """Whether this is the plain run that gains are measured against."""
        return self.method == "run" and self.coordinates.is_erm


@dataclass(kw_only=True)
class Collection:
    """Runs and everything computed from them.

    Attributes:
        runs: all of them.
        results: of every method on every run or group of runs.
        labels: of groups of runs.
        remarks: which method could not be computed on which runs, and why.
    """

    runs: list[Run] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    labels: Mapping[tuple[Any, ...], str] = field(default_factory=dict)

    def label_of(self, run: Run) -> str:
        """Return what sets a run apart from plain fine-tuning, besides its rate."""
        return self.labels.get(run.coordinates.group, "")


def collect(
    runs: Sequence[Run], methods: Sequence[str] = (), options: Options | None = None
) -> Collection:
    """Score methods on runs.

    A method that cannot be computed is left out with a remark: the rest of the report is not lost.

    Args:
        runs: finished runs.
        methods: names of those that cost time; ``all`` is every one.
        options: of the report.

    Raises:
        DataError: there are no runs.
        HoldfastError: no method at all could be computed.
    """
    if not runs:
        raise DataError("There are no runs to report: give at least one run directory.")
    chosen = options or Options()
    groups = {run.coordinates.group: run.coordinates for run in runs}
    found = Collection(runs=list(runs), labels=labels(list(groups.values())))
    failed: HoldfastError | None = None
    for method in chosen_methods(methods):
        for group in _groups(method, runs):
            try:
                result = _result(method, group, chosen)
            except HoldfastError as error:
                failed = failed or error
                found.remarks.append(_remark(method, group, error))
                continue
            if result is not None:
                if method.over == "data":
                    found.results.append(_with_prompts(result, group[0], runs))
                else:
                    found.results.append(replace(result, label=found.label_of(group[0])))
    if failed is not None and not found.results:
        raise failed
    for remark in found.remarks:
        say(remark)
    return found


def _remark(method: Method, group: Sequence[Run], error: HoldfastError) -> str:
    others = f" and {len(group) - 1} more" if len(group) > 1 else ""
    return f"“{method.name}” of the run {group[0].directory.path.name}{others} is left out: {error}"


def _groups(method: Method, runs: Sequence[Run]) -> list[list[Run]]:
    """Return the runs that each result of a method is computed from."""
    if method.over == "run":
        return [[run] for run in runs]
    if method.over == "runs":
        return groups_of_runs(runs)
    # Nothing trained enters: one run stands for all on the same pictures, of the same weights and
    # class prompts.
    first: dict[tuple[Any, ...], list[Run]] = {}
    for run in runs:
        where = run.coordinates
        first.setdefault((where.data, where.weights, where.backbone, where.image_size,
                          where.holdout_fraction, where.test_case, _prompts(run)),
                         [run])  # fmt: skip
    return list(first.values())


def _prompts(run: Run) -> tuple[str, ...]:
    """Return the templates of the class prompts that an untrained classifier of a run reads."""
    from dropout_ft.methods.zero_shot import model_config, templates_of  # noqa: PLC0415  (torch)

    try:
        return tuple(templates_of(model_config(run), run))
    except HoldfastError:
        return (str(run.directory.path),)  # a damaged record; the method itself says so


def _with_prompts(result: Result, own: Run, runs: Sequence[Run]) -> Result:
    """Tell untrained results apart by their prompts, where the runs have several sets of them."""
    prompts = _prompts(own)
    if len({_prompts(run) for run in runs}) == 1:
        return result
    more = f" and {len(prompts) - 1} more" if len(prompts) > 1 else ""
    where = replace(result.coordinates, variant=json.dumps(prompts))
    return replace(result, coordinates=where, label=f"prompts '{prompts[0]}'{more}")


def _place(method: Method, coordinates: Coordinates) -> Coordinates:
    """Return where a result stands; what was trained does not tell untrained results apart."""
    if method.over != "data":
        return coordinates
    return replace(
        coordinates, variant="", point={}, objective=method.name, dropout_rate=0.0, method=""
    )


def _result(method: Method, group: Sequence[Run], options: Options) -> Result | None:
    if not method.able(group):
        return None
    rows = (
        kept_rows(method, group, lambda: method.scores(group, options))
        if method.kept
        else method.scores(group, options)
    )
    usable = [row for row in rows if "ood" in row]
    if not usable:
        return None
    best = select_iid(usable)
    trained = () if method.over == "data" else group
    return Result(
        method=method.name,
        coordinates=_place(method, group[0].coordinates),
        seed=group[0].coordinates.seed if method.over == "run" else -1,
        iid=best["iid"],
        ood=best["ood"],
        ood_in=best.get("ood_in", float("nan")),
        ood_out=best.get("ood_out", float("nan")),
        step=int(best.get("step", -1)),
        rows=rows,
        train_seconds=sum(run.seconds for run in trained),
        gpu_seconds=sum(run.seconds * run.gpus for run in trained),
        networks=method.networks or int(best.get("members", len(group))),
        runs=tuple(str(run.directory.path) for run in group),
    )


def kept_rows(
    method: Method, group: Sequence[Run], compute: Callable[[], list[Scores]]
) -> list[Scores]:
    """Return the scores kept for these very runs, computing and keeping them if there are none.

    They are kept beside the first run and named by the results of all of them, so that a run
    trained anew is scored anew.
    """
    slug = method.name.lower().replace(" ", "_").replace(",", "")
    path = group[0].directory.path / KEPT / f"{slug}.json"
    made_of = sorted(_digest(run.directory.results) for run in group)
    try:
        found = json.loads(path.read_text())
        if found["made_of"] == made_of:
            return list(found["rows"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # absent, or of an earlier state of the runs
    rows = compute()
    write_text(path, json.dumps({"made_of": made_of, "rows": rows}, indent=1) + "\n")
    return rows


def of_part(results: Iterable[Result], part: TestPart) -> list[Result]:
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
                "the part has no images."
            )
        chosen.append(replace(result, ood=ood))
    return chosen


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
