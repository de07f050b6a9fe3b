"""Paths do what sentences say about them, and stay near the frame."""

import numpy as np
import pytest

from vl_track.scenes.motion import DIRECTIONS, make_path, smooth_noise

SIZE = (160, 120)


def paths(count: int = 150) -> list:
    return [
        make_path(np.random.default_rng(seed), 40, SIZE, (80.0, 60.0), side=20.0)
        for seed in range(count)
    ]


def test_manner_and_movement_agree() -> None:
    seen = set()
    for path in paths():
        moved = path.centre[-1] - path.centre[0]
        seen.add(path.manner)
        if path.manner in DIRECTIONS:
            along = np.array(DIRECTIONS[path.manner])
            assert moved @ along > 0
            assert moved @ along > 2 * abs(moved @ along[::-1])
        elif path.manner == "still":
            assert np.abs(path.centre - path.centre[0]).max() < 20
    assert seen >= {*DIRECTIONS, "still", "wandering"}


def test_wandering_paths_turn_back_at_the_border() -> None:
    for path in paths():
        if path.manner == "wandering":
            assert (path.centre > -10).all()
            assert (path.centre < np.array(SIZE) + 10).all()


def test_spinning_paths_turn_steadily() -> None:
    spinning = [path for path in paths() if path.spinning]
    assert spinning
    steps = np.diff(spinning[0].angle)
    assert np.allclose(steps, steps[0])
    assert abs(steps[0]) >= 0.05


@pytest.mark.parametrize("size", [1, 3])
def test_smooth_noise_is_smooth_and_centred(size: int) -> None:
    noise = smooth_noise(np.random.default_rng(0), 2000, size, period=60)
    assert noise.shape == (2000, size)
    assert np.abs(noise.mean(axis=0)).max() < 0.2
    assert np.abs(np.diff(noise, axis=0)).max() < 0.6
