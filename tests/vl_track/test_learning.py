"""Training does what it should: tiny networks learn to find, to follow and to listen."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from scenes_support import tiny_network
from vl_track.nn.heads import CentreHead
from vl_track.training.module import AlignmentOptions, LossWeights, Tracking

COLOURS = {"red": (230, 30, 30), "blue": (30, 60, 230)}


def paint(picture: Tensor, colour: str, cell: tuple[int, int], side: int = 16) -> None:
    """Fill one cell (column, row) of a picture (3, H, W)."""
    x, y = cell[0] * side, cell[1] * side
    picture[:, y : y + side, x : x + side] = torch.tensor(COLOURS[colour])[:, None, None]


def batch(told: str, count: int = 16, seed: int = 0) -> dict[str, Any]:
    """A red and a blue square in each search crop; box, sentence or both say which is meant."""
    generator = torch.Generator().manual_seed(seed)
    template = torch.zeros(count, 3, 32, 32, dtype=torch.uint8)
    search = torch.full((count, 3, 64, 64), 110, dtype=torch.uint8)
    boxes, sentences, other, said = [], [], [], []
    for one in range(count):
        place = torch.randperm(16, generator=generator)[:2].tolist()
        cells = [(cell % 4, cell // 4) for cell in place]
        for colour, cell in zip(COLOURS, cells, strict=True):
            paint(search[one], colour, cell)
        meant = int(torch.randint(2, (1,), generator=generator))
        colour = list(COLOURS)[meant]
        if told != "sentence":
            template[one] = 110
            template[one, :, 8:24, 8:24] = torch.tensor(COLOURS[colour])[:, None, None]
        x, y = cells[meant]
        boxes.append([x / 4, y / 4, 0.25, 0.25])
        sentences.append(f"the {colour} square" if told != "box" else "")
        x, y = cells[1 - meant]
        other.append([[x / 4, y / 4, 0.25, 0.25]])
        said.append(f"the {list(COLOURS)[1 - meant]} square")
    return {
        "template": template, "search": search, "box": torch.tensor(boxes),
        "target": torch.zeros(count, 4), "present": torch.ones(count, dtype=torch.bool),
        "sentence": sentences, "prompt": torch.zeros(count, dtype=torch.long),
        "index": torch.arange(count),
        "mentions": [said], "mention_boxes": torch.tensor(other),
    }  # fmt: skip


def trained(module: Tracking, told: str, steps: int) -> Tracking:
    """Run plain optimiser steps, each on a fresh batch; no Lightning needed."""
    module.log = lambda *_, **__: None  # type: ignore[method-assign]
    module.log_dict = lambda *_, **__: None  # type: ignore[method-assign]
    module.train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=3e-3)
    for step in range(steps):
        loss = module.training_step(batch(told, seed=step), step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return module.eval()


def hits(module: Tracking, data: Mapping[str, Any]) -> float:
    """The share of samples whose box has its centre on the target."""
    with torch.inference_mode():
        found, _ = module.network.head.decode(module(data).maps)
    low, high = data["box"][:, :2], data["box"][:, :2] + data["box"][:, 2:]
    inside = (found[:, :2] > low) & (found[:, :2] < high)
    return float(inside.all(dim=1).float().mean())


@pytest.fixture(autouse=True)
def step_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tracking, "global_step", 0)


def make(**options: Any) -> Tracking:
    torch.manual_seed(0)
    return Tracking(tiny_network(**options.pop("network", {})), **options)


@pytest.mark.nightly
def test_a_box_alone_tells_which_square_is_meant() -> None:
    module = trained(
        make(network={"matching": "target", "head": partial(CentreHead, channels=64)}), "box", 350
    )
    assert hits(module, batch("box", 64, seed=10_000)) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(
    "matching", ["none", pytest.param("target_and_text", marks=pytest.mark.nightly)]
)
def test_a_sentence_alone_tells_which_square_is_meant(matching: str) -> None:
    """Through modal mixup alone, as in the paper, and with the matching channel."""
    weights = LossWeights(pointing=0.5)
    module = trained(
        make(
            network={"matching": matching, "head": partial(CentreHead, channels=64)},
            loss_weights=weights,
        ),
        "sentence",
        300,
    )
    data = batch("sentence", 64, seed=10_000)
    assert hits(module, data) > 0.85
    wrong = {**data, "sentence": [s.replace("red", "x").replace("blue", "red").replace("x", "blue")
                                  for s in data["sentence"]]}  # fmt: skip
    assert hits(module, wrong) < 0.2


@pytest.mark.slow
def test_words_are_learnt_on_frozen_random_features() -> None:
    module = make(freeze_visual=True, loss_weights=LossWeights(pointing=1.0))
    before = {name: value.clone() for name, value in module.network.backbone.named_parameters()}
    trained(module, "sentence", 200)
    data = batch("sentence", 64, seed=10_000)
    with torch.inference_mode():
        match = module(data).text_match_BS
    assert match is not None
    cell = match.argmax(dim=1)
    wanted = (data["box"][:, 1] * 4).round() * 4 + (data["box"][:, 0] * 4).round()
    assert float((cell == wanted).float().mean()) > 0.8
    assert all(
        torch.equal(value, before[name])
        for name, value in module.network.backbone.named_parameters()
    )


def test_every_weighted_loss_takes_part(tmp_path: Path) -> None:
    """Doubling one weight adds that loss once more."""

    def loss(**changes: float) -> float:
        weights = {"score": 1.0, "giou": 1.0, "l1": 1.0, "cross_modal": 1.0, "intra_modal": 1.0,
                   "pointing": 1.0, **changes}  # fmt: skip
        module = make(
            alignment=AlignmentOptions(dim=8, pool="mean"), loss_weights=LossWeights(**weights)
        )
        module.log = lambda *_, **__: None  # type: ignore[method-assign]
        module.log_dict = lambda *_, **__: None  # type: ignore[method-assign]
        module.eval()
        return float(module.training_step(batch("both"), 0).detach())

    base = loss()
    parts = {}
    for name in ("score", "giou", "l1", "cross_modal", "intra_modal", "pointing"):
        parts[name] = loss(**{name: 2.0}) - base
        assert parts[name] > 1e-3, name
    assert sum(parts.values()) == pytest.approx(base, rel=1e-4)


def test_alignment_leaves_the_network_at_test() -> None:
    module = make(alignment=AlignmentOptions(dim=8, pool="mean"))
    with torch.inference_mode():
        before = module.eval()(batch("both")).maps.score_B1FF
        module.alignment = None
        after = module(batch("both")).maps.score_B1FF
    assert torch.equal(before, after)


def test_gradients_reach_every_part_that_learns() -> None:
    module = make(alignment=AlignmentOptions(dim=8), loss_weights=LossWeights(pointing=1.0))
    torch.nn.init.normal_(module.network.mixup.proj.weight, std=0.1)
    module.log = lambda *_, **__: None  # type: ignore[method-assign]
    module.log_dict = lambda *_, **__: None  # type: ignore[method-assign]
    module.train()
    module.training_step(batch("both"), 0).backward()
    still = {
        name
        for name, parameter in module.named_parameters()
        if parameter.requires_grad and (parameter.grad is None or not parameter.grad.any())
    }
    # The bias of keys has no effect in a softmax, but it shares a tensor with the others.
    assert not still
