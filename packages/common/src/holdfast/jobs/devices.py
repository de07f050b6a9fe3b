"""The GPUs of this machine, found without torch, and which worker gets which."""

import os
import shutil
import subprocess

VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_gpus() -> list[str]:
    """Return the names by which CUDA programs may ask for this machine's GPUs."""
    if VISIBLE in os.environ:
        return [name.strip() for name in os.environ[VISIBLE].split(",") if name.strip()]
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    asked = [program, "--query-gpu=index", "--format=csv,noheader"]
    try:
        found = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return found.stdout.split() if found.returncode == 0 else []


def gpus_of(worker: int, workers: int, per_worker: float, gpus: list[str]) -> dict[str, str]:
    """Return the variable that gives a worker its GPUs; nothing where it may have all there are.

    Args:
        worker: its number, from 0 on.
        workers: how many there are.
        per_worker: GPUs of one worker; below 1 several workers share one. 0: one each, where more
            than one worker runs.
        gpus: from :func:`visible_gpus`.
    """
    if not gpus or (per_worker == 0 and workers == 1):
        return {}
    count = max(1, round(per_worker))
    first = worker // int(1 / per_worker) if 0 < per_worker < 1 else worker * count
    return {VISIBLE: ",".join(gpus[(first + k) % len(gpus)] for k in range(min(count, len(gpus))))}
