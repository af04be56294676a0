"""Stands before the playground's server: only the page that it serves may talk to it, and that page to nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

KEY_HEADER = "x-playground-key"

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class Guard:
    """An ASGI application before another one.

    A request must name this server as its ``Host``, which a site that another name leads to (DNS rebinding) does not; and
    where it has an ``Origin``, as every WebSocket of a browser has, this server's own. Every answer forbids frames, scripts
    that do not lie on this server, and connections to any other.
    """

    def __init__(self, app: App, port: int, page: str, key: str) -> None:
        """Stands before an application.

        Args:
            app: the application.
            port: where it is served, on 127.0.0.1 and localhost.
            page: its HTML; the scripts that stand in it may run.
            key: stands in every answer, so that whoever started this server knows it by that.
        """
        hosts = [f"{name}:{port}" for name in ("127.0.0.1", "localhost")]
        self._app = app
        self._hosts = {host.encode() for host in hosts}
        self._origins = {f"http://{host}".encode() for host in hosts}
        headers = _headers(hosts, page) | {KEY_HEADER: key}
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif self._is_ours(scope):
            await self._app(scope, receive, self._with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send(
                {"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain"), *self._headers]}
            )
            await send({"type": "http.response.body", "body": b"only the page that this server serves may talk to it\n"})

    def _is_ours(self, scope: Message) -> bool:
        hosts = {value for name, value in scope["headers"] if name == b"host"}
        origins = {value for name, value in scope["headers"] if name == b"origin"}
        needed = scope["type"] == "websocket"
        return bool(hosts) and hosts <= self._hosts and origins <= self._origins and (bool(origins) or not needed)

    def _with_headers(self, send: Send) -> Send:
        ours = {name for name, _ in self._headers}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in ours]
                message["headers"] = [*kept, *self._headers]
            await send(message)

        return send_with_headers


def _headers(hosts: list[str], page: str) -> dict[str, str]:
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in _INLINE_SCRIPT.findall(page))
    policy = {
        "default-src": "'none'",
        # Without 'unsafe-inline', a script in any text is dead. Streamlit's page compiles some of its own code at run time.
        "script-src": f"'self' 'unsafe-eval' {hashes}",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self'",
        "manifest-src": "'self'",
        "worker-src": "'self' blob:",
        "connect-src": " ".join(("'self'", *(f"ws://{host}" for host in hosts))),
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "content-security-policy": "; ".join(f"{name} {value}".strip() for name, value in policy.items()),
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
