"""Damaged inputs of a kind: a sentence or an answer, no traceback, no hang.

A few hundred of each by day, ten thousand in the night (`make test-nightly`).

`tests/vl_track/test_fuzz_files.py` does the same for annotations and results.
"""

import io
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import save

from dropout_ft.data.decoding import read_rgb
from dropout_ft.sweep.config import read_sweep_config
from dropout_ft.sweep.expand import jobs_of
from holdfast.checkpoints.reading import read_checkpoint
from holdfast.checkpoints.weights import read_weights
from holdfast.errors import HoldfastError
from holdfast.runs.record import read_record
from holdfast.runs.results import read_results
from nightly_support import counts
from tracking_support import write_clip
from vl_track.data.geometry import Window
from vl_track.data.images import crop_image, read_image
from vl_track.video.reading import open_source

COUNTS = pytest.mark.parametrize("count", counts(300, 10_000))
LONGEST = 10
"""Seconds one input may take."""

pytestmark = [
    # Decoders warn about damaged files, each in its own words.
    pytest.mark.filterwarnings("ignore"),
]


@contextmanager
def in_time() -> Iterator[None]:
    """Fail if the block takes longer than is allowed."""

    def late(*_: object) -> None:
        raise TimeoutError(f"one input took more than {LONGEST} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def damaged(content: bytes, generator: np.random.Generator) -> bytes:
    """Cut, overwrite, repeat or shuffle a part of a file."""
    data = bytearray(content)
    for _ in range(int(generator.integers(1, 4))):
        kind = int(generator.integers(5))
        start = int(generator.integers(len(data))) if data else 0
        end = min(len(data), start + int(generator.integers(1, 64)))
        if kind == 0:
            del data[start:]
        elif kind == 1:
            data[start:end] = generator.integers(0, 256, end - start).astype(np.uint8).tobytes()
        elif kind == 2:
            data[start:start] = data[start:end]
        elif kind == 3:
            del data[start:end]
        else:
            data[start:end] = bytes([int(generator.choice([0, 255, 45, 34, 123]))]) * (end - start)
    return bytes(data)


def attack(
    content: bytes, path: Path, read: Callable[[Path], object], count: int
) -> tuple[int, int]:
    """Read so many damaged copies; returns how many were read and how many refused."""
    generator = np.random.default_rng(0)
    kept = refused = 0
    for _ in range(count):
        path.write_bytes(damaged(content, generator))
        with in_time():
            try:
                read(path)
                kept += 1
            except HoldfastError as error:
                said = str(error)
                refused += 1
            else:
                continue
        assert len(said) > 20, "a sentence, not a word"
    return kept, refused


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((40, 30)).save(buffer, kind)
    return buffer.getvalue()


@COUNTS
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_pictures(kind: str, count: int, tmp_path: Path) -> None:
    def read(path: Path) -> None:
        part = crop_image(path, Window(12, 5, 17), 8)  # a region of a JPEG, in a library of C
        assert part.shape == (8, 8, 3)
        picture = read_rgb(path)
        assert picture.mode == "RGB"
        assert picture.width * picture.height > 0

    kept, refused = attack(encoded(kind), tmp_path / f"a.{kind.lower()}", read, count)
    assert kept + refused == count
    assert refused > count // 10

    def frame(path: Path) -> None:
        picture = read_image(path)
        assert picture.dtype == np.uint8
        assert picture.ndim == 3

    attack(encoded(kind), tmp_path / f"b.{kind.lower()}", frame, count // 10)


@COUNTS
def test_weights_and_checkpoints(count: int, tmp_path: Path) -> None:
    tensors = {"a.weight": torch.randn(3, 4), "a.bias": torch.zeros(3)}
    kept, refused = attack(save(tensors), tmp_path / "a.safetensors", read_weights, count)
    assert refused > count // 10
    assert kept > 0, "damage within the numbers cannot be told"
    buffer = io.BytesIO()
    torch.save({"state_dict": tensors, "holdfast_config": "{}"}, buffer)
    _, refused = attack(buffer.getvalue(), tmp_path / "a.ckpt", read_checkpoint, count)
    assert refused > count // 2


@COUNTS
def test_sweeps_and_results(count: int, tmp_path: Path) -> None:
    (tmp_path / "fit.yaml").write_text("model: {}\n")
    plan = {"fit": ["fit.yaml"], "domains": [0, 1], "seeds": [0], "dropout_rates": [0, 0.9],
            "grid": {"model.lr": [0.1, 0.01]}}  # fmt: skip

    def read(path: Path) -> None:
        jobs_of(read_sweep_config(path))

    kept, refused = attack(yaml.safe_dump(plan).encode(), tmp_path / "plan.yaml", read, count)
    assert kept > 0
    assert refused > 0
    line = b'{"step": 100, "current": {"iid": 0.5, "ood": 0.25}}\n'
    attack(line * 3, tmp_path / "results.jsonl", read_results, count)
    record = b'{"status": "finished", "launches": []}'
    kept, _ = attack(record, tmp_path / "run.json", read_record, count)
    assert kept == count, "a record is only a record"


@COUNTS
def test_videos(count: int, tmp_path: Path) -> None:
    content = write_clip(tmp_path / "clip.mp4", count=3, size=(32, 24)).read_bytes()

    def read(path: Path) -> None:
        for frame in islice(open_source(str(path)).frames(), 50):
            assert frame.image is None or frame.image.ndim == 3

    before = av.logging.get_level()
    av.logging.set_level(av.logging.PANIC)
    kept, refused = attack(content, tmp_path / "a.mp4", read, count)
    av.logging.set_level(before)
    assert kept > 0
    assert refused > 0
