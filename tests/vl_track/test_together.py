"""Several videos in one forward pass give the boxes of one by one."""

from pathlib import Path

import numpy as np
import pytest
import torch

from holdfast.errors import ConfigError
from scenes_support import painted_root, small_world, tiny_network
from tracking_support import FindsRed, frame_with, moving_box
from vl_track.loading import load_network
from vl_track.scenes.make import make_scene
from vl_track.tracking import Tracker, TrackerOptions, track_together


def test_boxes_are_those_of_one_by_one(tmp_path: Path) -> None:
    network = load_network()
    world = small_world(painted_root(tmp_path), "test", frame_size=(240, 180), frames=8)
    videos = [make_scene(world, seed) for seed in range(3)]
    options = [
        TrackerOptions(), TrackerOptions(window_weight=0.5, size_memory=0.3),
        TrackerOptions(hann=False, update_interval=2, update_score=0.0),
    ]  # fmt: skip
    sentences = ["", videos[1].sentence, "the red ball"]
    alone = [Tracker(network, one) for one in options]
    together = [Tracker(network, one) for one in options]
    for tracker in (alone, together):
        for one, video, sentence in zip(tracker, videos, sentences, strict=True):
            one.initialize(video.frame(0), video.box(0), sentence)
    for time in range(1, 8):
        frames = [video.frame(time) for video in videos]
        expected = [one.track(frame) for one, frame in zip(alone, frames, strict=True)]
        found = track_together(together, frames)
        for ours, theirs in zip(found, expected, strict=True):
            assert np.abs(np.subtract(ours.box, theirs.box)).max() < 0.01
            assert ours.score == pytest.approx(theirs.score, abs=1e-4)


def test_one_forward_pass_for_all() -> None:
    network = FindsRed()
    trackers = [Tracker(network) for _ in range(4)]
    for start, tracker in enumerate(trackers):
        tracker.initialize(frame_with(moving_box(start)), moving_box(start))
    network.asked.clear()
    frames = [frame_with(moving_box(start + 1)) for start in range(4)]
    found = track_together(trackers, frames)
    assert [asked.shape[0] for asked in network.asked] == [4]
    for start, estimate in enumerate(found):
        assert np.abs(np.subtract(estimate.box, moving_box(start + 1))).max() < 6


def test_a_lost_object_is_looked_for_by_its_own_tracker() -> None:
    network = FindsRed()
    options = TrackerOptions(redetect="always", lost_patience=1, margin=0)
    trackers = [Tracker(network, options), Tracker(network)]
    for tracker in trackers:
        tracker.initialize(frame_with(moving_box(0)), moving_box(0))
    gone = frame_with(None)
    before = track_together(trackers, [gone, frame_with(moving_box(1))])
    assert before[0].box == pytest.approx(moving_box(0)), "its last box stays"
    far = (120.0, 80.0, 24.0, 18.0)
    after = track_together(trackers, [frame_with(far), frame_with(moving_box(2))])
    # The first sight may be of a part only.
    assert np.abs(np.subtract(after[0].box[:2], far[:2])).max() < 8, "found in the whole frame"
    assert after[0].score > 0.4


def test_misuse_is_told() -> None:
    one, other = Tracker(tiny_network()), Tracker(tiny_network())
    for tracker in (one, other):
        tracker.initialize(frame_with(moving_box(0)), moving_box(0))
    frame = frame_with(moving_box(1))
    with pytest.raises(ConfigError, match="share one network"):
        track_together([one, other], [frame, frame])
    with pytest.raises(ConfigError, match="call initialize first"):
        track_together([Tracker(one.network)], [frame])
    with pytest.raises(ValueError, match="zip"):
        track_together([one], [frame, frame])
    assert torch.is_grad_enabled()
