"""The playground's own process: Streamlit behind the guard, for as long as the process that started it lives.

``playground.py`` of our package starts it with the port as argument, and holds the other end of its standard input. That
ends with its holder, however this is killed, and so does this process.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import streamlit
from starlette.middleware import Middleware

from .guard import Guard

HOST = "127.0.0.1"
_PAGE = Path(streamlit.__file__).parent / "static" / "index.html"


def serve(port: int) -> None:
    """Serves the playground until this process or the one that started it is stopped."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    key = os.environ.pop("MLPERF_TRAINING_PLAYGROUND_KEY", "")
    guard = Middleware(Guard, port=port, page=_PAGE.read_text(encoding="utf-8"), key=key)
    app = streamlit.App(Path(__file__).with_name("app.py"), middleware=[guard])
    app.run(
        config={
            "server.address": HOST,
            "server.port": port,
            "server.headless": True,  # asks for no e-mail address, and leaves the browser to us
            "server.fileWatcherType": "none",
            "browser.gatherUsageStats": False,
            "client.toolbarMode": "minimal",
            "client.showErrorDetails": "none",
            "logger.level": "error",  # the installed pages use what newer versions warn of
        }
    )


def _end_with_parent() -> None:
    # sys.stdin would be locked meanwhile, at which Python aborts if it ends first
    while os.read(0, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
