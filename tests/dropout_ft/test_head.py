"""The dropout head against a slow reference, and the folding of its statistics."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_ft.nn import VeryLargeDropoutHead


def test_training_drops_and_scales_elementwise() -> None:
    head = VeryLargeDropoutHead(4000, 2, dropout_rate=0.9)
    with torch.no_grad():
        head.linear.weight.copy_(torch.eye(2, 4000))
        head.linear.bias.zero_()
    features = torch.full((5000, 4000), 3.0)
    torch.manual_seed(0)
    logits = head.train()(features)[:, 0]
    kept = logits != 0
    assert torch.allclose(logits[kept], torch.tensor(30.0))  # 3 / (1 - 0.9)
    assert kept.float().mean().item() == pytest.approx(0.1, abs=0.015)


def test_masks_differ_between_samples_and_features() -> None:
    head = VeryLargeDropoutHead(64, 64, dropout_rate=0.5)
    with torch.no_grad():
        head.linear.weight.copy_(torch.eye(64))
        head.linear.bias.zero_()
    torch.manual_seed(0)
    masks = head.train()(torch.ones(100, 64)) != 0
    assert len({tuple(row.tolist()) for row in masks}) == 100
    assert len({tuple(column.tolist()) for column in masks.T}) == 64


def test_evaluation_is_plain_linear() -> None:
    head = VeryLargeDropoutHead(8, 3, dropout_rate=0.9).eval()
    features = torch.randn(5, 8)
    reference = [
        [sum(w * x for w, x in zip(row, f, strict=True)) + b for row, b in
         zip(head.linear.weight.tolist(), head.linear.bias.tolist(), strict=True)]
        for f in features.tolist()
    ]  # fmt: skip
    torch.testing.assert_close(head(features), torch.tensor(reference))


def test_expected_logits_equal_the_evaluation_logits() -> None:
    """Inverted dropout leaves the expectation unchanged, which is why nothing scales at test."""
    torch.manual_seed(0)
    head = VeryLargeDropoutHead(16, 2, dropout_rate=0.9)
    features = torch.randn(1, 16)
    mean = head.train()(features.expand(200_000, 16)).mean(0)
    torch.testing.assert_close(mean, head.eval()(features)[0], atol=0.03, rtol=0)


@settings(max_examples=25, deadline=None)
@given(
    scale=st.floats(0.05, 3.0),
    normalization=st.sampled_from(["none", "standardize"]),
    seed=st.integers(0, 1000),
)
def test_folded_layer_gives_the_same_logits(scale: float, normalization: str, seed: int) -> None:
    torch.manual_seed(seed)
    head = VeryLargeDropoutHead(6, 4, normalization=normalization, feature_scale=scale).eval()  # type: ignore[arg-type]
    head.calibrate(torch.randn(50, 6) * 5 + 2)
    features = torch.randn(7, 6)
    weight, bias = head.folded()
    torch.testing.assert_close(features @ weight.T + bias, head(features), atol=1e-4, rtol=1e-4)


def test_calibration_standardises_the_features_it_saw() -> None:
    head = VeryLargeDropoutHead(3, 2, normalization="standardize")
    assert int(head.calibrated) == 0
    features = torch.randn(400, 3) * torch.tensor([0.5, 1.0, 20.0]) + 4
    head.calibrate(features)
    normalised = head.normalize(features)
    torch.testing.assert_close(normalised.mean(0), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(normalised.std(0), torch.ones(3), atol=1e-4, rtol=0)
    assert int(head.calibrated) == 1


def test_constant_features_are_not_blown_up() -> None:
    head = VeryLargeDropoutHead(2, 2, normalization="standardize")
    features = torch.stack([torch.randn(100), torch.full((100,), 7.0)], dim=1)
    head.calibrate(features)
    assert head.normalize(features + 1e-6).abs().max() < 10


@pytest.mark.parametrize("dropout_rate", [-0.1, 1.0, 1.5])
def test_impossible_rates_are_refused(dropout_rate: float) -> None:
    with pytest.raises(ValueError, match="dropout rate"):
        VeryLargeDropoutHead(2, 2, dropout_rate=dropout_rate)


def test_a_rate_of_nothing_drops_nothing() -> None:
    head = VeryLargeDropoutHead(8, 3, dropout_rate=0.0)
    features = torch.randn(5, 8)
    assert torch.equal(head.train()(features), head.eval()(features))


def test_a_deviation_is_at_least_a_thousandth_of_the_mean_one() -> None:
    """Where few hardly vary, as on most pictures."""
    head = VeryLargeDropoutHead(12, 2, normalization="standardize")
    features = torch.randn(300, 12) * torch.tensor([*[4.0, 2.0] * 5, 3.0, 0.0])
    head.calibrate(features)
    std = features.std(0)
    expected = torch.cat([std[:-1], 1e-3 * std.mean().reshape(1)])
    torch.testing.assert_close(head.std, expected, atol=0, rtol=1e-5)
    head.calibrate(torch.zeros(10, 12))
    torch.testing.assert_close(head.std, torch.full((12,), 1e-12), atol=0, rtol=1e-5)


def test_statistics_and_the_folded_layer_carry_no_gradient() -> None:
    head = VeryLargeDropoutHead(6, 4, normalization="standardize")
    head.calibrate(torch.randn(50, 6, requires_grad=True))
    weight, bias = head.folded()
    assert not any(t.requires_grad for t in (head.mean, head.std, weight, bias))


def test_features_that_hardly_vary_are_not_blown_up_where_there_are_many() -> None:
    """Were: demo's recipe on 108 tiny pictures multiplied gradients a thousandfold and diverged."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(200, 100, generator=generator)
    features[:, :4] *= 1e-4  # as many as drawings of one style have
    head = VeryLargeDropoutHead(100, 3, normalization="standardize")
    assert not head.calibrate(features)
    std = features.std(0)
    assert torch.equal(head.std, std.clamp_min(1e-3 * float(std.mean())).clamp_min(1e-12))
    features[:, :20] *= 1e-4
    assert head.calibrate(features)
    scale = float(features.square().mean().sqrt())
    assert float(head.std.min()) == pytest.approx(0.3 * scale)
    assert torch.equal(head.std[20:], features.std(0)[20:])
