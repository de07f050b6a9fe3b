"""The page: a clip, two clicks or a sentence, and the tracked box."""

import io
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from holdfast.errors import HoldfastError
from holdfast.report.figures import COLOURS, as_png, new_figure
from holdfast.serving import explained
from vl_track.data.clips import pip_clip
from vl_track.nn.network import AllInOne
from vl_track.page.following import (
    Clicks,
    Clip,
    Limits,
    open_clip,
    track_clip,
    write_results,
)
from vl_track.tracking.steps import Step
from vl_track.video.drawing import draw_estimate
from vl_track.video.frames import Image as Pixels
from vl_track.video.reading import frame_at

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
        with gr.Blocks(title="Holdfast: track an object", analytics_enabled=False) as page:
            state = gr.State(_fresh)
            gr.Markdown("# Track an object through a video\n" + HELP)
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
            note = gr.Markdown(elem_id="note")
            with gr.Row():
                tracked = gr.Image(label="Tracked", interactive=False, elem_id="tracked")
                other = gr.Image(label="Without the sentence", interactive=False, elem_id="other")
            curve = gr.Image(label="Score", interactive=False, elem_id="curve")
            with gr.Row():
                boxes = gr.File(label="Boxes", elem_id="boxes")
                overlay = gr.Video(label="Overlay video", interactive=False, elem_id="overlay")
            shown = [picture, slider, state, note]
            video.upload(explained(self.load), [video, state], shown)
            example.input(explained(self.load_example), [example, state], [video, *shown])
            picture.select(explained(self.click), [slider, state], [picture, state, note])
            slider.release(explained(self.show), [slider, state], [picture])
            forget.click(explained(self.forget), [slider, state], [picture, state, note])
            button.click(
                self.track, [text, compare, state], [tracked, other, curve, boxes, overlay, note],
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
            note = f"First corner at {x}, {y}: click the opposite one."
        else:
            note = f"Frame {int(number)}: box {','.join(f'{v:g}' for v in box)}."
        return _marked(frame, clicks, int(number)), state, note

    def show(self, number: float, state: dict[str, Any]) -> Pixels:
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
        clip, boxes = _clip(state), dict(state["clicks"].boxes)
        compared = compare and 0 in boxes
        runs = [track_clip(self.network, clip, boxes, text, self.device)]
        if compared:
            runs.append(track_clip(self.network, clip, boxes, "", self.device))
        kept: list[list[Step]] = [[] for _ in runs]
        shown: tuple[Step, ...] = ()
        for steps in zip(*runs, strict=True):
            for run, step in zip(kept, steps, strict=True):
                run.append(step.without_image())
            shown = shown if steps[0].damaged else steps
            if steps[0].frame % EVERY == 0:
                progress = f"frame {steps[0].frame + 1} of {clip.count}"
                yield (*_drawn(shown, text), gr.skip(), gr.skip(), gr.skip(), progress)
        folder = Path(tempfile.mkdtemp())
        lines, video = write_results(folder, clip, kept[0], text)
        note = f"{len(kept[0])} frames tracked."
        note += "".join(f" Note: {one}." for one in self.network.text.remarks(text))
        if compare and not compared:
            note += " Without the sentence there is nothing to compare: draw a box too."
        curve = score_curve([[step.score for step in run] for run in kept])
        yield (*_drawn(shown, text), curve, str(lines), str(video), note)


def _drawn(steps: Sequence[Step], text: str) -> list[Pixels | None]:
    """Return the image of the run with the prompt, and of the one without the sentence."""
    found: list[Pixels | None] = [None, None]
    for index, step in enumerate(steps):
        if step.image is not None:
            sentence = "" if index else text
            found[index] = draw_estimate(step.image, step.box, step.score, sentence)
    return found


def score_curve(runs: list[list[float]]) -> Image.Image:
    """Draw the score of every frame, one line for each run."""
    figure, axes = new_figure()
    figure.set_size_inches(8, 2.2)
    for scores, name, colour in zip(
        runs, ("with the prompt", "without the sentence"), COLOURS, strict=False
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


def _marked(frame: Pixels, clicks: Clicks, number: int) -> Pixels:
    """Draw the box or the first corner of a frame, small frames enlarged for clicking."""
    picture = frame
    if number in clicks.boxes:
        picture = draw_estimate(frame, clicks.boxes[number], "box", "")
    if clicks.corner is not None:
        x, y = clicks.corner
        picture = draw_estimate(picture, (x - 3, y - 3, 6, 6), "", "")
    times = zoom(frame)
    return np.repeat(np.repeat(picture, times, axis=0), times, axis=1)


def zoom(frame: Pixels) -> int:
    """Return how many times larger a frame is shown, so that its corners can be hit."""
    return int(max(1, round(CLICKABLE / min(frame.shape[:2]))))
