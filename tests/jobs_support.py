"""Jobs small enough to run hundreds of them, which tell on themselves if they run twice at once."""

import os
import time
from pathlib import Path

from holdfast.errors import ConfigError, DivergedError
from holdfast.jobs.job import Job
from holdfast.jobs.pool import Pool

TESTS = str(Path(__file__).parent)


def work(*, folder: str, number: int, seconds: float = 0.0) -> dict[str, float]:
    """Write ``<number>.done`` once, as `fit` finishes a run once; a journal tells every attempt."""
    journal = Path(folder) / "journal.txt"
    earlier = journal.read_text().split() if journal.is_file() else []
    for word in earlier:
        if word.startswith("start:") and alive(int(word[6:])):
            (Path(folder) / "twice.txt").write_text("two processes at once\n")
    with journal.open("a") as file:
        file.write(f"start:{os.getpid()}\n")
    time.sleep(seconds)
    if "end" not in earlier:  # what an earlier attempt finished is not done again
        with journal.open("a") as file:
            file.write("end\n")
    return {"number": float(number)}


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return process != os.getpid()


def refuse(*, folder: str) -> None:
    raise ConfigError("This cannot be done: do something else.")


def diverge(*, folder: str) -> None:
    raise DivergedError("The loss became nan at step 3.")


def crash(*, folder: str) -> None:
    raise RuntimeError("a bug")


def die(*, folder: str) -> None:
    os.kill(os.getpid(), 9)


def job(name: str, **arguments: object) -> Job:
    return Job(target=f"jobs_support:{name}", arguments=dict(arguments), name=name)


def make_pool(root: Path, count: int, seconds: float = 0.0) -> Pool:
    pool = Pool(root=root, jobs=[job("work", number=i, seconds=seconds) for i in range(count)])
    pool.describe()
    return pool


def journal(pool: Pool, place: int) -> list[str]:
    return (pool.folder(pool.jobs[place]).path / "journal.txt").read_text().split()
