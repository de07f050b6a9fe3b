"""``follow``: the one loop. One step for each frame, with its time, box, score and prompts."""

from collections.abc import Iterator

import pytest

from holdfast.errors import ConfigError, DataError, ImageError
from tracking_support import FindsRed, frame_with, moving_box
from vl_track.data.geometry import Box
from vl_track.scoring.measures import overlap_plain as overlaps
from vl_track.tracking import Estimate, Prompt, Tracker, follow, follow_all, frames_of
from vl_track.video.frames import Frame, Image, as_frames


class Diary:
    """A tracker that writes down what it was asked, and moves its box by a pixel a frame."""

    def __init__(self) -> None:
        self.prompts: list[tuple[int, Box | None, str]] = []
        self.seen = 0
        self.box: Box = (0, 0, 1, 1)

    def initialize(self, image: Image, box: Box | None = None, text: str = "") -> Estimate:
        self.prompts.append((self.seen, box, text))
        self.seen += 1
        self.box = box or (5, 5, 5, 5)
        return Estimate(self.box, 1.0)

    def track(self, image: Image) -> Estimate:
        self.seen += 1
        self.box = (self.box[0] + 1, *self.box[1:])
        return Estimate(self.box, 0.5)


def frames(count: int, damaged: tuple[int, ...] = ()) -> Iterator[Frame]:
    return as_frames((None if n in damaged else frame_with(moving_box(n)) for n in range(count)), 5)


START: Box = (10, 20, 30, 40)


def test_one_step_a_frame_with_number_time_box_score_and_image() -> None:
    steps = list(follow(Diary(), frames(4), Prompt(START, "the cup")))
    assert [step.frame for step in steps] == [0, 1, 2, 3]
    assert [step.time for step in steps] == [0, 0.2, 0.4, 0.6]
    assert [step.box[0] for step in steps] == [10, 11, 12, 13]
    assert [step.score for step in steps] == [1, 0.5, 0.5, 0.5]
    assert all(step.seconds > 0 and step.image is not None for step in steps)
    assert steps[2].without_image().image is None
    assert steps[2].without_image() == steps[2]


def test_times_and_numbers_are_the_sources_own() -> None:
    given = [Frame(7, 0.3, frame_with(None)), Frame(8, 1.7, frame_with(None))]
    steps = list(follow(Diary(), given, Prompt(START)))
    assert [(step.frame, step.time) for step in steps] == [(7, 0.3), (8, 1.7)]


def test_a_damaged_frame_keeps_its_place_with_the_last_box_and_score_0() -> None:
    steps = list(follow(Diary(), frames(5, (2, 3)), Prompt(START)))
    assert [step.damaged for step in steps] == [False, False, True, True, False]
    assert steps[2].box == steps[3].box == steps[1].box
    assert steps[2].score == 0
    assert steps[2].image is None
    assert steps[4].box[0] == 12


def test_a_damaged_first_frame_is_refused() -> None:
    with pytest.raises(DataError, match="Frame 0 cannot be decoded"):
        next(follow(Diary(), frames(3, (0,)), Prompt(START)))


def test_later_prompts_take_over_and_wait_for_a_frame_that_can_be_seen() -> None:
    tracker = Diary()
    later = {2: Prompt((50, 50, 9, 9), "the box"), 4: Prompt((70, 70, 9, 9))}
    steps = list(follow(tracker, frames(7, (4,)), Prompt(START), later=later))
    assert [step.box[0] for step in steps] == [10, 11, 50, 51, 51, 70, 71]
    assert tracker.prompts == [
        (0, START, ""), (2, (50, 50, 9, 9), "the box"), (4, (70, 70, 9, 9), "")
    ]  # fmt: skip


def test_a_new_prompt_while_iterating_is_followed_from_there() -> None:
    tracker = Diary()
    boxes = []
    for step in follow(tracker, frames(4), Prompt(START)):
        boxes.append(step.box[0])
        if step.frame == 1:
            assert step.image is not None
            tracker.initialize(step.image, (90, 1, 2, 2))
    assert boxes == [10, 11, 91, 92]


def test_an_error_of_the_source_comes_after_the_steps_before_it() -> None:
    def failing() -> Iterator[Frame]:
        yield from frames(3)
        raise ImageError("gone")

    steps = follow(Diary(), failing(), Prompt(START))
    assert [next(steps).frame for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ImageError, match="gone"):
        next(steps)


def test_several_objects_see_the_same_frames() -> None:
    trackers = [Diary(), Diary()]
    later = {1: [None, Prompt((60, 0, 5, 5))]}
    prompts = [Prompt(START), Prompt(text="the dog")]
    steps = list(follow_all(trackers, frames(3), prompts, later=later))
    assert [[one.box[0] for one in pair] for pair in steps] == [[10, 5], [11, 60], [12, 61]]
    with pytest.raises(ConfigError, match="1 trackers need as many prompts, not 2"):
        next(follow_all(trackers[:1], frames(3), prompts))


def test_it_drives_our_tracker_as_by_hand() -> None:
    ours, byhand = Tracker(FindsRed()), Tracker(FindsRed())
    steps = list(follow(ours, frames(8), Prompt(moving_box(0))))
    expected = [byhand.initialize(frame_with(moving_box(0)), moving_box(0))]
    expected += [byhand.track(frame_with(moving_box(time))) for time in range(1, 8)]
    assert [(step.box, step.score) for step in steps] == [tuple(one) for one in expected]
    assert overlaps([s.box for s in steps], [moving_box(t) for t in range(8)]).min() > 0.8


def test_annotated_video_is_a_source_of_frames() -> None:
    class Still:
        def __len__(self) -> int:
            return 3

        def frame(self, time: int) -> Image:
            return frame_with(moving_box(time))

    assert [(f.number, f.time) for f in frames_of(Still(), rate=2)] == [(0, 0), (1, 0.5), (2, 1)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "prompt"),
    [
        ("box", Prompt(START)),
        ("text", Prompt(None, "the cup")),
        ("box+text", Prompt(START, "the cup")),
    ],
)
def test_kinds_of_prompt(kind: str, prompt: Prompt) -> None:
    assert Prompt.of(kind, START, "the cup") == prompt  # type: ignore[arg-type]
    assert Prompt(text="  ").empty
    assert not prompt.empty
