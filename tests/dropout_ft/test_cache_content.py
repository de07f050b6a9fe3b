"""Caches hold the very pictures that are asked for, turned as the run says."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from dropout_ft.commands.predict import classify
from dropout_ft.data import DomainData
from dropout_ft.data.decoding import ORIENTATION
from dropout_ft.data.feature_cache import FeatureCache
from dropout_ft.data.image_cache import ImageCache
from dropout_ft.data.shards import write_shards
from dropout_ft.data.sources import ShardedFolder
from dropout_ft.data.transforms import Library, eval_transform, train_transform
from dropout_ft.described import describe
from dropout_ft.loading import LoadedClassifier
from dropout_ft.nn.backbones import TimmBackbone
from dropout_ft.nn.classifier import Classifier
from dropout_ft.nn.head import VeryLargeDropoutHead
from holdfast.errors import CheckpointError


def bmp(path: Path, value: int) -> Path:
    """Write a grey BMP; all of one size have files of one size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (value, value, value)).save(path)
    return path


def network() -> Classifier:
    torch.manual_seed(0)
    backbone = TimmBackbone("test_efficientnet", weights="none")
    return Classifier(backbone, VeryLargeDropoutHead(backbone.num_features, 3), frozen_stages=3)


def pixels(tmp_path: Path, path: Path) -> Any:
    cached = ImageCache(tmp_path / "cache", 8).build([path], path.parent)
    return np.asarray(cached[0]).mean()


def activations(tmp_path: Path, path: Path, library: Library = "pillow") -> Any:
    cache = FeatureCache(tmp_path / "cache", views=1)
    return np.array(
        cache.build(
            network(), [path], root=path.parent, plain=eval_transform(32, library=library),
            augment=train_transform(32, library=library),
        )
    )  # fmt: skip


@pytest.mark.parametrize("read", [pixels, activations])
def test_a_sibling_folder_with_equal_names_and_sizes_has_its_own_cache(
    tmp_path: Path, read: Callable[[Path, Path], Any]
) -> None:
    """B was read as A's pixels: the key was the relative path and the file's size."""
    first = read(tmp_path, bmp(tmp_path / "A/x.bmp", 10))
    second = read(tmp_path, bmp(tmp_path / "B/x.bmp", 200))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("read", [pixels, activations])
def test_a_replaced_picture_of_equal_size_is_read_anew(
    tmp_path: Path, read: Callable[[Path, Path], Any]
) -> None:
    """The cache went on giving the picture that had been replaced."""
    path = bmp(tmp_path / "A/x.bmp", 10)
    first = read(tmp_path, path)
    bmp(path, 200)
    os.utime(path, ns=(1, 1))  # whatever the clock's resolution
    assert not np.array_equal(first, read(tmp_path, path))


@pytest.mark.parametrize("library", ["pillow", "opencv"])
def test_the_feature_cache_is_hit_by_a_second_process(tmp_path: Path, library: Library) -> None:
    """With OpenCV the key held an object's address: a new file for every process."""
    path = bmp(tmp_path / "A/x.bmp", 10)
    keep = [train_transform(32, library=library)]  # so that no address is used twice
    activations(tmp_path, path, library)
    keep.append(train_transform(32, library=library))
    activations(tmp_path, path, library)
    assert len(list((tmp_path / "cache").glob("*.npy"))) == 1
    for made in (train_transform, eval_transform):
        assert " at 0x" not in repr(made(32, library=library))
        assert repr(made(32, library=library)) != repr(made(48, library=library))


@pytest.fixture
def turned(tmp_path: Path) -> Path:
    """Two domains of two classes whose pictures ask for a quarter turn: left becomes top."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    image = Image.new("RGB", (32, 32), "red")
    image.paste("blue", (0, 0, 16, 32))
    for domain in "ab":
        for label in ("x", "y"):
            folder = tmp_path / "pictures" / domain / label
            folder.mkdir(parents=True)
            for number in range(5):
                image.save(folder / f"{number}.png", exif=exif)
    return tmp_path / "pictures"


def is_upright(image: torch.Tensor) -> bool:
    """Whether the blue half is on top."""
    blue = image[2].float()
    return bool(blue[:8].mean() > 200 and blue[-8:].mean() < 50)


@pytest.mark.parametrize("exif_rotation", [False, True])
@pytest.mark.parametrize("kind", ["files", "cached", "shards"])
def test_the_rotation_of_the_header_is_a_switch_of_the_data(
    turned: Path, kind: str, exif_rotation: bool
) -> None:
    """`verify` and the documents spoke of exif_rotation, and training had no such option."""
    source: Any = str(turned)
    if kind == "shards":
        pytest.importorskip("litdata")
        write_shards(turned, turned.parent / "shards")
        source = ShardedFolder(str(turned.parent / "shards"))
    for switch in (not exif_rotation, exif_rotation):  # the caches of both lie side by side
        data = DomainData(
            source, ["b"], image_size=32, val_augment=False, exif_rotation=switch,
            cached_side=32 if kind == "cached" else 0,
        )  # fmt: skip
        data.setup()
        batch = next(iter(data.val_dataloader()))
        assert {is_upright(image) for image in batch["input"]} == {switch}


def test_activations_of_turned_pictures_are_others(turned: Path, tmp_path: Path) -> None:
    paths, plain = sorted(turned.rglob("*.png"))[:1], eval_transform(32)
    found = [
        np.array(
            FeatureCache(tmp_path / "cache", views=0, exif_rotation=switch).build(
                network(), paths, plain=plain, augment=plain, root=turned
            )
        )
        for switch in (False, True)
    ]
    assert not np.array_equal(*found)


def test_a_loaded_model_turns_pictures_as_its_training_did(turned: Path) -> None:
    paths = sorted(turned.rglob("*.png"))[:1]
    model = network().eval()
    answers = []
    for switch in (False, True):
        loaded = LoadedClassifier(
            model=model, class_names=("x", "y", "z"), image_size=32, exif_rotation=switch
        )
        ((_, probabilities),) = classify(loaded, paths, [])
        assert probabilities[0].tolist() == pytest.approx(
            list(loaded.classify(paths)[0].values()), abs=1e-5
        )
        answers.append(probabilities)
    assert not torch.equal(*answers)


def test_the_description_of_a_checkpoint_says_whether_pictures_are_turned() -> None:
    model = {"backbone": {"class_path": "dropout_ft.nn.TimmBackbone"}}
    config = {"model": model, "data": {"exif_rotation": True}}
    assert describe(config, ["x"], "file").exif_rotation is True
    assert describe({"model": model}, ["x"], "file").exif_rotation is False
    with pytest.raises(CheckpointError, match="exif_rotation"):
        describe({"model": model, "data": {"exif_rotation": "yes"}}, ["x"], "file")


@pytest.mark.parametrize(
    "wrong",
    [{"image_size": -5}, {"image_size": 0}, {"cached_side": -1}, {"cached_views": -1},
     {"eval_images": -1}, {"split_seed": -1}],
)  # fmt: skip
def test_sizes_and_counts_that_make_no_sense_are_refused_by_name(
    turned: Path, wrong: dict[str, int]
) -> None:
    """They were accepted, and failed later or did something else."""
    ((name, _),) = wrong.items()
    with pytest.raises(ValueError, match=rf"data\.{name} must be at least"):
        DomainData(str(turned), ["b"], **wrong)  # type: ignore[arg-type]
