"""Where the jobs of a pool run: processes of this machine, a Ray cluster, or Slurm."""

import contextlib
import importlib
import importlib.util
import os
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from holdfast.errors import MissingToolError
from holdfast.jobs.pool import Pool, run_in_process, run_path, wait_for_others

Engine = Literal["auto", "ray", "processes", "slurm"]


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What one job gets, and where.

    Attributes:
        workers: jobs at the same time; Ray and Slurm decide it from what a job gets, if 0.
        cpus: cores of a job; 0 shares this machine's cores out between the workers.
        gpus: share of a GPU: 0.25 puts four jobs on one.
        address: of a Ray cluster; a local one is started without.
        partition: of Slurm.
        minutes: longest time of a Slurm job.
    """

    workers: int = 1
    cpus: int = 0
    gpus: float = 0.0
    address: str | None = None
    partition: str | None = None
    minutes: int = 24 * 60

    @property
    def cores(self) -> int:
        """Cores of one job."""
        return self.cpus or max(1, (os.cpu_count() or 1) // max(1, self.workers))


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

    Jobs that another sweep on the same folder has are waited for, and run here if it dies.
    """
    run_round = {"ray": _on_ray, "processes": _in_processes, "slurm": _on_slurm}[choose(engine)]
    while True:
        if pool.open_folders():
            yield from run_round(pool, resources)
        elif not wait_for_others(pool):
            return
        yield


def _in_processes(pool: Pool, resources: Resources) -> Iterator[None]:
    environment = {**os.environ, "OMP_NUM_THREADS": str(resources.cores)}
    with ThreadPoolExecutor(max(1, resources.workers)) as threads:
        running = set()
        for folder in pool.open_folders():
            running.add(threads.submit(run_in_process, folder, environment))
            while len(running) >= max(1, resources.workers):
                _, running = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
                yield
        while running:
            _, running = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            yield


def _on_ray(pool: Pool, resources: Resources) -> Iterator[None]:
    ray = importlib.import_module("ray")
    if not ray.is_initialized():
        local: dict[str, Any] = {}
        if resources.address is None and resources.workers and not resources.gpus:
            local = {"num_cpus": resources.workers * resources.cores}
        ray.init(address=resources.address, log_to_driver=False, logging_level="ERROR", **local)
    # Ray gives each task as many threads as it has cores.
    options = {"num_cpus": resources.cores, "num_gpus": resources.gpus, "max_retries": 2}
    task = ray.remote(**options)(run_path)
    waiting = [task.remote(str(folder.path.resolve())) for folder in pool.open_folders()]
    while waiting:
        ended, waiting = ray.wait(waiting, num_returns=1, timeout=1.0)
        for one in ended:
            # A lost task leaves its job incomplete, and the next round runs it.
            with contextlib.suppress(ray.exceptions.RayError):
                ray.get(one)
        yield
    ray.shutdown()


def _on_slurm(pool: Pool, resources: Resources, cluster: str | None = None) -> Iterator[None]:
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
    paths = [str(folder.path.resolve()) for folder in pool.open_folders()]
    waiting = executor.map_array(run_path, paths)
    while waiting:
        for job in [job for job in waiting if job.done()]:
            waiting.remove(job)
            with contextlib.suppress(submitit.core.utils.UncompletedJobError):
                job.result()
        yield
        time.sleep(0.2)
