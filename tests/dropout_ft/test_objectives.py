"""ERM, Mixup, CORAL and MIRO against slow readings of their papers."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from dropout_ft.app import APP
from dropout_ft.nn.backbones import LastBlocks, TimmBackbone
from dropout_ft.nn.classifier import Classifier
from dropout_ft.nn.head import VeryLargeDropoutHead
from dropout_ft.training.module import FineTuning
from dropout_ft.training.objectives import CORAL, ERM, MIRO, Mixup
from dropout_ft.training.objectives.base import Objective, by_domain
from dropout_ft.training.objectives.coral import coral_penalty
from dropout_ft.training.objectives.miro import information_bound
from dropout_ft.training.objectives.mixup import random_cycle
from holdfast.cli.lightning_cli import HoldfastCLI
from holdfast.errors import ConfigError
from tests_support import only_run

Arguments = Callable[..., list[str]]


def classifier(name: str = "test_resnet", frozen: int = 0) -> Classifier:
    torch.manual_seed(0)
    backbone = TimmBackbone(name, weights="none")
    head = VeryLargeDropoutHead(backbone.num_features, 3, dropout_rate=0.0)
    return Classifier(backbone, head, frozen_stages=frozen)


def batch(count: int = 9, side: int = 64) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        "input": torch.randint(0, 256, (count, 3, side, side), generator=generator).to(torch.uint8),
        "label": torch.arange(count) % 3,
        "domain": torch.arange(count) // 3 * 2,
    }


def test_domains_are_told_apart_by_number_not_by_place() -> None:
    parts = by_domain(torch.arange(6), torch.tensor([4, 1, 4, 1, 9, 1]))
    assert [part.tolist() for part in parts] == [[1, 3, 5], [0, 2], [4]]


def test_erm_is_plain_cross_entropy() -> None:
    model, found = classifier(), batch()
    logits = model(found["input"])
    rows = -logits.log_softmax(1)[torch.arange(9), found["label"]]
    assert torch.allclose(ERM()(model, found)["loss"], rows.mean())


def slow_coral(domains: list[np.ndarray]) -> float:
    total, pairs = 0.0, 0
    for i in range(len(domains)):
        for j in range(i + 1, len(domains)):
            pairs += 1
            means = domains[i].mean(0) - domains[j].mean(0)
            covariances = np.cov(domains[i].T) - np.cov(domains[j].T)
            total += float((means**2).mean() + (covariances**2).mean())
    return total / pairs


def test_coral_against_numpys_covariance() -> None:
    generator = np.random.default_rng(0)
    domains = [generator.normal(size=(count, 5)) for count in (6, 9, 7)]
    penalty = coral_penalty([torch.from_numpy(d) for d in domains])
    assert float(penalty) == pytest.approx(slow_coral(domains))
    assert float(coral_penalty([torch.from_numpy(domains[0])])) == 0


def test_coral_adds_its_weighted_penalty() -> None:
    model, found = classifier(), batch()
    features = [
        f.detach().numpy()
        for f in by_domain(model.features(found["input"]).detach(), found["domain"])
    ]
    parts = CORAL(weight=3.0)(model, found)
    expected = float(ERM()(model, found)["loss"].detach()) + 3 * slow_coral(features)
    assert float(parts["loss"].detach()) == pytest.approx(expected, rel=1e-4)


def test_mixup_mixes_pictures_and_losses_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    model, found = classifier(), batch()
    objective = Mixup()
    shares = [0.3, 0.8, 0.5]
    drawn = iter(shares)
    monkeypatch.setattr(objective, "draw_mix", lambda: next(drawn))
    torch.manual_seed(5)
    loss = objective(model, found)["loss"]
    torch.manual_seed(5)
    pictures = (found["input"].float() / 255 - model.mean) / model.std
    expected = []
    for share, (first, second) in zip(shares, random_cycle(3), strict=True):
        one, two = slice(3 * first, 3 * first + 3), slice(3 * second, 3 * second + 3)
        logits = model.head(model.backbone(share * pictures[one] + (1 - share) * pictures[two]))
        expected.append(
            share * F.cross_entropy(logits, found["label"][one])
            + (1 - share) * F.cross_entropy(logits, found["label"][two])
        )
    assert torch.allclose(loss, torch.stack(expected).mean(), atol=1e-5)


def test_mixups_shares_follow_the_beta_distribution() -> None:
    torch.manual_seed(0)
    shares = np.array([Mixup(alpha=0.2).draw_mix() for _ in range(400)])
    assert abs(shares.mean() - 0.5) < 0.06
    assert np.mean((shares < 0.1) | (shares > 0.9)) > 0.6  # most mixtures are nearly pure
    torch.manual_seed(0)
    assert Mixup(alpha=0.2).draw_mix() == shares[0]


def test_every_domain_is_mixed_once_as_first_and_once_as_second() -> None:
    for count in (1, 2, 5):
        pairs = random_cycle(count)
        assert sorted(first for first, _ in pairs) == list(range(count))
        assert sorted(second for _, second in pairs) == list(range(count))
        assert count == 1 or all(first != second for first, second in pairs)


def test_the_bound_is_a_gaussian_likelihood() -> None:
    torch.manual_seed(0)
    now, before, raw = torch.randn(4, 3, 2, 2), torch.randn(4, 3, 2, 2), torch.randn(3)
    variance = F.softplus(raw) + 1e-6
    total = 0.0
    for b in range(4):
        for c in range(3):
            normal = torch.distributions.Normal(now[b, c], variance[c].sqrt())
            constant = 0.5 * np.log(2 * np.pi)
            total += float((-normal.log_prob(before[b, c]) - constant).sum())
    assert float(information_bound([now], [before], [raw])) == pytest.approx(total / now.numel())


def test_miro_charges_nothing_for_standing_still_and_more_for_moving() -> None:
    model, found = classifier(), batch()
    objective = MIRO(weight=1.0)
    objective.prepare(model)
    still = float(objective(model, found)["penalty"].detach())
    places = len(objective.variances)
    assert places == 6  # stem, four stages, the representation
    assert still == pytest.approx(places * 0.5 * np.log(0.1), rel=1e-3)
    with torch.no_grad():
        for parameter in model.backbone.parameters():
            parameter.add_(0.1)
    assert float(objective(model, found)["penalty"].detach()) > still


def test_miro_at_the_representation_only_needs_no_stages() -> None:
    torch.manual_seed(0)
    backbone = TimmBackbone("test_vit", weights="none")
    model = Classifier(backbone, VeryLargeDropoutHead(backbone.num_features, 3))
    with pytest.raises(ConfigError, match="every_stage"):
        MIRO().prepare(model)
    objective = MIRO(every_stage=False)
    objective.prepare(model)
    assert len(objective.variances) == 1
    side = backbone.preprocessing.size
    assert torch.isfinite(objective(model, batch(3, side))["loss"])


def test_miro_and_mixup_on_cached_activations() -> None:
    model, found = classifier(frozen=3), batch()
    cached = {**found, "input": model.trunk_activations(found["input"]).half()}
    objective = MIRO()
    objective.prepare(model)
    assert len(objective.variances) == 3
    parts = objective(model, cached)
    whole = objective(model, found)
    assert float(parts["penalty"].detach()) == pytest.approx(
        float(whole["penalty"].detach()), rel=1e-2
    )
    assert torch.isfinite(Mixup()(model, cached)["loss"])


@pytest.mark.parametrize("name", ["mixup", "coral", "miro"])
def test_a_run_trains_evaluates_and_is_used_without_its_objective(
    name: str, tiny_arguments: Arguments, tmp_path: Path
) -> None:
    words = ["--config", f"configs/methods/{name}.yaml", "--model.dropout_rate", "0.5"]
    words += ["--trainer.log_every_n_steps", "1"]
    assert APP.main(tiny_arguments("fit", *words)) == 0
    run = only_run(tmp_path / "runs")
    header = next(run.glob("logs/csv/*/metrics.csv")).read_text().splitlines()[0]
    assert ("train/penalty" in header) == (name != "mixup")
    out = tmp_path / "model"
    last = str(run / "checkpoints/last.ckpt")
    assert APP.main(["export", "--ckpt", last, "--out", str(out)]) == 0
    assert (out / "model.safetensors").is_file()


def test_the_variances_learn_ten_times_as_fast() -> None:
    from dropout_ft.training.module import FineTuning

    module = FineTuning(TimmBackbone("test_resnet", weights="none"), ["a", "b"], objective=MIRO())
    groups = module.configure_optimizers()["optimizer"].param_groups
    rates = {group["name"]: group["lr"] for group in groups}
    assert rates == {"backbone": 1e-3, "head": 1e-3, "objective": pytest.approx(1e-2)}


def test_last_blocks_sum_three_weighted_normalised_outputs() -> None:
    torch.manual_seed(0)
    backbone = LastBlocks("resnet18", weights="none", blocks=2, start="normal").eval()
    pictures = torch.randn(2, 3, 64, 64)
    net = backbone.inner.net
    activations = net.forward_features  # the slow way: run the layers one after the other
    values = net.maxpool(net.act1(net.bn1(net.conv1(pictures))))
    for layer in (net.layer1, net.layer2, net.layer3):
        values = layer(values)
    expected = torch.zeros(2, backbone.num_features)
    for place, block in enumerate(net.layer4):
        values = block(values)
        pooled = values.mean((2, 3))
        spread = pooled.var(1, unbiased=False, keepdim=True) + 1e-5
        normalised = (pooled - pooled.mean(1, keepdim=True)) / spread.sqrt()
        expected = expected + normalised * backbone.scale[place]
    assert torch.allclose(backbone(pictures), expected, atol=1e-5)
    assert torch.allclose(activations(pictures), values, atol=1e-5)


def test_last_blocks_train_their_vectors_only() -> None:
    backbone = LastBlocks("resnet18", weights="none", blocks=2)
    assert [n for n, p in backbone.named_parameters() if p.requires_grad] == ["scale"]
    with pytest.raises(ConfigError, match="3 blocks"):
        LastBlocks("resnet18", weights="none")
    with pytest.raises(ConfigError, match="ones"):
        LastBlocks("resnet18", weights="none", blocks=2, start="zeros")


@pytest.mark.parametrize(
    ("objective", "network"),
    [(ERM(), "Classifier"), (CORAL(), "TimmBackbone"), (Mixup(), "TimmBackbone"), (MIRO(), "MIRO")],
)
def test_what_the_objectives_call_is_compiled(
    objective: Objective, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CORAL and Mixup call the backbone and the head themselves, and neither was compiled."""
    called: set[str] = set()

    def compiled(call: Any, **_: Any) -> Any:
        def counted(*values: Any, **named: Any) -> Any:
            called.add(type(call.__self__).__name__)
            return call(*values, **named)

        return counted

    monkeypatch.setattr(torch, "compile", compiled)
    backbone = TimmBackbone("test_resnet", weights="none")
    module = FineTuning(backbone, ["x", "y", "z"], objective=objective)
    HoldfastCLI._compile(cast("HoldfastCLI", SimpleNamespace(model=module)))
    module.objective(module.model, batch())
    assert {network, "VeryLargeDropoutHead"} <= called
