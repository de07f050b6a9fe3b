"""``run.json``: what a run is, with what it was made, on what, for how long."""

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

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


def hardware() -> dict[str, Any]:
    """Describe the machine: processor, cores, torch's threads, GPUs."""
    import torch  # noqa: PLC0415  (the records are read by commands that need no torch)

    return {
        "machine": platform.machine(),
        "processor": processor_name(),
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
    }


def processor_name() -> str:
    """Return the processor's name, as the kernel tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def command_line() -> list[str]:
    """Return the command of this process, without the folders of the program."""
    return [Path(sys.argv[0]).name, *sys.argv[1:]]


def read_record(path: str | Path) -> dict[str, Any]:
    """Read ``run.json``; an absent or unreadable one is empty, since it is only a record.

    Returns:
        A dictionary whose ``launches`` is a list of dictionaries and whose ``identity``,
        ``coordinates`` and ``config``, where present, are dictionaries; anything else in the file
        is no record.
    """
    try:
        record = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(record, dict):
        return {}
    launches = record.get("launches")
    record["launches"] = (
        [one for one in launches if isinstance(one, dict)] if isinstance(launches, list) else []
    )
    for name in ("identity", "coordinates", "config"):
        if not isinstance(record.get(name, {}), dict):
            del record[name]
    return record
