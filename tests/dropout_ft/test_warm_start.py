"""The warm start fits the head and touches nothing else."""

import torch
from torch import Tensor

from dropout_ft.nn import Classifier, VeryLargeDropoutHead
from dropout_ft.nn.backbones import TimmBackbone
from dropout_ft.training.warm_start import HeadWarmStart


def separable(dropout_rate: float) -> tuple[Classifier, list[dict[str, Tensor]]]:
    torch.manual_seed(0)
    backbone = TimmBackbone("test_resnet", weights="none")
    head = VeryLargeDropoutHead(
        backbone.num_features,
        2,
        dropout_rate=dropout_rate,
        normalization="standardize",
        feature_scale=0.3,
    )
    labels = torch.arange(16) % 2
    images = torch.randint(0, 60, (16, 3, 32, 32), dtype=torch.uint8)
    images += (labels * 150).to(torch.uint8)[:, None, None, None]
    return Classifier(backbone, head), [{"input": images, "label": labels}] * 3


def test_probe_learns_and_leaves_the_backbone_alone() -> None:
    model, batches = separable(0.5)
    before = {key: value.clone() for key, value in model.backbone.state_dict().items()}
    model.train()
    HeadWarmStart(steps=200, batches=3).apply(model, lambda: batches)
    assert model.training
    for key, value in model.backbone.state_dict().items():
        assert torch.equal(value, before[key])
    logits = model.eval()(batches[0]["input"])
    assert (logits.argmax(1) == batches[0]["label"]).all()


def test_zero_steps_only_measure() -> None:
    model, batches = separable(0.9)
    weight = model.head.linear.weight.detach().clone()
    HeadWarmStart(steps=0).apply(model, lambda: batches)
    assert torch.equal(model.head.linear.weight, weight)
    assert int(model.head.calibrated) == 1


def test_it_is_deterministic_and_keeps_the_random_state() -> None:
    weights = []
    for _ in range(2):
        model, batches = separable(0.9)
        state = torch.get_rng_state()
        HeadWarmStart(steps=10).apply(model, lambda batches=batches: batches)  # type: ignore[misc]
        assert torch.equal(torch.get_rng_state(), state)
        weights.append(model.head.linear.weight.detach())
    assert torch.equal(*weights)
