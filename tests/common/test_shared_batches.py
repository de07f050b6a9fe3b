"""Shared batches: bit for bit those of a run alone, made once, whatever dies or fills up."""

import fcntl
import logging
import multiprocessing
import os
import signal
import time
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from holdfast.seeding import SampleKey
from holdfast.training import shared_batches
from holdfast.training.datamodule import StepDataModule, seeded
from holdfast.training.shared_batches import STREAM, SharedBatches, shared, stream_folder

KEYS = [SampleKey(3, 11), SampleKey(1, 12)]


class Draws(Dataset[dict[str, Tensor]]):
    """Draws from the key's seed, and notes every sample it makes in a file."""

    def __init__(self, notes: Path, seconds: float = 0.0) -> None:
        self.notes = notes
        self.seconds = seconds

    def __len__(self) -> int:
        return 5

    def __getitem__(self, key: SampleKey | int) -> dict[str, Tensor]:
        sample, seed = seeded(key)
        time.sleep(self.seconds)
        with self.notes.open("ab") as file:
            file.write(b".")
        generator = torch.Generator().manual_seed(seed)
        pixels = torch.randint(0, 256, (3, 4, 4), generator=generator, dtype=torch.uint8)
        return {"input": pixels, "label": torch.tensor(sample)}


def made(notes: Path) -> int:
    return notes.stat().st_size if notes.exists() else 0


def batches(notes: Path, *, workers: int = 0, seed: int = 7, identity: str | None = "a") -> Any:
    module = StepDataModule(num_workers=workers)
    module.seed = seed
    module.trainer = SimpleNamespace(  # type: ignore[assignment]
        global_step=0, accumulate_grad_batches=1, global_rank=0, world_size=1
    )
    loader = module.step_loader(Draws(notes), [[0, 1], [2, 3, 4]], per_group=2, identity=identity)
    return list(islice(loader, 6))


def equal(one: list[dict[str, Tensor]], other: list[dict[str, Tensor]]) -> bool:
    return all(
        a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_a_second_run_reads_what_the_first_made(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = batches(tmp_path / "alone")
    monkeypatch.setenv(STREAM, str(tmp_path / "stream"))
    first = batches(tmp_path / "first", workers=workers)
    second = batches(tmp_path / "second")
    assert equal(first, alone)
    assert equal(second, alone)
    assert made(tmp_path / "first") >= made(tmp_path / "alone") == 6 * 4
    assert made(tmp_path / "second") == 0


@pytest.mark.parametrize("change", [{"seed": 8}, {"identity": "b"}, {"identity": None}])
def test_runs_of_another_seed_or_setting_never_meet(
    change: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = batches(tmp_path / "alone", **change)
    monkeypatch.setenv(STREAM, str(tmp_path / "stream"))
    batches(tmp_path / "first")
    assert equal(batches(tmp_path / "other", **change), alone)
    assert made(tmp_path / "other") == 6 * 4


def test_nothing_is_shared_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STREAM, raising=False)
    data = Draws(tmp_path / "notes")
    assert shared(data, "a") is data


def stream(tmp_path: Path, notes: str = "notes", **options: Any) -> SharedBatches:
    return SharedBatches(Draws(tmp_path / notes), tmp_path / "stream", identity="a", **options)


def test_the_newest_batches_are_kept_and_the_latecomer_makes_its_own(tmp_path: Path) -> None:
    leader = stream(tmp_path, capacity=3)
    wanted = [leader.__getitems__([SampleKey(0, seed)]) for seed in range(10)]
    names = sorted(path.suffix for path in (tmp_path / "stream").iterdir())
    assert names == [".lock"] * 3 + [".safetensors"] * 3
    late = stream(tmp_path, "late", capacity=3)
    assert equal([late.__getitems__([SampleKey(0, 9)])], wanted[9:])
    assert made(tmp_path / "late") == 0
    assert equal([late.__getitems__([SampleKey(0, 2)])], wanted[2:3])
    assert made(tmp_path / "late") == late.made == 1


def test_a_batch_in_use_outlives_its_file(tmp_path: Path) -> None:
    stream(tmp_path).__getitems__(KEYS)
    batch = stream(tmp_path).__getitems__(KEYS)
    before = batch["input"].clone()
    for path in (tmp_path / "stream").iterdir():
        path.unlink()
    assert torch.equal(batch["input"], before)
    batch["input"].zero_()


def test_changing_a_batch_in_place_does_not_reach_the_others(tmp_path: Path) -> None:
    before = stream(tmp_path).__getitems__(KEYS)
    changed = stream(tmp_path).__getitems__(KEYS)
    changed["input"].zero_()
    assert equal([stream(tmp_path).__getitems__(KEYS)], [before])


def test_a_damaged_batch_is_made_again(tmp_path: Path) -> None:
    wanted = stream(tmp_path).__getitems__(KEYS)
    (file,) = (tmp_path / "stream").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:40])
    assert equal([stream(tmp_path).__getitems__(KEYS)], [wanted])
    assert made(tmp_path / "notes") == 4


def _ask(tmp_path: Path, name: str, seconds: float) -> None:
    data = Draws(tmp_path / name, seconds)
    SharedBatches(data, tmp_path / "stream", identity="a").__getitems__(KEYS)


def test_who_comes_while_a_batch_is_made_waits_for_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=_ask, args=(tmp_path, "notes", 0.3)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
        assert one.exitcode == 0
    assert made(tmp_path / "notes") == 2


def test_a_killed_maker_holds_nobody_up(tmp_path: Path) -> None:
    maker = multiprocessing.get_context("fork").Process(target=_ask, args=(tmp_path, "dead", 60.0))
    maker.start()
    while not list(tmp_path.glob("stream/*.lock")):
        time.sleep(0.01)
    time.sleep(0.1)
    assert maker.pid is not None
    os.kill(maker.pid, signal.SIGKILL)
    maker.join()
    start = time.monotonic()
    stream(tmp_path).__getitems__(KEYS)
    assert time.monotonic() - start < 5
    assert made(tmp_path / "notes") == 2


def test_a_full_disk_is_said_once_and_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(target: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shared_batches, "write_bytes", full)
    data = stream(tmp_path)
    with caplog.at_level(logging.WARNING):
        found = [data.__getitems__([SampleKey(0, seed)]) for seed in range(3)]
    alone = [data.dataset[SampleKey(0, seed)]["input"] for seed in range(3)]
    assert all(torch.equal(a["input"][0], b) for a, b in zip(found, alone, strict=True))
    assert [record.message for record in caplog.records] == [
        "batches are not shared with other runs: [Errno 28] No space left on device"
    ]


def test_a_folder_that_cannot_be_made_is_said_and_training_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "stream").write_text("a file")
    with caplog.at_level(logging.WARNING):
        assert stream(tmp_path).__getitems__(KEYS)["label"].tolist() == [3, 1]
    assert "not shared" in caplog.text


def test_locks_are_given_back(tmp_path: Path) -> None:
    stream(tmp_path).__getitems__(KEYS)
    (lock,) = (tmp_path / "stream").glob("*.lock")
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_places_have_folders_of_their_own(tmp_path: Path) -> None:
    assert stream_folder(tmp_path / "a") != stream_folder(tmp_path / "b")
    assert stream_folder(tmp_path / "a") == stream_folder(tmp_path / "x/../a")
