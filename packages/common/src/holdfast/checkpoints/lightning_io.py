"""Lightning's checkpoint plugin: a checkpoint is whole or absent, and never unpickled blindly."""

import io
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from holdfast.atomic import write_bytes
from holdfast.checkpoints.reading import read_checkpoint


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning's checkpoint plugin with our guarantees.

    A checkpoint appears under its name only when all its bytes are on the disk, so a run killed or
    out of space while saving keeps its previous one. Reading never unpickles objects.
    """

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any | None = None,  # noqa: ANN401  (Lightning's signature)
    ) -> None:
        """Serialise in memory, then write and rename.

        Raises:
            DiskError: the disk is full or not writable; the previous checkpoint is untouched.
        """
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_bytes(path, buffer.getvalue())

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any | None = lambda storage, _: storage,  # noqa: ANN401
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """Load a checkpoint with ``weights_only=True``, whatever the caller asked."""
        return read_checkpoint(path, map_location=map_location)
