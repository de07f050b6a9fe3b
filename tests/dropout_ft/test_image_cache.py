"""Decoded pictures in one memory map: the same pixels, for every size and kind of picture."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from domainbed_support import miniature
from dropout_ft.app import APP
from dropout_ft.data import DomainData, KnownFolder
from dropout_ft.data.decoding import read_rgb
from dropout_ft.data.image_cache import ImageCache, shrink
from dropout_ft.data.images import ImageDataset
from dropout_ft.data.known import KNOWN
from dropout_ft.data.transforms import eval_transform
from dropout_ft.data.verifying import unreadable
from holdfast.errors import DiskError, ImageError

sides = st.integers(1, 40)


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.integers(1, 30))
def test_shrinking_keeps_the_shape_and_never_enlarges(width: int, height: int, side: int) -> None:
    before = Image.new("RGB", (width, height), "red")
    after = shrink(before, side)
    assert min(after.size) == min(side, width, height)
    assert after.size[0] <= width
    assert after.size[1] <= height
    if min(width, height) > side:
        exact = max(width, height) * side / min(width, height)
        assert abs(max(after.size) - exact) <= 0.5
    assert after.getpixel((0, 0)) == (255, 0, 0)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(sides, sides), min_size=1, max_size=6), st.integers(0, 1000))
def test_pictures_of_every_size_come_back(
    tmp_path: Path, sizes: list[tuple[int, int]], seed: int
) -> None:
    generator = np.random.default_rng(seed)
    paths = []
    for number, (width, height) in enumerate(sizes):
        pixels = generator.integers(0, 256, (height, width, 3)).astype(np.uint8)
        paths.append(tmp_path / f"{seed}-{number}-{width}x{height}.png")
        Image.fromarray(pixels).save(paths[-1])
    cached = ImageCache(tmp_path / "cache", side=64).build(paths, tmp_path)
    assert len(cached) == len(paths)
    for number in generator.permutation(len(paths)):
        expected = np.asarray(read_rgb(paths[number]))
        assert np.array_equal(np.asarray(cached[int(number)]), expected)


def test_another_side_or_another_picture_is_another_cache(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (30, 20), "red").save(path)
    folder = tmp_path / "cache"
    ImageCache(folder, side=10).build([path], tmp_path)
    ImageCache(folder, side=12).build([path], tmp_path)
    assert len(list(folder.glob("*.bin"))) == 2
    Image.effect_noise((31, 21), 90).save(path)
    assert ImageCache(folder, side=10).build([path], tmp_path)[0].shape == (10, 15, 3)
    assert len(list(folder.glob("*.bin"))) == 3


def test_a_picture_that_cannot_be_read_leaves_no_half_cache(tmp_path: Path) -> None:
    good, bad = tmp_path / "a.png", tmp_path / "b.png"
    Image.new("RGB", (8, 8)).save(good)
    bad.write_bytes(good.read_bytes()[:40])
    with pytest.raises(ImageError, match=r"b\.png"):
        ImageCache(tmp_path / "cache", side=8).build([good, bad], tmp_path)
    assert not any(p.suffix in {".bin", ".json"} for p in (tmp_path / "cache").iterdir())


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(path)
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(DiskError, match="Could not write"):
        ImageCache(tmp_path / "cache", side=8).build([path], tmp_path)


def test_a_data_set_gives_the_same_tensors_with_and_without(tmp_path: Path) -> None:
    paths = []
    for number in range(4):
        paths.append(tmp_path / f"{number}.png")
        Image.effect_noise((20 + number, 24), 80).convert("RGB").save(paths[-1])
    cached = ImageCache(tmp_path / "cache", side=64).build(paths, tmp_path)
    plain = eval_transform(16)
    labels, rows = np.arange(2), np.array([3, 1])
    chosen = [paths[row] for row in rows]
    without = ImageDataset(chosen, labels, [plain] * 2, rows, labels)
    with_cache = ImageDataset(chosen, labels, [plain] * 2, rows, labels, (cached, rows))
    for place in range(2):
        first, second = without[place], with_cache[place]
        assert first.keys() == second.keys() == {"input", "label", "index", "domain", "part"}
        for name, value in first.items():
            assert torch.equal(value, second[name])
        assert int(first["domain"]) == rows[place]


def test_a_cached_data_module_scores_the_same(tmp_path: Path) -> None:
    miniature(KNOWN["PACS"], tmp_path)
    source = KnownFolder("PACS", str(tmp_path))
    options: dict[str, Any] = {"image_size": 24, "val_augment": False}
    first, second = (DomainData(source, ["0"], cached_side=s, **options) for s in (0, 64))
    for one, other in zip(first.val_dataloader(), second.val_dataloader(), strict=True):
        assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert len(list((tmp_path / "cache").glob("pictures-*.bin"))) == 1


def test_verify_names_every_damaged_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = miniature(KNOWN["VLCS"], tmp_path)
    damaged = [folder / "SUN09/class_0/1.png", folder / "VOC2007/class_2/4.png"]
    for path in damaged:
        path.write_bytes(b"not a picture")
    assert APP.main(["data", "verify", str(folder)]) == 1
    printed = capsys.readouterr().out
    assert all(str(path) in printed for path in damaged)
    assert APP.main(["data", "verify", str(folder), "--images", "false"]) == 0
    domains = KnownFolder("PACS", str(miniature(KNOWN["PACS"], tmp_path))).domains()
    assert unreadable(domains[0]) == []
