"""Memory stays flat over a long run and over a long video.

A thousand steps by day, ten thousand in the night, when a leak of 1.7 kB a step fails.
"""

import functools
import gc
import mmap
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytorch_lightning import Callback, Trainer

from dropout_ft.app import APP
from nightly_support import counts
from tracking_support import FindsRed, frame_with, moving_box
from vl_track.tracking import Tracker

CONFIG = Path(__file__).parents[2] / "configs/dropout_ft/tiny.yaml"
PAGE = os.sysconf("SC_PAGE_SIZE")
COUNTS = pytest.mark.parametrize("count", counts(1_000, 10_000))
WARM = 0.3
MOST_GROWTH = 12e6
"""Bytes on top after the warm part: allocators keep some."""


def resident() -> int:
    """Bytes of this process in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def growth(samples: list[int]) -> float:
    """Bytes by which the last tenth lies above the tenth after the warm part, by medians."""
    tenth = max(1, len(samples) // 10)
    start = int(WARM * len(samples))
    return float(np.median(samples[-tenth:]) - np.median(samples[start : start + tenth]))


def watch(work: Iterator[object], every: int) -> list[int]:
    """Do the work and look at the memory now and then."""
    samples = []
    gc.freeze()  # what was there before need not be looked through again and again
    for number, _ in enumerate(work):
        if number % every == 0:
            gc.collect()
            samples.append(resident())
    gc.unfreeze()
    return samples


class Watch(Callback):
    """Look at the memory during training."""

    def __init__(self) -> None:
        self.samples: list[int] = []

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step % 50 == 0:
            self.samples.append(resident())


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="reads Linux's /proc")
def test_the_measure_sees_a_leak() -> None:
    kept: list[mmap.mmap] = []

    def leak() -> Iterator[None]:
        for _ in range(2000):
            kept.append(mmap.mmap(-1, 20_000))  # not malloc: it may hand out what was freed before
            kept[-1].write(b"x" * 20_000)
            yield

    assert growth(watch(leak(), 20)) > MOST_GROWTH
    assert growth([100] * 50) == 0


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="reads Linux's /proc")
@COUNTS
def test_memory_is_flat_over_many_frames(count: int) -> None:
    tracker = Tracker(FindsRed())
    tracker.network.asked = _Nothing()  # type: ignore[attr-defined]
    frames = [frame_with(moving_box(time)) for time in range(6)]
    there_and_back = [*frames, *frames[-2:0:-1]]
    tracker.initialize(frames[0], moving_box(0), "the red thing")

    def follow() -> Iterator[object]:
        for number in range(count):
            yield tracker.track(there_and_back[number % len(there_and_back)])

    assert growth(watch(follow(), 100)) < MOST_GROWTH


@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="reads Linux's /proc")
@COUNTS
def test_memory_is_flat_over_many_steps(
    count: int, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Watch()
    fit: Callable[..., None] = Trainer.fit

    @functools.wraps(fit)
    def watched(trainer: Trainer, *args: Any, **options: Any) -> None:
        trainer.callbacks.append(seen)  # type: ignore[attr-defined]
        fit(trainer, *args, **options)

    monkeypatch.setattr(Trainer, "fit", watched)
    words = [
        "fit", "--config", str(CONFIG), f"--data.source={pictures}",
        f"--run.root={tmp_path}", f"--trainer.max_steps={count}", "--data.global_batch_size=1",
        "--data.image_size=16", "--data.cached_side=16",
        "--data.augmentation=opencv", "--data.val_augment=false",
        f"--trainer.val_check_interval={count // 4}", "--trainer.log_every_n_steps=500",
        "--trainer.enable_progress_bar=false",
    ]  # fmt: skip
    assert APP.main(words) == 0
    assert len(list(islice(seen.samples, count))) == count // 50
    assert growth(seen.samples) < MOST_GROWTH


class _Nothing(list[Any]):
    """The oracle remembers what it was asked, which would be the leak."""

    def append(self, _: Any) -> None:
        return
