"""``run.json``: what was run, with what, on what, for how long."""

import contextlib
import json
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from lightning_utilities.core.rank_zero import rank_zero_only
from pytorch_lightning import Callback, LightningModule, Trainer

from holdfast.atomic import write_text
from holdfast.errors import DiskError
from holdfast.runs.directory import RunDirectory

RECORDED_PACKAGES = (
    "holdfast-common", "holdfast-dropout-ft", "holdfast-vl-track", "torch", "torchvision",
    "pytorch-lightning", "torchmetrics", "timm", "open_clip_torch", "jsonargparse", "omegaconf",
    "numpy", "pillow",
)  # fmt: skip


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that shape a result."""
    return {name: _version(name) for name in RECORDED_PACKAGES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def git_state(folder: Path | None = None) -> dict[str, str | bool] | None:
    """Return commit and whether the tree was changed, or None outside a repository."""
    commands = (["git", "rev-parse", "HEAD"], ["git", "status", "--porcelain"])
    outputs = []
    for command in commands:
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, check=True, timeout=10
            )
        except (OSError, subprocess.SubprocessError):
            return None
        outputs.append(done.stdout.strip())
    return {"commit": outputs[0], "changed": bool(outputs[1])}


def hardware(trainer: Trainer | None = None) -> dict[str, Any]:
    """Describe the machine and, with a trainer, the part of it that the run uses."""
    found: dict[str, Any] = {
        "machine": platform.machine(),
        "processor": _processor_name(),
        "threads": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
    }
    if trainer is not None:
        found["strategy"] = type(trainer.strategy).__name__
        found["processes"] = trainer.world_size
        found["precision"] = str(trainer.precision)
    return found


def _processor_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


class RunRecord(Callback):
    """Write ``run.json`` when a run starts, ends, or breaks off.

    Args:
        directory: the run.
        config: its resolved configuration, as plain values.
        seed: the run's seed.
    """

    def __init__(self, directory: RunDirectory, config: Mapping[str, Any], *, seed: int) -> None:
        self.directory = directory
        self.config = dict(config)
        self.seed = seed
        self._started = time.monotonic()
        self._launch: dict[str, Any] = {}

    @rank_zero_only
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the launch before the first step."""
        self._started = time.monotonic()
        self._launch = {
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
            "started": datetime.now(UTC).isoformat(timespec="microseconds"),
            "git": git_state(Path(__file__).parent),
            "packages": package_versions(),
            "python": platform.python_version(),
            "hardware": hardware(trainer),
        }
        self._write(trainer, "running")

    @rank_zero_only
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the first step; Lightning restores its counters only after on_fit_start."""
        self._launch["from_step"] = trainer.global_step
        self._write(trainer, "running")

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Put the configuration into the checkpoint, so that it can be used without its run."""
        checkpoint["holdfast_config"] = json.dumps(self.config, default=str)

    @rank_zero_only
    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the end."""
        self._write(trainer, "finished")

    @rank_zero_only
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Record why the run broke off; the record itself never hides the first error."""
        interrupted = isinstance(exception, KeyboardInterrupt)
        self._launch["error"] = f"{type(exception).__name__}: {exception}"
        with contextlib.suppress(DiskError):
            self._write(trainer, "interrupted" if interrupted else "failed")

    def _write(self, trainer: Trainer, status: str) -> None:
        self._launch["wall_seconds"] = round(time.monotonic() - self._started, 3)
        self._launch["to_step"] = trainer.global_step
        earlier = read_record(self.directory.record).get("launches", [])
        same = [old for old in earlier if old.get("started") != self._launch.get("started")]
        record = {
            "status": status,
            "seed": self.seed,
            "steps": trainer.global_step,
            "config": self.config,
            # A run resumed at its last step never starts to train: it began where it ends.
            "launches": [*same, {"from_step": trainer.global_step, **self._launch}],
        }
        text = json.dumps(record, indent=2, default=str)
        write_text(self.directory.record, text + "\n")


def read_record(path: str | Path) -> dict[str, Any]:
    """Read ``run.json``; an absent or unreadable one is empty, since it is only a record."""
    try:
        record = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
