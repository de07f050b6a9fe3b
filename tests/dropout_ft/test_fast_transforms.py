"""OpenCV's augmentation against torchvision's: the same operations, the same distributions."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import ks_2samp
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as reference

from conftest import CONFIGS
from dropout_ft.data import DomainData
from dropout_ft.data import fast_transforms as fast
from dropout_ft.data.transforms import Library, apply_seeded, eval_transform, train_transform

Operation = Callable[[Image.Image], Image.Image]


def photograph(width: int = 90, height: int = 70, seed: int = 0) -> Image.Image:
    generator = np.random.default_rng(seed)
    coarse = Image.fromarray(generator.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.7, 1.3), st.integers(0, 50))
def test_colours_are_torchvisions_within_rounding(factor: float, seed: int) -> None:
    picture = photograph(seed=seed)
    pixels = np.asarray(picture)
    grey = float(fast.luma(pixels).mean())
    for theirs, ours in (
        (reference.adjust_brightness(picture, factor), fast.blend(pixels, 0.0, factor)),
        (reference.adjust_contrast(picture, factor), fast.blend(pixels, grey, factor)),
        (reference.adjust_saturation(picture, factor), fast.saturate(pixels, factor)),
        (reference.rgb_to_grayscale(picture, 1), fast.luma(pixels)),
    ):
        assert np.abs(np.asarray(theirs).astype(int) - ours).max() <= 2


@settings(max_examples=40, deadline=None)
@given(st.floats(-0.3, 0.3), st.integers(0, 50))
def test_hue_is_torchvisions_within_the_rounding_of_eight_bits(turns: float, seed: int) -> None:
    picture = photograph(seed=seed)
    theirs = np.asarray(reference.adjust_hue(picture, turns)).astype(int)
    difference = np.abs(theirs - fast.shift_hue(np.asarray(picture), turns))
    # 2.05 is the greatest mean over these pictures and 61 turns.
    assert difference.mean() < 2.5
    # A step of the 8-bit hue moves a channel by up to 6 of 255, and three roundings add up; where
    # two channels are nearly equal their order may change as well.
    assert np.percentile(difference, 99.5) <= 18


def test_a_whole_turn_changes_nothing_and_halves_add_up() -> None:
    pixels = np.asarray(photograph())
    assert np.abs(fast.shift_hue(pixels, 1.0).astype(int) - pixels).max() <= 9
    twice = fast.shift_hue(fast.shift_hue(pixels, 0.5), 0.5)
    assert np.abs(twice.astype(int) - pixels).mean() < 3


PILLOWS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@pytest.mark.parametrize("interpolation", PILLOWS)
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.2, 1.9, 3.0, 7.3])
def test_resizing_is_pillows_within_a_step(scale: float, interpolation: str) -> None:
    """Was OpenCV's: 1.0 of 255 apart on average and up to 28, where the picture shrank."""
    size = 40
    picture = photograph(round(size * scale * 1.3), round(size * scale))
    ours = fast.resize(np.asarray(picture), size, interpolation).astype(int)
    theirs = np.asarray(picture.resize((size, size), PILLOWS[interpolation]))
    assert ours.shape == (size, size, 3)
    assert np.abs(ours - theirs).max() <= 1
    assert np.abs(ours - theirs).mean() < 0.05


def test_a_fine_pattern_does_not_alias_when_it_shrinks() -> None:
    stripes = np.zeros((160, 160, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    found = fast.resize(stripes, 40).astype(int)
    assert np.abs(found[:, 1:-1] - 128).max() <= 1
    assert np.abs(found - Image.fromarray(stripes).resize((40, 40), 2)).max() <= 1


def test_an_interpolation_that_only_pillow_has_is_pillows() -> None:
    """Was: whatever the backbone asked for, OpenCV interpolated bilinearly."""
    picture = photograph(60, 50)
    for make in (train_transform, eval_transform):
        ours, theirs = (make(24, "lanczos", library) for library in ("opencv", "pillow"))
        assert torch.equal(apply_seeded(ours, picture, 3), apply_seeded(theirs, picture, 3))


def augmented(library: Library, count: int) -> np.ndarray:
    """Return means, spreads, left against right, top against bottom, and colour: (count, 9)."""
    transform, picture = train_transform(32, library=library), photograph(120, 90, seed=4)
    pictures = np.stack([apply_seeded(transform, picture, seed) for seed in range(count)])
    values = pictures.astype(float)
    luma = values.mean(axis=1)
    sides = (luma[..., :16] - luma[..., 16:], luma[:, :16] - luma[:, 16:])
    colour = np.abs(values[:, 0] - values[:, 2])
    means = np.stack([one.mean(axis=(1, 2)) for one in (*sides, colour)], axis=1)
    return np.concatenate([values.mean(axis=(2, 3)), values.std(axis=(2, 3)), means], axis=1)


def test_augmented_pictures_have_one_distribution() -> None:
    """The whole of it, Kolmogorov-Smirnov on nine statistics; a wrong jitter of 0.4 is found."""
    ours, theirs = augmented("opencv", 1500), augmented("pillow", 1500)
    chances = [ks_2samp(a, b).pvalue for a, b in zip(ours.T, theirs.T, strict=True)]
    assert min(chances) > 0.01 / len(chances)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast, "JITTER", 0.4)
        wrong = augmented("opencv", 1500)
    found = [ks_2samp(a, b).pvalue for a, b in zip(wrong.T, theirs.T, strict=True)]
    assert min(found) < 1e-4


def test_arrays_and_pillows_images_give_the_same() -> None:
    picture = photograph(70, 50)
    for library in ("opencv", "pillow"):
        for make in (train_transform, eval_transform):
            transform = make(24, library=library)
            one, other = (apply_seeded(transform, p, 5) for p in (picture, np.asarray(picture)))
            assert torch.equal(one, other)


def test_seeds_leave_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    apply_seeded(train_transform(16), photograph(), 8)
    assert torch.equal(torch.rand(4), expected)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 1000))
def test_crops_lie_in_the_picture(height: int, width: int, seed: int) -> None:
    torch.manual_seed(seed)
    top, left, h, w = fast.draw_crop(height, width)
    assert 0 <= top <= top + h <= height
    assert 0 <= left <= left + w <= width
    assert h >= 1
    assert w >= 1


def test_too_long_pictures_get_their_middle() -> None:
    for height, width in ((10, 300), (300, 10), (64, 64)):
        box = fast.central_crop(height, width)
        ratio = box[3] / box[2]
        assert 3 / 4 - 0.1 <= ratio <= 4 / 3 + 0.1
        assert box[0] == (height - box[2]) // 2
        assert box[1] == (width - box[3]) // 2
        assert box[2] == height or box[3] == width


def test_draws_have_torchvisions_distributions() -> None:
    torch.manual_seed(0)
    draws = [fast.draw(300, 400) for _ in range(4000)]
    theirs = v2.RandomResizedCrop(8, scale=fast.SCALE)
    boxes = [theirs.make_params([torch.zeros(3, 300, 400)]) for _ in range(4000)]
    for ours, key in ((2, "height"), (3, "width"), (0, "top"), (1, "left")):
        a = np.array([d.box[ours] for d in draws], dtype=float)
        b = np.array([box[key] for box in boxes], dtype=float)
        spread = np.sqrt(a.var() / len(a) + b.var() / len(b))
        assert abs(a.mean() - b.mean()) < 4 * spread + 0.5
        assert abs(a.std() - b.std()) < 0.1 * b.std() + 0.5
    assert abs(np.mean([d.flip for d in draws]) - 0.5) < 0.04
    assert abs(np.mean([d.gray for d in draws]) - 0.1) < 0.02
    for name in ("brightness", "contrast", "saturation"):
        values = np.array([getattr(d, name) for d in draws])
        assert values.min() >= 0.7
        assert values.max() <= 1.3
        assert abs(values.mean() - 1) < 0.015
        assert values.std() == pytest.approx(0.6 / np.sqrt(12), rel=0.05)
    hue = np.array([d.hue for d in draws])
    assert np.abs(hue).max() <= 0.3
    first = np.bincount([d.order[0] for d in draws], minlength=4)
    assert first.min() > 880


def test_a_draw_is_carried_out_in_its_order() -> None:
    pixels = np.asarray(photograph())
    draw = fast.Draw(
        box=(5, 10, 50, 60), flip=True, order=(3, 0, 2, 1), brightness=1.2, contrast=0.8,
        saturation=1.3, hue=0.1, gray=False,
    )  # fmt: skip
    cut = fast.resize(pixels[5:55, 10:70], 32)[:, ::-1]
    hue = fast.shift_hue(np.ascontiguousarray(cut), 0.1)
    mixed = fast.saturate(fast.blend(hue, 0.0, 1.2), 1.3)
    expected = fast.blend(mixed, float(fast.luma(mixed).mean()), 0.8)
    assert np.array_equal(fast.apply(pixels, draw, 32), expected)
    other = fast.apply(pixels, draw._replace(order=(0, 1, 2, 3)), 32)
    assert not np.array_equal(other, expected)
    grey = fast.apply(pixels, draw._replace(gray=True), 32)
    assert np.array_equal(grey[..., 0], grey[..., 2])


def test_the_switch_gives_the_same_kind_of_tensor_and_depends_on_the_seed_only() -> None:
    picture = photograph(300, 200)
    for make in (train_transform, eval_transform):
        ours, theirs = make(64, library="opencv"), make(64)
        found = apply_seeded(ours, picture, 7)
        assert found.dtype == torch.uint8
        assert found.shape == apply_seeded(theirs, picture, 7).shape == (3, 64, 64)
        assert torch.equal(found, apply_seeded(ours, picture, 7))
    assert not torch.equal(
        apply_seeded(train_transform(64, library="opencv"), picture, 1),
        apply_seeded(train_transform(64, library="opencv"), picture, 2),
    )
    plain = eval_transform(64)(picture).int() - eval_transform(64, library="opencv")(picture).int()
    assert plain.abs().max() <= 1


def test_training_is_fast_and_evaluation_domainbeds_to_the_bit_by_default(pictures: Path) -> None:
    data = DomainData(str(pictures), ["b"], image_size=24, val_augment=False)
    data.setup()
    assert isinstance(data._train_set.transforms[0], fast.FastTrainTransform)
    for batch in data.val_dataloader():
        for row, image in zip(batch["index"], batch["input"], strict=True):
            picture = Image.open(data.table.paths[row]).convert("RGB").resize((24, 24), 2)
            assert np.array_equal(image.permute(1, 2, 0).numpy(), np.asarray(picture))


@pytest.mark.parametrize("path", sorted((CONFIGS / "dropout_ft").glob("*.yaml")), ids=str)
def test_recipes_with_published_figures_keep_the_arithmetic_they_were_measured_with(
    path: Path,
) -> None:
    config = yaml.safe_load(path.read_text())
    pinned = isinstance(config["data"], dict) and config["data"].get("augmentation") == "pillow"
    assert pinned == path.stem.startswith(("paper_", "demo", "emoji_"))


def test_a_run_trains_with_it(pictures: Path, tmp_path: Path) -> None:
    from dropout_ft.app import APP

    config = Path(__file__).parents[2] / "configs/dropout_ft/tiny.yaml"
    words = [
        "fit", "--config", str(config), f"--data.source={pictures}", "--run.root",
        str(tmp_path), "--data.augmentation=opencv", "--data.cached_side=40",
    ]  # fmt: skip
    assert APP.main(words) == 0
