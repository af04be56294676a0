"""A CM home with made-up entries, and the playground over it, for the tests in a browser."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from madeup import HOSTILE, make_entry, store
from scratch import in_memory
from support import PROJECT, heed_signals

from mlperf_training_import.show.playground.playground import free_port

if TYPE_CHECKING:
    from pathlib import Path

_CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Pages that are open at once share a process, and what it has made of the scripts of the playground.
    "--renderer-process-limit=1",
    # ScriptStreaming would parse them all beside it again for every page: a sixth of what the processor does. RenderDocument
    # makes a new frame and compositor each time that a page is loaded anew: a sixth of what that takes.
    "--disable-features=ScriptStreaming,RenderDocument",
    # What was made of scripts is kept: the collector would throw away what has not run for a while, which comes again.
    "--js-flags=--no-flush-bytecode",
]
#: Asks for an image, a style and a page elsewhere, in Markdown and in HTML.
CALLS_OUT = (
    "![](http://tracker.example/note.png) <img src='http://tracker.example/i.png'> <style>@import 'http://tracker.example';"
    "</style><iframe src='http://tracker.example/f'></iframe> <meta http-equiv=refresh content='0;url=http://tracker.example'>"
)
HOSTILE_KEY = f"</script>{HOSTILE}"


@contextlib.contextmanager
def launch_chromium(playwright, *flags: str):
    """A running Chromium, with more flags; skips where it is not installed.

    That without windows is the same engine, and takes an eighth less of the processor.
    """
    executable = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if executable is None:
        pytest.skip("chromium is not installed: apt-get install chromium-headless-shell (or chromium)")
    # Playwright lets its processes share files on the disk, for machines that have little memory in place of it.
    ignored = ["--disable-dev-shm-usage"] if in_memory(1) else []
    browser = playwright.chromium.launch(
        executable_path=executable, args=[*_CHROMIUM_FLAGS, *flags], ignore_default_args=ignored
    )
    yield browser
    browser.close()


@contextlib.contextmanager
def new_page(context):
    """An empty page. The first one stays open, so that those after it have its process, and what that knows of scripts."""
    page = context.new_page()
    yield page
    if len(context.pages) > 1:
        page.close()


class _Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing; the browser asks for an icon, which there is none of."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/favicon.ico":
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()


@contextlib.contextmanager
def serve(folder: Path):
    """Serves a folder on this machine; gives its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


@functools.cache
def _first_port() -> int:
    return free_port()


def server_port() -> int:
    """A port for a playground: the one that others had before, if it is free.

    Their pages have one origin then, whose scripts the browser compiles once.
    """
    try:
        socket.create_server(("127.0.0.1", _first_port())).close()
    except OSError:
        return free_port()
    return _first_port()


def playground_home(folder: Path) -> Path:
    """A CM home with four tasks, one of them hostile, imported one after the other: CM does not find them by name."""
    home = folder / "CM"
    fine_tuning = [make_entry(number, label, number_of_nodes=1) for label in ("4.1", "5.0") for number in range(20)]
    fine_tuning[0]["notes"] = HOSTILE
    images = [
        make_entry(number, "5.0", "text-to-image", energy_kwh=10.5 + number, accelerators_count=4**number)
        for number in range(7)
    ]
    store(home, [*images, make_entry(7, "5.0", "text-to-image", accelerators_count=None)])
    store(home, fine_tuning)
    store(home, [make_entry(number, "4.1", "language-processing") for number in range(12)])
    hostile = {"notes": CALLS_OUT, HOSTILE_KEY: 1.5, "system": HOSTILE, "framework": CALLS_OUT}
    store(home, [make_entry(number, "5.1", "image-generation", **hostile) for number in range(5)])
    return home


@dataclass
class Playground:
    """The playground as it runs: its process, what it printed, its errors, and the files that were installed before."""

    process: subprocess.Popen
    printed: list[str]
    log: Path
    installed_before: dict[str, int]

    @property
    def address(self) -> str:
        return self.printed[0].split()[-1]

    @property
    def base(self) -> str:
        return self.address.partition("?")[0]

    def link(self, title: str) -> str:
        """The printed link with a title."""
        return next(line for line in self.printed if line.startswith(title)).split()[-1]


def start_playground(home: Path, log: Path, **variables: str) -> Playground:
    """Starts the playground over a home, with more variables of the environment, and waits until it says that it runs.

    It has a process group of its own, as a command in a terminal has.
    """
    env = {**os.environ, "HOME": str(log.parent), **variables}
    command = [sys.executable, str(PROJECT / "run.py"), "playground", "--no-browser", "--home", str(home)]
    command.append(f"--port={server_port()}")
    installed_before = installed_files()
    with log.open("w") as errors:
        process = subprocess.Popen(
            command,
            env=env,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
            preexec_fn=heed_signals,
        )
    printed = []
    for line in process.stdout:
        printed.append(line.strip())
        if line.startswith("stop it with"):
            return Playground(process, printed, log, installed_before)
    raise AssertionError(f"the playground did not start: {log.read_text()}")


def is_open(address: str) -> bool:
    """Whether a server takes connections at an address of this machine."""
    parts = urlsplit(address)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname, parts.port)) == 0


def wait_until_stopped(port: int) -> None:
    """Waits until no server answers on a port."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionError:  # refused, or reset while it ends
            return
        time.sleep(0.1)
    raise AssertionError(f"a server still answers on port {port}")


def installed_files() -> dict[str, int]:
    """The files of the installed playground, with the time of their last change."""
    from mlperf_training_import.show.playground.playground import playground_folder

    return {str(file): file.stat().st_mtime_ns for file in playground_folder().rglob("*") if file.is_file()}


def need_playground() -> None:
    """Skips where the playground's requirements are not installed."""
    from mlperf_training_import.show.playground.playground import missing_requirements

    missing = missing_requirements()
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}; pip install -r requirements-playground.txt")
