"""Training pairs: sampling, crops, augmentation, and what comes with them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes_support import small_world
from vl_track.data.absence import Absence
from vl_track.data.augment import Augmentation, Pair, augment, mirror_sentence
from vl_track.data.geometry import Box, Window, into_release_crop, window_around
from vl_track.data.pairs import PairOptions, make_pair
from vl_track.data.sampling import draw_times, is_usable
from vl_track.data.video import Mentioning, Video, crop_frame
from vl_track.scenes.datamodule import ScenePairs, Scenes
from vl_track.scenes.make import make_scene
from vl_track.video.frames import Image

STILL = Augmentation(grayscale=0, joint_flip=0, brightness=0)


@dataclass
class Marked:
    """A video of a bright square whose left edge tells the frame number."""

    sentence: str = "the square on the left"
    name: str = "marked"
    count: int = 60
    hidden: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return self.count

    def box(self, time: int) -> Box:
        return (40.0 + time, 30.0, 20.0, 24.0)

    def frame(self, time: int) -> Image:
        picture = np.zeros((120, 160, 3), np.uint8)
        x, y, width, height = (int(value) for value in self.box(time))
        picture[y : y + height, x : x + width] = (200, 60, 30)
        return picture

    def visible(self, time: int) -> bool:
        return time not in self.hidden

    def crop(self, time: int, window: Window, size: int) -> Image:
        return crop_frame(self.frame(time), window, size)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def lit(picture: Image) -> Box:
    """The box of bright pixels, in shares of the picture."""
    rows, columns = np.nonzero(picture[..., 0] > 100)
    size = len(picture)
    x0, x1, y0, y1 = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
    return x0 / size, y0 / size, (x1 - x0) / size, (y1 - y0) / size


@given(count=st.integers(2, 400), seed=st.integers(0, 50), gap=st.integers(1, 250))
def test_times_are_in_order_and_near(count: int, seed: int, gap: int) -> None:
    times = draw_times(count, lambda _: True, rng(seed), max_gap=gap)
    assert times is not None
    template, search = times
    assert 0 <= template < search < count
    assert search - template <= gap


def test_only_visible_frames_are_drawn_and_the_gap_widens() -> None:
    seen = {0, 30}
    found = [draw_times(31, lambda t: t in seen, rng(s), max_gap=10, tries=20_000) for s in (0, 1)]
    assert set(found) == {(0, 30)}
    assert draw_times(31, lambda t: t in seen, rng(), max_gap=10, tries=3) is None


def test_a_single_picture_is_paired_with_itself() -> None:
    assert draw_times(1, lambda _: True, rng()) == (0, 0)
    assert draw_times(1, lambda _: False, rng()) is None


def test_usable_videos_have_twenty_frames_and_five_with_the_object() -> None:
    def usable(*shown: bool) -> bool:
        return is_usable(len(shown), lambda number: shown[number])

    assert usable(*[True] * 5, *[False] * 15)
    assert not usable(*[True] * 19)
    assert not usable(*[True] * 4, *[False] * 30)
    assert usable(False), "an image set has one frame"


@pytest.mark.parametrize("prompt", ["box+text", "box", "text"])
@pytest.mark.parametrize("seed", range(6))
def test_the_box_is_where_the_object_is_in_the_crop(prompt: str, seed: int) -> None:
    options = PairOptions(
        template_size=96, search_size=192, centre_jitter=1.0, scale_jitter=0.1, augmentation=STILL
    )
    pair = make_pair(Marked(), options, rng(seed), prompt=prompt)  # type: ignore[arg-type]
    assert pair is not None
    assert np.allclose(pair.box, lit(pair.search), atol=0.02)
    assert pair.sentence == ("" if prompt == "box" else "the square on the left")
    assert pair.template.any() == (prompt != "text")


def release_coordinates(box: Box, around: Box, side: float, size: int) -> list[float]:
    """The release's arithmetic in plain words: centre of the box from the middle of the crop."""
    factor = size / side
    found = []
    for start, length, near, width in zip(box[:2], box[2:], around[:2], around[2:], strict=True):
        centre = (size - 1) / 2 + (start + length / 2 - near - width / 2) * factor
        found.append((centre - length * factor / 2) / size)
    return [*found, box[2] * factor / size, box[3] * factor / size]


@given(
    st.tuples(*[st.floats(-50, 500)] * 2, *[st.floats(1, 300)] * 2),
    st.tuples(*[st.floats(-50, 500)] * 2, *[st.floats(1, 300)] * 2),
)
def test_the_releases_coordinates_by_hand(box: Box, around: Box) -> None:
    side = window_around(around, 4.0).side
    wanted = release_coordinates(box, around, side, 256)
    assert into_release_crop(box, around, side, 256) == pytest.approx(wanted, abs=1e-6)


def test_the_releases_boxes_lie_half_a_pixel_up_and_left_of_ours() -> None:
    """The recipe `release_all_in_one` trained with exact ones; the switch changes nothing else."""
    exact, release = (
        PairOptions(search_size=64, augmentation=STILL, release_coordinates=switch)
        for switch in (False, True)
    )
    moved = []
    for seed in range(300):
        ours = make_pair(Marked(), exact, rng(seed))
        theirs = make_pair(Marked(), release, rng(seed))
        assert ours is not None
        assert theirs is not None
        assert np.array_equal(ours.search, theirs.search)
        assert theirs.box[2:] == ours.box[2:]
        moved.append(64 * (np.array(theirs.box) - ours.box)[:2])
    # Besides, the window was moved to whole pixels of the frame, of which a crop's has 1.4.
    assert np.mean(moved, axis=0) == pytest.approx([-0.5, -0.5], abs=0.05)
    assert np.abs(np.array(moved) + 0.5).max() < 0.5


def test_the_template_shows_the_object_in_its_middle() -> None:
    pair = make_pair(Marked(), PairOptions(augmentation=STILL), rng(), prompt="box+text")
    assert pair is not None
    x, y, width, height = lit(pair.template)
    assert x + width / 2 == pytest.approx(0.5, abs=0.02)
    assert y + height / 2 == pytest.approx(0.5, abs=0.02)
    assert width * height == pytest.approx(0.25, abs=0.02)


def test_an_object_never_seen_gives_no_pair() -> None:
    video = Marked(hidden=frozenset(range(60)))
    for prompt in ("box+text", "text"):
        assert make_pair(video, PairOptions(), rng(), prompt=prompt) is None  # type: ignore[arg-type]


def test_shares_decide_what_is_told() -> None:
    options = PairOptions(prompts={"box": 1.0})
    pairs = [make_pair(Marked(), options, rng(seed)) for seed in range(8)]
    assert {pair.sentence for pair in pairs if pair} == {""}


def test_a_mirrored_pair_has_a_mirrored_box_and_sentence() -> None:
    options = PairOptions(augmentation=STILL, scale_jitter=0, centre_jitter=1)
    plain = make_pair(Marked(), options, rng(3), prompt="box+text")
    assert plain is not None
    flipped = augment(plain, Augmentation(grayscale=0, joint_flip=1, brightness=0), rng())
    assert flipped.sentence == "the square on the right"
    assert np.array_equal(flipped.search, plain.search[:, ::-1])
    assert np.array_equal(flipped.template, plain.template[:, ::-1])
    assert np.allclose(flipped.box, lit(flipped.search), atol=0.02)


def test_the_releases_separate_flips_leave_the_sentence() -> None:
    """The release mirrors each crop by itself, which makes "left" untrue; a switch keeps that."""
    options = PairOptions(augmentation=STILL, scale_jitter=0, centre_jitter=1)
    plain = make_pair(Marked(), options, rng(3), prompt="box+text")
    assert plain is not None
    release = Augmentation(grayscale=0, joint_flip=0, separate_flip=0.5, brightness=0)
    outcomes = set()
    for seed in range(30):
        one = augment(plain, release, rng(seed))
        assert one.sentence == plain.sentence
        outcomes.add(
            (
                bool((one.template != plain.template).any()),
                bool((one.search != plain.search).any()),
            )
        )
    # The template is symmetric, so only the search crop's flips can be seen.
    assert {search for _, search in outcomes} == {True, False}


def test_gray_spares_sentences_that_may_name_a_colour() -> None:
    pair = make_pair(Marked(), PairOptions(augmentation=STILL), rng(), prompt="box+text")
    assert pair is not None
    gray = Augmentation(grayscale=1, joint_flip=0, brightness=0)
    assert (augment(pair, gray, rng()).search != pair.search).sum() == 0
    silent = Pair(template=pair.template, search=pair.search, box=pair.box, sentence="")
    result = augment(silent, gray, rng()).search
    assert np.array_equal(result[..., 0], result[..., 2])


def test_brightness_stays_in_its_range() -> None:
    flat = np.full((8, 8, 3), 100, np.uint8)
    pair = Pair(template=flat, search=flat, box=(0, 0, 1, 1), sentence="")
    options = Augmentation(grayscale=0, joint_flip=0, brightness=0.2)
    levels = [int(augment(pair, options, rng(seed)).search[0, 0, 0]) for seed in range(200)]
    assert 80 <= min(levels) < 85
    assert 115 < max(levels) <= 120


@pytest.mark.parametrize(
    ("said", "mirrored"),
    [
        ("the leftmost cup", "the rightmost cup"),
        ("left of the right bar", "right of the left bar"),
        ("the bright star", "the bright star"),
        ("", ""),
    ],
)
def test_sentences_in_a_mirror(said: str, mirrored: str) -> None:
    assert mirror_sentence(said) == mirrored
    assert mirror_sentence(mirrored) == said


def test_scenes_are_videos_that_mention_their_other_objects(root: Path) -> None:
    world = small_world(root)
    found = 0
    for seed in range(10):
        scene = make_scene(world, seed, "distractors")
        assert isinstance(scene, Video)
        assert isinstance(scene, Mentioning)
        assert scene.sayings[scene.target] == scene.sentence
        mentions = scene.mentions(0)
        assert scene.sentence not in [said for said, _ in mentions]
        assert all(box != scene.box(0) for _, box in mentions)
        found += len(mentions)
    assert found >= 10


def test_mentions_come_with_boxes_in_the_crop(root: Path) -> None:
    options = PairOptions(
        template_size=32, search_size=64, mentions=3, prompts={"text": 1.0}, augmentation=STILL
    )
    dataset = ScenePairs(small_world(root), options, distractors=1.0, fixed=True)
    sample = dataset[2]
    assert len(sample["mentions"]) == 3
    assert sample["mention_boxes"].shape == (3, 4)
    said = [bool(sentence) for sentence in sample["mentions"]]
    assert any(said)
    centres = sample["mention_boxes"][:, :2] + sample["mention_boxes"][:, 2:] / 2
    for given_one, centre, box in zip(said, centres, sample["mention_boxes"], strict=True):
        assert bool(((centre > 0) & (centre < 1)).all()) == given_one
        assert bool(box.any()) == given_one


def test_samples_are_the_same_for_the_same_key_only(root: Path) -> None:
    dataset = ScenePairs(
        small_world(root),
        PairOptions(template_size=32, search_size=64),
        distractors=0.5,
        fixed=True,
    )
    one, again, other = dataset[3], dataset[3], dataset[6]
    assert torch.equal(one["search"], again["search"])
    assert one["sentence"] == again["sentence"]
    assert not torch.equal(one["search"], other["search"])
    assert [dataset[i]["prompt"] for i in range(3)] == [0, 1, 2]


def test_the_data_module_gives_batches_and_repeats_validation(root: Path) -> None:
    data = Scenes(
        root=str(root),
        global_batch_size=3,
        emoji=False,
        val_pairs=4,
        pairs=PairOptions(
            template_size=32, search_size=64, prompts={"box+text": 1, "box": 1, "text": 1}
        ),
    )
    data.prepare_data()
    data.seed = 5
    batch = next(iter(data.train_dataloader()))
    assert batch["template"].shape == (3, 3, 32, 32)
    assert batch["search"].dtype == torch.uint8
    assert batch["box"].shape == (3, 4)
    assert len(batch["sentence"]) == 3
    first, second = (list(data.val_dataloader()) for _ in range(2))
    assert sum(len(b["box"]) for b in first) == 4
    assert torch.equal(first[0]["search"], second[0]["search"])
    test = next(iter(data.test_dataloader()))
    assert not torch.equal(test["search"], first[0]["search"])


def test_training_follows_seed_and_step(root: Path) -> None:
    def first(seed: int) -> torch.Tensor:
        data = Scenes(
            root=str(root),
            global_batch_size=2,
            emoji=False,
            pairs=PairOptions(template_size=32, search_size=64),
        )
        data.seed = seed
        search: torch.Tensor = next(iter(data.train_dataloader()))["search"]
        return search

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_wide_windows_hold_the_whole_object(seed: int) -> None:
    pair = make_pair(Marked(), PairOptions(augmentation=STILL), rng(seed), prompt="text")
    assert pair is not None
    x, y, width, height = pair.box
    assert x >= -1e-6
    assert y >= -1e-6
    assert x + width <= 1 + 1e-6
    assert y + height <= 1 + 1e-6


def test_the_releases_rule_leaves_out_short_videos() -> None:
    marked = Marked()
    assert make_pair(marked, PairOptions(augmentation=STILL), rng()) is not None
    few = PairOptions(augmentation=STILL, least_frames=len(marked) + 1)
    assert make_pair(marked, few, rng()) is None
    assert make_pair(marked, PairOptions(least_frames=len(marked)), rng()) is not None


def test_gray_crops_have_no_sentence_unless_asked_as_in_the_release() -> None:
    pair = make_pair(Marked(), PairOptions(augmentation=STILL), rng(), prompt="box+text")
    assert pair is not None
    for text, gray in ((False, False), (True, True)):
        options = Augmentation(grayscale=1, grayscale_text=text, joint_flip=0, brightness=0)
        search = augment(pair, options, rng()).search
        assert bool((search[..., 0] == search[..., 1]).all()) == gray


@pytest.mark.parametrize("release_coordinates", [False, True])
def test_an_absence_that_shows_the_object_is_an_ordinary_pair(
    monkeypatch: pytest.MonkeyPatch,
    release_coordinates: bool,
) -> None:
    """Its window once lay around the truth, and the release's box was told of another window."""
    video = Marked()
    beside = (video.box(20)[0] + 25, *video.box(20)[1:])
    monkeypatch.setattr(
        "vl_track.data.pairs.find_absence", lambda *_: Absence(20, beside, video.box(20))
    )
    options = PairOptions(
        search_size=128, absent=1.0, centre_jitter=1.0, scale_jitter=0.0, augmentation=STILL,
        release_coordinates=release_coordinates,
    )  # fmt: skip
    centres = []
    for seed in range(8):
        pair = make_pair(video, options, rng(seed), prompt="box")
        assert pair is not None
        assert pair.present
        np.testing.assert_allclose(pair.box, lit(pair.search), atol=0.03)
        centres.append(pair.box[0] + pair.box[2] / 2)
    assert np.std(centres) > 0.03, "the target lies anywhere, not in the middle"
