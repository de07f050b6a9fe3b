"""Jobs small enough to run hundreds of them, which tell on themselves if they run twice at once."""

import errno
import os
import time
from functools import cache
from pathlib import Path

from holdfast.errors import ConfigError, DivergedError
from holdfast.jobs.job import Job, JobFolder
from holdfast.jobs.pool import Pool
from holdfast.jobs.slot import Slot, start_process

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
    """Tell whether another process runs; a killed one that nobody has waited for does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return process != os.getpid() and state != "Z"


def without_environment(slot: Slot) -> str:
    """A task on a node that lacks our packages."""
    raise ModuleNotFoundError("No module named 'holdfast.jobs'")


def node_dies_after_start(slot: Slot) -> str:
    """A task whose node dies as soon as its first job has started."""
    folder = JobFolder(path=Path(slot.folders[0]))
    with folder.claim():
        folder.start()
    raise RuntimeError("node failure")


def asked_to_stop(*, folder: str) -> None:
    """A job that is stopped from outside each time, as by a daemon that saves memory."""
    os.kill(os.getpid(), 15)
    time.sleep(10)


def refuse(*, folder: str) -> None:
    raise ConfigError("This cannot be done: do something else.")


def diverge(*, folder: str) -> None:
    raise DivergedError("The loss became nan at step 3.")


def crash(*, folder: str) -> None:
    raise RuntimeError("a bug")


def die(*, folder: str) -> None:
    os.kill(os.getpid(), 9)


def hang(*, folder: str) -> None:
    time.sleep(600)


def fill(*, folder: str, until: str) -> None:
    """Fail as on a full disk until a file is there."""
    if not Path(until).exists():
        Path("/dev/full").write_text("one byte")  # the kernel's own full disk


def fill_in_library(*, folder: str, until: str) -> None:
    """Fail as a library does that hides the reason behind an error of its own."""
    if not Path(until).exists():
        raise ConfigError("The file cannot be written.") from OSError(errno.EDQUOT, "quota")


def see(*, folder: str, variable: str, number: int = 0) -> dict[str, str]:
    """Tell a variable of the environment."""
    time.sleep(0.3)
    return {variable: os.environ.get(variable, "")}


@cache
def opened(name: str) -> float:
    """Open something that takes long, once a process."""
    return time.monotonic()


def reuse(*, folder: str, number: int) -> dict[str, float]:
    if number == 1 and not (Path(folder) / "died").exists():
        (Path(folder) / "died").touch()
        os.kill(os.getpid(), 9)
    return {"process": os.getpid(), "opened": opened("model")}


def job(name: str, **arguments: object) -> Job:
    return Job(target=f"jobs_support:{name}", arguments=dict(arguments), name=name)


def make_pool(root: Path, count: int, seconds: float = 0.0, *, many: bool = False) -> Pool:
    jobs = [job("work", number=i, seconds=seconds) for i in range(count)]
    pool = Pool(root=root, jobs=jobs, many_a_process=many)
    pool.describe()
    return pool


def journal(pool: Pool, place: int) -> list[str]:
    return (pool.folder(pool.jobs[place]).path / "journal.txt").read_text().split()


def run_in_process(folder: JobFolder) -> int:
    """Run one job in a process of its own, as a worker does."""
    status, _ = start_process(Slot(folders=[]), [str(folder.path)])
    return status
