"""Files are whole or absent, on a full disk too."""

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from holdfast.atomic import atomic_path, write_bytes, write_text
from holdfast.checkpoints.lightning_io import AtomicCheckpointIO
from holdfast.errors import DiskError
from holdfast.runs.lock import only_process


def test_writes_and_replaces(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file.txt"
    write_text(target, "one")
    write_text(target, "zwei ä")
    assert target.read_text() == "zwei ä"
    assert list(target.parent.iterdir()) == [target]


def test_failure_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_bytes(target, b"old")

    def fail_half_way() -> None:
        with atomic_path(target) as temporary:
            temporary.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    write_bytes(target, b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match=r"No space left on device.*MB free.*free some space"):
        write_bytes(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_checkpoint_that_does_not_fit_leaves_the_previous_one(tmp_path: Path) -> None:
    """A real refusal by the kernel: the process may not write files above 10,000 bytes."""
    path = tmp_path / "last.ckpt"
    writer = AtomicCheckpointIO()
    writer.save_checkpoint({"weights": torch.ones(4)}, path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ordinary = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(DiskError, match="File too large"):
            writer.save_checkpoint({"weights": torch.ones(100_000)}, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ordinary)
    assert torch.equal(writer.load_checkpoint(path)["weights"], torch.ones(4))
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_where_the_folder_should_be_is_told_and_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("precious")
    with pytest.raises(DiskError, match="Could not write"):
        write_text(tmp_path / "folder" / "file.txt", "new")
    assert (tmp_path / "folder").read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_what_a_killed_write_left_goes_with_the_next_start(tmp_path: Path) -> None:
    """Was: a SIGKILL between writing and renaming left `.step-8.safetensors.PID.tmp` for good."""
    code = (
        "import os, sys, signal; from holdfast.atomic import atomic_path\n"
        "with atomic_path(sys.argv[1]) as path:\n"
        "    path.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    for place in ("logits/step-8.safetensors", "run.json", "derived/report.json"):
        subprocess.run([sys.executable, "-c", code, str(tmp_path / place)], check=False)
    (tmp_path / "logits/.mine.tmp").write_text("no temporary file of ours")
    assert len(list(tmp_path.rglob(".*.tmp"))) == 4
    with only_process(tmp_path):
        left = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob(".*.tmp")}
    assert left == {"logits", "derived"}, "a report may be writing into the latter"
    assert (tmp_path / "logits/.mine.tmp").exists()
