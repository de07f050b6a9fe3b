"""Scenes that follow recorded tracks: flags in are flags out, and the drawing keeps to them."""

import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from holdfast.errors import ConfigError, DataError
from holdfast.seeding import fold_seed
from scenes_support import painted_root, small_world
from tests_support import shared_file
from vl_track.scenes.recorded import recorded_scene
from vl_track.scenes.scene import Scene
from vl_track.scenes.stretches import (
    LEAST_SIDE,
    Stretch,
    choose,
    first_absence,
    fit,
    without_absence,
)
from vl_track.scenes.trajectories import Recording, read_recordings, read_trajectories
from vl_track.scenes.variation import Variation
from vl_track.scenes.world import SceneWorld

FRAMES = 80
OUTSIDE, COVERED = slice(30, 40), slice(55, 62)
LAYOUTS = ("own", "toolkit", "annos")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SceneWorld:
    return small_world(painted_root(tmp_path_factory.mktemp("scenes")))


def flags(where: slice, frames: int = FRAMES) -> np.ndarray:
    found = np.zeros(frames, bool)
    found[where] = True
    return found


def boxes(frames: int = FRAMES) -> np.ndarray:
    """A way to and fro, with a size that changes."""
    time = np.arange(frames)
    size = 60 + 20 * np.sin(time / 9)
    rows = [400 + 300 * np.sin(time / 11), 200 + 3 * time, size, 0.7 * size]
    return np.stack(rows, axis=1).round()


def write(folder: Path, name: str, layout: str) -> None:
    """Write a track in a layout; without a box where it is out of view."""
    rows = boxes()
    rows[OUTSIDE] = 0
    lines = "".join(",".join(f"{value:g}" for value in row) + "\n" for row in rows)
    outside, covered = flags(OUTSIDE), flags(COVERED)
    if layout == "own":
        files = {
            f"cat/{name}/groundtruth.txt": lines,
            f"cat/{name}/out_of_view.txt": ",".join(str(int(one)) for one in outside),
            f"cat/{name}/full_occlusion.txt": ",".join(str(int(one)) for one in covered),
        }
    else:
        place = "annos/" if layout == "annos" else "groundtruth/"
        absent = "annos/absent" if layout == "annos" else "absent"
        files = {
            f"{place}{name}.txt": lines,
            f"{absent}/{name}.txt": "".join(f"{int(one)}\n" for one in outside | covered),
        }
    for file, text in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("packed", [False, True])
def test_flags_and_boxes_are_read_in_every_layout(
    layout: str, packed: bool, tmp_path: Path
) -> None:
    source = tmp_path / "there"
    for name in ("cat-2", "cat-1"):
        write(source, name, layout)
    if packed:
        with tarfile.open(tmp_path / "there.tar.xz", "w:xz") as archive:
            archive.add(source, "there")
        source = tmp_path / "there.tar.xz"
    found = read_recordings(source)
    assert [one.name for one in found] == ["cat-1", "cat-2"]
    for one in found:
        assert np.array_equal(one.outside, flags(OUTSIDE))
        assert np.array_equal(one.covered, flags(COVERED))
        boxed = ~flags(OUTSIDE)
        assert np.array_equal(one.boxes[boxed], boxes()[boxed])
        ends = one.boxes[[29, 40]]
        assert np.allclose(one.boxes[30], ends[0] + (ends[1] - ends[0]) / 11), "a straight line"
    assert len(read_trajectories(source)) == 2, "training reads the same files"


def test_a_track_has_its_name_from_wherever_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a sequence's own folder it had none, and another scene was made of it."""
    write(tmp_path, "cat-1", "own")
    for place in (tmp_path, tmp_path / "cat", tmp_path / "cat" / "cat-1"):
        monkeypatch.chdir(place)
        for source in (".", place):
            assert [one.name for one in read_recordings(source)] == ["cat-1"]


def test_tracks_whose_flags_are_not_known_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "cat-1", "own")
    flagged = tmp_path / "cat" / "cat-1" / "full_occlusion.txt"
    flagged.write_text("0,0,1")
    with pytest.raises(DataError, match=r"full_occlusion.* has 3 flags for 80 boxes"):
        read_recordings(tmp_path)
    flagged.unlink()
    with pytest.raises(DataError, match=r"has no .*cat-1/full_occlusion.txt"):
        read_recordings(tmp_path)
    assert len(read_trajectories(tmp_path)) == 1, "motion alone needs no flags"
    flagged.write_text(",".join("1" * FRAMES))
    with pytest.raises(DataError, match="shows its object in no frame"):
        read_recordings(tmp_path)
    (flagged.parent / "groundtruth.txt").write_text("1,2,3\n" * FRAMES)
    with pytest.raises(DataError, match=r"Line 1 of .*groundtruth"):
        read_recordings(tmp_path)


def recording(gone: np.ndarray, name: str = "one") -> Recording:
    nothing = np.zeros(len(gone), bool)
    return Recording(name=name, boxes=boxes(len(gone)), outside=gone, covered=nothing)


@pytest.mark.parametrize(
    ("gone", "first", "length"),
    [
        ([], 0, 40),
        ([70, 71], 50, 40),
        ([10], 0, 40),
        ([110], 80, 40),
        ([0, 1, 2, 8], 3, 40),
        ([*range(95), 118], 95, 25),
    ],
)
def test_a_stretch_has_the_first_absence_in_its_middle(
    gone: list[int], first: int, length: int
) -> None:
    away = np.isin(np.arange(120), gone)
    found = first_absence(recording(away), 40)
    assert (found.first, len(found)) == (first, length)
    assert not found.gone[0]
    assert np.array_equal(found.gone, away[first : first + length])


def test_a_stretch_that_stays_has_no_absence() -> None:
    away = np.isin(np.arange(120), [30, 80])
    found = without_absence(recording(away), 40)
    assert found is not None
    assert (found.first, len(found), found.gone.any()) == (31, 40, False)
    assert without_absence(recording(away), 50) is None


def test_the_first_of_many_are_those_that_fewer_would_be() -> None:
    """So a measurement can be made longer, and goes on from what it has."""
    gone = [np.arange(90) == (50 if number % 2 else -1) for number in range(12)]
    found = [recording(one, f"t-{number}") for number, one in enumerate(gone)]
    few, many = (choose(found, 2, count, 60)[1] for count in (2, 4))
    assert [one.name for one in many[:2]] == [one.name for one in few]
    leaving, staying = choose(found[::-1], 12, 0, 60)
    assert [one.name for one in leaving[:2]] == [one.name for one in choose(found, 2, 0, 60)[0]]
    assert {one.name for one in leaving} == {one.name for one in found}
    assert not staying
    with pytest.raises(ConfigError, match="give --count 12"):
        choose(found, 13, 0, 60)
    with pytest.raises(ConfigError, match="give --staying 6, or fewer"):
        choose(found, 0, 7, 60)


def stretch(name: str = "cat-1", **changed: np.ndarray) -> Stretch:
    given = {"boxes": boxes(), "outside": flags(OUTSIDE), "covered": flags(COVERED), **changed}
    return Stretch(name=name, first=7, **given)


def test_boxes_are_laid_into_the_frame_at_one_scale() -> None:
    generator = np.random.default_rng(0)
    found = fit(stretch(), (480, 360), generator)
    ratio = found[:, 2:] / boxes()[:, 2:]
    assert np.allclose(ratio, ratio[0, 0])
    steps, recorded = (np.diff(one[:, :2] + one[:, 2:] / 2, axis=0) for one in (found, boxes()))
    assert np.allclose(steps, ratio[0, 0] * recorded)
    tiny = boxes() * [1, 1, 0.01, 0.01]
    for given in (boxes(), tiny, boxes() * [0.01, 0.01, 1, 1]):
        found = fit(stretch(boxes=given), (480, 360), generator)
        assert found[:, :2].min() > -1e-9
        assert ((found[:, :2] + found[:, 2:]) <= np.array([480, 360]) + 1e-9).all()
        assert found[:, 2:].min() >= LEAST_SIDE


def without_target(scene: Scene) -> Scene:
    """The same with the target far away all the time; its smear does not matter there."""
    target = scene.objects[scene.target]
    path = replace(target.path, centre=np.full_like(target.path.centre, -1e5))
    objects = list(scene.objects)
    objects[scene.target] = replace(target, path=path)
    return replace(scene, objects=tuple(objects))


@pytest.mark.parametrize("seed", range(8))
def test_the_target_is_where_the_track_says_and_gone_where_it_is_flagged(
    world: SceneWorld, seed: int
) -> None:
    """In a frame flagged as absent not one pixel tells that there is a target."""
    given = stretch(f"track-{seed}")
    scene = recorded_scene(world, given, Variation(passers_by=1.0))
    assert len(scene) == FRAMES
    same = np.random.default_rng(fold_seed("recorded scene", scene.name))
    laid = fit(given, world.frame_size, same)
    bare = without_target(scene)
    for time in range(0, FRAMES, 3):
        gone = bool(given.gone[time])
        assert scene.visible(time) is not gone
        assert scene.out_of_view(time) is bool(given.outside[time])
        if not given.outside[time]:
            assert scene.box(time) == pytest.approx(tuple(laid[time]), abs=0.6)
        assert np.array_equal(scene.frame(time), bare.frame(time)) is gone


def test_the_same_stretch_gives_the_same_pixels(world: SceneWorld) -> None:
    one, two = (recorded_scene(world, stretch(), Variation(passers_by=1.0)) for _ in range(2))
    assert one.name == two.name
    assert one.sentence == two.sentence
    assert np.array_equal(one.frame(50), two.frame(50))


def test_what_is_always_there_is_always_seen(world: SceneWorld) -> None:
    """Passers-by and occluders pass behind it where they would hide it."""
    never = np.zeros(FRAMES, bool)
    for seed in range(12):
        given = stretch(f"stays-{seed}", outside=never, covered=never)
        scene = recorded_scene(world, given, Variation(passers_by=1.0))
        assert all(scene.visible(time) for time in range(FRAMES))


def test_lasots_flags_are_those_of_the_drawn_videos(world: SceneWorld) -> None:
    """Real flags, read by other means than ours, against what the scenes say of themselves."""
    packed = shared_file("lasot_test_annotations.tar.xz")
    recordings = read_recordings(packed)
    assert len(recordings) == 280
    stretches, _ = choose(recordings, 10, 0, 120)
    absences = 0
    with tarfile.open(packed) as archive:
        for one in stretches:
            opened = archive.extractfile(f"lasot_annotations/absent/{one.name}.txt")
            assert opened is not None
            values = np.array([int(line) for line in opened.read().split()], bool)
            expected = values[one.first : one.first + 120]
            scene = recorded_scene(world, one, Variation(passers_by=0.4))
            assert [scene.visible(time) for time in range(120)] == (~expected).tolist()
            absences += bool(expected.any())
            assert bool(expected.any()) is bool(values.any())
    assert absences >= 3
