"""What stands before a page: its names, the pages that may call it, and the password."""

import base64
import binascii
import hmac
import ipaddress
import json
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

import h11

from holdfast.serving.access import LOCAL_NAMES, Access

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]
Headers = dict[bytes, bytes]
SECURITY = {
    b"content-security-policy": (
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        b"connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
        b"frame-ancestors 'self'"
    ),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
}
ASK = (b"www-authenticate", b'Basic realm="Holdfast", charset="UTF-8"')


class Guard:
    """Answers requests that may not come in, and adds headers to every answer.

    Args:
        app: what is behind.
        access: who may come in.
    """

    def __init__(self, app: App, access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:  # noqa: ANN401
        """Answer, or hand on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":  # there are no web sockets here
            try:
                await self._answer(scope, receive, send)
            except h11.LocalProtocolError:
                # The body was malformed, so uvicorn itself has answered and closes the link.
                while (await receive())["type"] != "http.disconnect":
                    pass

    async def _answer(self, scope: Scope, receive: Any, send: Any) -> None:  # noqa: ANN401
        async def send_guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", []))
                known = {name.lower() for name, _ in own}
                message["headers"] = own + [one for one in SECURITY.items() if one[0] not in known]
            await send(message)

        refusal = refuse(scope, self.access)
        if refusal is None:
            await self.app(scope, receive, send_guarded)
            return
        status, sentence = refusal
        kind = (b"content-type", b"application/json")
        headers = [kind, ASK] if status == 401 else [kind]
        start = {"type": "http.response.start", "status": status, "headers": headers}
        await send_guarded(start)
        body = json.dumps({"error": sentence}).encode()
        await send_guarded({"type": "http.response.body", "body": body})


def refuse(scope: Scope, access: Access) -> tuple[int, str] | None:
    """Return status and sentence for a request that may not come in; ``None`` for others."""
    headers: Headers = {}
    for name, value in scope["headers"]:
        if name in {b"host", b"origin", b"authorization"} and name in headers:
            return 400, "A request may have one such header only."
        headers[name] = value
    if not known_host(headers.get(b"host", b""), access):
        return 421, "This page does not answer to that name."
    if not same_origin(headers, scope["method"]):
        return 403, "Another page may not use this one."
    if access.password is not None and not knows(headers, access.password):
        return 401, "This page asks for a password."
    return None


def known_host(host: bytes, access: Access) -> bool:
    """Tell whether a page answers to a name.

    Without a password it answers to addresses and this machine's own names only, so that no name
    of a stranger's can be pointed at it (DNS rebinding); with one, to every name.
    """
    try:
        name = urlsplit(f"//{host.decode('ascii')}").hostname or ""
    except ValueError:
        return False
    if access.local:
        return name in LOCAL_NAMES or name == access.host
    return access.password is not None or is_own(name)


def is_own(name: str) -> bool:
    """Tell whether a name is an address, or one of this machine's names."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        machine = socket.gethostname().lower()
        short = machine.split(".")[0]
        return name.lower() in {machine, short, f"{short}.local", "localhost"}
    return True


def same_origin(headers: Headers, method: str) -> bool:
    """Tell whether a request comes from this page, or from no page at all."""
    origin = headers.get(b"origin")
    if origin is not None:
        try:
            return bool(origin) and urlsplit(origin).netloc == headers.get(b"host", b"")
        except ValueError:
            return False
    reading = method in {"GET", "HEAD"}
    return reading or headers.get(b"sec-fetch-site") not in {b"cross-site", b"same-site"}


def knows(headers: Headers, password: str) -> bool:
    """Tell whether a request brings the password, whatever its user name."""
    kind, _, given = headers.get(b"authorization", b"").partition(b" ")
    if kind.lower() != b"basic":
        return False
    try:
        _, _, found = base64.b64decode(given.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(found, password.encode())
