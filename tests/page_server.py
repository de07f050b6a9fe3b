"""Serve one of the pages with a stand-in model on a free port.

Usage: python page_server.py track|pictures [--host H] [--frames N] [--gigabytes G] [--delay S]
"""

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image

from holdfast.serving.access import choose_access
from holdfast.serving.jobs import Jobs
from holdfast.serving.server import serve
from holdfast.serving.site import Site


class ByColour:
    """Stands for a classifier: names the strongest colour, the surer the stronger it is.

    Args:
        sharpness: of its answers.
    """

    class_names = ("red", "green", "blue")
    exif_rotation = False

    def __init__(self, sharpness: float) -> None:
        self.sharpness = sharpness

    def classify(self, images: list[Image.Image]) -> list[dict[str, float]]:
        rows = []
        for image in images:
            mean = np.asarray(image.convert("RGB"), dtype=float).mean(axis=(0, 1)) / 255
            shares = np.exp(self.sharpness * mean)
            rows.append(dict(zip(self.class_names, (shares / shares.sum()).tolist(), strict=True)))
        return rows


def tracking_site(given: argparse.Namespace) -> Site:
    from tracking_support import FindsRed
    from vl_track.page.app import Page
    from vl_track.page.clip import Limits
    from vl_track.page.session import Session
    from vl_track.tracking import Tracker

    class Slow(FindsRed):
        def forward(self, *values: object, **named: object) -> object:  # type: ignore[override]
            time.sleep(given.delay)
            self.asked.clear()  # or it would keep every template
            return super().forward(*values, **named)  # type: ignore[arg-type]

    jobs = Jobs[Session](gigabytes=given.gigabytes, minutes=60)
    page = Page(Tracker(Slow()), Limits(frames=given.frames, megabytes=1), jobs)
    return page.site(choose_access(given.host))


def pictures_site(given: argparse.Namespace) -> Site:
    from dropout_ft.page.app import Page, Picture
    from dropout_ft.page.examples import from_folder

    jobs = Jobs[Picture](gigabytes=given.gigabytes, minutes=60)
    models = {"soft": ByColour(3.0), "sharp": ByColour(30.0)}
    examples = from_folder(Path(given.examples)) if given.examples else []
    page = Page(models, jobs, examples=examples, megabytes=1, abstain=0.5)  # type: ignore[arg-type]
    return page.site(choose_access(given.host))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("page", choices=["track", "pictures"])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--frames", type=int, default=1500)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--examples", default="")
    words = parser.parse_args()
    serve({"track": tracking_site, "pictures": pictures_site}[words.page](words), 0)
