"""Guards the playground's server: only its own page may talk to it, and that page may talk to nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocketClose

from ...page.assemble import hash_of
from . import KEY_HEADER

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_REFUSAL = "only the page that this server serves may talk to it\n"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class Guard:
    """An ASGI application before another one.

    A request must name this server as its ``Host``; a site that reaches it under another name (DNS rebinding) does not. If
    it has an ``Origin``, as every WebSocket of a browser has, that must be this server's. Every answer forbids frames,
    scripts from elsewhere, and connections to any other server.
    """

    def __init__(self, app: ASGIApp, port: int, page: str, key: str) -> None:
        """Stands before an application.

        Args:
            app: the application.
            port: where it is served, on 127.0.0.1 and localhost.
            page: its HTML; the scripts that stand in it may run.
            key: sent with every answer, so that whoever started this server recognises it.
        """
        hosts = [f"{name}:{port}" for name in ("127.0.0.1", "localhost")]
        self._app = app
        self._hosts = set(hosts)
        self._origins = {f"http://{host}" for host in hosts}
        self._headers = _headers(hosts, page) | {KEY_HEADER: key}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        answer = self._app
        if scope["type"] in ("http", "websocket") and not self._is_ours(scope):
            answer = WebSocketClose(1008) if scope["type"] == "websocket" else PlainTextResponse(_REFUSAL, 403)
        await answer(scope, receive, send_with_headers)

    def _is_ours(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        hosts, origins = set(headers.getlist("host")), set(headers.getlist("origin"))
        needed = scope["type"] == "websocket"
        return bool(hosts) and hosts <= self._hosts and origins <= self._origins and (bool(origins) or not needed)


def _headers(hosts: list[str], page: str) -> dict[str, str]:
    hashes = " ".join(map(hash_of, _INLINE_SCRIPT.findall(page)))
    policy = (
        "default-src 'none'",
        # Without 'unsafe-inline', a script in any text is dead. Streamlit's page compiles some of its own code at run time.
        f"script-src 'self' 'unsafe-eval' {hashes}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self' blob:",
        f"connect-src 'self' {' '.join(f'ws://{host}' for host in hosts)}",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "content-security-policy": "; ".join(policy),
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
