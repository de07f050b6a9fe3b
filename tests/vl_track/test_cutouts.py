"""Photographs of things: prepared from a package, named, split, and used only when asked for."""

import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from holdfast.errors import DataError
from scenes_support import painted_root, small_world
from vl_track.app import APP
from vl_track.scenes.cutouts import (
    FOLDER,
    PACKAGE,
    STAMPS,
    find_cutouts,
    main_colour,
    prepare_cutouts,
    split_of,
)
from vl_track.scenes.datamodule import Scenes
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


def test_the_data_of_a_run_are_its_cutouts_and_its_recorded_motion_too(
    tmp_path: Path, root: Path
) -> None:
    """A run once went on with other cut-outs, other names or other motion, as if nothing was."""
    data = tmp_path / "data"
    shutil.copytree(root, data)
    recorded = tmp_path / "recorded/groundtruth/a.txt"
    recorded.parent.mkdir(parents=True)
    recorded.write_text("1,2,3,4\n" * 60)

    def print_of(cutouts: float = 0.0, trajectories: str | None = None) -> str:
        module = Scenes(str(data), emoji=False, cutouts=cutouts, trajectories=trajectories)
        return module.fingerprint().digest

    moving = str(tmp_path / "recorded")
    before = print_of(), print_of(0.5), print_of(0.0, moving)
    assert len(set(before)) == 3
    (one, *_) = find_cutouts(data, "train")
    cv2.imwrite(str(data / FOLDER / one.file), np.full((192, 192, 4), 200, np.uint8))
    recorded.write_text("1,2,3,5\n" * 60)
    assert print_of() == before[0]
    pixels = print_of(0.5)
    assert pixels != before[1]
    assert print_of(0.0, moving) != before[2]
    record = data / f"{FOLDER}.json"
    record.write_text(record.read_text().replace("collie dog", "collie pup"))
    assert print_of(0.5) != pixels, "other names make other sentences"
    with pytest.raises(DataError, match="no trajectories"):
        print_of(0.0, str(tmp_path / "nowhere"))


def test_the_advice_for_missing_cutouts_is_a_command_that_runs(tmp_path: Path) -> None:
    """It once was `--cutouts true`, which is refused: the option is a share."""
    with pytest.raises(DataError) as found:
        find_cutouts(tmp_path, "train")
    command = re.findall(r"`vl-track ([^`]+)`", str(found.value))[0]
    assert APP.main([*command.split(), "--print_config"]) == 0
