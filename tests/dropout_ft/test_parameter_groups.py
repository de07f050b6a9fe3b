"""The optimiser really has two groups, with the head's own rate ."""

import pytest
import torch

from dropout_ft.nn.backbones import TimmBackbone
from dropout_ft.training.module import FineTuning


def module(**options: object) -> FineTuning:
    backbone = TimmBackbone("test_resnet", weights="none")
    return FineTuning(backbone, ["a", "b"], **options)  # type: ignore[arg-type]


def rates(optimizer: torch.optim.Optimizer) -> dict[str, float]:
    return {group["name"]: group["lr"] for group in optimizer.param_groups}


@pytest.mark.parametrize("factor", [1.0, 10.0, 0.1])
def test_head_rate_is_the_factor_times_the_backbone_rate(factor: float) -> None:
    optimizer = module(head_lr_factor=factor).configure_optimizers()["optimizer"]
    assert rates(optimizer) == pytest.approx({"backbone": 1e-3, "head": factor * 1e-3})


def test_the_schedule_keeps_the_ratio() -> None:
    configured = module(head_lr_factor=10).configure_optimizers()
    optimizer, schedule = configured["optimizer"], configured["lr_scheduler"]["scheduler"]
    for _ in range(5000):
        optimizer.step()
        schedule.step()
    assert rates(optimizer) == pytest.approx({"backbone": 1e-4, "head": 1e-3})
    assert configured["lr_scheduler"]["interval"] == "step"


def test_groups_hold_every_parameter_once() -> None:
    net = module()
    groups = net.configure_optimizers()["optimizer"].param_groups
    listed = [id(p) for group in groups for p in group["params"]]
    assert sorted(listed) == sorted(id(p) for p in net.parameters())
    head = next(group for group in groups if group["name"] == "head")
    assert {id(p) for p in head["params"]} == {id(p) for p in net.model.head.parameters()}


def test_paper_defaults() -> None:
    configured = module().configure_optimizers()
    optimizer = configured["optimizer"]
    assert isinstance(optimizer, torch.optim.SGD)
    assert optimizer.defaults["momentum"] == 0.9
    assert not optimizer.defaults["nesterov"]
    assert {group["weight_decay"] for group in optimizer.param_groups} == {1e-4}
    assert configured["lr_scheduler"]["scheduler"].milestones == {5000: 1}


def test_other_optimisers_and_schedules_by_callables() -> None:
    net = module(
        head_lr_factor=5,
        optimizer=lambda params: torch.optim.AdamW(params, lr=1e-4),
        lr_scheduler=lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 10),
    )
    optimizer = net.configure_optimizers()["optimizer"]
    assert isinstance(optimizer, torch.optim.AdamW)
    assert rates(optimizer) == pytest.approx({"backbone": 1e-4, "head": 5e-4})


def test_frozen_stages_are_not_optimised() -> None:
    net = module(frozen_stages=3)
    groups = net.configure_optimizers()["optimizer"].param_groups
    listed = {id(p) for group in groups for p in group["params"]}
    trunk = list(net.model.backbone.trunk(3).parameters())
    assert trunk
    assert not listed & {id(p) for p in trunk}


def test_batch_norm_statistics_are_frozen_and_the_affine_part_learns() -> None:
    net = module(dropout_rate=0.0)
    norm = next(m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d))
    mean, weight = norm.running_mean.clone(), norm.weight.detach().clone()
    optimizer = net.configure_optimizers()["optimizer"]
    net.train()
    for _ in range(3):
        images = torch.randint(0, 255, (4, 3, 64, 64), dtype=torch.uint8)
        loss = torch.nn.functional.cross_entropy(net(images), torch.tensor([0, 1, 0, 1]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert torch.equal(norm.running_mean, mean)
    assert not torch.equal(norm.weight, weight)


def test_batch_norm_may_be_left_free() -> None:
    net = module(freeze_batch_norm=False).train()
    assert all(m.training for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d))
