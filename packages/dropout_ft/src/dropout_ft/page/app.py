"""The page: drop a picture, shift it, and see every model's answer before and after."""

import asyncio
import base64
import io
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from dropout_ft.data.decoding import read_rgb
from dropout_ft.loading import LoadedClassifier
from dropout_ft.page.examples import Example
from dropout_ft.page.shifting import Shift, answers, read_upload
from holdfast.errors import ConfigError
from holdfast.serving.access import Access
from holdfast.serving.errors import PageError
from holdfast.serving.jobs import Job, Jobs
from holdfast.serving.requests import read_json, save_upload
from holdfast.serving.site import Site, build_site

SLIDERS = {
    "blur": (0.0, 5.0, 0.0, "Blur", "% of the side"),
    "noise": (0.0, 80.0, 0.0, "Noise", "of 255"),
    "contrast": (0.1, 2.0, 1.0, "Contrast", "times"),
    "rotation": (-180.0, 180.0, 0.0, "Rotation", "degrees"),
    "colour": (0.0, 2.0, 1.0, "Colour", "times"),
    "downsample": (0.02, 1.0, 1.0, "Resolution", "share of the side"),
}
AT_ONCE = 2
"""Pictures that are decoded at the same time."""
SHOWN_SIDE, THUMBNAIL_SIDE = 720, 360
SANDBOX = {"content-security-policy": "sandbox; default-src 'none'; img-src data:; "
           "style-src 'unsafe-inline'"}  # fmt: skip
"""A report's scripts do not run, and it can ask nobody for anything."""


@dataclass
class Picture:
    """A visitor's picture.

    Attributes:
        before: each model's probabilities by class, without a shift.
        shown: JPEG for the page.
    """

    before: dict[str, dict[str, float]]
    shown: bytes

    def close(self) -> None:
        """There is no work to end."""


class Page:
    """One page for any number of visitors.

    Args:
        models: by the name they are shown with.
        jobs: of the visitors' pictures.
        examples: for the first click.
        abstain: probability of the best class below which a model's answer is "unknown", in [0, 1].
        megabytes: the largest picture.
        report: text of a ``report.html`` to show below, or empty.

    Raises:
        ConfigError: some models were trained with pictures turned by EXIF and others without.
    """

    def __init__(
        self, models: Mapping[str, LoadedClassifier], jobs: Jobs[Picture], *,
        examples: Sequence[Example] = (), abstain: float = 0.0, megabytes: float = 20.0,
        report: str = "",
    ) -> None:  # fmt: skip
        self.models, self.jobs, self.examples = dict(models), jobs, list(examples)
        self.abstain, self.megabytes, self.report = abstain, megabytes, report
        rotations = {name: one.exif_rotation for name, one in models.items()}
        if len(set(rotations.values())) > 1:
            turned = ", ".join(f"'{name}'" for name, found in rotations.items() if found)
            raise ConfigError(
                f"Only {turned} of these models turns pictures as their EXIF header says "
                "(exif_rotation): show models of one kind on a page."
            )
        self.rotated = any(rotations.values())
        self.deciding = asyncio.Semaphore(AT_ONCE)

    def site(self, access: Access) -> Site:
        """Return the page, not yet served."""
        picture = "/api/pictures/{key}"
        routes = [
            Route("/api/page", self.describe),
            Route("/api/examples/{number:int}.jpg", self.example_picture),
            Route("/api/examples/{number:int}", self.take_example, methods=["POST"]),
            Route("/api/pictures", self.upload, methods=["POST"]),
            Route(picture, self.show),
            Route(picture, self.forget, methods=["DELETE"]),
            Route(f"{picture}/picture.jpg", self.picture),
            Route(f"{picture}/answer", self.answer, methods=["POST"]),
            Route("/report", self.show_report),
        ]
        return build_site("dropout_ft.page", routes, self.jobs, access)

    async def describe(self, _: Request) -> Response:
        """Return what there is to choose from."""
        sliders = [
            {"name": name, "low": low, "high": high, "start": start, "label": label, "unit": unit}
            for name, (low, high, start, label, unit) in SLIDERS.items()
        ]
        examples = [{"title": one.title, "detail": one.detail} for one in self.examples]
        return JSONResponse({
            "models": list(self.models), "sliders": sliders, "examples": examples,
            "abstain": self.abstain, "megabytes": self.megabytes, "report": bool(self.report),
        })  # fmt: skip

    async def example_picture(self, request: Request) -> Response:
        """Return an example's thumbnail."""
        path = self._example(request).path
        content = await asyncio.to_thread(lambda: as_jpeg(read_rgb(path), THUMBNAIL_SIDE))
        return Response(content, media_type="image/jpeg", headers={"cache-control": "max-age=600"})

    async def take_example(self, request: Request) -> Response:
        """Make a job of an example."""
        path = self._example(request).path
        job = self.jobs.new(path.name)

        def fill() -> None:
            self.jobs.reserve(job, path.stat().st_size)
            shutil.copyfile(path, job.folder / "picture")

        return await self._made(job, fill)

    async def upload(self, request: Request) -> Response:
        """Make a job of a picture that a visitor sends."""
        job = self.jobs.new(request.query_params.get("name", "the picture"))
        with self.jobs.removed_on_failure(job):
            await save_upload(request, self.jobs, job, job.folder / "picture", self.megabytes)
        return await self._made(job, lambda: None)

    async def show(self, request: Request) -> Response:
        """Return what the models say without a shift."""
        return JSONResponse(self._described(*self._picture(request)))

    async def forget(self, request: Request) -> Response:
        """Remove a job."""
        await asyncio.to_thread(self.jobs.remove, request.path_params["key"])
        return JSONResponse({})

    async def picture(self, request: Request) -> Response:
        """Return the picture as it was sent, at the page's size."""
        _, picture = self._picture(request)
        return Response(picture.shown, media_type="image/jpeg")

    async def answer(self, request: Request) -> Response:
        """Return the shifted picture, and what the models say of it."""
        job, _ = self._picture(request)
        shift = read_shift(await read_json(request))

        def decide() -> dict[str, Any]:
            path = job.folder / "picture"
            changed = shift.of(read_upload(path, job.name, exif_rotation=self.rotated))
            shown = base64.b64encode(as_jpeg(changed, SHOWN_SIDE)).decode()
            picture = f"data:image/jpeg;base64,{shown}"
            return {"picture": picture, "answers": answers(self.models, changed)}

        async with self.deciding:
            return JSONResponse(await asyncio.to_thread(decide))

    async def show_report(self, _: Request) -> Response:
        """Return the report; its scripts do not run."""
        if not self.report:
            raise PageError(404, "There is no report here.")
        return HTMLResponse(self.report, headers=SANDBOX)

    async def _made(self, job: Job[Picture], fill: Callable[[], None]) -> Response:
        """Decode a job's picture and ask the models; what cannot be used leaves nothing."""

        def make() -> Picture:
            fill()
            path = job.folder / "picture"
            image = read_upload(path, job.name, exif_rotation=self.rotated)
            return Picture(answers(self.models, image), as_jpeg(image, SHOWN_SIDE))

        with self.jobs.removed_on_failure(job):
            async with self.deciding:
                picture = job.content = await asyncio.to_thread(make)
        return JSONResponse(self._described(job, picture), status_code=201)

    def _described(self, job: Job[Picture], picture: Picture) -> dict[str, Any]:
        return {"id": job.id, "name": job.name, "answers": picture.before}

    def _picture(self, request: Request) -> tuple[Job[Picture], Picture]:
        job = self.jobs.get(request.path_params["key"])
        if job.content is None:
            raise PageError(404, "This picture has not arrived yet.")
        return job, job.content

    def _example(self, request: Request) -> Example:
        number = int(request.path_params["number"])
        if number >= len(self.examples):
            raise PageError(404, "There is no such example.")
        return self.examples[number]


def read_shift(given: Mapping[str, Any]) -> Shift:
    """Return the shift that a page asks for; what it does not name stays as it is.

    Raises:
        PageError: a value is no number, or out of range.
    """
    values = {}
    for name, (low, high, start, label, _) in SLIDERS.items():
        value = given.get(name, start)
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        if not plain or not math.isfinite(value) or not low <= value <= high:
            raise PageError(400, f"{label} must be a number from {low:g} to {high:g}.")
        values[name] = float(value)
    return Shift(**values)


def as_jpeg(image: Image.Image, side: int) -> bytes:
    """Return an image as JPEG, its longer side cut to so many pixels."""
    shown = image
    if max(image.size) > side:
        shown = image.copy()
        shown.thumbnail((side, side))
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
