"""The material of Scenes: emoji drawn once, photographs gathered, LaSOT's own annotations."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import REPOSITORY
from emoji_support import SQUARE, small_emoji_root
from holdfast.errors import DataError
from scenes_support import painted_root, small_world
from vl_track.scenes import photographs, sprites
from vl_track.scenes.make import make_scene
from vl_track.scenes.photographs import (
    FOLDER,
    LONG_SIDE,
    find_photographs,
    gather_photographs,
    read_photograph,
)
from vl_track.scenes.sprites import LEFT_OUT, prepare_sprites, sprite_folder
from vl_track.scenes.trajectories import read_trajectories
from vl_track.scenes.world import SceneWorld, base_sprite


@pytest.fixture
def emoji_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with miniature packages that the sprites are drawn from."""
    import dropout_ft.data.sources.emoji_drawing as preparation

    root = small_emoji_root(painted_root(tmp_path), monkeypatch)
    monkeypatch.setattr(sprites, "STYLES", preparation.STYLES)
    return root


def test_sprites_are_drawn_once_with_transparent_ground(emoji_root: Path) -> None:
    folder = prepare_sprites(emoji_root)
    styles = sorted(path.name for path in folder.iterdir())
    assert LEFT_OUT not in styles
    assert len(styles) == 4
    drawn = sorted(folder.rglob("*.png"))
    assert drawn
    picture = cv2.imread(str(drawn[0]), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    # SQUARE fills the left half of its picture with red.
    assert "M0 0h8v16" in SQUARE
    assert picture.shape == (96, 96, 4)
    assert picture[48, 20].tolist() == [0, 0, 255, 255]
    assert picture[48, 80, 3] == 0
    before = {path: path.stat().st_mtime_ns for path in drawn}
    assert prepare_sprites(emoji_root) == folder
    assert {path: path.stat().st_mtime_ns for path in drawn} == before


def test_sprites_of_other_packages_are_drawn_anew(emoji_root: Path) -> None:
    folder = prepare_sprites(emoji_root)
    record = emoji_root / "scenes_sprites.json"
    old = json.loads(record.read_text())
    record.write_text(json.dumps({**old, "side": 1}))
    (folder / "stray.png").write_bytes(b"old")
    prepare_sprites(emoji_root)
    assert json.loads(record.read_text()) == old
    assert not (folder / "stray.png").exists()


def test_an_interrupted_drawing_is_no_preparation(
    emoji_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary = sprites._draw_style
    calls = []

    def dies(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        ordinary(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(sprites, "_draw_style", dies)
    with pytest.raises(KeyboardInterrupt):
        prepare_sprites(emoji_root)
    assert not sprite_folder(emoji_root).exists()
    assert not sprites.sprites_are_prepared(emoji_root)
    monkeypatch.setattr(sprites, "_draw_style", ordinary)
    assert prepare_sprites(emoji_root).is_dir()


def test_emoji_are_in_the_world_and_their_things_in_one_split(emoji_root: Path) -> None:
    prepare_sprites(emoji_root)
    worlds = {split: SceneWorld.open(emoji_root, split) for split in ("train", "val", "test")}  # type: ignore[arg-type]
    things = {
        split: {Path(d.source).stem for d in world.drawings if d.source.endswith(".png")}
        for split, world in worlds.items()
    }
    assert things["train"]
    assert not things["train"] & (things["val"] | things["test"])
    drawn = next(d for d in worlds["train"].drawings if d.source.endswith(".png"))
    assert base_sprite(drawn.source)[48, 20].tolist() == [255, 0, 0, 255]
    kinds = {make_scene(worlds["train"], seed).noun for seed in range(12)}
    assert kinds & {noun for d in worlds["train"].drawings for noun in d.nouns}


def photograph(path: Path, size: tuple[int, int], colours: int = 400) -> None:
    """Write a picture of many colours, or of few."""
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(1)
    palette = generator.integers(0, 255, (colours, 3), dtype=np.uint8)
    picture = palette[generator.integers(0, colours, (12, 16))]
    cv2.imwrite(str(path), cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC))


def test_photographs_are_gathered_from_packages_that_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unpacked = tmp_path / "unpacked"
    photograph(unpacked / "nature/lake.png", (1600, 1200))
    photograph(unpacked / "abstract/two.png", (900, 700), colours=2)
    photograph(unpacked / "icons/tiny.png", (64, 64))
    photograph(unpacked / "html/page.png", (900, 700))
    (unpacked / "nature/default.png").symlink_to("lake.png")
    (unpacked / "nature/broken.jpg").write_bytes(b"\xff\xd8 not much")

    def fetch(name: str, folder: Path) -> Path:
        if name != "mate-backgrounds":
            raise DataError(f"{name} is not to be had.")
        return unpacked

    monkeypatch.setattr(photographs, "fetch_debian_package", fetch)
    assert gather_photographs(tmp_path) == 1
    (kept,) = (tmp_path / FOLDER).iterdir()
    assert kept.name == "mate-backgrounds_nature_lake.jpg"
    assert max(read_photograph(kept).shape) == LONG_SIDE
    assert "gnome-backgrounds is not to be had. Scenes goes on without it." in (
        capsys.readouterr().err
    )
    assert gather_photographs(tmp_path) == 1


def test_few_photographs_are_shared_and_many_are_not(tmp_path: Path) -> None:
    few = painted_root(tmp_path / "few", count=3)
    assert len({*find_photographs(few, "train"), *find_photographs(few, "test")}) == 3
    many = painted_root(tmp_path / "many", count=16)
    parts = [set(find_photographs(many, split)) for split in ("train", "val", "test")]  # type: ignore[arg-type]
    assert [len(part) for part in parts] == [8, 4, 4]
    assert len(set().union(*parts)) == 16


def test_without_any_photograph_the_user_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photographs, "find_spec", lambda _: None)
    with pytest.raises(DataError, match="There are no photographs for Scenes"):
        find_photographs(tmp_path, "train")


def shared_lasot() -> Path:
    shared = Path(os.environ.get("HOLDFAST_SHARED", REPOSITORY.parent / "shared"))
    path = shared / "data/lasot_test_annotations.tar.xz"
    if not path.is_file():
        pytest.skip(f"LaSOT's annotations are not at {path}")
    return path


@pytest.mark.slow
def test_objects_can_follow_real_lasot_tracks(tmp_path: Path) -> None:
    tracks = read_trajectories(shared_lasot())
    assert len(tracks) > 250
    assert all(track.shape[1] == 4 for track in tracks)
    assert all(track[:, :2].min() >= 0 and track[:, :2].max() <= 1 for track in tracks)
    world = small_world(painted_root(tmp_path), trajectories=tracks)
    manners = {t.path.manner for seed in range(12) for t in make_scene(world, seed).objects}
    assert "recorded" in manners
