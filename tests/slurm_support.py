"""A real Slurm on this machine: a controller and nodes from Debian's packages, without root."""

import getpass
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from holdfast.data.debian_packages import fetch_debian_package
from holdfast.errors import HoldfastError

PACKAGES = (
    "slurmctld", "slurmd", "slurm-client", "slurm-wlm-basic-plugins", "libslurm38", "libmunge2",
    "libhwloc15", "libnuma1",
)  # fmt: skip
PLUGINS = "usr/lib/x86_64-linux-gnu/slurm-wlm"


@dataclass(kw_only=True)
class Slurm:
    """A running cluster.

    Attributes:
        folder: of its files.
        packages: where Debian's packages are unpacked.
        nodes: the daemon of each node, by its name.
    """

    folder: Path
    packages: Path
    nodes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Return the variables with which Slurm's programs find each other."""
        roots = [self.packages / name for name in PACKAGES]
        places = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", PLUGINS)
        libraries = [root / place for root in roots for place in places]
        programs = [root / place for root in roots for place in ("usr/bin", "usr/sbin")]
        return {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "LD_LIBRARY_PATH": ":".join(str(path) for path in libraries if path.is_dir()),
            "PATH": ":".join([*(str(p) for p in programs if p.is_dir()), os.environ["PATH"]]),
        }

    def start(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        """Start a daemon in a session of its own."""
        with (self.folder / "daemons.log").open("a") as log:
            return subprocess.Popen(
                [program, *words], env={**os.environ, **self.environment()}, stdout=log,
                stderr=log, start_new_session=True, cwd=self.folder,
            )  # fmt: skip

    def start_node(self, name: str) -> None:
        """Start a node; it comes back if it was there before."""
        step = self.packages / "slurmd/usr/sbin/slurmstepd-wlm"
        self.nodes[name] = self.start("slurmd-wlm", "-D", "-N", name, "-d", str(step))

    def kill_node(self, name: str) -> None:
        """Take a node away with everything that runs on it, as a power cut does."""
        here = {str(self.nodes[name].pid), *steps_of(name)}
        # Children first: nothing may be left that could still write.
        for process in [*descendants(here), *here]:
            try:
                os.kill(int(process), signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.nodes[name].wait()

    def ask(self, *words: str) -> str:
        """Run one of Slurm's programs and return what it says."""
        environment = {**os.environ, **self.environment()}
        done = subprocess.run(
            words, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout + done.stderr


def steps_of(node: str) -> set[str]:
    """Return the processes of the tasks on a node, and of the daemons that wait for them."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"SLURMD_NODENAME={node}".encode() in environment:
            found.add(entry.name)
    return found | {one for one in map(parent, found) if "slurmstepd" in command(one)}


def parent(process: str) -> str:
    """Return the number of a process's parent."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1]
    except OSError:
        return ""


def command(process: str) -> str:
    """Return the name of a process."""
    try:
        return Path(f"/proc/{process}/comm").read_text()
    except OSError:
        return ""


def descendants(processes: set[str]) -> list[str]:
    """Return everything below some processes, the youngest first."""
    below: dict[str, list[str]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        below.setdefault(parent(entry.name), []).append(entry.name)
    found: list[str] = []
    waiting = list(processes)
    while waiting:
        children = below.get(waiting.pop(), [])
        found += children
        waiting += children
    return found[::-1]


@contextmanager
def running_slurm(folder: Path, packages: Path, nodes: int = 2) -> Iterator[Slurm]:
    """Run a controller and nodes; skips the test where Debian's packages cannot be had."""
    try:
        for name in PACKAGES:
            fetch_debian_package(name, packages)
    except HoldfastError as error:
        pytest.skip(f"no Slurm here: {error}")
    names = [f"n{number}" for number in range(1, nodes + 1)]
    cluster = Slurm(folder=folder, packages=packages)
    for name in ("state", *(f"spool-{node}" for node in names)):
        (folder / name).mkdir(parents=True)
    (folder / "slurm.conf").write_text(configuration(cluster, names))
    controller = cluster.start("slurmctld-wlm", "-D")
    try:
        for name in names:
            cluster.start_node(name)
        wait_until(lambda: cluster.ask("sinfo", "-h", "-o", "%T").split() == ["idle"], 60)
        yield cluster
    finally:
        cluster.ask("scancel", f"--user={getpass.getuser()}")
        for name in list(cluster.nodes):
            if cluster.nodes[name].poll() is None:
                cluster.kill_node(name)
        controller.kill()
        controller.wait()


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def configuration(cluster: Slurm, names: list[str]) -> str:
    """Return slurm.conf: no accounts, no authentication, jobs are queued again if a node dies."""
    host, user, folder = socket.gethostname(), getpass.getuser(), cluster.folder
    control, *ports = free_ports(1 + len(names))
    nodes = "\n".join(
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2"
        for name, port in zip(names, ports, strict=True)
    )
    places = [cluster.packages / name / PLUGINS for name in PACKAGES]
    plugins = ":".join(str(path) for path in places if path.is_dir())
    return f"""ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
AuthType=auth/none
CredType=cred/none
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/controller.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/controller.log
SlurmdLogFile={folder}/%n.log
PluginDir={plugins}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=8
KillWait=5
JobRequeue=1
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
