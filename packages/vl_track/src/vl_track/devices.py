"""Which device computes."""

import sys
from pathlib import Path

from holdfast.errors import ConfigError


def choose_device(name: str | None = None) -> str:
    """Return a device that is there.

    Args:
        name: ``cpu``, ``cuda``, ``cuda:1``, ``mps``...; by default the first GPU if there is one,
            else the CPU.

    Raises:
        ConfigError: there is no such device on this machine.
    """
    if name == "cpu":
        return name
    import torch  # noqa: PLC0415  (slow to import)

    if name is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"There is no device '{name}': give cpu, cuda or cuda:1.") from error
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            there = "no GPU that this PyTorch can use" if not count else f"{count} GPU(s)"
            raise ConfigError(f"--device {name} cannot be used: this machine has {there}. "
                              "Give --device cpu, or leave it out.")  # fmt: skip
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("--device mps needs a Mac with Apple silicon: give --device cpu.")
    return name


def has_no_gpu() -> bool:
    """Tell, without importing torch, whether this machine surely has no GPU for it.

    On Linux the drivers of NVIDIA, of AMD and of Windows' subsystem show theirs below ``/dev``.
    """
    if sys.platform != "linux":
        return False
    return not any(Path(f"/dev/{name}").exists() for name in ("nvidiactl", "kfd", "dxg"))
