"""Checkpoints and weights of any bytes: loaded, or refused with a sentence; never executed."""

import pickle
import random
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.checkpoints.reading import (
    OWN_KEY,
    check_same_architecture,
    check_sums,
    read_checkpoint,
)
from holdfast.checkpoints.weights import read_weights, write_weights
from holdfast.errors import CheckpointError

FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
WEIGHTS = {"a.weight": torch.arange(12.0).reshape(3, 4), "b": torch.tensor([1, 2])}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "last.ckpt"
    torch.save({"state_dict": WEIGHTS, "global_step": 3}, path)
    return path


def refused(path: Path) -> bool:
    try:
        read_weights(path)
    except CheckpointError as error:
        return str(path.name) in str(error)
    return False


@FUZZ
@given(st.binary(max_size=300))
def test_bytes_that_are_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    for name in ("x.ckpt", "x.pth", "x.safetensors"):
        path = tmp_path / name
        path.write_bytes(content)
        assert refused(path), name


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9, 0.99])
def test_cut_files(checkpoint: Path, tmp_path: Path, share: float) -> None:
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[: int(len(whole) * share)])
    assert refused(checkpoint)
    plain = tmp_path / "x.safetensors"
    write_weights(plain, WEIGHTS)
    whole = plain.read_bytes()
    plain.write_bytes(whole[: int(len(whole) * share)])
    assert refused(plain)


def test_changed_bytes_never_end_in_another_error(checkpoint: Path) -> None:
    whole = checkpoint.read_bytes()
    generator = random.Random(0)
    outcomes = set()
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(4):
            damaged[generator.randrange(len(whole))] = generator.randrange(256)
        checkpoint.write_bytes(damaged)
        try:
            read_weights(checkpoint)
            outcomes.add("read")
        except CheckpointError:
            outcomes.add("refused")
    assert "refused" in outcomes


class Evil:
    """Leaves a mark if it is ever unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.mark, "w")


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_strangers_code_is_never_run(how: str, tmp_path: Path) -> None:
    mark, path = tmp_path / "mark", tmp_path / "evil.ckpt"
    content = {"state_dict": WEIGHTS, "extra": Evil(mark)}
    if how == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(CheckpointError):
        read_checkpoint(path)
    assert not mark.exists()


def test_what_is_no_file_of_weights_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"There are no weights at .*none.safetensors"):
        read_weights(tmp_path / "none.safetensors")
    with pytest.raises(CheckpointError, match=r"none.ckpt"):
        read_checkpoint(tmp_path / "none.ckpt")
    torch.save({"numbers": 3}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match="holds no weights"):
        read_weights(tmp_path / "x.pth")


@pytest.mark.parametrize("key", ["state_dict", "model", "net", None])
def test_weights_are_found_under_the_usual_names(key: str | None, tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    torch.save(WEIGHTS if key is None else {key: WEIGHTS}, path)
    found = read_weights(path)
    assert set(found) == set(WEIGHTS)
    assert torch.equal(found["a.weight"], WEIGHTS["a.weight"])


def test_views_and_other_layouts_are_written_whole(tmp_path: Path) -> None:
    base = torch.arange(24.0).reshape(4, 6)
    path = tmp_path / "x.safetensors"
    write_weights(path, {"view": base[:, ::2], "turned": base.T, "param": torch.nn.Parameter(base)})
    found = read_weights(path)
    assert torch.equal(found["view"], base[:, ::2])
    assert torch.equal(found["turned"], base.T)
    assert not found["param"].requires_grad


def test_architectures_are_compared_by_name_and_shape() -> None:
    check_same_architecture(WEIGHTS, WEIGHTS, source="x")
    with pytest.raises(CheckpointError, match=r"x is of another architecture"):
        check_same_architecture({"a.weight": WEIGHTS["a.weight"]}, WEIGHTS, source="x")
    other = {**WEIGHTS, "b": torch.tensor([1, 2, 3])}
    with pytest.raises(CheckpointError, match=r"b is \(3,\), not \(2,\)"):
        check_same_architecture(other, WEIGHTS, source="x")


@pytest.mark.parametrize(
    ("offset", "change"),
    [(6, b"\x00\x08"), (8, b"\x63\x00"), (6, b"\x01\x00"), (0, b"xxxx")],
    ids=["a name that is no UTF-8", "an unknown compression", "encrypted", "no header"],
)
def test_damaged_headers_of_parts_are_one_sentence(
    tmp_path: Path, offset: int, change: bytes
) -> None:
    """10,000 damaged checkpoints: Python's zip reader raised what was not expected of it."""
    path = tmp_path / "own.ckpt"
    torch.save({OWN_KEY: {}, "state_dict": WEIGHTS}, path)
    damaged = bytearray(path.read_bytes())
    damaged[offset : offset + len(change)] = change
    damaged[32] = 0xC8  # in the first part's name
    path.write_bytes(damaged)
    with pytest.raises(CheckpointError, match=r"own\.ckpt"):
        check_sums(path)
