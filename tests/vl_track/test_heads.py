"""Every head keeps the base's promises, and the tracker, training and export use no more."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import vl_track
from holdfast.errors import CheckpointError, ConfigError
from scenes_support import tiny_config, tiny_network
from vl_track.commands.trusted import own_classes
from vl_track.exporting import write_step
from vl_track.graphs.writing import as_graph
from vl_track.loading import build_network, load_network, save_network
from vl_track.nn.heads import Head, MLPHead
from vl_track.nn.heads.base import row_of
from vl_track.nn.heads.mlp import MLPMaps
from vl_track.nn.known import PARTS
from vl_track.tracking.tracker import Tracker

GRID = 8
HEADS = PARTS["head"][1]


class OwnHead(MLPHead):
    """Of a user's own."""


def make(kind: type[Head]) -> Head:
    torch.manual_seed(0)
    return kind(5, GRID, channels=16)  # type: ignore[call-arg]


def mlp_maps(cell: int, sides: tuple[float, ...]) -> MLPMaps:
    score = torch.full((1, GRID**2), 0.1)
    score[0, cell] = 0.9
    every = torch.zeros(1, GRID**2, 4)
    every[0, cell] = torch.tensor(sides)
    return MLPMaps(score, every)


def described(head: dict[str, object]) -> dict[str, object]:
    return {**tiny_config("none"), "head": head}


@pytest.mark.parametrize("kind", HEADS)
def test_a_head_gives_boxes_scores_and_a_loss_that_falls(kind: type[Head]) -> None:
    """Scores lie in (0, 1), whatever the features; the loss teaches one box."""
    head = make(kind).train()
    tokens = torch.randn(3, GRID**2, 5)
    truth = torch.tensor([[0.2, 0.3, 0.3, 0.2], [0.5, 0.1, 0.2, 0.4], [-0.1, 0.7, 0.3, 0.5]])
    box, score = head.decode(head.eval()(tokens * 1e4))
    assert box.shape == (3, 4)
    assert score.shape == (3,)
    assert bool(((score > 0) & (score < 1)).all())
    optimizer = torch.optim.Adam(head.train().parameters(), lr=0.01)
    losses = []
    for _ in range(150):
        loss = head.loss(head(tokens), truth)
        total = loss.score + 2 * loss.giou + 5 * loss.l1
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append((float(total.detach()), float(loss.iou)))
    assert losses[-1][0] < 0.5 * losses[0][0]
    assert losses[-1][1] > 0.7


@pytest.mark.parametrize("kind", HEADS)
def test_a_sample_of_a_batch_is_decoded_as_alone(kind: type[Head]) -> None:
    head = make(kind).eval()
    with torch.inference_mode():
        maps = head(torch.randn(3, GRID**2, 5))
        prior = torch.rand(GRID, GRID)
        boxes, scores = head.decode(maps, prior)
        box, score = head.decode(row_of(maps, 1), prior)
    assert torch.equal(box[0], boxes[1])
    assert torch.equal(score[0], scores[1])


def test_the_mlp_heads_box_is_read_from_the_best_cell() -> None:
    head = make(MLPHead)
    box, score = head.decode(mlp_maps(2 * GRID + 5, (0.1, 0.05, 0.3, 0.15)))
    x, y = 5.5 / GRID, 2.5 / GRID
    assert box[0].tolist() == pytest.approx([x + 0.1, y + 0.05, 0.4, 0.2])
    assert score.item() == pytest.approx(0.9)


def test_a_window_moves_the_mlp_heads_choice_but_not_the_score() -> None:
    weight = torch.ones(GRID, GRID)
    weight[0, 0], weight[4, 4] = 0.01, 2
    box, score = make(MLPHead).decode(mlp_maps(0, (0.1, 0.1, 0.1, 0.1)), weight)
    assert box[0, :2].tolist() == pytest.approx([4.5 / GRID, 4.5 / GRID])
    assert score.item() == pytest.approx(0.1)


def slow_mlp_loss(maps: MLPMaps, box: list[float]) -> tuple[float, float]:
    """The score's and the corners' loss of one sample, cell by cell, in plain numbers."""
    x0, y0 = max(box[0], 0), max(box[1], 0)
    x1, y1 = min(box[0] + box[2], 1), min(box[1] + box[3], 1)
    entropy, corners, count = 0.0, 0.0, 0
    for cell in range(GRID**2):
        x, y = (cell % GRID + 0.5) / GRID, (cell // GRID + 0.5) / GRID
        score = maps.score_BS[0, cell].item()
        target = 0.0
        if x0 < x < x1 and y0 < y < y1:
            left, top, right, bottom = maps.sides_BS4[0, cell].tolist()
            ours = (x - left, y - top, x + right, y + bottom)
            width = max(min(ours[2], x1) - max(ours[0], x0), 0)
            height = max(min(ours[3], y1) - max(ours[1], y0), 0)
            own = (ours[2] - ours[0]) * (ours[3] - ours[1])
            target = width * height / (own + (x1 - x0) * (y1 - y0) - width * height)
            corners += np.abs(np.subtract(ours, (x0, y0, x1, y1))).mean()
            count += 1
        entropy -= target * np.log(score) + (1 - target) * np.log(1 - score)
    return entropy / count, corners / count


def test_the_mlp_heads_loss_equals_a_loop_and_counts_each_sample_once() -> None:
    torch.manual_seed(0)
    head = make(MLPHead)
    maps = MLPMaps(torch.rand(2, GRID**2) * 0.9 + 0.05, torch.rand(2, GRID**2, 4) * 0.5)
    boxes = torch.tensor([[0.1, 0.2, 0.5, 0.3], [-0.2, 0.6, 0.6, 0.6]])
    wanted = [slow_mlp_loss(row_of(maps, n), boxes[n].tolist()) for n in range(2)]
    found = head.loss(maps, boxes)
    assert float(found.score) == pytest.approx(np.mean([one[0] for one in wanted]), rel=1e-4)
    assert float(found.l1) == pytest.approx(np.mean([one[1] for one in wanted]), rel=1e-4)


@pytest.mark.parametrize("box", [[0.51, 0.51, 0.01, 0.01], [1.2, -0.5, 0.1, 0.1]])
def test_a_tiny_or_absent_box_still_has_a_finite_loss(box: list[float]) -> None:
    for kind in HEADS:
        head = make(kind).eval()
        loss = head.loss(head(torch.randn(1, GRID**2, 5)), torch.tensor([box]))
        assert all(bool(value.detach().isfinite()) for value in loss)


def test_under_bfloat16_the_mlp_heads_maps_are_float32_and_the_loss_finite() -> None:
    head = make(MLPHead)
    with torch.autocast("cpu", torch.bfloat16):
        maps = head(torch.randn(2, GRID**2, 5) * 100)
        loss = head.loss(maps, torch.tensor([[0.2, 0.2, 0.3, 0.4], [0.5, 0.1, 0.2, 0.2]]))
    assert {value.dtype for value in maps} == {torch.float32}
    (loss.score + loss.giou + loss.l1).backward()
    assert all(bool(p.grad.isfinite().all()) for p in head.parameters() if p.grad is not None)


def test_the_tracker_follows_with_the_mlp_head(tmp_path: Path) -> None:
    """Built from a model folder's description; every score lies in (0, 1)."""
    config = described({"class_path": "vl_track.nn.heads.MLPHead", "init_args": {"channels": 8}})
    torch.manual_seed(0)
    save_network(tmp_path, config, build_network(config, "test").state_dict())
    tracker = vl_track.load(tmp_path, device="cpu", runtime="torch")
    assert type(tracker.network.head) is MLPHead
    frames = np.random.default_rng(0).integers(0, 255, (4, 90, 120, 3), dtype=np.uint8)
    steps = list(tracker.follow(list(frames), box=(30, 30, 40, 30)))
    assert len(steps) == 4
    assert all(0 < step.score < 1 for step in steps[1:])
    assert all(step.box[2] > 0 and step.box[3] > 0 for step in steps)


def test_other_runtimes_compute_the_mlp_heads_maps(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    network = tiny_network(head=partial(MLPHead, channels=8)).eval()
    frame = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    found = []
    for one in (network, as_graph(network, tmp_path / "graph", "onnx")):
        tracker = Tracker(one)
        tracker.initialize(frame, (30, 30, 40, 30), "red circle")
        found.append(tracker.track(frame))
    assert found[0].box == pytest.approx(found[1].box, abs=1e-2)
    ((_, difference),) = write_step(network, tmp_path / "step", ["onnx"])
    assert difference < 1e-3


def test_a_head_of_the_users_own_is_built_only_if_the_user_gives_it(tmp_path: Path) -> None:
    """A folder that names a class neither imports it nor builds it."""
    config = described({"class_path": f"{__name__}.OwnHead", "init_args": {"channels": 8}})
    weights = build_network(config, "test", [OwnHead]).state_dict()
    save_network(tmp_path, config, weights)
    with pytest.raises(CheckpointError, match="--classes"):
        load_network(tmp_path)
    assert type(load_network(tmp_path, [OwnHead]).head) is OwnHead
    tracker = vl_track.load(tmp_path, device="cpu", runtime="torch", classes=[OwnHead])
    assert type(tracker.network.head) is OwnHead


@pytest.mark.parametrize(
    "head",
    [
        {"class_path": "os.system", "init_args": {"command": "touch was_run"}},
        {"class_path": "my.CentreHead"},
        {"class_path": "vl_track.nn.text.NoText"},
        {"class_path": ["vl_track.nn.heads.MLPHead"]},
        {"init_args": {}},
        "vl_track.nn.heads.MLPHead",
        None,
    ],
)
def test_a_strangers_head_is_refused(
    head: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match="does not describe a tracker"):
        build_network({**tiny_config("none"), "head": head}, "stranger")
    assert not list(tmp_path.iterdir())


def test_only_parts_of_a_network_are_taken_from_the_command_line() -> None:
    assert own_classes(["vl_track.nn.heads.MLPHead"]) == [MLPHead]
    with pytest.raises(ConfigError, match="no part of a network"):
        own_classes(["pathlib.Path"])
    with pytest.raises(ConfigError, match="There is no class"):
        own_classes(["no_such_module.Head"])


def test_the_shipped_models_description_names_its_head() -> None:
    folder = Path(vl_track.__file__).parent / "weights/small/config.json"
    head = json.loads(folder.read_text())["head"]
    assert head == {"class_path": "vl_track.nn.heads.CentreHead", "init_args": {"channels": 128}}
