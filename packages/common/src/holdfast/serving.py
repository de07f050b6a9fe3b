"""Serving a gradio page so that nothing but visitors' own files can be read through it."""

import functools
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from typing import Any

from holdfast.errors import ConfigError, HoldfastError, MissingToolError

LOCAL = "127.0.0.1"


def check_page_tools() -> None:
    """Say what the page needs, and keep gradio from calling home.

    Raises:
        MissingToolError: gradio is not installed.
    """
    if importlib.util.find_spec("gradio") is None:
        raise MissingToolError("The page needs gradio: `pip install gradio`.")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")


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
