"""The arithmetic of a run that names none: bfloat16 autocast on GPUs that have it."""

import torch

FULL = "32-true"


def default_precision(accelerator: str) -> str:
    """Return what ``trainer.precision`` is where a configuration does not set it.

    Args:
        accelerator: as ``trainer.accelerator``: ``auto``, ``gpu``, ``cuda``, ``cpu`` and so on.
    """
    on_gpu = accelerator in {"auto", "gpu", "cuda"} and torch.cuda.is_available()
    # Emulated bfloat16, on GPUs before Ampere, is slower than float32.
    if on_gpu and torch.cuda.is_bf16_supported(including_emulation=False):
        return "bf16-mixed"
    return FULL
