"""Batches that several runs on a machine need are made once, by whoever is ahead; no server."""

import fcntl
import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from holdfast.atomic import write_bytes
from holdfast.errors import DiskError
from holdfast.seeding import SampleKey, fold_seed

STREAM = "HOLDFAST_STREAM"
"""Environment variable: the folder in which runs share their batches."""
CAPACITY = 16
_log = logging.getLogger(__name__)

Batch = dict[str, Tensor]


class SharedBatches(Dataset[Any]):
    """A data set whose whole batches are kept in a folder for others that ask for the same.

    A batch is named by the samples, the seeds of their augmentation and ``identity``, so runs of
    one seed and one data setting read each other's batches bit for bit, whatever they train with
    them, and all others never meet. The newest ``capacity`` batches are kept; a run that falls
    further behind makes its own, as it would alone.

    Use with :func:`collated` as the loader's ``collate_fn``.

    Args:
        dataset: indexed by :class:`SampleKey`; its items are dictionaries of tensors.
        folder: best in memory (/dev/shm); made if missing.
        identity: everything besides the keys that decides what a sample looks like: files, sizes,
            transforms.
        capacity: batches to keep.
    """

    def __init__(
        self, dataset: Dataset[Any], folder: Path, *, identity: str, capacity: int = CAPACITY
    ) -> None:
        self.dataset = dataset
        self.folder = folder
        self.identity = identity
        self.capacity = capacity
        self.made = 0
        self._full = False

    def __len__(self) -> int:
        return len(self.dataset)  # type: ignore[arg-type]

    def __getitem__(self, key: SampleKey | int) -> Any:  # noqa: ANN401  (what the data set gives)
        return self.dataset[key]

    def __getitems__(self, keys: Sequence[SampleKey]) -> Batch:
        """Return the collated batch of the keys: a loader asks for whole batches by this name."""
        digest = hashlib.sha256(repr((self.identity, list(keys))).encode()).hexdigest()[:32]
        file = self.folder / f"{digest}.safetensors"
        found = _read(file)
        if found is not None:
            return found
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = (self.folder / f"{digest}.lock").open("wb")
        except OSError as error:
            self._warn(str(error))
            return self._make(keys)
        with lock:
            # The kernel gives the lock back when its holder dies, and the next one makes the batch.
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = _read(file)
            return self._make_and_keep(keys, file) if found is None else found

    def _make(self, keys: Sequence[SampleKey]) -> Batch:
        self.made += 1
        batch: Batch = default_collate([self.dataset[key] for key in keys])
        return batch

    def _make_and_keep(self, keys: Sequence[SampleKey], file: Path) -> Batch:
        batch = self._make(keys)
        try:
            write_bytes(file, save(batch))
            self._drop_oldest()
        except (OSError, DiskError) as error:
            self._warn(str(error))
        return batch

    def _warn(self, reason: str) -> None:
        if not self._full:
            _log.warning("batches are not shared with other runs: %s", reason)
        self._full = True

    def _drop_oldest(self) -> None:
        """Remove all but the newest batches; who has one open keeps it."""
        entries = [one for one in os.scandir(self.folder) if one.name.endswith(".safetensors")]
        ages = [(_age(entry), entry.path) for entry in entries]
        for _, path in sorted(ages)[: -self.capacity]:
            Path(path).unlink(missing_ok=True)
            Path(path).with_suffix(".lock").unlink(missing_ok=True)


def collated(batch: Any) -> Any:  # noqa: ANN401  (a loader's words)
    """Return the batch: :class:`SharedBatches` has collated it."""
    return batch


def shares_batches() -> bool:
    """Tell whether ``HOLDFAST_STREAM`` names a folder through which runs share batches."""
    return bool(os.environ.get(STREAM))


def shared(dataset: Dataset[Any], identity: str | None) -> Dataset[Any]:
    """Wrap a data set where ``HOLDFAST_STREAM`` names a folder, else return it as it is.

    Args:
        dataset: items are dictionaries of tensors.
        identity: as for :class:`SharedBatches`; None never shares.
    """
    folder = os.environ.get(STREAM)
    if not folder or identity is None:
        return dataset
    return SharedBatches(dataset, Path(folder).expanduser(), identity=identity)


def stream_folder(folder: Path) -> Path:
    """Return the folder in memory that belongs to a place on disk; below it without /dev/shm."""
    memory = Path("/dev/shm")  # noqa: S108  (the kernel's shared memory; the name below is our own)
    parent = memory if memory.is_dir() and os.access(memory, os.W_OK) else folder
    return parent / f"holdfast-{os.getuid()}-{fold_seed('stream', str(folder.resolve())):016x}"


def _read(file: Path) -> Batch | None:
    """Return a batch that somebody made, or None."""
    try:
        found: Batch = load_file(file)
    except (OSError, SafetensorError):
        return None
    return found


def _age(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
