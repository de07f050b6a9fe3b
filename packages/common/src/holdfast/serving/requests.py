"""Reading what visitors send: sizes are checked before anything is kept or decoded."""

import asyncio
import json
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request

from holdfast.serving.errors import PageError
from holdfast.serving.jobs import Job, Jobs

MOST_JSON = 200_000
"""Bytes of a request that is no file."""
DEEPEST = 12
"""Brackets within each other in such a request."""
UPLOAD_SECONDS = 900.0


async def save_upload(
    request: Request, jobs: Jobs[Any], job: Job[Any], file: Path, megabytes: float
) -> None:
    """Write a request's body to a file of a job.

    Args:
        request: whose body is the file, as it is.
        jobs: whose quota counts.
        job: that the file belongs to.
        file: to write, in the job's folder.
        megabytes: the most.

    Raises:
        PageError: empty, too large, too slow, or the quota is full.
    """
    most, size = megabytes * 1e6, 0
    too_large = PageError(413, f"{job.name} is too large: up to {megabytes:g} MB are taken.")
    if announced(request) > most:
        raise too_large
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            with file.open("wb") as out:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > most:
                        raise too_large
                    jobs.reserve(job, len(chunk))
                    out.write(chunk)
    except TimeoutError as error:
        raise PageError(408, f"{job.name} took too long to arrive: try again.") from error
    except ClientDisconnect as error:
        raise PageError(400, f"{job.name} did not arrive whole: try again.") from error
    except OSError as error:
        raise PageError(507, "This page's disk is full: try again later.") from error
    if size == 0:
        raise PageError(400, f"{job.name} is empty: choose another file.")


async def read_json(request: Request, most: int = MOST_JSON) -> dict[str, Any]:
    """Return a request's body as a JSON object.

    Raises:
        PageError: too large, or something else.
    """
    if announced(request) > most:
        raise PageError(413, "The request is too large.")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise PageError(413, "The request is too large.")
    except ClientDisconnect as error:
        raise PageError(400, "The request did not arrive whole.") from error
    if _depth(body) > DEEPEST:
        raise PageError(400, "The request is no JSON object that this page knows.")
    try:
        found = json.loads(bytes(body))
        json.dumps(found, ensure_ascii=False).encode()  # lone surrogates cannot be answered
    except ValueError as error:
        raise PageError(400, "The request is no JSON object.") from error
    if not isinstance(found, dict):
        raise PageError(400, "The request is no JSON object.")
    return found


def announced(request: Request) -> int:
    """Return the size that a request says it has; 0 where it says none."""
    given = request.headers.get("content-length", "0")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 16 else 0


def _depth(body: bytearray) -> int:
    """Return how deep brackets lie within each other at most; those in strings count too."""
    deepest = now = 0
    for one in body:
        if one in b"[{":
            now += 1
            deepest = max(deepest, now)
        elif one in b"]}":
            now -= 1
    return deepest
