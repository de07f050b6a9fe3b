"""The page: addresses, and what each of them does."""

import asyncio
import contextlib
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from holdfast.serving.access import Access
from holdfast.serving.errors import PageError
from holdfast.serving.jobs import Job, Jobs
from holdfast.serving.requests import read_json, save_upload
from holdfast.serving.site import Site, build_site
from vl_track.page.clip import ENDINGS, Limits, open_clip
from vl_track.page.examples import Example, installed_examples, thumbnail
from vl_track.page.files import ABSENT, LOST, PRESENT, SURE, boxes_text, write_overlay
from vl_track.page.objects import NAME_LENGTH, TEXT_LENGTH
from vl_track.page.running import InTurn
from vl_track.page.session import Session, Workers
from vl_track.tracking import Tracker
from vl_track.video.drawing import COLOURS

AT_ONCE = 2
"""Runs at the same time, and so many readings of clips, and overlays that are drawn."""
FRAME_SECONDS = 8.0
"""How long a frame that has not been read yet is waited for."""


class Page:
    """One page for any number of visitors.

    Args:
        tracker: whose network, options and device all visitors' trackers share.
        limits: of what visitors send.
        jobs: of the visitors.
    """

    def __init__(self, tracker: Tracker, limits: Limits, jobs: Jobs[Session]) -> None:
        self.tracker, self.limits, self.jobs = tracker, limits, jobs
        self.examples = [one for one in installed_examples() if one[0].frame < limits.frames]
        self.opening = asyncio.Semaphore(AT_ONCE)
        self.drawing = asyncio.Semaphore(AT_ONCE)
        lock = threading.Lock()
        self.workers = Workers(
            new_tracker=lambda: InTurn(tracker.another(), lock),
            remarks=tracker.network.text.remarks,
            tracking=ThreadPoolExecutor(AT_ONCE, "tracking"),
            reading=ThreadPoolExecutor(AT_ONCE, "reading"),
        )

    def site(self, access: Access) -> Site:
        """Return the page, not yet served."""
        job = "/api/jobs/{key}"
        routes = [
            Route("/api/page", self.describe),
            Route("/api/words", self.words),
            Route("/api/examples/{number:int}.jpg", self.example_picture),
            Route("/api/examples/{number:int}", self.take_example, methods=["POST"]),
            Route("/api/jobs", self.upload, methods=["POST"]),
            Route(job, self.show),
            Route(job, self.forget, methods=["DELETE"]),
            Route(f"{job}/frames/{{number:int}}.jpg", self.frame),
            Route(f"{job}/objects", self.draw, methods=["PUT"]),
            Route(f"{job}/track", self.track, methods=["POST"]),
            Route(f"{job}/stop", self.stop, methods=["POST"]),
            Route(f"{job}/progress", self.progress),
            Route(f"{job}/boxes/{{number:int}}.txt", self.boxes),
            Route(f"{job}/overlay.mp4", self.overlay),
        ]
        return build_site("vl_track.page", routes, self.jobs, access)

    async def describe(self, _: Request) -> Response:
        """Return the page's limits and examples."""
        limits = self.limits
        examples = [
            {"title": one.title, "text": one.text, "box": one.box, "size": one.size,
             "picture": f"{number}.jpg"}
            for number, (one, _) in enumerate(self.examples)
        ]  # fmt: skip
        return JSONResponse({
            "megabytes": limits.megabytes, "frames": limits.frames, "objects": limits.objects,
            "endings": ENDINGS, "examples": examples, "colours": COLOURS,
            "minutes": round(self.jobs.seconds / 60), "text": TEXT_LENGTH, "name": NAME_LENGTH,
            "score": [SURE, LOST], "present": [PRESENT, ABSENT],
        })  # fmt: skip

    async def words(self, request: Request) -> Response:
        """Return what a visitor should know about a sentence, while it is typed."""
        text = request.query_params.get("text", "")[:TEXT_LENGTH]
        return JSONResponse({"remarks": self.workers.remarks(text) if text.strip() else []})

    async def example_picture(self, request: Request) -> Response:
        """Return an example's thumbnail."""
        example, path = self._example(request)
        picture = await asyncio.to_thread(thumbnail, path, example.frame)
        return Response(picture, media_type="image/jpeg", headers={"cache-control": "max-age=600"})

    async def take_example(self, request: Request) -> Response:
        """Make a job of an example, with its box and sentence."""
        example, path = self._example(request)
        job = self.jobs.new(example.file)

        def fill() -> None:
            self.jobs.reserve(job, path.stat().st_size)
            shutil.copyfile(path, job.folder / "clip")

        limits = replace(self.limits, frames=min(self.limits.frames, example.end))
        return await self._made(job, fill, limits, example.objects())

    async def upload(self, request: Request) -> Response:
        """Make a job of a file that a visitor sends."""
        job = self.jobs.new(request.query_params.get("name", "the clip"))
        with self.jobs.removed_on_failure(job):
            await save_upload(request, self.jobs, job, job.folder / "clip", self.limits.megabytes)
        return await self._made(job, lambda: None, self.limits, [])

    async def show(self, request: Request) -> Response:
        """Return everything about a job."""
        return JSONResponse(self._session(request).describe())

    async def forget(self, request: Request) -> Response:
        """Remove a job."""
        await asyncio.to_thread(self.jobs.remove, request.path_params["key"])
        return JSONResponse({})

    async def frame(self, request: Request) -> Response:
        """Return a frame's picture; one that is not read yet is waited for."""
        clip, number = self._session(request).clip, request.path_params["number"]
        loop = asyncio.get_running_loop()
        latest = loop.time() + FRAME_SECONDS
        while number >= len(clip.pictures):
            if clip.read or number >= clip.most:
                raise PageError(404, f"The clip has no frame {number}.")
            if loop.time() > latest:
                raise PageError(503, "This frame has not been read yet.")
            await asyncio.sleep(0.05)
        headers = {"cache-control": "private, max-age=3600"}
        return FileResponse(clip.picture(number), media_type="image/jpeg", headers=headers)

    async def draw(self, request: Request) -> Response:
        """Take the objects as the visitor describes them."""
        session, given = self._session(request), await read_json(request)
        await asyncio.to_thread(session.draw, given.get("objects"))
        return JSONResponse({"objects": session.marks()})

    async def track(self, request: Request) -> Response:
        """Begin to track."""
        session = self._session(request)
        await asyncio.to_thread(session.start)
        return JSONResponse(session.progress(0))

    async def stop(self, request: Request) -> Response:
        """Stop tracking; what was found stays."""
        session = self._session(request)
        await asyncio.to_thread(session.stop)
        return JSONResponse(session.progress(len(session.run.rows)))

    async def progress(self, request: Request) -> Response:
        """Return what was found since the last time."""
        session = self._session(request)
        since = request.query_params.get("since", "0")
        known = int(since) if since.isascii() and since.isdigit() and len(since) < 9 else 0
        same = request.query_params.get("run") == str(session.run.number)
        found = session.progress(known if same else 0)
        return JSONResponse({**found, **session.reading()})

    async def boxes(self, request: Request) -> Response:
        """Return an object's boxes."""
        session = self._session(request)
        one = session.objects.get(request.path_params["number"])
        if one is None:
            raise PageError(404, "There is no such object.")
        return PlainTextResponse(boxes_text(one), headers=_download("boxes.txt"))

    async def overlay(self, request: Request) -> Response:
        """Return the clip with boxes drawn in."""
        session = self._session(request)
        async with self.drawing:
            await asyncio.to_thread(self._write_overlay, session)
        return FileResponse(
            session.overlay_file(), media_type="video/mp4", headers=_download("tracked.mp4")
        )

    def _write_overlay(self, session: Session) -> None:
        with session.overlay:
            file = session.overlay_file()
            before = file.stat().st_size if file.is_file() else 0
            write_overlay(file, session.clip, list(session.objects.values()), session.closed)
            try:
                self.jobs.reserve(session.job, file.stat().st_size - before)
            except PageError:  # what is not counted is not kept, or the next request is given it
                file.unlink(missing_ok=True)
                with contextlib.suppress(PageError):
                    self.jobs.reserve(session.job, -before)
                raise

    async def _made(
        self,
        job: Job[Session],
        fill: Callable[[], None],
        limits: Limits,
        objects: list[dict[str, Any]],
    ) -> Response:
        """Look at a job's clip and describe it; a clip that cannot be used leaves nothing."""

        def make() -> Session:
            fill()
            clip = open_clip(job.folder / "clip", job.name, limits)
            return Session(job, self.jobs, clip, limits, self.workers)

        with self.jobs.removed_on_failure(job):
            async with self.opening:
                session = job.content = await asyncio.to_thread(make)
            session.draw(objects)
        return JSONResponse(session.describe(), status_code=201)

    def _session(self, request: Request) -> Session:
        session = self.jobs.get(request.path_params["key"]).content
        if session is None:
            raise PageError(404, "This clip has not arrived yet.")
        return session

    def _example(self, request: Request) -> tuple[Example, Path]:
        number = int(request.path_params["number"])
        if number >= len(self.examples):
            raise PageError(404, "There is no such example.")
        return self.examples[number]


def _download(name: str) -> dict[str, str]:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return {**headers, "cache-control": "no-store"}
