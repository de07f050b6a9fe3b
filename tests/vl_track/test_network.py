"""The whole network, its model folders, and what loading refuses."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from holdfast.errors import CheckpointError
from scenes_support import tiny_config, tiny_network
from vl_track.loading import (
    build_network,
    load_network,
    packaged,
    save_network,
    size_in_megabytes,
)
from vl_track.nn.matching import TextMatch, match, target_cells
from vl_track.nn.network import AllInOne


def inputs(batch: int = 2) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randint(1, 255, (batch, 3, 32, 32), generator=generator, dtype=torch.uint8),
        torch.randint(1, 255, (batch, 3, 64, 64), generator=generator, dtype=torch.uint8),
    )


def spoken(network: AllInOne) -> AllInOne:
    """With mixup away from its neutral start."""
    torch.manual_seed(1)
    torch.nn.init.normal_(network.mixup.proj.weight, std=0.3)
    return network.eval()


@pytest.mark.parametrize("matching", ["none", "target", "target_and_text"])
def test_shapes_and_the_matching_switch(matching: str) -> None:
    network = tiny_network(matching=matching).eval()
    out = network(*inputs(), ["red circle", ""])
    assert out.maps.score_B1FF.shape == (2, 1, 4, 4)
    assert out.search_BSC.shape == (2, 16, 32)
    assert (out.text_match_BS is not None) == (matching == "target_and_text")


def test_the_sentence_matters_and_an_empty_one_is_none() -> None:
    """In the release it cannot (docs/vl_track.md, Switches); ours must."""
    network = spoken(tiny_network(matching="target_and_text"))
    with torch.inference_mode():
        red, blue, none, blank = (
            network(*inputs(1), [text]).maps.score_B1FF
            for text in ("red circle", "blue star", "", "  . ")
        )
    assert not torch.allclose(red, blue, atol=1e-5)
    assert not torch.allclose(red, none, atol=1e-5)
    assert torch.equal(none, blank)


def test_sentences_can_be_encoded_once_for_a_video() -> None:
    network = spoken(tiny_network())
    sentences = ["red circle", "blue star"]
    with torch.inference_mode():
        direct = network(*inputs(), sentences).maps
        ahead = network(*inputs(), network.text(sentences)).maps
    assert torch.equal(direct.score_B1FF, ahead.score_B1FF)


def test_bytes_and_floats_are_the_same_picture() -> None:
    network = tiny_network().eval()
    template, search = inputs()
    with torch.inference_mode():
        one = network(template, search, ["", ""]).maps.score_B1FF
        other = network(template.float(), search.float(), ["", ""]).maps.score_B1FF
    assert torch.equal(one, other)


def test_without_a_template_the_target_channels_are_silent() -> None:
    network = tiny_network(matching="target").eval()
    template, search = inputs()
    text = network.text(["", ""])
    features = network.backbone(network.backbone.embed(template / 255.0, search / 255.0))
    channels = network._match(features, torch.zeros_like(template), text, None)
    assert not channels[0].any()


def test_every_sentence_of_a_sample_is_matched_with_its_picture() -> None:
    network = tiny_network(matching="target_and_text").eval()
    search = torch.randn(2, 16, 32)
    said = ["red circle", "blue star", "", "green cup"]
    found = network.match_text(search, network.text(said))
    assert found.shape == (2, 16, 2)
    for sample, number in ((0, 0), (0, 1), (1, 1)):
        text = network.text([said[2 * sample + number]])
        alone = network.match_text(search[sample : sample + 1], text)[0, :, 0]
        assert torch.allclose(found[sample, :, number], alone, atol=1e-5)
    assert not found[1, :, 0].any()


def test_text_matches_are_cosines() -> None:
    module = TextMatch(6, 3)
    found = module(torch.randn(2, 5, 6) * 100, torch.randn(2, 1, 3))
    assert found.shape == (2, 5, 1)
    assert float(found.detach().abs().max()) <= 1 + 1e-5


def test_target_similarity_is_highest_where_the_target_is() -> None:
    torch.manual_seed(0)
    cells = target_cells(4, 2.0)
    assert cells.on_T.tolist() == [5, 6, 9, 10]
    assert sorted([*cells.on_T.tolist(), *cells.around_R.tolist()]) == list(range(16))
    template = torch.randn(1, 16, 8)
    search = torch.randn(1, 9, 8)
    search[0, 5] = template[0, 5]  # on the target
    search[0, 2] = template[0, 0]  # beside it
    found = match(template, search, cells)
    assert int(found[0, :, 0].argmax()) == 5
    assert found[0, 2, 0] < 0


def test_a_template_without_surroundings_is_matched_by_its_target_alone() -> None:
    everywhere = target_cells(2, 2.0)
    assert everywhere.around_R.numel() == 0
    found = match(torch.randn(1, 4, 8), torch.randn(1, 9, 8), everywhere)
    assert found.isfinite().all()


def test_a_model_folder_gives_the_network_back(tmp_path: Path) -> None:
    network = spoken(build_network(tiny_config("target_and_text"), "test"))
    weights = network.state_dict()
    files = save_network(tmp_path, tiny_config("target_and_text"), weights, max_bytes=150_000)
    assert len(files) > 1
    assert all(path.stat().st_size <= 150_000 for path in files)
    again = load_network(tmp_path)
    assert not again.training
    for name, value in again.state_dict().items():
        assert torch.allclose(value.float(), weights[name].float(), atol=1e-3), name
    assert size_in_megabytes(weights) == pytest.approx(
        sum(path.stat().st_size for path in files) / 1e6, rel=0.2
    )


def test_the_size_that_is_told_counts_tables_of_8_bits_as_they_are(tmp_path: Path) -> None:
    """`export` told of 35.7 MB where a model with word pieces takes 27.7."""
    weights = {"text.pieces_VD": torch.zeros(1000, 256, dtype=torch.int8), "head": torch.ones(9)}
    files = save_network(tmp_path, tiny_config("target_and_text"), weights)
    on_disk = sum(path.stat().st_size for path in files) / 1e6
    assert size_in_megabytes(weights) == pytest.approx(on_disk, rel=0.01)


def test_saving_again_with_fewer_files_leaves_no_old_ones(tmp_path: Path) -> None:
    weights = tiny_network().state_dict()
    many = save_network(tmp_path, tiny_config("target_and_text"), weights, max_bytes=150_000)
    one = save_network(tmp_path, tiny_config("target_and_text"), weights)
    assert len(many) > len(one) == 1
    assert sorted(tmp_path.glob("*.safetensors")) == one
    load_network(tmp_path)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no readable config\.json"):
        load_network(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(tiny_config("none")))
    with pytest.raises(CheckpointError, match="no safetensors"):
        load_network(tmp_path)
    save_file({"other": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError):
        load_network(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"backbone": {}}))
    with pytest.raises(CheckpointError, match="does not describe a tracker"):
        load_network(tmp_path)


def test_only_known_text_encoders_are_built_from_a_strangers_description() -> None:
    config = tiny_config("none")
    config["text"] = {"class_path": "os.system", "init_args": {"command": "true"}}
    with pytest.raises(CheckpointError, match="does not describe a tracker"):
        build_network(config, "stranger")


def test_a_damaged_file_of_weights_is_named(tmp_path: Path) -> None:
    save_network(tmp_path, tiny_config("none"), tiny_network().state_dict())
    (path,) = tmp_path.glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=path.name):
        load_network(tmp_path)


def test_a_name_that_is_not_packaged_is_refused() -> None:
    with pytest.raises(CheckpointError, match="no model 'unknown'"):
        packaged("unknown")


def test_the_packaged_model_is_whole_and_small() -> None:
    folder = packaged("small")
    files = sorted(folder.glob("*.safetensors"))
    assert files
    assert all(path.stat().st_size <= 16_000_000 for path in files)
    assert all(
        value.dtype == torch.float16
        for path in files
        for value in load_file(path).values()
        if value.is_floating_point()
    )
    card = (folder / "MODEL_CARD.md").read_text()
    assert all(word in card for word in ("data", "steps", "seed", "limits"))
    assert load_network().matching == "target_and_text"
