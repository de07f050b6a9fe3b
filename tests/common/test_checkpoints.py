"""Checkpoints are read without unpickling and refused with a reason."""

import pickle
from pathlib import Path

import pytest
import torch

from holdfast.checkpoints.lightning_io import AtomicCheckpointIO
from holdfast.checkpoints.reading import check_same_architecture, read_checkpoint
from holdfast.checkpoints.weights import read_weights, write_weights
from holdfast.errors import CheckpointError


class Malicious:
    """Touches a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def test_malicious_checkpoint_is_refused_and_not_run(tmp_path: Path) -> None:
    proof = tmp_path / "touched"
    torch.save({"state_dict": Malicious(proof)}, tmp_path / "bad.ckpt")
    for load in (read_checkpoint, AtomicCheckpointIO().load_checkpoint, read_weights):
        with pytest.raises(CheckpointError, match="refused"):
            load(tmp_path / "bad.ckpt")
    assert not proof.exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", pickle.dumps([1, 2], protocol=2)])
def test_damaged_files_are_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged.ckpt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"damaged\.ckpt"):
        read_checkpoint(path)


def test_cut_short_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "cut.ckpt"
    torch.save({"state_dict": {"w": torch.randn(1000)}}, path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(CheckpointError, match="cut short"):
        read_checkpoint(path)


def test_absent_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        read_checkpoint(tmp_path / "absent.ckpt")


def test_architectures_are_compared_key_for_key() -> None:
    expected = {"a": torch.zeros(2), "b": torch.zeros(3), "c": torch.zeros(1)}
    check_same_architecture(dict(expected), expected, source="x")
    found = {"a": torch.zeros(5), "b": torch.zeros(3), "d": torch.zeros(1)}
    with pytest.raises(CheckpointError) as raised:
        check_same_architecture(found, expected, source="x")
    assert "1 missing (c)" in str(raised.value)
    assert "1 unknown (d)" in str(raised.value)
    assert "a is (5,), not (2,)" in str(raised.value)


def test_weights_round_trip(tmp_path: Path) -> None:
    weights = {"w": torch.randn(3, 4).t(), "n": torch.tensor(7)}
    write_weights(tmp_path / "w.safetensors", weights)
    again = read_weights(tmp_path / "w.safetensors")
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    (tmp_path / "bad.safetensors").write_bytes(b"12345678")
    with pytest.raises(CheckpointError, match="not a readable safetensors"):
        read_weights(tmp_path / "bad.safetensors")
