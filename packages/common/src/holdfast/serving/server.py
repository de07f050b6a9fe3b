"""Listening: the address is said once the page answers, and nothing is left when it ends."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Iterator
from types import FrameType

import uvicorn

from holdfast.errors import ConfigError
from holdfast.serving.access import Access
from holdfast.serving.site import Site

MOST_CONNECTIONS = 200
ENDING_SECONDS = 2


class _Server(uvicorn.Server):
    """Says where it listens."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self.address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(f"open {self.address} in a browser; Ctrl-C ends it\n")
            sys.stdout.flush()


def serve(site: Site, port: int) -> None:
    """Serve a page until the user ends it by Ctrl-C or SIGTERM; its jobs are gone then.

    Args:
        site: the page.
        port: 0 takes a free one.

    Raises:
        ConfigError: nothing can listen there, for example because the port is taken.
    """
    access = site.access
    try:
        with contextlib.closing(listen(access.host, port)) as bound, _ended_by_signals():
            if not access.local:
                sys.stderr.write(_note(access))
            config = uvicorn.Config(
                site.app,
                http="h11",
                ws="none",
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_keep_alive=20,
                timeout_graceful_shutdown=ENDING_SECONDS,
            )
            address = address_of(access.host, bound.getsockname()[1])
            asyncio.run(_Server(config, address).serve(sockets=[bound]))
    except KeyboardInterrupt:
        return
    finally:
        site.jobs.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that is bound.

    Raises:
        ConfigError: there is no such address here, or the port is taken.
    """
    if not 0 <= port <= 65535:
        raise ConfigError(f"There is no port {port}: give one from 0 to 65535; 0 takes a free one.")
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot_listen(host, port) from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(where)
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise _cannot_listen(host, port) from error
    return bound


def address_of(host: str, port: int) -> str:
    """Return what to open in a browser for an address that is listened on."""
    shown = socket.gethostname() if host in {"0.0.0.0", "::"} else host  # noqa: S104
    return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"


def _cannot_listen(host: str, port: int) -> ConfigError:
    return ConfigError(
        f"The page cannot listen on {host}:{port}: give another --port, or 0 for a free one."
    )


def _note(access: Access) -> str:
    who = "who knows the password" if access.password else "who reaches it"
    return (
        f"note: everyone {who} can use this page on {access.host}; what they send is not "
        "encrypted on its way.\n"
    )


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Turn SIGTERM into the end of the program, so that all is cleared away as after Ctrl-C."""

    def end(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
