"""Pictures to logits: preprocessing on the device, frozen parts, both kinds of input."""

import pytest
import torch

from dropout_ft.nn import Classifier, VeryLargeDropoutHead
from dropout_ft.nn.backbones import TimmBackbone
from dropout_ft.nn.backbones.base import Backbone, Preprocessing
from dropout_ft.nn.batch_norm import freeze_batch_norm_statistics
from holdfast.errors import ConfigError


class Means(Backbone):
    """A backbone whose representation is the mean of each normalised channel."""

    num_features = 3
    preprocessing = Preprocessing(
        mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 1.0), size=8, interpolation="bilinear"
    )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3))


def classifier(frozen: int = 0, **options: bool) -> Classifier:
    torch.manual_seed(0)
    backbone = TimmBackbone("test_efficientnet", weights="none")
    head = VeryLargeDropoutHead(backbone.num_features, 3)
    return Classifier(backbone, head, frozen_stages=frozen, **options)


def trunk_leaves(model: Classifier) -> list[torch.nn.Module]:
    return [m for m in model.backbone.trunk(2).modules() if not list(m.children())]


def test_bytes_are_normalised_as_the_weights_expect() -> None:
    model = Classifier(Means(), VeryLargeDropoutHead(3, 2))
    images = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    images[:, 0], images[:, 1] = 255, 51
    torch.testing.assert_close(
        model.features(images)[0], torch.tensor([1.0, (0.2 - 0.25) / 0.25, 0.0])
    )


def test_preprocessing_is_not_part_of_the_weights() -> None:
    model = Classifier(Means(), VeryLargeDropoutHead(3, 2))
    assert not {"mean", "std"} & set(model.state_dict())


@pytest.mark.parametrize("frozen", [1, 3])
def test_activations_and_pictures_give_the_same_logits(frozen: int) -> None:
    model = classifier(frozen).eval()
    images = torch.randint(0, 255, (2, 3, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(model(model.trunk_activations(images)), model(images))


def test_a_new_classifier_is_in_training_mode_with_frozen_statistics() -> None:
    model = classifier(frozen=2)
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert model.training
    assert model.head.training
    assert not any(norm.training for norm in norms)
    assert not any(leaf.training for leaf in trunk_leaves(model))


def test_train_and_eval_keep_frozen_parts_frozen() -> None:
    model = classifier(frozen=2)
    for mode in (False, True, False, True):
        assert model.train(mode) is model
        assert model.head.training is mode
        assert not any(leaf.training for leaf in trunk_leaves(model))


def test_batch_norm_freezing_can_be_switched_off() -> None:
    model = classifier(freeze_batch_norm=False)
    assert any(m.training for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d))


def test_freezing_touches_batch_norm_only() -> None:
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 1, 1), torch.nn.BatchNorm2d(1), torch.nn.Dropout()
    ).train()
    freeze_batch_norm_statistics(net)
    assert [module.training for module in net] == [True, False, True]
    assert all(p.requires_grad for p in net.parameters())


def test_too_many_frozen_stages_are_refused() -> None:
    with pytest.raises(ConfigError, match="frozen_stages is 99"):
        classifier(frozen=99)


def test_a_backbone_without_stages_says_so() -> None:
    with pytest.raises(ConfigError, match="Means cannot be split"):
        Classifier(Means(), VeryLargeDropoutHead(3, 2), frozen_stages=1)
    with pytest.raises(NotImplementedError):
        Means().pool(torch.zeros(1))
    with pytest.raises(NotImplementedError):
        Backbone()(torch.zeros(1))
