"""The page: drop a picture, shift it, and see every model's answer side by side."""

import html
from collections.abc import Mapping
from typing import Any

import gradio as gr

from dropout_ft.loading import LoadedClassifier
from dropout_ft.page.shifting import Shift, answers, read_upload
from holdfast.serving import explained

SHOWN_CLASSES = 5
SLIDERS = {
    "blur": (0.0, 5.0, 0.0, "Blur, % of the side"),
    "noise": (0.0, 80.0, 0.0, "Noise"),
    "contrast": (0.1, 2.0, 1.0, "Contrast"),
    "rotation": (-180.0, 180.0, 0.0, "Rotation, degrees"),
    "colour": (0.0, 2.0, 1.0, "Colour"),
    "downsample": (0.02, 1.0, 1.0, "Resolution"),
}


class Page:
    """One page for any number of visitors; nothing is kept between two of their clicks.

    Args:
        models: by the name they are shown with.
        report: text of a ``report.html`` to show below, or empty.
    """

    def __init__(self, models: Mapping[str, LoadedClassifier], report: str = "") -> None:
        self.models, self.report = dict(models), report

    def build(self) -> gr.Blocks:
        """Return the page, not yet served."""
        with gr.Blocks(title="Holdfast: pictures from elsewhere", analytics_enabled=False) as page:
            gr.Markdown("# Which model holds on when the picture changes?\nDrop a picture, then "
                        "move the sliders.")  # fmt: skip
            with gr.Row():
                # A path, not a picture: gradio would decode an upload of any size.
                given = gr.Image(type="filepath", image_mode=None, label="Picture",
                                 sources=["upload"], elem_id="given")  # fmt: skip
                shown = gr.Image(label="As the models see it", interactive=False, elem_id="shown")
            with gr.Row():
                sliders = [
                    gr.Slider(low, high, start, label=label, elem_id=name)
                    for name, (low, high, start, label) in SLIDERS.items()
                ]
            with gr.Row():
                labels = [
                    gr.Label(label=name, num_top_classes=SHOWN_CLASSES, elem_id=f"model-{number}")
                    for number, name in enumerate(self.models)
                ]
            for one in (given, *sliders):
                one.change(explained(self.answer), [given, *sliders], [shown, *labels])
            if self.report:
                frame = f'<iframe srcdoc="{html.escape(self.report)}" sandbox></iframe>'
                gr.HTML(frame.replace("<iframe", '<iframe style="width:100%;height:900px"'))
        return page

    def answer(self, upload: str | None, *values: float) -> list[Any]:
        """Return the shifted picture and each model's probabilities.

        Args:
            upload: path of the visitor's picture.
            values: of the sliders, in order.

        Raises:
            ImageError: the picture cannot be read, or is too large.
        """
        if upload is None:
            return [None] * (1 + len(self.models))
        shift = Shift(**dict(zip(SLIDERS, values, strict=True)))
        changed = shift.of(read_upload(upload))
        return [changed, *answers(self.models, changed).values()]
