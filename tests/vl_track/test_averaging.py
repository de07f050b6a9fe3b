"""The mean of models: its weights, what has none, and a network without its presence head."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor

from conftest import CONFIGS
from holdfast.errors import CheckpointError
from vl_track.averaging import mean_model, without_presence_head
from vl_track.commands.export import write_model
from vl_track.loading import build_network, load_network, read_folder, save_network

RECIPE = CONFIGS / "vl_track/scenes_real.yaml"
TINY = {
    "backbone": {
        "class_path": "vl_track.nn.JointTransformer",
        "init_args": {
            "name": "vit_tiny_patch16_224",
            "template_size": 32,
            "search_size": 64,
            "depth": 1,
            "options": {"embed_dim": 24, "num_heads": 2},
        },
    },
    "text": {"class_path": "vl_track.nn.text.WordPieceText", "init_args": {"num_features": 8}},
    "head": {"class_path": "vl_track.nn.heads.CentreHead", "init_args": {"channels": 8}},
    "matching": "target",
    "presence": True,
}


def model(folder: Path, seed: int, **changed: Any) -> dict[str, Tensor]:
    """Write a model of random weights; return them as they are in the files."""
    torch.manual_seed(seed)
    config = {**TINY, **changed}
    save_network(folder, config, build_network(config, "here").state_dict())
    return read_folder(folder)[1]


def test_the_mean_of_models_is_that_of_their_weights(tmp_path: Path) -> None:
    weights = [model(tmp_path / str(seed), seed) for seed in range(3)]
    counter = "head.offset.0.1.num_batches_tracked"
    save_network(tmp_path / "2", TINY, {**weights[2], counter: torch.tensor(7)})
    config, mean = mean_model([tmp_path / str(seed) for seed in range(3)])
    assert config == TINY
    for name, value in mean.items():
        if value.is_floating_point():
            wanted = torch.stack([one[name].double() for one in weights]).mean(0)
            torch.testing.assert_close(value.double(), wanted, atol=1e-6, rtol=1e-6)
        elif name == counter:
            assert value == 7, "batches seen: the last model's"
        else:
            assert torch.equal(value, weights[0][name]), name
    _, alone = mean_model([tmp_path / "1"])
    for name, value in alone.items():
        assert torch.equal(value, weights[1][name].to(value.dtype)), name


def test_unlike_models_have_no_mean(tmp_path: Path) -> None:
    weights = model(tmp_path / "one", 0)
    model(tmp_path / "other", 1, text_norm="unit")
    with pytest.raises(CheckpointError, match=r"different config\.json"):
        mean_model([tmp_path / "one", tmp_path / "other"])
    pieces = {**weights, "text.pieces_VD": weights["text.pieces_VD"] + 1}
    save_network(tmp_path / "words", TINY, pieces)
    with pytest.raises(CheckpointError, match=r"pieces_VD holds different whole numbers"):
        mean_model([tmp_path / "one", tmp_path / "words"])
    longer = {**weights, "norm.extra": torch.zeros(1)}
    save_network(tmp_path / "longer", TINY, longer)
    with pytest.raises(CheckpointError, match=r"only one of them has the weight norm\.extra"):
        mean_model([tmp_path / "one", tmp_path / "longer"])
    wider = {**weights, "text.places": torch.zeros(2, 8)}
    save_network(tmp_path / "wider", TINY, wider)
    with pytest.raises(CheckpointError, match=r"text\.places has different shapes"):
        mean_model([tmp_path / "one", tmp_path / "wider"])


def test_what_is_not_finite_or_does_not_fit_is_not_written(tmp_path: Path) -> None:
    """A NaN used to go into the mean, and a model that cannot be read was written with a note."""
    weights = model(tmp_path / "one", 0)
    for value in (float("nan"), 1e6):  # the second is too large for float16
        place = tmp_path / "wrong"
        with pytest.raises(CheckpointError, match=r"not finite in float16, .* text\.places"):
            save_network(place, TINY, {**weights, "text.places": torch.full((40, 8), value)})
        assert not place.exists()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/network.json").write_text("older")
    rest = {name: value for name, value in weights.items() if name != "text.places"}
    with pytest.raises(CheckpointError, match=r"^here is of another .* 1 missing \(text\.places"):
        write_model((TINY, rest), tmp_path / "out", source="here")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["network.json"]


def test_a_head_that_is_not_there_cannot_be_left_out(tmp_path: Path) -> None:
    model(tmp_path, 0, presence=False)
    with pytest.raises(CheckpointError, match="no presence head to leave out"):
        without_presence_head(mean_model([tmp_path]))


def test_a_model_without_its_presence_head_finds_the_same(tmp_path: Path) -> None:
    weights = model(tmp_path / "whole", 0)
    config, kept = without_presence_head(mean_model([tmp_path / "whole"]))
    assert set(weights) - set(kept) == {name for name in weights if name.startswith("presence.")}
    save_network(tmp_path / "bare", config, kept)
    whole, bare = load_network(tmp_path / "whole"), load_network(tmp_path / "bare")
    assert whole.presence is not None
    assert bare.presence is None
    template, search = (
        torch.randint(0, 255, (1, 3, size, size), dtype=torch.uint8) for size in (32, 64)
    )
    with torch.inference_mode():
        one, other = (network(template, search, ["the dog"]).maps for network in (whole, bare))
    for mine, yours in zip(one, other, strict=True):
        assert torch.equal(mine, yours)


def test_the_recipe_trains_the_head_that_is_left_behind() -> None:
    assert yaml.safe_load(RECIPE.read_text())["model"]["network"]["presence"] is True
