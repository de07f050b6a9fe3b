"""Model Stock and Mixout against slow readings of their papers, and their properties."""

from itertools import combinations

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call

from dropout_ft.methods.model_stock import model_stock, share_of_average
from dropout_ft.nn import Classifier, VeryLargeDropoutHead
from dropout_ft.nn.backbones import TimmBackbone
from dropout_ft.training.objectives import ERM, Mixout, Objective
from dropout_ft.training.objectives.mixout import mixed_weights
from holdfast.errors import ConfigError


def slow_stock(start: np.ndarray, members: list[np.ndarray]) -> np.ndarray:
    """One layer, number by number: the mean cosine of all pairs, then the paper's formula."""
    count, cosines = len(members), []
    for a, b in combinations(members, 2):
        dot = first = second = 0.0
        for place in np.ndindex(*start.shape):
            x, y = a[place] - start[place], b[place] - start[place]
            dot, first, second = dot + x * y, first + x * x, second + y * y
        cosines.append(dot / (first**0.5 * second**0.5))
    cosine = sum(cosines) / len(cosines)
    t = count * cosine / (1 + (count - 1) * cosine)
    return t * sum(members) / count + (1 - t) * start


@pytest.mark.parametrize("count", [2, 3, 5])
def test_model_stock_against_the_papers_formula(count: int) -> None:
    generator = np.random.default_rng(count)
    start = {"a": generator.normal(size=(4, 3)), "b": generator.normal(size=6)}
    common = {name: generator.normal(size=value.shape) for name, value in start.items()}
    members = [
        {n: start[n] + common[n] + 0.4 * generator.normal(size=start[n].shape) for n in start}
        for _ in range(count)
    ]
    found = model_stock(
        {n: torch.from_numpy(v) for n, v in start.items()},
        [{n: torch.from_numpy(v) for n, v in member.items()} for member in members],
    )
    for name, origin in start.items():
        expected = slow_stock(origin, [member[name] for member in members])
        np.testing.assert_allclose(found[name].numpy(), expected, rtol=1e-10)


def test_model_stock_is_the_nearest_point_to_the_centre() -> None:
    """Two runs on the shell around a centre: no point of their plane with the start is nearer."""
    centre, r = torch.tensor([3.0, 4.0, 0.0, 0.0]).double(), 2.0
    start = torch.zeros(4).double()
    # Both runs lie at distance r of the centre, at right angles to it and to each other.
    away = (torch.tensor([0, 0, r, 0.0]).double(), torch.tensor([0, 0, 0, r]).double())
    first, second = centre + away[0], centre + away[1]
    found = model_stock({"w": start}, [{"w": first}, {"w": second}])["w"]
    nearest = min(
        (float((a * first + b * second - centre).norm()), a, b)
        for a in np.linspace(0, 1, 201)
        for b in np.linspace(0, 1, 201)
    )
    assert float((found - centre).norm()) <= nearest[0] + 1e-9


def test_model_stock_at_the_ends() -> None:
    """Equal runs give themselves; runs that have nothing in common give the start."""
    run = torch.tensor([1.0, 2.0, 3.0])
    start = torch.zeros(3)
    assert torch.equal(model_stock({"w": start}, [{"w": run}, {"w": run}])["w"], run)
    opposite = model_stock({"w": start}, [{"w": run}, {"w": -run}])["w"]
    assert torch.equal(opposite, start)
    unmoved = model_stock({"w": start}, [{"w": start}, {"w": start}])["w"]
    assert torch.equal(unmoved, start)
    assert share_of_average([torch.zeros(3).double(), run.double()]) == 0
    with pytest.raises(ConfigError, match="at least two runs"):
        model_stock({"w": start}, [{"w": run}])


def classifier() -> Classifier:
    torch.manual_seed(0)
    backbone = TimmBackbone("test_resnet", weights="none")
    return Classifier(backbone, VeryLargeDropoutHead(backbone.num_features, 3, dropout_rate=0.0))


def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (6, 3, 64, 64), dtype=torch.uint8, generator=generator)
    return {"input": images, "label": torch.arange(6) % 3, "domain": torch.zeros(6).long()}


def loss_of(objective: Objective, model: Classifier) -> float:
    return float(objective(model, batch())["loss"].detach())


def moved(model: Classifier) -> dict[str, torch.Tensor]:
    """Move every weight of the backbone; return where it was."""
    before = {name: value.detach().clone() for name, value in mixed_weights(model)}
    with torch.no_grad():
        for _, value in mixed_weights(model):
            value.add_(0.01 * torch.randn_like(value))
    return before


def test_mixout_equals_the_papers_formula_with_the_same_masks() -> None:
    """(mask start + (1 - mask) current - rate start) / (1 - rate), weight by weight."""
    model, rate = classifier(), 0.8
    objective = Mixout(rate)
    objective.prepare(model)
    start = moved(model)
    torch.manual_seed(7)
    found = objective(model, batch())["loss"]
    torch.manual_seed(7)
    mixed = {}
    for name, current in mixed_weights(model):
        mask = (torch.rand_like(current) < rate).float()
        total = mask * start[name] + (1 - mask) * current - rate * start[name]
        mixed[name] = (total / (1 - rate)).detach()
    logits = functional_call(model, mixed, (batch()["input"],))
    expected = nn.functional.cross_entropy(logits, batch()["label"])
    assert float(found.detach()) == pytest.approx(float(expected.detach()), rel=1e-4)


def test_mixout_at_the_start_and_at_rate_0_is_erm() -> None:
    model = classifier()
    high, none = Mixout(0.9), Mixout(0.0)
    high.prepare(model)
    none.prepare(model)
    erm = loss_of(ERM(), model)
    assert loss_of(high, model) == pytest.approx(erm, rel=1e-5)
    moved(model)
    erm = loss_of(ERM(), model)
    assert loss_of(none, model) == pytest.approx(erm, rel=1e-4)


def test_mixouts_gradient_reaches_only_what_was_kept() -> None:
    model = classifier()
    objective = Mixout(0.8)
    objective.prepare(model)
    moved(model)
    ERM()(model, batch())["loss"].backward()
    plain = {name: value.grad.clone() for name, value in mixed_weights(model)}
    model.zero_grad()
    objective(model, batch())["loss"].backward()
    reached = 0
    for name, value in mixed_weights(model):
        assert value.grad is not None
        if value.numel() < 500 or (plain[name] == 0).any() or (value.grad == 0).all():
            continue  # too few to count, or behind units that are off
        reached += 1
        assert float((value.grad == 0).float().mean()) == pytest.approx(0.8, abs=0.1), name
    assert reached
    assert model.head.linear.weight.grad is not None
    assert not any(key.startswith("_start") for key in objective.state_dict())


def test_mixout_on_cached_activations_leaves_frozen_stages_alone() -> None:
    torch.manual_seed(0)
    backbone = TimmBackbone("test_resnet", weights="none")
    head = VeryLargeDropoutHead(backbone.num_features, 3, dropout_rate=0.5)
    model = Classifier(backbone, head, frozen_stages=2)
    objective = Mixout(0.9)
    objective.prepare(model)
    frozen = {f"backbone.{n}" for n, p in backbone.named_parameters() if not p.requires_grad}
    assert frozen
    assert not frozen & {name for name, _ in mixed_weights(model)}
    cached = model.trunk_activations(batch()["input"]).detach().half()
    loss = objective(model, {**batch(), "input": cached})["loss"]
    loss.backward()
    assert torch.isfinite(loss)


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_mixouts_rate_is_checked(rate: float) -> None:
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        Mixout(rate)
