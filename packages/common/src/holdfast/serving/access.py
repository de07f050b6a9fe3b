"""Who may use a page. Nothing here imports the web server."""

import getpass
import importlib.util
import ipaddress
import os
import sys
from dataclasses import dataclass, field

from holdfast.errors import ConfigError, MissingToolError

LOCAL = "127.0.0.1"
LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")
PASSWORD = "HOLDFAST_PASSWORD"  # noqa: S105  (the variable's name)
SHORTEST = 8
NEEDED = ("starlette", "uvicorn")


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where a page listens, and what it asks of visitors.

    Attributes:
        host: address to listen on.
        password: that visitors type, with any user name; ``None`` asks for none.
    """

    host: str = LOCAL
    password: str | None = field(default=None, repr=False)

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the page."""
        return is_local(self.host)


def is_local(host: str) -> bool:
    """Tell whether an address or name means this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOCAL_NAMES


def choose_access(host: str, *, anyone: bool = False) -> Access:
    """Return who may use a page; others than this machine need a password or the user's word.

    The password is taken from the environment variable ``HOLDFAST_PASSWORD``, or asked for in a
    terminal. It never is an option: every user of a machine can read command lines.

    Args:
        host: address to listen on.
        anyone: serve other machines without a password.

    Raises:
        ConfigError: others could use the page and there is no password, or a short one.
    """
    password = os.environ.get(PASSWORD) or None
    if password is None and not (is_local(host) or anyone):
        password = _ask(host)
    if password is not None and len(password) < SHORTEST:
        raise ConfigError(
            f"The page's password has {len(password)} characters: take {SHORTEST} or more."
        )
    return Access(host=host, password=password)


def _ask(host: str) -> str:
    if sys.stdin is not None and sys.stdin.isatty():
        given = getpass.getpass(f"Password for visitors of the page on {host}: ")
        if given:
            return given
    raise ConfigError(
        f"Everyone who reaches {host} could use this page: set a password in the environment "
        f"variable {PASSWORD}, or say --anyone true."
    )


def check_page_tools() -> None:
    """Say what a page needs, before it is imported.

    Raises:
        MissingToolError: a package is not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        raise MissingToolError("The page needs a web server: `pip install starlette uvicorn`.")
