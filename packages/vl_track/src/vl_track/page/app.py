"""The page: a clip, two clicks or a sentence, and the box that follows."""

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from holdfast.errors import HoldfastError
from holdfast.report.figures import COLOURS, as_png, new_figure
from holdfast.serving import told
from vl_track.data.clips import pip_clip
from vl_track.data.video import Picture
from vl_track.nn.network import AllInOne
from vl_track.page.following import (
    Clicks,
    Clip,
    Limits,
    Moment,
    follow,
    open_clip,
    write_results,
)
from vl_track.video.reading import frame_at
from vl_track.video.writing import draw_estimate

CLICKABLE = 360
"""Pixels that the shorter side of a frame is shown with, at least about."""
EVERY = 3
"""Frames between two pictures that the page shows while it tracks."""
EXAMPLES = ("carphone_pristine.mp4", "bikes.mp4", "bigbuckbunny.mp4")
HELP = (
    "1. Upload a clip, or take an example. 2. Click two opposite corners of a box on the first "
    "frame, or type a sentence, or both. 3. Track. To correct it, move the slider to a frame, draw "
    "a new box there, and track again."
)


class Page:
    """One page for any number of visitors; what a visitor does is kept in that visitor's state.

    Args:
        network: the tracker's, shared.
        limits: of uploads.
        device: of the network.
    """

    def __init__(self, network: AllInOne, limits: Limits, device: str = "cpu") -> None:
        self.network, self.limits, self.device = network, limits, device

    def build(self) -> gr.Blocks:
        """Return the page, not yet served."""
        with gr.Blocks(title="Holdfast: follow an object", analytics_enabled=False) as page:
            state = gr.State(_fresh)
            gr.Markdown("# Follow an object through a video\n" + HELP)
            with gr.Row():
                video = gr.Video(label="Clip", sources=["upload"], elem_id="clip")
                picture = gr.Image(label="Click two corners", interactive=False, elem_id="picture")
            slider = gr.Slider(0, 1, 0, step=1, label="Frame", elem_id="frame")
            with gr.Row():
                example = gr.Dropdown(
                    list(EXAMPLES), value=None, label="Example clip", elem_id="example"
                )
                text = gr.Textbox(label="Sentence about the object", elem_id="sentence")
                compare = gr.Checkbox(label="Also track without the sentence", elem_id="compare")
            with gr.Row():
                button = gr.Button("Track", variant="primary", elem_id="track")
                forget = gr.Button("Forget the boxes", elem_id="forget")
            said = gr.Markdown(elem_id="said")
            with gr.Row():
                as_told = gr.Image(label="As told", interactive=False, elem_id="told")
                other = gr.Image(label="Without the sentence", interactive=False, elem_id="other")
            curve = gr.Image(label="Score", interactive=False, elem_id="curve")
            with gr.Row():
                boxes = gr.File(label="Boxes", elem_id="boxes")
                overlay = gr.Video(label="Overlay video", interactive=False, elem_id="overlay")
            shown = [picture, slider, state, said]
            video.upload(told(self.load), [video, state], shown)
            example.input(told(self.load_example), [example, state], [video, *shown])
            picture.select(told(self.click), [slider, state], [picture, state, said])
            slider.release(told(self.show), [slider, state], [picture])
            forget.click(told(self.forget), [slider, state], [picture, state, said])
            button.click(
                self.track, [text, compare, state], [as_told, other, curve, boxes, overlay, said],
                concurrency_limit=2,
            )  # fmt: skip
        return page

    def load(self, video: str | None, state: dict[str, Any]) -> tuple[Any, ...]:
        """Take an uploaded clip and show its first frame."""
        if video is None:
            return None, gr.Slider(), _fresh(), ""
        clip = open_clip(video, self.limits)
        state = {"clip": clip, "clicks": Clicks()}
        note = f"{clip.path.name}: {clip.count} frames."
        if not clip.whole:
            note += " The clip is longer; the rest will not be tracked."
        slider = gr.Slider(0, max(1, clip.count - 1), 0, step=1)
        return _marked(frame_at(clip.path, 0), state["clicks"], 0), slider, state, note

    def load_example(self, name: str, state: dict[str, Any]) -> tuple[Any, ...]:
        """Take one of the clips that come by pip."""
        if name not in EXAMPLES:
            raise gr.Error("There is no such example.")
        path = str(pip_clip(name))
        return (path, *self.load(path, state))

    def click(self, number: float, state: dict[str, Any], event: gr.SelectData) -> tuple[Any, ...]:
        """Take a click on the picture."""
        clip, clicks = _clip(state), state["clicks"]
        frame = frame_at(clip.path, int(number))
        x, y = (int(value) // zoom(frame) for value in event.index)
        box = clicks.click(int(number), x, y)
        if box is None:
            said = f"First corner at {x}, {y}: click the opposite one."
        else:
            said = f"Frame {int(number)}: box {','.join(f'{v:g}' for v in box)}."
        return _marked(frame, clicks, int(number)), state, said

    def show(self, number: float, state: dict[str, Any]) -> Picture:
        """Show a frame with what was drawn on it; a half-drawn box is dropped."""
        clip = _clip(state)
        state["clicks"].corner = None
        return _marked(frame_at(clip.path, int(number)), state["clicks"], int(number))

    def forget(self, number: float, state: dict[str, Any]) -> tuple[Any, ...]:
        """Drop every box."""
        clip = _clip(state)
        state["clicks"] = Clicks()
        picture = _marked(frame_at(clip.path, int(number)), state["clicks"], int(number))
        return picture, state, "No boxes."

    def track(self, text: str, compare: bool, state: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
        """Track, showing a picture now and then; at the end the files."""
        try:
            yield from self._track(text, compare, state)
        except HoldfastError as error:
            raise gr.Error(str(error), duration=None) from error

    def _track(self, text: str, compare: bool, state: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
        clip, boxes_told = _clip(state), dict(state["clicks"].told)
        silent = compare and 0 in boxes_told
        runs = [follow(self.network, clip, boxes_told, text, self.device)]
        if silent:
            runs.append(follow(self.network, clip, boxes_told, "", self.device))
        moments: list[list[Moment]] = [[] for _ in runs]
        for pair in zip(*runs, strict=True):
            for kept, moment in zip(moments, pair, strict=True):
                kept.append(_light(moment))
            if pair[0].number % EVERY == 0:
                pictures = [pair[0].drawn(text), pair[1].drawn("") if silent else None]
                said = f"frame {pair[0].number + 1} of {clip.count}"
                yield (*pictures, gr.skip(), gr.skip(), gr.skip(), said)
        folder = Path(tempfile.mkdtemp())
        boxes, scores = [m.box for m in moments[0]], [m.score for m in moments[0]]
        lines, video = write_results(folder, clip, boxes, scores, text)
        last = [pair[0].drawn(text), pair[1].drawn("") if silent else None]
        note = f"{len(boxes)} frames tracked."
        if compare and not silent:
            note += " Without the sentence there is nothing to compare: draw a box too."
        curve = score_curve([[m.score for m in run] for run in moments])
        yield (*last, curve, str(lines), str(video), note)


def score_curve(runs: list[list[float]]) -> Image.Image:
    """Draw the score of every frame, one line for each run."""
    figure, axes = new_figure()
    figure.set_size_inches(8, 2.2)
    for scores, name, colour in zip(
        runs, ("as told", "without the sentence"), COLOURS, strict=False
    ):
        axes.plot(scores, color=colour, label=name)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("frame")
    axes.set_ylabel("score")
    axes.legend(frameon=False, fontsize=8)
    return Image.open(io.BytesIO(as_png(figure))).convert("RGB")


def _fresh() -> dict[str, Any]:
    return {"clip": None, "clicks": Clicks()}


def _clip(state: dict[str, Any]) -> Clip:
    clip = state["clip"]
    if clip is None:
        raise gr.Error("There is no clip yet: upload one, or take an example.")
    assert isinstance(clip, Clip)
    return clip


def _marked(frame: Picture, clicks: Clicks, number: int) -> Picture:
    """Draw the box or the first corner of a frame, small frames enlarged for clicking."""
    picture = frame
    if number in clicks.told:
        picture = draw_estimate(frame, clicks.told[number], "box", "")
    if clicks.corner is not None:
        x, y = clicks.corner
        picture = draw_estimate(picture, (x - 3, y - 3, 6, 6), "", "")
    times = zoom(frame)
    return np.repeat(np.repeat(picture, times, axis=0), times, axis=1)


def zoom(frame: Picture) -> int:
    """Return how many times larger a frame is shown, so that its corners can be hit."""
    return int(max(1, round(CLICKABLE / min(frame.shape[:2]))))


def _light(moment: Moment) -> Moment:
    """Forget the frame, so that a long clip does not stay in memory."""
    empty = np.zeros((1, 1, 3), np.uint8)
    return Moment(number=moment.number, frame=empty, box=moment.box, score=moment.score)
