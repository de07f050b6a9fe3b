"""Centre head and losses against slow references and published formulae."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

from vl_track.nn.heads.centre import EPSILON, CentreHead, CentreMaps
from vl_track.nn.losses import (
    focal_loss,
    gaussian_radius,
    gaussian_target,
    generalised_iou,
    pointing_loss,
)

HEAD = CentreHead(5, grid=8, channels=16)


def maps_with(row: int, column: int, grid: int = 8) -> CentreMaps:
    score = torch.full((1, 1, grid, grid), 0.1)
    score[0, 0, row, column] = 0.9
    size = torch.zeros(1, 2, grid, grid)
    size[0, :, row, column] = torch.tensor([0.3, 0.2])
    offset = torch.zeros(1, 2, grid, grid)
    offset[0, :, row, column] = torch.tensor([0.25, 0.4])
    return CentreMaps(score, size, offset)


def test_a_box_is_read_at_the_best_cell() -> None:
    box, score = HEAD.decode(maps_with(2, 5))
    assert box[0].tolist() == pytest.approx([5.25 / 8, 2.4 / 8, 0.3, 0.2])
    assert score.tolist() == pytest.approx([0.9])


def test_a_window_moves_the_choice_but_not_the_score() -> None:
    maps = maps_with(0, 0)
    weight = torch.ones(8, 8)
    weight[0, 0] = 0.01
    weight[4, 4] = 2
    box, score = HEAD.decode(maps, weight)
    assert box[0, :2].tolist() == pytest.approx([0.5, 0.5])
    assert score.tolist() == pytest.approx([0.1])


def test_the_head_gives_maps_in_range_row_by_row() -> None:
    torch.manual_seed(0)
    head = CentreHead(5, grid=12, channels=16).eval()
    tokens = torch.randn(2, 144, 5) * 50
    with torch.inference_mode():
        maps = head(tokens)
        tokens[:, 10] += 100  # first row, eleventh column
        moved = head(tokens)
    assert maps.score_B1FF.shape == (2, 1, 12, 12)
    assert float(maps.size_B2FF.min()) >= 0.99 * EPSILON
    assert float(maps.score_B1FF.max()) <= 1 - 0.99 * EPSILON
    change = (moved.offset_B2FF - maps.offset_B2FF).abs().sum(1)[0]
    # Four 3 x 3 convolutions reach four cells.
    assert change[0, 10] > 0
    assert not change[5:].any()
    assert not change[:, :6].any()


def slow_focal(score: np.ndarray, target: np.ndarray) -> float:
    total, positives = 0.0, 0
    for p, y in zip(score.flatten(), target.flatten(), strict=True):
        if y == 1:
            positives += 1
            total -= (1 - p) ** 2 * math.log(p)
        else:
            total -= (1 - y) ** 4 * p**2 * math.log(1 - p)
    return total / max(positives, 1)


@settings(deadline=None)
@given(seed=st.integers(0, 200))
def test_focal_loss_equals_a_loop(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    score = torch.rand(2, 5, 5, generator=generator).clamp(0.01, 0.99)
    target = torch.rand(2, 5, 5, generator=generator)
    target[:, 2, 3] = 1
    wanted = slow_focal(score.double().numpy(), target.double().numpy())
    assert float(focal_loss(score, target)) == pytest.approx(wanted, rel=1e-4)


def test_focal_loss_with_hard_targets_is_the_common_one() -> None:
    """With targets of 0 and 1 it is RetinaNet's focal loss with alpha 0.5, doubled."""
    logits = torch.randn(1, 6, 6)
    target = torch.zeros(1, 6, 6)
    target[0, 1, 1] = 1
    other = 2 * sigmoid_focal_loss(logits, target, alpha=0.5, gamma=2, reduction="sum")
    assert float(focal_loss(logits.sigmoid(), target)) == pytest.approx(float(other), rel=1e-4)


boxes = st.tuples(st.floats(0, 0.6), st.floats(0, 0.6), st.floats(0.05, 0.4), st.floats(0.05, 0.4))


@settings(deadline=None)
@given(one=boxes, other=boxes)
def test_giou_is_torchvisions(one: tuple[float, ...], other: tuple[float, ...]) -> None:
    def corners(box: tuple[float, ...]) -> Tensor:
        return torch.tensor([[box[0], box[1], box[0] + box[2], box[1] + box[3]]])

    iou, giou = generalised_iou(corners(one), corners(other))
    wanted = generalized_box_iou_loss(corners(one), corners(other))
    assert float(1 - giou) == pytest.approx(float(wanted), abs=1e-4)
    assert 0 <= float(iou) <= 1 + 1e-6


def test_giou_of_equal_and_of_distant_boxes() -> None:
    box = torch.tensor([[0.1, 0.1, 0.3, 0.3]])
    assert [float(v) for v in generalised_iou(box, box)] == pytest.approx([1, 1])
    far = torch.tensor([[0.8, 0.8, 0.9, 0.9]])
    iou, giou = generalised_iou(box, far)
    assert float(iou) == 0
    assert float(giou) < 0


def published_radius(height: float, width: float, overlap: float = 0.7) -> float:
    """The formula as CornerNet's code prints it, in plain numbers."""
    b1 = height + width
    c1 = width * height * (1 - overlap) / (1 + overlap)
    r1 = (b1 + math.sqrt(b1**2 - 4 * c1)) / 2
    b2, c2 = 2 * (height + width), (1 - overlap) * width * height
    r2 = (b2 + math.sqrt(b2**2 - 16 * c2)) / 2
    a3, b3 = 4 * overlap, -2 * overlap * (height + width)
    c3 = (overlap - 1) * width * height
    r3 = (b3 + math.sqrt(b3**2 - 4 * a3 * c3)) / 2
    return min(r1, r2, r3)


@given(height=st.integers(1, 16), width=st.integers(1, 16))
def test_the_radius_is_cornernets(height: int, width: int) -> None:
    found = gaussian_radius(torch.tensor([float(height)]), torch.tensor([float(width)]))
    assert float(found) == pytest.approx(published_radius(height, width), rel=1e-4)


@settings(deadline=None)
@given(box=boxes)
def test_the_target_map_has_one_peak_at_the_centre(box: tuple[float, ...]) -> None:
    target = gaussian_target(torch.tensor([box]), 16)[0]
    assert int((target == 1).sum()) == 1
    row, column = divmod(int(target.argmax()), 16)
    assert abs(column - (box[0] + box[2] / 2) * 16) <= 0.5 + 1e-4
    assert abs(row - (box[1] + box[3] / 2) * 16) <= 0.5 + 1e-4
    assert float(target.min()) >= 0


def test_perfect_maps_have_little_loss() -> None:
    maps = maps_with(2, 5)
    box = torch.tensor([[5.25 / 8 - 0.15, 2.4 / 8 - 0.1, 0.3, 0.2]])
    losses = HEAD.loss(maps, box)
    assert float(losses.l1) == pytest.approx(0, abs=1e-6)
    assert float(losses.giou) == pytest.approx(0, abs=1e-5)
    assert float(losses.iou) == pytest.approx(1, abs=1e-5)
    away = HEAD.loss(maps, box + torch.tensor([[0.3, 0.3, 0, 0]]))
    assert away.giou > 0.5
    assert away.score > losses.score


def test_parts_of_a_box_outside_the_crop_are_cut() -> None:
    maps = maps_with(0, 0)
    losses = HEAD.loss(maps, torch.tensor([[-0.4, -0.4, 0.5, 0.5]]))
    # Decoded: centre (.03, .05), size (.3, .2); truth cut to (0, 0)-(.1, .1).
    corner = torch.tensor([0.25 / 8 - 0.15, 0.4 / 8 - 0.1, 0.25 / 8 + 0.15, 0.4 / 8 + 0.1])
    wanted = (corner - torch.tensor([0, 0, 0.1, 0.1])).abs().mean()
    assert float(losses.l1) == pytest.approx(float(wanted), abs=1e-5)


def test_pointing_asks_for_the_centre_cell_of_samples_with_a_sentence() -> None:
    similar = torch.zeros(3, 16)
    similar[0, 6] = 1.0  # row 1, column 2: right
    similar[1, 0] = 1.0  # wrong
    box = torch.tensor([[0.5, 0.25, 0.25, 0.25]]).expand(3, 4)
    present = torch.tensor([True, True, False])
    good = pointing_loss(similar[:1], box[:1], present[:1])
    bad = pointing_loss(similar[1:2], box[:1], present[:1])
    assert float(good) < 0.01 < float(bad)
    both = pointing_loss(similar, box, present)
    assert float(both) == pytest.approx(float(good + bad) / 2, rel=1e-5)
    assert float(pointing_loss(similar, box, torch.zeros(3, dtype=torch.bool))) == 0
