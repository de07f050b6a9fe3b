"""Readers of the field's data sets, on miniature trees with their known faults."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from holdfast.errors import ConfigError, DataError, ImageError
from sets_support import TREES, data_tree, flags, write, write_picture, write_rows
from tests_support import shared_file
from vl_track.data.annotations import read_toolkit_annotations
from vl_track.data.geometry import Window
from vl_track.data.sets.base import FileVideo, VideoSet
from vl_track.data.sets.known import KNOWN, open_set
from vl_track.data.sets.lasot import test_names as lasot_test_names
from vl_track.data.sets.refcoco import read_references
from vl_track.data.trees import open_tree
from vl_track.data.video import Video


def opened(root: Path, name: str, split: str = "test", **options: object) -> VideoSet:
    return open_set(name, split, root=data_tree(root, name), **options)  # type: ignore[arg-type]


def by_name(videos: VideoSet) -> dict[str, FileVideo]:
    return {name: videos[place] for place, name in enumerate(videos.names)}


@pytest.mark.parametrize("name", KNOWN)
def test_every_split_of_every_set_is_read(name: str, tmp_path: Path) -> None:
    data_tree(tmp_path, name)
    for split in KNOWN[name].counts:
        videos = open_set(name, split, root=tmp_path)
        readable = [n for n in videos.names if n != "Lost"]
        assert len(videos) == len(videos.names) > 0
        for known in readable:
            video = videos.read(known)
            assert isinstance(video, Video)
            assert len(video) == len(video.images) == len(video.visibility)
            assert video.frame(0).shape == (48, 64, 3)
            assert video.crop(0, Window(-4, 0, 30), 16).shape == (16, 16, 3)
            assert video.truth().boxes.shape == (len(video), 4)


def test_names_are_the_same_in_code_config_and_generator() -> None:
    assert set(KNOWN) == set(TREES)
    for name, one in KNOWN.items():
        assert one.name == name
        assert one.reader.split(":")[0].rsplit(".", 1)[-1] in {name, "refcoco"}


def test_unknown_sets_splits_and_folders_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no data set 'lasott'. Did you mean 'lasot'"):
        open_set("lasott", "test")
    with pytest.raises(DataError, match=r"There is no folder .*lasot: put the data set there"):
        open_set("lasot", "test", root=tmp_path)
    with pytest.raises(DataError, match=r"no split 'val': take train or test"):
        opened(tmp_path, "lasot", "val")
    (tmp_path / "tnl2k").mkdir()
    with pytest.raises(DataError, match="holds no sequence of the split 'test'"):
        open_set("tnl2k", "test", root=tmp_path)


def test_lasot(tmp_path: Path) -> None:
    videos = opened(tmp_path, "lasot")
    assert videos.names == ["airplane-1", "bear-4"]
    video = videos[0]
    assert video.sentence == "the white airplane on the left"
    assert video.class_name == "airplane"
    assert video.visibility.tolist() == [True, True, True, False, False, True, True, True]
    assert video.absent is not None
    assert video.absent.tolist() == [False] * 3 + [True, True] + [False] * 3
    assert video.attributes == {"partial occlusion", "out of view"}
    assert video.box(1) == (7, 8, 16, 12)
    train = opened(tmp_path, "lasot", "train")
    assert train.names == ["airplane-2", "bear-1"]
    assert train[1].faults == ("23 images and 24 boxes; the first 23 of both are used",)
    assert train.unknown_folders() == ["leftover"]


def test_lasots_test_list_is_the_published_one() -> None:
    names = lasot_test_names()
    assert len(names) == len(set(names)) == 280
    tree = open_tree(shared_file("lasot_test_annotations.tar.xz"))
    assert names == tree.text("lasot_annotations/testing_set.txt").split()


def test_lasots_real_annotations_through_the_reader(tmp_path: Path) -> None:
    """Laid out as the data set lays them out, they give the toolkit's truth; pictures are links."""
    truths = read_toolkit_annotations(shared_file("lasot_test_annotations.tar.xz"))
    chosen = sorted(truths, key=lambda true: len(true.boxes))[:6]
    write_picture(tmp_path / "one.jpg")
    for true in chosen:
        folder = tmp_path / "lasot" / true.name.rsplit("-", 1)[0] / true.name
        (folder / "img").mkdir(parents=True)
        for time in range(len(true.boxes)):
            (folder / "img" / f"{time + 1:08d}.jpg").symlink_to(tmp_path / "one.jpg")
        write_rows(folder / "groundtruth.txt", true.boxes)
        assert true.visible is not None
        hidden = np.flatnonzero(~true.visible)
        write(folder / "full_occlusion.txt", flags(len(true.boxes), set(hidden[::2])))
        write(folder / "out_of_view.txt", flags(len(true.boxes), set(hidden[1::2])))
        write(folder / "nlp.txt", true.sentence)
    videos = open_set("lasot", "test", root=tmp_path)
    assert set(videos.names) == {true.name for true in chosen}
    for true in chosen:
        video = videos.read(true.name)
        found = video.truth()
        np.testing.assert_array_equal(found.boxes, true.boxes)
        assert found.visible is not None
        np.testing.assert_array_equal(found.visible, true.visible)
        assert video.faults == ()
        assert video.sentence


def test_lasot_ext_reads_the_toolkits_annotation_where_it_is(tmp_path: Path) -> None:
    videos = by_name(opened(tmp_path, "lasot_ext"))
    assert list(videos) == ["paddle-1", "paddle-10", "rhino-2"]
    assert videos["paddle-1"].faults == ()
    assert len(videos["paddle-1"]) == 5
    assert "toolkit's, which is right" in videos["paddle-10"].faults[0]


def test_tnl2k(tmp_path: Path) -> None:
    videos = by_name(opened(tmp_path, "tnl2k"))
    run = videos["INF_run1"]
    assert [path.name for path in run.images] == ["00001.png", "00003.png", "00010.jpg"]
    assert run.faults == ("the sentence is empty; the video is used without one",)
    assert run.attributes == {"camera motion", "adversarial sample"}
    assert run.absent is not None
    assert run.absent.tolist() == [False, True, False]
    assert run.visibility.all()  # absence flags are the evaluation's; the box says what is visible
    woman = videos["INF_woman46"]
    assert woman.sentence == "the woman in red"
    assert woman.box(0) == (1, 1, 9, 9)
    revised = by_name(open_set("tnl2k", "train", root=tmp_path))
    assert len(revised["catNight_video_B04_done"]) == 24
    assert open_set("tnl2k", "test", root=tmp_path).unknown_folders() == ["test/empty_folder"]


def test_tnl2k_without_the_revisions_says_so(tmp_path: Path) -> None:
    data_tree(tmp_path, "tnl2k")
    (tmp_path / "tnl2k/updated_4_video_text_annotation/INF_woman46/language.txt").unlink()
    woman = open_set("tnl2k", "test", root=tmp_path).read("INF_woman46")
    assert "sentence was replaced by the authors" in woman.faults[0]
    assert woman.sentence == "old words"


def test_otb99_lang_starts_where_the_annotation_starts(tmp_path: Path) -> None:
    videos = opened(tmp_path, "otb99_lang")
    blur = videos.read("BlurCar3")
    assert [path.name for path in blur.images] == [f"{k:04d}.jpg" for k in (3, 4, 5, 6)]
    assert videos.read("Board").images[0].name == "00001.jpg"
    with pytest.raises(DataError, match="no folder Lost"):
        videos.read("Lost")
    train = open_set("otb99_lang", "train", root=tmp_path)
    assert train.names == ["Jogging-1", "Jogging-2"]
    assert train[1].sentence == "runner 2"
    assert videos.unknown_folders() == ["Unsaid"]


def test_webuav3m(tmp_path: Path) -> None:
    videos = opened(tmp_path, "webuav3m")
    assert videos[0].visibility.tolist() == [k != 2 for k in range(24)]
    assert videos[0].attributes == {
        "low resolution", "motion blur", "hard", "small target", "medium length",
    }  # fmt: skip
    assert videos[0].sentence == "a bicycle"
    assert videos.unknown_folders() == ["nothing"]


def test_got10k(tmp_path: Path) -> None:
    videos = opened(tmp_path, "got10k", "val")
    video = videos[0]
    assert len(videos) == 1
    assert video.sentence == "goat, walking, mammal, animal"
    assert video.class_name == "goat"
    assert video.visibility.tolist() == [k not in {1, 2} for k in range(24)]
    assert video.size == (64, 48)
    assert videos.unknown_folders() == ["stray"]
    test = open_set("got10k", "test", root=tmp_path)[0]
    assert len(test) == 24
    assert test.visibility.tolist() == [True] + [False] * 23


def test_trackingnet_sorts_by_number_and_knows_its_parts(tmp_path: Path) -> None:
    videos = opened(tmp_path, "trackingnet", "train")
    assert [path.name for path in videos[0].images][8:11] == ["8.jpg", "9.jpg", "10.jpg"]
    assert [videos[k].sentence for k in range(2)] == ["bird", "car"]
    one = opened(tmp_path, "trackingnet", "train", parts=("TRAIN_3",))
    assert one.names == ["def_1"]
    assert videos.unknown_folders() == ["TRAIN_3/frames/noanno"]


def test_vasttrack_splits_by_list_or_by_folder(tmp_path: Path) -> None:
    assert opened(tmp_path, "vasttrack").names == ["Abacus-2"]
    assert opened(tmp_path, "vasttrack", "train").names == ["Abacus-1"]
    root = tmp_path / "vasttrack"
    (root / "test").mkdir()
    (root / "Abacus").rename(root / "test/Abacus")
    assert open_set("vasttrack", "test", root=tmp_path).names == ["Abacus-1", "Abacus-2"]


def test_pictures_are_videos_of_one_frame(tmp_path: Path) -> None:
    coco = opened(tmp_path, "coco", "train")
    assert list(coco.names) == ["11"]
    assert (coco[0].sentence, len(coco[0])) == ("car, vehicle", 1)
    genome = opened(tmp_path, "visual_genome", "train")
    assert [video.images[0].parent.name for video in (genome[0], genome[1])] == [
        "VG_100K", "VG_100K_2",
    ]  # fmt: skip
    assert genome[0].sentence == "a red box"


def test_refcoco_takes_the_last_sentence_and_large_boxes(tmp_path: Path) -> None:
    train = opened(tmp_path, "refcocog", "train")
    assert [video.sentence for video in (train[0],)] == ["the last one"]
    assert len(train) == 1
    assert len(opened(tmp_path, "refcocog", "train", min_side=0)) == 2
    assert len(opened(tmp_path, "refcoco", "test")) == 2
    both = opened(tmp_path, "refcoco_plus", "val", which="all")
    assert [both[k].sentence for k in range(2)] == ["first", "the last one"]


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("touch /tmp/holdfast-was-here",)


def test_a_malicious_pickle_is_refused_and_json_is_welcome(tmp_path: Path) -> None:
    path = tmp_path / "refs(google).p"
    path.write_bytes(pickle.dumps([Evil()]))
    with pytest.raises(DataError, match="no plain list of references"):
        read_references(path)
    assert not Path("/tmp/holdfast-was-here").exists()  # noqa: S108
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(DataError, match="holds no list"):
        read_references(path)
    plain = path.with_suffix(".json")
    plain.write_text('[{"ref_id": 1}]')
    assert read_references(plain) == [{"ref_id": 1}]


def test_damaged_files_are_named(tmp_path: Path) -> None:
    videos = opened(tmp_path, "lasot")
    folder = tmp_path / "lasot/airplane/airplane-1"
    (folder / "img/00000002.jpg").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"00000002.jpg is damaged"):
        videos.read("airplane-1").frame(1)
    (folder / "img/00000003.jpg").unlink()
    write_rows(folder / "groundtruth.txt", [[1, 2, 3]])
    with pytest.raises(DataError, match=r"Line 1 of .* has 3 values where 4 are due"):
        videos.read("airplane-1")
    write(folder / "groundtruth.txt", "")
    with pytest.raises(DataError, match="is empty"):
        videos.read("airplane-1")
    (folder / "groundtruth.txt").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        videos.read("airplane-1")


def test_flags_that_are_too_few_are_a_remark(tmp_path: Path) -> None:
    data_tree(tmp_path, "webuav3m")
    write(tmp_path / "webuav3m/Test/bicycle_1/absent.txt", "0\n1\n")
    video = open_set("webuav3m", "test", root=tmp_path)[0]
    assert video.faults == ("2 hidden flags for 24 frames; the rest count as not",)
    assert np.flatnonzero(~video.visibility).tolist() == [1, 2]
