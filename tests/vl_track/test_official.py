"""Released networks: every key, every piece, and the outputs."""

from pathlib import Path

import pytest
import torch

from holdfast.errors import CheckpointError
from official_support import official_state, random_pictures, reference_network
from vl_track.app import APP
from vl_track.loading import build_network, load_network
from vl_track.nn.network import AllInOne
from vl_track.nn.official import check_complete, from_official, official_config, rename


def network_of(state: dict[str, torch.Tensor], *, elimination: bool = True) -> AllInOne:
    converted = from_official(state, elimination=elimination)
    network = build_network(converted.config, "test")
    check_complete(converted.weights, network.state_dict())
    network.load_state_dict(converted.weights)
    return network.eval()


@pytest.mark.parametrize("language", [True, False])
@pytest.mark.parametrize("elimination", [True, False])
def test_outputs_equal_the_slow_network(language: bool, elimination: bool) -> None:
    state = official_state(language=language, template=4, search=8)
    network = network_of(state, elimination=elimination)
    for seed in range(3):
        template, search = random_pictures(state, seed)
        score, box = reference_network(
            state, template, search, heads=2, eliminating=(3,) if elimination else ()
        )
        with torch.inference_mode():
            maps = network(template[None], search[None], ["any sentence"]).maps
            ours, _ = network.head.decode(maps)
        assert torch.allclose(maps.score_B1FF[0, 0], score, atol=1e-4)
        assert torch.allclose(ours[0], box, atol=1e-4)
        assert score.max() - score.min() > 0.01, "a flat map would agree with anything"


def test_no_sentence_gives_the_pad_vector_and_every_sentence_the_same() -> None:
    state = official_state()
    network = network_of(state)
    template, search = random_pictures(state)

    def score(text: str) -> torch.Tensor:
        with torch.inference_mode():
            found: torch.Tensor = network(template[None], search[None], [text]).maps.score_B1FF
        return found[0, 0]

    assert torch.equal(score("a red cup"), score("something else entirely"))
    assert not torch.equal(score("a red cup"), score(""))
    slow, _ = reference_network(
        state, template, search, heads=2, eliminating=(3,), has_sentence=False
    )
    assert torch.allclose(score(""), slow, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("language", [True, False])
def test_the_released_size(language: bool) -> None:
    """ViT-B/16 at 128 and 256, elimination at 3, 6, 9; 92,518,533 parameters without language."""
    state = official_state(
        width=768, depth=12, template=8, search=16, language=language, vocabulary=30522,
        text_width=768,
    )  # fmt: skip
    network = network_of(state)
    ours = sum(
        p.numel() for n, p in network.named_parameters() if n.startswith(("backbone", "head"))
    )
    unused = 768 + 197 * 768
    assert ours + unused == 92_518_533
    template, search = random_pictures(state)
    score, box = reference_network(state, template, search, heads=12, eliminating=(3, 6, 9))
    with torch.inference_mode():
        maps = network(template[None], search[None], ["x"]).maps
        found, _ = network.head.decode(maps)
    assert torch.allclose(maps.score_B1FF[0, 0], score, atol=1e-4)
    assert torch.allclose(found[0], box, atol=1e-4)


def test_every_official_key_is_renamed_or_named_as_unused() -> None:
    converted = from_official(official_state())
    assert len(converted.training_only) == 6
    network = build_network(converted.config, "test")
    assert set(converted.weights) == set(network.state_dict())


def test_an_unknown_key_is_refused_with_the_list() -> None:
    state = official_state()
    state["backbone.extra.weight"] = torch.zeros(1)
    state["decoder.bias"] = torch.zeros(1)
    with pytest.raises(CheckpointError, match="2 unknown") as refusal:
        from_official(state)
    assert "backbone.extra.weight" in str(refusal.value)
    assert "decoder.bias" in str(refusal.value)


def test_missing_and_misshapen_keys_are_refused_with_the_list() -> None:
    state = official_state()
    del state["box_head.conv3_size.0.weight"]
    converted = from_official(state)
    network = build_network(converted.config, "test")
    with pytest.raises(CheckpointError, match=r"missing key.*\n  box_head\.conv3_size\.0\.weight"):
        check_complete(converted.weights, network.state_dict())
    state = official_state()
    state["box_head.conv1_ctr.0.weight"] = torch.zeros(2, 2, 3, 3)
    converted = from_official(state)
    with pytest.raises(CheckpointError, match="wrongly shaped"):
        check_complete(converted.weights, network.state_dict())
    with pytest.raises(CheckpointError, match="pos_embed_z"):
        from_official({"layer.weight": torch.zeros(2)})


def test_the_settings_of_the_released_sizes() -> None:
    large = official_config(language=False, name="vit_large_patch16_224")
    assert large["text_norm"] == "unit"
    assert large["matching"] == "none"
    state = official_state(template=12, search=24, depth=1, width=64, language=False)
    config = from_official(state).config
    assert config["backbone"]["init_args"]["template_size"] == 192
    assert config["backbone"]["init_args"]["search_size"] == 384
    assert config["search_factor"] == 5.0
    assert rename("box_head.conv5_offset.bias") == "head.offset.4.bias"
    assert rename("nonsense") is None


def test_convert_writes_a_folder_that_tracks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = official_state()
    torch.save({"net": state, "epoch": 300}, tmp_path / "official.pth.tar")
    out = tmp_path / "model"
    assert APP.main(["convert", str(tmp_path / "official.pth.tar"), "--out", str(out)]) == 0
    assert "6 alignment tensors" in capsys.readouterr().out
    template, search = random_pictures(state)
    with torch.inference_mode():
        expected = network_of(state)(template[None], search[None], ["x"]).maps.score_B1FF
        found = load_network(out)(template[None], search[None], ["x"]).maps.score_B1FF
    assert torch.equal(expected, found)


def test_convert_refuses_another_network_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"net": {"fc.weight": torch.zeros(3)}}, tmp_path / "other.pth.tar")
    out = tmp_path / "model"
    assert APP.main(["convert", str(tmp_path / "other.pth.tar"), "--out", str(out)]) == 1
    assert "no OSTrack or All-in-One checkpoint" in capsys.readouterr().err
    assert not out.exists()
