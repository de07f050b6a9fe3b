"""Photographs of things: prepared from a package, named, split, and used only when asked for."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from holdfast.errors import DataError
from scenes_support import painted_root, small_world
from vl_track.scenes.cutouts import (
    FOLDER,
    PACKAGE,
    STAMPS,
    find_cutouts,
    main_colour,
    prepare_cutouts,
    split_of,
)
from vl_track.scenes.make import make_scene

NAMES = [f"a thing{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]


def stamp(path: Path, name: str, colour: tuple[int, int, int] = (200, 30, 35)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.zeros((80, 120, 4), np.uint8)
    picture[10:70, 20:100, :3] = colour[::-1]
    picture[10:70, 20:100, 3] = 255
    cv2.imwrite(str(path), picture)
    path.with_suffix(".txt").write_text(f"{name}.\nde.utf8=Ein Ding.\n", encoding="utf-8")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = painted_root(tmp_path_factory.mktemp("data"))
    stamps = folder / "packages" / PACKAGE / STAMPS
    for name in NAMES:
        stamp(stamps / f"household/{name.split()[-1]}.png", name)
    stamp(stamps / "animals/dogs/collie.png", "A brown Collie dog with a ball")
    stamp(stamps / "animals/birds/cartoon/duck.png", "A duck")
    (stamps / "household/broken.png").write_bytes(b"no picture")
    (stamps / "household/broken.txt").write_text("A broken thing.\n")
    assert prepare_cutouts(folder) == len(NAMES) + 1
    return folder


def test_names_kinds_and_colours(root: Path) -> None:
    every = [one for split in ("train", "val", "test") for one in find_cutouts(root, split)]
    (collie,) = [one for one in every if "collie" in one.file]
    assert collie.nouns == ("collie dog", "dog")
    assert collie.colour == "red"
    assert not any("cartoon" in one.file for one in every)


def test_no_thing_is_in_two_splits(root: Path) -> None:
    splits = [{one.nouns[0] for one in find_cutouts(root, s)} for s in ("train", "val", "test")]
    assert all(splits)
    assert not splits[0] & splits[1]
    assert not splits[0] & splits[2]
    assert not splits[1] & splits[2]
    assert split_of("dog") == split_of("dog")


def test_a_scene_uses_them_only_when_asked(root: Path) -> None:
    plain, asked = (small_world(root, cutout_share=share) for share in (0.0, 1.0))
    assert plain.cutouts == ()
    same = make_scene(small_world(root), 4)
    assert np.array_equal(same.frame(3), make_scene(plain, 4).frame(3))
    sources = [
        thing.appearance.source for seed in range(8) for thing in make_scene(asked, seed).objects
    ]
    assert any(FOLDER in source for source in sources)


def test_where_they_are_not_prepared_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="vl-track scenes prepare"):
        find_cutouts(tmp_path, "train")


def test_an_unfinished_record_is_no_preparation(tmp_path: Path) -> None:
    (tmp_path / f"{FOLDER}.json").write_text('{"unfinished": true}')
    with pytest.raises(DataError, match="vl-track scenes prepare"):
        find_cutouts(tmp_path, "train")
    stamp(tmp_path / "packages" / PACKAGE / STAMPS / "household/cup.png", "A cup")
    assert prepare_cutouts(tmp_path) == 1


def test_a_folder_of_ones_own_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    with pytest.raises(DataError, match="move the folder away"):
        prepare_cutouts(tmp_path)
    assert (tmp_path / FOLDER).is_dir()


def test_a_thing_of_two_colours_has_none_that_is_said() -> None:
    picture = np.zeros((10, 10, 4), np.uint8)
    picture[..., 3] = 255
    picture[:, :5, 0], picture[:, 5:, 2] = 205, 205
    assert main_colour(picture) is None
    picture[..., :3] = (205, 30, 35)
    assert main_colour(picture) == "red"


def test_the_record_is_written_last_and_is_readable(root: Path) -> None:
    record = json.loads((root / f"{FOLDER}.json").read_text())
    assert record["package"] == PACKAGE
    assert all((root / FOLDER / one["file"]).is_file() for one in record["cutouts"])
