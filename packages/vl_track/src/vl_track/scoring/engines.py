"""Where the sequences of a benchmark run: this process, several processes, or a Ray cluster."""

import importlib
import importlib.util
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from holdfast.errors import DataError, MissingToolError
from vl_track.data.sets.base import Split
from vl_track.data.sets.known import open_set
from vl_track.scoring.jobs import Outcome, Plan, run_everything
from vl_track.scoring.runs import Follower

Engine = Literal["processes", "ray"]


@dataclass(frozen=True, kw_only=True)
class Work:
    """Everything a worker needs; plain values, so that it travels between processes.

    Attributes:
        plan: see :class:`Plan`.
        root: data root.
        out: folder of results.
        tracker: ``module:function`` that makes the tracker from ``arguments``.
        arguments: of that function.
    """

    plan: Plan
    root: str | None
    out: str
    tracker: str
    arguments: dict[str, Any]

    def make(self) -> Follower:
        """Make the tracker."""
        module, name = self.tracker.split(":")
        function: Callable[..., Follower] = getattr(importlib.import_module(module), name)
        return function(**self.arguments)


def run_names(work: Work, names: Sequence[str]) -> list[Outcome]:
    """Track some sequences in this process."""
    split: Split = work.plan.split  # type: ignore[assignment]
    videos = open_set(work.plan.dataset, split, root=work.root)
    readable, outcomes = [], []
    for name in names:
        try:
            readable.append(videos.read(name))
        except DataError as error:
            outcomes.append(Outcome(name=name, state="failed", error=str(error)))
    return outcomes + list(run_everything(work.make, readable, Path(work.out), work.plan))


def in_processes(work: Work, names: Sequence[str], workers: int) -> Iterator[Outcome]:
    """Track sequences on this machine, ``workers`` processes at a time.

    A worker that dies takes only its own sequences with it: they are ``failed``, and the next
    launch runs them.
    """
    if workers <= 1:
        for name in names:
            yield from run_names(work, [name])
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
        jobs = {pool.submit(run_names, work, [name]): name for name in names}
        for job in as_completed(jobs):
            try:
                yield from job.result()
            except BrokenProcessPool:
                text = "its worker process died (killed, or out of memory): run again"
                yield Outcome(name=jobs[job], state="failed", error=text)


def on_ray(
    work: Work, names: Sequence[str], *, address: str | None, gpus: float
) -> Iterator[Outcome]:
    """Track sequences on a Ray cluster, a task a sequence; a lost task is tried again by Ray.

    Args:
        work: what to do; data root and result folder must be visible from every machine.
        names: of the sequences.
        address: of a cluster; a local one is started without.
        gpus: share of a GPU for each task.

    Raises:
        MissingToolError: Ray is not installed.
    """
    if importlib.util.find_spec("ray") is None:
        raise MissingToolError("--engine ray needs Ray: run `pip install 'ray[default]'`.")
    ray = importlib.import_module("ray")
    ray.init(address=address, ignore_reinit_error=True, log_to_driver=False)
    task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=3)(run_names)
    try:
        waiting = {task.remote(work, [name]): name for name in names}
        while waiting:
            ready, _ = ray.wait(list(waiting), num_returns=1)
            name = waiting.pop(ready[0])
            try:
                yield from ray.get(ready[0])
            except ray.exceptions.RayError as error:
                why = str(error).strip().splitlines()[-1:] or [""]
                text = f"its Ray task was lost ({type(error).__name__} {why[0]}): run again"
                yield Outcome(name=name, state="failed", error=text)
    finally:
        ray.shutdown()


def _one_thread() -> None:
    """Workers share the cores: one thread each."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
