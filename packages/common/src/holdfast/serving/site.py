"""The application of a page: its files, its answers to errors, and the end of its jobs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from holdfast.errors import HoldfastError
from holdfast.serving.access import Access
from holdfast.serving.errors import status_of, without_paths
from holdfast.serving.guard import Guard
from holdfast.serving.jobs import Jobs

KINDS = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
SWEEP_SECONDS = 20.0
FOUND_NOTHING = {404: "There is nothing at this address.", 405: "That cannot be done here."}


@dataclass(frozen=True)
class Site:
    """A page that can be served.

    Attributes:
        app: the application.
        access: that its guard was made for.
        jobs: of its visitors.
    """

    app: Starlette
    access: Access
    jobs: Jobs[Any]


def build_site(package: str, routes: Sequence[BaseRoute], jobs: Jobs[Any], access: Access) -> Site:
    """Put a page together.

    Args:
        package: whose folder ``static`` has ``index.html`` and the files it names.
        routes: of the page's own.
        jobs: of its visitors; they are removed when the page ends.
        access: who may come in.
    """
    known = {**static_files("holdfast.serving"), **static_files(package)}

    async def file(request: Request) -> Response:
        return _file(known, request.path_params["name"])

    async def index(_: Request) -> Response:
        return _file(known, "index.html")

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, HoldfastError)
        return as_error(status_of(error), without_paths(str(error), jobs.folder))

    async def not_found(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        sentence = FOUND_NOTHING.get(error.status_code, "This request cannot be answered.")
        return as_error(error.status_code, sentence)

    @contextlib.asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(_sweep(jobs))
        try:
            yield
        finally:
            task.cancel()
            jobs.close()

    app = Starlette(
        routes=[Route("/", index), Route("/static/{name}", file), *routes],
        middleware=[Middleware(Guard, access=access)],
        exception_handlers={HoldfastError: refused, HTTPException: not_found},
        lifespan=life,
    )
    return Site(app, access, jobs)


def static_files(package: str) -> dict[str, bytes]:
    """Read a package's folder ``static`` of flat files; nothing else can be asked for."""
    folder = files(package) / "static"
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}


def as_error(status: int, sentence: str) -> JSONResponse:
    """Return an answer that says why there is no other."""
    return JSONResponse({"error": sentence}, status_code=status)


def _file(known: dict[str, bytes], name: str) -> Response:
    content = known.get(name)
    kind = KINDS.get(name.rpartition(".")[2])
    if content is None or kind is None:
        return as_error(404, FOUND_NOTHING[404])
    headers = {"cache-control": "no-cache", "content-type": kind}
    return Response(content, headers=headers)


async def _sweep(jobs: Jobs[Any]) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await asyncio.to_thread(jobs.sweep)
