"""Where the jobs of a pool run: processes of this machine, a Ray cluster, or Slurm."""

import importlib
import importlib.util
import os
import re
import threading
import time
from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from holdfast.errors import HoldfastError, MissingToolError
from holdfast.jobs.devices import gpus_of, visible_gpus
from holdfast.jobs.pool import Pool, wait_for_others
from holdfast.jobs.queue import Queue
from holdfast.jobs.slot import MOST_DEATHS, Slot, work

Engine = Literal["auto", "ray", "processes", "slurm"]
Round = Generator[None, None, str]
"""Tasks for all open jobs; returns what the last lost task said, if one was lost."""
SLURM_WORKERS = 8
"""Tasks that share the jobs where the user leaves their number to Slurm."""


class StoppedError(HoldfastError):
    """No job can run now, as on a full disk; the same command goes on once the cause is mended."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What one worker gets, and where.

    Attributes:
        workers: jobs at the same time; Ray and Slurm decide it from what a job gets, if 0.
        cpus: cores of a worker; 0 shares this machine's cores out between the workers, but gives
            none more than OMP_NUM_THREADS where that is set.
        gpus: GPUs of a worker: 0.25 puts four workers on one. 0 gives each of several workers on
            this machine, and each worker of a Ray cluster that has GPUs, one of its own.
        address: of a Ray cluster; a local one is started without.
        partition: of Slurm.
        minutes: longest time of a Slurm job.
        job_seconds: a job that takes longer is ended and marked as failed; 0 sets no limit.
    """

    workers: int = 1
    cpus: int = 0
    gpus: float = 0.0
    address: str | None = None
    partition: str | None = None
    minutes: int = 24 * 60
    job_seconds: float = 0.0

    @property
    def cores(self) -> int:
        """Cores of one worker."""
        share = max(1, (os.cpu_count() or 1) // max(1, self.workers))
        wanted = os.environ.get("OMP_NUM_THREADS", "")
        if wanted.isdecimal() and int(wanted) > 0:
            share = min(share, int(wanted))
        return self.cpus or share


def choose(engine: Engine) -> Engine:
    """Replace ``auto``: Ray where it is installed, processes otherwise.

    Raises:
        MissingToolError: the engine's package is not installed.
    """
    packages = {"ray": "ray", "slurm": "submitit"}
    if engine == "auto":
        return "ray" if importlib.util.find_spec("ray") else "processes"
    package = packages.get(engine)
    if package and importlib.util.find_spec(package) is None:
        raise MissingToolError(f"--engine {engine} needs {package}: `pip install {package}`.")
    return engine


def run_pool(pool: Pool, engine: Engine, resources: Resources) -> Iterator[None]:
    """Run every job that can be run; yields whenever something may have changed.

    Jobs that another command on the same folder has are waited for, and run here if it dies.

    Raises:
        StoppedError: no job can run now, as on a full disk or on nodes without our environment.
            Nothing is marked as failed for it.
    """
    fruitless = 0
    run_round = {"ray": _on_ray, "processes": _in_processes, "slurm": _on_slurm}[choose(engine)]
    while True:
        if pool.open_folders():
            before = pool.ended()
            lost = yield from run_round(pool, resources)
            # A started job is no progress: a node that dies at each start would go on for ever.
            fruitless = fruitless + 1 if lost and pool.ended() == before else 0
            if fruitless >= MOST_DEATHS:
                raise StoppedError(
                    f"The tasks of {MOST_DEATHS} rounds ended without finishing any job in "
                    f"{pool.root}; the last one said: {lost}. Mend that and give the same command "
                    "again."
                )
        elif not wait_for_others(pool):
            return
        yield


def slots(pool: Pool, resources: Resources, workers: int) -> list[Slot]:
    """Return a worker's task for Ray or Slurm: all jobs for each worker, or one job for each task.

    Args:
        pool: the jobs.
        resources: of a worker.
        workers: how many tasks share the jobs, where a process runs many.
    """
    paths = [str(folder.path.resolve()) for folder in pool.open_folders()]
    shared = [paths] * min(workers, len(paths)) if pool.many_a_process else [[p] for p in paths]
    return [_slot(pool, resources, some) for some in shared]


def _slot(pool: Pool, resources: Resources, paths: list[str], **environment: str) -> Slot:
    return Slot(
        folders=paths,
        many_a_process=pool.many_a_process,
        limit=resources.job_seconds,
        environment={"OMP_NUM_THREADS": str(resources.cores), **environment},
    )


def _in_processes(pool: Pool, resources: Resources) -> Round:
    paths = [str(folder.path.resolve()) for folder in pool.open_folders()]
    workers, gpus, stop = max(1, resources.workers), visible_gpus(), threading.Event()
    with ThreadPoolExecutor(workers) as threads:
        running = {
            threads.submit(work, _slot(pool, resources, paths, **mine), stop)
            for mine in (gpus_of(k, workers, resources.gpus, gpus) for k in range(workers))
        }
        try:
            while running:
                ended, running = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
                _check([one.result() for one in ended])
                yield
        finally:
            stop.set()
    return ""


def _on_ray(pool: Pool, resources: Resources) -> Round:
    lost = ""
    ray = importlib.import_module("ray")
    if not ray.is_initialized():
        # Without an address Ray would join whatever cluster was started on this machine last.
        address = resources.address or os.environ.get("RAY_ADDRESS") or "local"
        local: dict[str, Any] = {}
        if address == "local" and resources.workers and not resources.gpus:
            local = {"num_cpus": resources.workers * resources.cores}
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **local)
    try:
        has = ray.cluster_resources()
        gpus = resources.gpus or min(1.0, has.get("GPU", 0.0))
        workers = resources.workers or max(1, int(has.get("CPU", 1)) // resources.cores)
        task = ray.remote(num_cpus=resources.cores, num_gpus=gpus, max_retries=2)(work)
        waiting = [task.remote(slot) for slot in slots(pool, resources, workers)]
        while waiting:
            ended, waiting = ray.wait(waiting, num_returns=1, timeout=1.0)
            for one in ended:
                # A lost task leaves its jobs incomplete, and the next round runs them.
                try:
                    _check([ray.get(one)])
                except ray.exceptions.RayError as error:
                    lost = _last_words(error)
            yield
    finally:
        ray.shutdown()
    return lost


def _on_slurm(pool: Pool, resources: Resources, cluster: str | None = None) -> Round:
    lost = ""
    submitit = importlib.import_module("submitit")
    executor = submitit.AutoExecutor(folder=str(Path(pool.root) / "slurm"), cluster=cluster)
    executor.update_parameters(
        timeout_min=resources.minutes, cpus_per_task=resources.cores, name="holdfast"
    )
    if resources.partition:
        executor.update_parameters(slurm_partition=resources.partition)
    if resources.workers:
        executor.update_parameters(slurm_array_parallelism=resources.workers)
    if resources.gpus:
        executor.update_parameters(gpus_per_node=max(1, round(resources.gpus)))
    waiting = executor.map_array(work, slots(pool, resources, resources.workers or SLURM_WORKERS))
    queue = Queue()
    while waiting:
        for job in [job for job in waiting if job.done()]:
            waiting.remove(job)
            try:
                _check([job.result()])
            except submitit.core.utils.UncompletedJobError as error:
                lost = f"{_last_words(error)} (its files: {job.paths.folder})"
        gone = queue.gone(job.job_id for job in waiting)
        for job in [job for job in waiting if job.job_id in gone]:
            waiting.remove(job)
            lost = f"task {job.job_id} left Slurm's queue without an answer"
        yield
        time.sleep(0.2)
    return lost


def _last_words(error: Exception) -> str:
    """Return the last line of a lost task's traceback, which submitit puts between rules."""
    parts = re.split(r"-{10,}", str(error))
    text = parts[1] if len(parts) > 2 else parts[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__


def _check(sentences: list[str]) -> None:
    """Stop where a worker says that nothing can run."""
    for sentence in sentences:
        if sentence:
            raise StoppedError(sentence)
