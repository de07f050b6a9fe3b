"""The warm start fits the head and touches nothing else."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from conftest import make_pictures
from dropout_ft.app import APP
from dropout_ft.data import DomainData
from dropout_ft.nn import Classifier, VeryLargeDropoutHead
from dropout_ft.nn.backbones import TimmBackbone
from dropout_ft.results.rows import current_rows
from dropout_ft.training.hooks import connect
from dropout_ft.training.module import FineTuning
from dropout_ft.training.warm_start import HeadWarmStart
from tests_support import only_run


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


def started_head(pictures: Path, *, rank: int = 0, ranks: int = 1, passes: int = 1) -> Tensor:
    torch.manual_seed(0)
    start = HeadWarmStart(steps=5, batches=2)
    backbone = TimmBackbone("test_resnet", weights="none")
    data = DomainData(str(pictures), ["a"], global_batch_size=6, image_size=32)
    module = FineTuning(backbone, data.class_names, normalization="standardize", head_start=start)
    position: Any = SimpleNamespace(
        world_size=ranks, global_rank=rank, global_step=0, accumulate_grad_batches=passes
    )
    data.trainer = position
    connect(module, data)
    assert module.warm_start_batches is not None
    start.apply(module.model, module.warm_start_batches)
    assert data.position()[1].ranks == ranks, "training itself is divided as before"
    head = module.model.head
    return torch.cat([head.mean, head.std, head.linear.weight.detach().flatten()])


@pytest.mark.parametrize("division", [{"passes": 3}, {"ranks": 3}, {"ranks": 3, "rank": 2}])
def test_the_head_is_the_same_however_a_step_is_divided(
    division: dict[str, int], pictures: Path
) -> None:
    """The head started from one rank's and one accumulated pass's part of each batch."""
    assert torch.equal(started_head(pictures), started_head(pictures, **division))


@pytest.mark.slow
def test_the_demos_recipe_holds_on_108_tiny_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were: the loss rose a millionfold within 70 steps. Random answers would be 33 %."""
    monkeypatch.setenv("HOLDFAST_DATA", str(tmp_path / "data"))
    pictures = make_pictures(tmp_path / "pictures", per_class=12)
    words = ["fit", "--config", "dropout_ft:demo", "--data.source", str(pictures),
             "--data.test_domains", "[c]", "--run.root", str(tmp_path / "runs"),
             "--trainer.max_steps", "80", "--trainer.val_check_interval", "40",
             "--data.image_size", "64"]  # fmt: skip
    assert APP.main(words) == 0
    assert "much alike" in capsys.readouterr().out
    for row in current_rows(only_run(tmp_path / "runs") / "results.jsonl"):
        assert row["iid"] > 0.9
        assert row["ood"] > 0.9
