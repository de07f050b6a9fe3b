"""Success, runs over videos, the language ablation, OpenCV's trackers, hand-annotated clips."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConfigError, DataError, MissingToolError
from scenes_support import small_world
from tracking_support import FindsRed, frame_with, moving_box, write_clip
from vl_track.app import APP
from vl_track.commands import clips as clips_command
from vl_track.commands.clips import score_clip
from vl_track.data import clips
from vl_track.data.clips import AnnotatedClip, debian_clip, read_annotations
from vl_track.data.geometry import Box
from vl_track.data.sets.clips import ClipVideo
from vl_track.data.truth import TrueSequence
from vl_track.loading import load_network
from vl_track.scenes.lasot_layout import write_scenes
from vl_track.scenes.make import make_scene
from vl_track.scenes.scene import Scene
from vl_track.scoring.conventions import convention
from vl_track.scoring.language import ablate, shuffled_sentences
from vl_track.scoring.measures import overlap_plain
from vl_track.scoring.opencv import OpenCVTracker, available
from vl_track.scoring.runs import mean_auc, run_all, run_video
from vl_track.scoring.scores import score
from vl_track.scoring.sets import open_set
from vl_track.tracking import Estimate, Tracker
from vl_track.video.frames import Image


def slow_iou(one: Box, other: Box, step: int = 20) -> float:
    """Count the points of a fine grid."""
    axis = (np.arange(60 * step) + 0.5) / step

    def inside(box: Box) -> np.ndarray:
        x, y, width, height = box
        columns = (axis >= x) & (axis < x + width)
        rows = (axis >= y) & (axis < y + height)
        return rows[:, None] & columns[None]

    a, b = inside(one), inside(other)
    union = (a | b).sum()
    return float((a & b).sum() / union) if union else 0.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((5, 5, 20, 10), (10, 8, 20, 10)),
        ((5, 5, 20, 10), (5, 5, 20, 10)),
        ((5, 5, 5, 5), (30, 30, 5, 5)),
        ((0, 0, 40, 40), (10, 10, 5, 5)),
        ((5, 5, 0, 5), (5, 5, 5, 5)),
    ],
)
def test_overlap_is_counted_area(one: Box, other: Box) -> None:
    assert overlap_plain([one], [other])[0] == pytest.approx(slow_iou(one, other), abs=0.01)


def test_boxes_without_area_overlap_nothing() -> None:
    assert overlap_plain([(1, 1, 0, 0)], [(1, 1, 0, 0)])[0] == 0


class Shifted:
    """A video of one box, and predictions that overlap it as asked."""

    def __init__(self, overlaps: list[float], *, hidden: bool = False) -> None:
        count = len(overlaps) + 1
        boxes = np.tile([0.0, 0.0, 10.0, 10.0], (count, 1))
        visible = np.array([True] + [not hidden] * (count - 1))
        self.truth = TrueSequence(name="a", boxes=boxes, visible=visible)
        self.predicted = boxes.copy()
        self.predicted[1:, 2] *= overlaps  # a part of the true box: the part is the overlap

    def auc(self) -> float:
        found = score([self.truth], {"a": self.predicted}, convention("plain"))
        return float(found.curves["success"].mean())


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_plain_auc_is_the_mean_of_the_success_rates(values: list[float]) -> None:
    one = Shifted(values)
    overlap = overlap_plain(one.predicted[1:], one.truth.boxes[1:])
    assert one.auc() == (overlap[:, None] > np.linspace(0, 1, 21)).mean(axis=0).mean()


def test_plain_auc_of_known_overlaps() -> None:
    assert Shifted([0.0, 0.0]).auc() == 0
    # Above every threshold but the last, which is 1.
    assert Shifted([1.0]).auc() == pytest.approx(20 / 21)
    assert Shifted([0.5]).auc() == pytest.approx(10 / 21)
    with pytest.raises(DataError, match="visible in no frame after the first"):
        Shifted([0.5], hidden=True).auc()


class Told:
    """A follower that remembers what it was told and always says the first box of the truth."""

    def __init__(self, box: Box = (0, 0, 10, 10)) -> None:
        self.told: list[tuple[Box | None, str]] = []
        self.box = box

    def initialize(self, frame: Image, box: Box | None = None, text: str = "") -> Estimate:
        self.told.append((box, text))
        self.box = box or self.box
        return Estimate(self.box, 1.0)

    def track(self, frame: Image) -> Estimate:
        return Estimate(self.box, 0.5)


@pytest.fixture(scope="module")
def scenes(root: Path) -> list[Scene]:
    world = small_world(root, "test", frames=12)
    return [make_scene(world, seed, "distractors") for seed in range(4)]


def test_followers_are_told_what_the_protocol_says(scenes: list[Scene]) -> None:
    told = Told()
    scene = scenes[0]
    for way in ("box+text", "box", "text"):
        run_video(told, scene, prompt=way)  # type: ignore[arg-type]
    run_video(told, scene, sentence="other")
    assert told.told == [
        (scene.box(0), scene.sentence), (scene.box(0), ""), (None, scene.sentence),
        (scene.box(0), "other"),
    ]  # fmt: skip


def test_the_first_frame_and_hidden_ones_do_not_count(scenes: list[Scene]) -> None:
    run = run_video(Told(), scenes[0])
    assert len(run.boxes) == len(scenes[0])
    later = [t for t in range(1, len(scenes[0])) if scenes[0].visible(t)]
    overlap = overlap_plain(run.boxes[later], [scenes[0].box(t) for t in later])
    passed = overlap[:, None] > np.linspace(0, 1, 21)
    assert run.auc == passed.mean(axis=0).mean()
    assert run.seconds >= 0
    runs = run_all(Told(), scenes, sentences=lambda video: video.sentence.upper())
    assert mean_auc(runs) == pytest.approx(np.mean([one.auc for one in runs]))


def test_every_video_gets_another_videos_sentence(scenes: list[Scene]) -> None:
    shuffled = shuffled_sentences(scenes)
    assert all(other != scene.sentence for other, scene in zip(shuffled, scenes, strict=True))
    assert set(shuffled) <= {scene.sentence for scene in scenes}
    same = [replace(scene, sentence="the cup") for scene in scenes]
    with pytest.raises(ValueError, match="two different sentences"):
        shuffled_sentences(same)


class Obedient(Told):
    """Finds the target only if it hears the right sentence."""

    def __init__(self, scenes: list[Scene]) -> None:
        super().__init__()
        self.right = {scene.sentence: scene for scene in scenes}
        self.scene: Scene | None = None
        self.time = 0
        self.frames = [scene.frame(0) for scene in scenes]

    def initialize(self, frame: Image, box: Box | None = None, text: str = "") -> Estimate:
        self.time = 0
        scene = self.right.get(text)
        fits = scene is not None and np.array_equal(scene.frame(0), frame)
        self.scene = scene if fits else None
        return self._say()

    def track(self, frame: Image) -> Estimate:
        self.time += 1
        return self._say()

    def _say(self) -> Estimate:
        return Estimate(self.scene.box(self.time) if self.scene else (0, 0, 1, 1), 1.0)


def test_the_ablation_measures_what_the_sentence_brings(scenes: list[Scene]) -> None:
    count = []
    found = ablate(Obedient(scenes), scenes, "text", after=lambda: count.append(1))
    assert len(count) == 4 * len(scenes)
    right, none = found.pairs("none")
    assert right.mean() > 0.9
    assert none.mean() < 0.05
    right, shuffled = found.pairs("shuffled")
    assert (right - shuffled).mean() > 0.85
    assert {run.name for run in found.runs["right"]} == {scene.name for scene in scenes}


def test_deaf_trackers_gain_nothing(scenes: list[Scene]) -> None:
    found = ablate(Told(), scenes, "box+text")
    for condition in ("none", "shuffled"):
        right, other = found.pairs(condition)
        assert (right == other).all()


@pytest.mark.parametrize("name", available())
def test_opencvs_trackers_follow_a_textured_object(name: str) -> None:
    generator = np.random.default_rng(0)
    ground = generator.integers(0, 90, (120, 160, 3), dtype=np.uint8)
    thing = generator.integers(120, 255, (24, 30, 3), dtype=np.uint8)

    def frame(time: int) -> tuple[Image, Box]:
        picture = ground.copy()
        x, y = 30 + 2 * time, 40 + time
        picture[y : y + 24, x : x + 30] = thing
        return picture, (x, y, 30, 24)

    one = OpenCVTracker(name)  # type: ignore[arg-type]
    first, box = frame(0)
    assert one.initialize(first, box).box == box
    for time in range(1, 12):
        picture, truth = frame(time)
        found = one.track(picture)
    # MIL drifts by some pixels; a tracker that stood still would overlap by less than 0.1.
    assert overlap_plain([found.box], [truth])[0] > 0.3


def test_an_opencv_without_a_tracker_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vl_track.scoring.opencv._find", lambda _: None)
    assert available() == []
    with pytest.raises(MissingToolError, match="opencv-contrib-python-headless"):
        OpenCVTracker("CSRT")


@pytest.fixture
def annotated(tmp_path: Path) -> AnnotatedClip:
    boxes = {time: moving_box(time) for time in range(2, 12, 3)}
    return AnnotatedClip(
        name="c", path=write_clip(tmp_path / "c.mp4", 14), boxes=boxes, sentence="it"
    )


def test_a_clip_is_tracked_from_its_first_annotation_to_its_last(annotated: AnnotatedClip) -> None:
    numbers = [frame.number for frame in annotated.frames()]
    assert numbers == list(range(2, 12))
    good = score_clip(Tracker(FindsRed()), ClipVideo(annotated), "it")
    assert good.auc > 0.8
    assert good.held
    assert good.frames_per_second > 0
    bad = score_clip(Told(), ClipVideo(annotated))
    assert bad.auc < good.auc
    assert bad.least_overlap < 0.6


def test_the_hand_annotations_are_dense_and_each_clip_is_in_one_half(tmp_path: Path) -> None:
    halves = [open_set("real_clips", split, root=tmp_path) for split in ("val", "test")]
    videos = []
    for half in halves:
        assert len(half) >= 8
        videos.append({half.rows[name][0] for name in half.names})  # type: ignore[attr-defined]
        for name in half.names:
            boxes, absent = read_annotations(half.root / f"{name}.csv")
            assert max(np.diff(sorted([*boxes, *absent]))) <= 40, name
            assert len(boxes) >= 5
            assert not set(boxes) & absent
            assert min(absent, default=10**9) > min(boxes)
            assert all(width > 5 and height > 5 for _, _, width, height in boxes.values())
    assert not videos[0] & videos[1]


def test_two_sentences_for_each_real_clip(tmp_path: Path) -> None:
    for split in ("val", "test"):
        named = open_set("real_clips", split, root=tmp_path)
        described = open_set("real_clips", split, root=tmp_path, wording="description")
        for name in named.names:
            short, long = (one.rows[name][1] for one in (named, described))  # type: ignore[attr-defined]
            assert 0 < len(short) < len(long)


def test_frames_looked_at_without_the_object_are_kept_apart(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "frame,x,y,width,height,visible\n3,1,2,30,40,1\n9,0,0,0,0,0\n6,2,2,30,40,1\n"
    )
    boxes, absent = read_annotations(tmp_path / "a.csv")
    assert sorted(boxes) == [3, 6]
    assert absent == {9}
    clip = ClipVideo(AnnotatedClip(name="a", path=tmp_path, boxes=boxes, absent=absent))
    assert len(clip) == 7
    assert [clip.visible(t) for t in (0, 1, 3, 6)] == [True, False, True, False]
    assert [clip.absent(t) for t in (0, 1, 3, 6)] == [False, False, False, True]


@pytest.mark.parametrize("content", ["", "frame,x\n1,2\n", "frame,x,y,width,height\n",
                                     "frame,x,y,width,height\n1,a,2,3,4\n"])  # fmt: skip
def test_malformed_annotations_are_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataError, match=r"a\.csv"):
        read_annotations(tmp_path / "a.csv")


def test_debians_clips_are_kept_once_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "packages/opencv-doc/usr/share"
    package.mkdir(parents=True)
    (package / "box.mp4.gz").write_bytes(gzip.compress(b"a clip"))
    (package / "vtest.avi").write_bytes(b"another")
    asked = []

    def fetch(name: str, folder: Path) -> Path:
        asked.append(name)
        return folder / name

    monkeypatch.setattr(clips, "fetch_debian_package", fetch)
    assert debian_clip("box.mp4", tmp_path).read_bytes() == b"a clip"
    assert debian_clip("box.mp4", tmp_path).read_bytes() == b"a clip"
    assert debian_clip("vtest.avi", tmp_path).read_bytes() == b"another"
    assert asked == ["opencv-doc"] * 2
    with pytest.raises(DataError, match=r"no cup\.mp4"):
        debian_clip("cup.mp4", tmp_path)


def test_each_clip_has_three_prompts_and_the_wrong_sentence_is_wrong() -> None:
    right = ["the box", "the cup", "the man"]
    prompts = clips_command.sentences(right, ["b.mp4", "c.mp4", "m.avi"])
    assert [len(set(one.values())) for one in prompts] == [3, 3, 3]
    assert [one["ours: box, sentence"] for one in prompts] == right
    assert sorted(one["ours: box, another's"] for one in prompts) == sorted(right)
    assert {one["ours: box"] for one in prompts} == {""}


def test_a_wrong_sentence_is_of_another_video_where_there_is_one() -> None:
    """It once was the next row's: of another man in the same video, and called another clip's."""

    def anothers(right: list[str], videos: list[str]) -> list[str | None]:
        found = clips_command.sentences(right, videos)
        return [one.get("ours: box, another's") for one in found]

    right = ["the box", "the pen", "the cup", ""]
    assert anothers(right, ["b", "b", "c", "d"]) == ["the cup", "the cup", "the box", "the box"]
    assert anothers(right[:2], ["b", "b"]) == ["the pen", "the box"]
    assert anothers(["it"], ["b"]) == [None], "its own sentence is not another's"
    assert anothers(["it", "it", "that"], ["b", "c", "b"]) == ["that", "that", "it"]


@pytest.fixture
def clip_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    write_clip(folder / "c.mp4", 12)
    rows = "".join(
        f"{time},{','.join(str(value) for value in moving_box(time))}\n" for time in (0, 5, 10)
    )
    (folder / "c.csv").write_text("frame,x,y,width,height\n" + rows)
    (folder / "index.csv").write_text("name,video,sentence\nc,c.mp4,it\n")
    return folder


def test_the_clips_command_prints_every_tracker(
    clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("vl_track.opening.open_network", lambda *_, **__: (FindsRed(), "cpu"))
    out = tmp_path / "o.json"
    assert APP.main(["clips", str(clip_folder), "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert all(f"OpenCV {name}" in shown for name in available())
    assert all(how in shown for how in clips_command.sentences(["it"], ["c.mp4"])[0])
    assert json.loads(out.read_text())["clips"]["c"]["ours: box"]["auc"] > 0.8
    assert "ours: box: mean" in shown
    monkeypatch.setattr(clips_command, "score_clip", None)  # nothing is tracked a second time
    assert APP.main(["clips", str(clip_folder), "--out", str(out), "--resume"]) == 0
    assert capsys.readouterr().out == shown
    assert APP.main(["clips", str(tmp_path / "none")]) == 1
    assert "no folder" in capsys.readouterr().err


def test_clips_are_a_data_set_like_any_other(clip_folder: Path) -> None:
    videos = open_set("clips", "test", folder=clip_folder)
    assert list(videos.names) == ["c"]
    clip = videos.read("c")
    assert len(clip) == 11
    ahead, back = clip.frame(7), clip.frame(2)
    assert not np.array_equal(ahead, back)
    assert np.array_equal(clip.frame(7), ahead)
    truth = videos.truth("c")
    assert truth.visible is not None
    assert np.flatnonzero(truth.visible).tolist() == [0, 5, 10]
    (clip_folder / "index.csv").write_text("name,video,sentence\n../c,c.mp4,it\n")
    with pytest.raises(DataError, match="leads out of its folder"):
        open_set("clips", "test", folder=clip_folder)
    (clip_folder / "index.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="columns name, video and sentence"):
        open_set("clips", "test", folder=clip_folder)


def test_score_prints_its_convention(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("vl_track.opening.open_network", lambda *_, **__: (FindsRed(), "cpu"))
    words = ["--count", "2", "--root", str(root), "--emoji", "false"]
    out = tmp_path / "s.json"
    assert APP.main(["score", *words, "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "Success AUC" in shown
    assert "(synthetic video)" in shown
    assert "convention plain" in shown
    assert len(json.loads(out.read_text())["per_video"]) == 2


def test_scenes_are_written_in_lasots_layout(root: Path, tmp_path: Path) -> None:
    world = small_world(root, frames=6)
    videos = [make_scene(world, seed) for seed in range(2)]
    folders = write_scenes(videos, tmp_path / "out")
    for scene, folder in zip(videos, folders, strict=True):
        assert folder.parent.name == scene.noun
        assert [p.name for p in sorted((folder / "img").iterdir())] == [
            f"{n:08d}.jpg" for n in range(1, 7)
        ]
        rows = np.loadtxt(folder / "groundtruth.txt", delimiter=",")
        for time, row in enumerate(rows):
            x, y, width, height = scene.box(time)
            if width:
                assert row == pytest.approx([x + 1, y + 1, width, height], abs=1)
            else:
                assert not row.any()
        outside = (folder / "out_of_view.txt").read_text().split(",")
        assert [int(v) for v in outside] == [int(scene.out_of_view(t)) for t in range(6)]
        assert len((folder / "full_occlusion.txt").read_text().split(",")) == 6
        assert (folder / "nlp.txt").read_text() == scene.sentence
    (folders[0] / "mine.txt").write_text("precious")
    with pytest.raises(ConfigError, match="exists: give --overwrite"):
        write_scenes(videos, tmp_path / "out")  # it replaced a sequence of LaSOT itself
    assert (folders[0] / "mine.txt").read_text() == "precious"
    again = write_scenes(videos, tmp_path / "out", overwrite=True)
    assert again == folders
    assert not list((tmp_path / "out").rglob(".*"))


def test_the_scenes_command_draws_and_writes(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--root", str(root), "--emoji", "false", "--count", "1"]
    assert APP.main(["scenes", "sheet", *words, "--out", str(tmp_path / "s.png")]) == 0
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    assert APP.main(["scenes", "prepare", *words, "--photographs", "false"]) == 0
    assert "Scenes is ready" in capsys.readouterr().out


@pytest.mark.slow
def test_the_shipped_model_follows_a_described_shape(root: Path) -> None:
    """A floor, not a figure: figures are in docs/results."""
    network = load_network()
    world = small_world(root, "test", frame_size=(480, 360), frames=30)
    runs = run_all(Tracker(network), [make_scene(world, seed) for seed in range(6)])
    assert mean_auc(runs) > 0.4


def test_frames_of_the_support_are_what_they_say() -> None:
    assert frame_with((1, 2, 3, 4))[2, 1].tolist() == [230, 20, 20]


def test_a_misspelt_set_of_clips_gets_the_nearest_name(tmp_path: Path) -> None:
    """Was: "realclips/index.csv is no index of clips (FileNotFoundError...)"."""
    with pytest.raises(ConfigError, match=r"no folder realclips\. Did you mean 'real_clips'\?"):
        clips_command.open_annotated("realclips", "val", None)
    with pytest.raises(ConfigError, match=r"or a folder with index\.csv"):
        clips_command.open_annotated(str(tmp_path / "none"), "val", None)
