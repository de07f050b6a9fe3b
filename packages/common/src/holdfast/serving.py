"""Serving a gradio page so that nothing but visitors' own files can be read through it."""

import functools
import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from holdfast.errors import ConfigError, HoldfastError, MissingToolError

LOCAL = "127.0.0.1"
LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]


def check_page_tools() -> None:
    """Say what the page needs, and prepare gradio, before it is imported.

    It calls nobody, and what visitors upload goes to a folder that is removed when this process
    ends.

    Raises:
        MissingToolError: gradio is not installed.
    """
    if importlib.util.find_spec("gradio") is None:
        raise MissingToolError("The page needs gradio: `pip install gradio`.")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ["GRADIO_TEMP_DIR"] = uploads_folder().name


@functools.cache
def uploads_folder() -> tempfile.TemporaryDirectory[str]:
    """Return this process's folder of uploads; it is removed when the process ends."""
    return tempfile.TemporaryDirectory(prefix="holdfast-page-", ignore_cleanup_errors=True)


def serve(
    page: Any,  # noqa: ANN401  (gradio's Blocks; gradio is optional)
    *,
    host: str,
    port: int,
    megabytes: float,
    block: bool = True,
) -> str:
    """Serve a page, say where once it listens, and return its address.

    Args:
        page: not yet served.
        host: address to listen on.
        port: 0 takes a free one.
        megabytes: the largest upload.
        block: stay until the user ends it.

    Raises:
        ConfigError: nothing can listen there, for example because the port is taken.
    """
    page.queue(default_concurrency_limit=4, max_size=32)
    try:
        _, address, _ = page.launch(
            server_name=host,
            server_port=port or None,
            share=False,
            quiet=True,
            show_error=True,
            prevent_thread_lock=True,
            max_file_size=f"{megabytes:g}mb",
            allowed_paths=[],
            app_kwargs={"middleware": guards(host)},
        )
    except OSError as error:
        raise ConfigError(
            f"The page cannot listen on {host}:{port}: give another --port, or 0 for a free one."
        ) from error
    if host != LOCAL:
        sys.stderr.write(f"note: everyone who reaches {host} can use this page.\n")
    sys.stdout.write(f"open {address} in a browser; Ctrl-C ends it\n")
    sys.stdout.flush()
    if block:
        page.block_thread()
    return str(address)


def guards(host: str) -> list[Any]:
    """Return what stands before a page: names it answers to, and pages that may call it.

    Args:
        host: that is listened on; another machine's visitors may use any name for it.
    """
    middleware: Any = importlib.import_module("starlette.middleware")
    trusted: Any = importlib.import_module("starlette.middleware.trustedhost")
    found = [middleware.Middleware(SameOrigin)]
    if host in LOCAL_NAMES:
        names = list(LOCAL_NAMES)
        found.append(middleware.Middleware(trusted.TrustedHostMiddleware, allowed_hosts=names))
    return found


class SameOrigin:
    """Refuses requests that a page of another origin has a visitor's browser send.

    Args:
        app: what is behind.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:  # noqa: ANN401
        """Answer with 403, or hand on."""
        if scope["type"] == "http" and not same_origin(dict(scope["headers"])):
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b"another origin\n"})
            return
        await self.app(scope, receive, send)


def same_origin(headers: MutableMapping[bytes, bytes]) -> bool:
    """Tell whether a request comes from this page, or from no page at all."""
    origin = headers.get(b"origin")
    if origin is None:
        return True
    return urlsplit(origin).netloc == headers.get(b"host", b"")


def explained(function: Callable[..., Any]) -> Callable[..., Any]:
    """Show our own sentences on the page; gradio shows other errors by their kind only."""
    gradio: Any = importlib.import_module("gradio")

    @functools.wraps(function)
    def wrapped(*values: Any) -> Any:  # noqa: ANN401
        try:
            return function(*values)
        except HoldfastError as error:
            raise gradio.Error(str(error), duration=None) from error

    return wrapped
