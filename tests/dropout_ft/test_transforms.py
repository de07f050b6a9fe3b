"""The paper's augmentation, measured; DomainBed's resize, compared with PIL's own."""

import numpy as np
import pytest
import torch
from PIL import Image

from dropout_ft.data.transforms import apply_seeded, eval_transform, train_transform


def coordinates(side: int = 64) -> Image.Image:
    """A picture whose red tells x and whose green tells y; blue is far from both."""
    ramp = np.linspace(0, 200, side).astype(np.uint8)
    pixels = np.zeros((side, side, 3), dtype=np.uint8)
    pixels[..., 0], pixels[..., 1], pixels[..., 2] = ramp[None], ramp[:, None], 255
    return Image.fromarray(pixels)


def views(count: int = 400) -> torch.Tensor:
    transform = train_transform(32)
    image = coordinates()
    return torch.stack([apply_seeded(transform, image, seed) for seed in range(count)])


@pytest.fixture(scope="module")
def many() -> torch.Tensor:
    return views()


def is_grey(view: torch.Tensor) -> bool:
    return bool((view[0] == view[1]).all() and (view[1] == view[2]).all())


def test_a_tenth_is_grey(many: torch.Tensor) -> None:
    share = np.mean([is_grey(view) for view in many])
    assert 0.06 < share < 0.14


def test_half_is_mirrored(many: torch.Tensor) -> None:
    coloured = [view for view in many if not is_grey(view)]
    mirrored = [
        bool(view[0, :, 0].float().mean() > view[0, :, -1].float().mean()) for view in coloured
    ]
    assert 0.4 < np.mean(mirrored) < 0.6


def test_nothing_is_turned_upside_down(many: torch.Tensor) -> None:
    coloured = [view for view in many if not is_grey(view)]
    upright = [bool(view[1, 0].float().mean() < view[1, -1].float().mean()) for view in coloured]
    assert np.mean(upright) > 0.95  # a strong hue shift may exchange the channels


def test_crops_keep_at_least_seven_tenths() -> None:
    transform = train_transform(32)
    crop = transform.transforms[0]  # type: ignore[attr-defined]
    assert tuple(crop.scale) == (0.7, 1.0)
    assert tuple(crop.size) == (32, 32)


def test_colour_jitter_is_the_papers() -> None:
    jitter = train_transform(8).transforms[2]  # type: ignore[attr-defined]
    assert tuple(jitter.brightness) == tuple(jitter.contrast) == (0.7, 1.3)
    assert tuple(jitter.saturation) == (0.7, 1.3)
    assert tuple(jitter.hue) == (-0.3, 0.3)


@pytest.mark.parametrize(
    ("name", "filter_"),
    [("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC)],
)
def test_evaluation_resize_is_pils(name: str, filter_: Image.Resampling) -> None:
    image = coordinates(50).crop((0, 0, 50, 30))
    expected = np.asarray(image.resize((20, 20), filter_))
    found = eval_transform(20, name)(image).permute(1, 2, 0).numpy()
    assert np.array_equal(found, expected)


def test_the_seed_decides_everything() -> None:
    transform, image = train_transform(16), coordinates()
    assert torch.equal(apply_seeded(transform, image, 4), apply_seeded(transform, image, 4))
    different = [apply_seeded(transform, image, seed) for seed in range(6)]
    assert len({view.numpy().tobytes() for view in different}) == 6
