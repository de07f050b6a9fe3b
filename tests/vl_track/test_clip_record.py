"""Figures of `vl-track clips`: written after every run, taken up again, summed up."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.errors import ConfigError
from tracking_support import write_clip, write_pictures
from vl_track.data.clips import AnnotatedClip
from vl_track.data.sets.clips import ClipVideo
from vl_track.scoring.clip_record import ClipRecord, ClipScore, digest_of_run, summary


def scored(auc: float, first: float = 1.0) -> ClipScore:
    return ClipScore(
        auc=auc, first_overlap=first, least_overlap=0.1, held=True, frames_per_second=20.0
    )


def test_a_run_that_breaks_off_keeps_every_figure_before(tmp_path: Path) -> None:
    place = tmp_path / "clips.json"
    first = ClipRecord(str(place), "plain")
    first.add("cup", "ours: box", "model 1", scored(0.5))
    first.add("cup", "OpenCV MIL", "4.13", scored(0.4))
    again = ClipRecord(str(place), "plain", resume=True)
    assert again.take_up("cup", "OpenCV MIL", "4.13")
    assert not again.take_up("cup", "ours: box", "model 2"), "another model's figure is not kept"
    assert not again.take_up("pen", "OpenCV MIL", "4.13")
    again.add("cup", "ours: box", "model 2", scored(0.7))
    assert again.table == {"cup": {"OpenCV MIL": scored(0.4), "ours: box": scored(0.7)}}
    kept = json.loads(place.read_text())["clips"]["cup"]
    assert [kept[who]["auc"] for who in ("ours: box", "OpenCV MIL")] == [0.7, 0.4]


def test_the_figures_of_other_clips_stay_in_the_file(tmp_path: Path) -> None:
    place = tmp_path / "clips.json"
    ClipRecord(str(place), "plain").add("cup", "ours: box", "m", scored(0.5))
    other = ClipRecord(str(place), "plain", resume=True)
    other.add("face", "ours: box", "m", scored(0.6))
    assert list(other.table) == ["face"]
    assert list(json.loads(place.read_text())["clips"]) == ["cup", "face"]


def test_a_finished_record_holds_no_figures_of_another_model(tmp_path: Path) -> None:
    """Was: a model that does not know the words left the sentence row of the one before."""
    place = tmp_path / "clips.json"
    before = ClipRecord(str(place), "plain")
    before.add("cup", "ours: box", "model 1", scored(0.5))
    before.add("cup", "ours: sentence", "model 1", scored(0.3))
    before.add("face", "ours: box", "model 1", scored(0.2))
    after = ClipRecord(str(place), "plain", resume=True)
    after.add("cup", "ours: box", "model 2", scored(0.7))
    assert "ours: sentence" in json.loads(place.read_text())["clips"]["cup"], "not before the end"
    after.finish()
    kept = json.loads(place.read_text())["clips"]
    assert {who: row["auc"] for who, row in kept["cup"].items()} == {"ours: box": 0.7}
    assert list(kept) == ["cup", "face"], "what this run did not look at stays"


@pytest.mark.parametrize("text", ["{", "[]", '{"clips": {"cup": {"ours: box": {"auc": 1}}}}'])
def test_a_file_that_is_no_record_is_not_gone_on_with(tmp_path: Path, text: str) -> None:
    place = tmp_path / "clips.json"
    place.write_text(text)
    with pytest.raises(ConfigError, match="no record of"):
        ClipRecord(str(place), "plain", resume=True)
    assert place.read_text() == text


def test_figures_of_another_convention_or_not_finite_are_not_taken_up(tmp_path: Path) -> None:
    place = tmp_path / "clips.json"
    ClipRecord(str(place), "plain").add("cup", "ours: box", "m", scored(0.5))
    with pytest.raises(ConfigError, match="another convention"):
        ClipRecord(str(place), "vot", resume=True)
    place.write_text(place.read_text().replace("0.5", "NaN"))
    with pytest.raises(ConfigError, match="not finite"):
        ClipRecord(str(place), "plain", resume=True)


def test_a_figure_depends_on_the_annotations_and_on_what_was_told(tmp_path: Path) -> None:
    clip = AnnotatedClip(name="c", path=tmp_path, boxes={0: (1, 2, 3, 4), 5: (2, 2, 3, 4)})
    moved = replace(clip, boxes={0: (1, 2, 3, 4), 5: (2, 2, 3, 5)})
    digests = [
        digest_of_run(ClipVideo(clip), "model", "it", "box"),
        digest_of_run(ClipVideo(moved), "model", "it", "box"),
        digest_of_run(ClipVideo(clip), "another", "it", "box"),
        digest_of_run(ClipVideo(clip), "model", "that", "box"),
        digest_of_run(ClipVideo(clip), "model", "it", "text"),
    ]
    assert len(set(digests)) == 5
    assert digests[0] == digest_of_run(ClipVideo(clip), "model", "it", "box")


def test_a_figure_of_a_clip_that_was_replaced_is_not_taken_up(tmp_path: Path) -> None:
    """The digest read no pixels: a file of the same name kept the figures of the one before."""
    video = write_clip(tmp_path / "one.mp4", 6)
    clip = ClipVideo(AnnotatedClip(name="c", path=video, boxes={0: (1, 2, 3, 4)}))
    before = digest_of_run(clip, "model", "it", "box")
    copy = tmp_path / "elsewhere.mp4"
    copy.write_bytes(video.read_bytes())
    moved = ClipVideo(replace(clip.clip, path=copy))
    assert digest_of_run(moved, "model", "it", "box") == before, "the same video elsewhere"
    content = bytearray(video.read_bytes())
    content[len(content) // 2] ^= 1
    video.write_bytes(content)
    assert digest_of_run(clip, "model", "it", "box") != before, "as long as before"
    folder = write_pictures(tmp_path / "images", ["a.png", "b.png"])
    images = ClipVideo(replace(clip.clip, path=folder))
    before = digest_of_run(images, "model", "it", "box")
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes())
    assert digest_of_run(images, "model", "it", "box") != before


def test_the_best_rival_is_chosen_for_each_object() -> None:
    table = {
        "cup": {
            "ours: box": scored(0.5), "ours: box, sentence": scored(0.8),
            "ours: sentence": scored(0.4, 0.6),
            "OpenCV CSRT": scored(0.6), "OpenCV KCF": scored(0.1),
        },
        "man": {
            "ours: box": scored(0.5), "ours: box, sentence": scored(0.6),
            "OpenCV CSRT": scored(0.1), "OpenCV KCF": scored(0.3),
        },
    }  # fmt: skip
    said = summary(table)
    assert "ours: box: mean 0.500" in said
    assert "0.450: ahead by 0.050 on the mean, ahead on 1 of 2 objects (50 %)" in said
    assert "ours: box, sentence: mean 0.700" in said
    assert "adds +0.200" in said
    assert "finds 1 of 2 objects" in said


def test_rivals_that_learnt_from_real_video_are_named_by_themselves() -> None:
    """NanoTrack, once its files were given, hid how far the trackers without a network are."""
    table = {
        "cup": {"ours: box": scored(0.5), "OpenCV CSRT": scored(0.6), "OpenCV Nano": scored(0.9)},
        "man": {"ours: box": scored(0.5), "OpenCV CSRT": scored(0.1), "OpenCV Nano": scored(0.4)},
    }
    said = summary(table)
    assert "without a network, chosen for each object, 0.350: ahead by 0.150" in said
    assert "OpenCV Nano, 0.650: behind by 0.150 on the mean, ahead on 1 of 2 objects" in said


def test_nothing_is_said_of_rivals_that_were_not_measured_on_every_object() -> None:
    table = {
        "cup": {"ours: box": scored(0.5), "OpenCV CSRT": scored(0.6)},
        "man": {"ours: box": scored(0.5)},
    }
    assert "OpenCV" not in summary(table)
