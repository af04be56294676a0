"""A browser, a CM home with made-up entries, and the playground over it. Skips where something is not installed."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import signal
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from browser_support import (
    installed_files,
    is_open,
    launch_chromium,
    need_playground,
    new_page,
    playground_home,
    start_playground,
)
from support import in_every_process

from mlperf_training_import.show.page.page import write_output

WAIT = 60_000
#: The page of the playground that has fields, and one that has none.
EXPERIMENTS = "experiments"
EMPTY = "action=beta"
GO = "(address) => { history.pushState(null, '', address); dispatchEvent(new PopStateEvent('popstate')); }"
#: Notes the address of every connection that a Python process makes.
AUDIT = """
import os, sys
def note(event, arguments):
    if event == "socket.connect":
        with open(os.environ["CONNECTIONS"], "a") as file:
            file.write(f"{arguments[1]}\\n")
sys.addaudithook(note)
"""


@pytest.fixture(scope="session")
def playwright():
    """What drives browsers, for all tests."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install -r tests/requirements-browser.txt"
    )
    with api.sync_playwright() as playwright:
        yield playwright


@dataclass
class Site:
    """A web site of somebody else: its pages by path, and where anyone has asked it for anything."""

    port: int
    pages: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def site():
    """A site that every name but those of this machine leads to; at the end its own pages only must have been asked for."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            site.asked.append(f"{self.headers['Host']}{self.path}")
            body = site.pages.get(self.path, "").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = Site(server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield site
        server.shutdown()
    assert [asked for asked in site.asked if not asked.startswith("evil.example")] == []


@pytest.fixture(scope="session")
def chromium(playwright, site):
    """Chromium, for all tests. Every name leads to the site of somebody else; ``rebound.example`` alone is this machine."""
    rules = f"MAP rebound.example 127.0.0.1, MAP * 127.0.0.1:{site.port}, EXCLUDE 127.0.0.1, EXCLUDE localhost"
    with launch_chromium(playwright, f"--host-resolver-rules={rules}") as browser:
        yield browser


@pytest.fixture(scope="session")
def context(chromium):
    """What pages share as they do in a browser that is used: above all the scripts of the playground, which are large."""
    return chromium.new_context(viewport={"width": 1280, "height": 720}, device_scale_factor=0.5)  # fewer pixels to paint


@pytest.fixture
def page(context):
    """An empty page, which collects what goes wrong on it in ``errors`` and all addresses that it asks for in ``asked``."""
    with new_page(context) as page:
        listen(page)
        yield page


def listen(page):
    """Collects what goes wrong on a page, and what it asks for."""
    page.errors, page.asked = [], []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: page.asked.append(request.url))


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A CM home with made-up entries, which playgrounds only read."""
    need_playground()
    return playground_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def playground(home, tmp_path_factory):
    """The playground over a home with made-up entries, hostile ones too.

    At the end nothing must have gone wrong, nothing been changed, and no process of it have connected to another machine.
    """
    folder = tmp_path_factory.mktemp("playground")
    noted = folder / "connections"
    path = in_every_process(folder / "site", AUDIT)
    playground = start_playground(home, folder / "errors.log", PYTHONPATH=path, CONNECTIONS=str(noted))
    yield playground
    playground.process.send_signal(signal.SIGTERM)
    printed, _ = playground.process.communicate(timeout=20)
    assert (playground.process.returncode, printed) == (0, "the playground has stopped\n")
    assert not is_open(playground.address)
    log = playground.log.read_text()
    assert not re.search("Traceback|Exception|Error", log), log
    assert installed_files() == playground.installed_before
    connections = noted.read_text().splitlines()
    assert connections
    assert [address for address in connections if not address.startswith("('127.0.0.1'")] == []


@pytest.fixture(scope="session")
def first_page(playground, context):
    """The page that the playground opens on."""
    page = context.new_page()
    listen(page)
    page.goto(playground.address)
    return page


def action_of(query: str) -> str:
    """Which page of the playground an address is of."""
    return parse_qs(query)["action"][0]


@pytest.fixture
def visit(first_page):
    """A function that goes to an address of the playground as Back and Forward do: to load its scripts takes seconds."""

    def go_to(address: str):
        queries = [urlsplit(address).query]
        if all(action_of(query) == EXPERIMENTS for query in (urlsplit(first_page.url).query, *queries)):
            queries.insert(0, EMPTY)  # where no field is, what was chosen in any is forgotten
        for query in queries:
            first_page.evaluate(GO, f"?{query}")
            first_page.locator(f'a[href="?action={action_of(query)}"] button[style*=italic]').wait_for(timeout=WAIT)
            first_page.locator("[data-test-script-state=notRunning]").wait_for(timeout=WAIT)
        return first_page

    return go_to


@pytest.fixture(scope="session")
def kept_page(chromium):
    """The page that is opened for one test after the other."""
    with contextlib.closing(chromium.new_context()) as context, new_page(context) as page:
        listen(page)
        yield page


@pytest.fixture(scope="session")
def load_entries(kept_page, tmp_path_factory):
    """A function that loads a page of entries, and of a report, unless that is the one that is loaded.

    All are written to one file: of scripts with the same name and text, the browser keeps what it compiled.
    """
    file = tmp_path_factory.mktemp("pages") / "report.html"
    loaded = []

    def load(entries, report, state: str) -> None:
        wanted = json.dumps([entries, report])
        if loaded == [wanted]:
            kept_page.evaluate(
                "document.activeElement.blur(); document.querySelectorAll('[open]').forEach((it) => { it.open = false; });"
            )
            kept_page.evaluate("document.getElementById('filter-bar').open = true")
            kept_page.goto(f"{file.as_uri()}#{state}")
            return
        write_output(entries, file, report)
        if loaded:
            kept_page.evaluate("(state) => history.replaceState(null, '', state)", f"#{state}")
            kept_page.reload()
        else:
            kept_page.goto(f"{file.as_uri()}#{state}")
        loaded[:] = [wanted]

    return load


@pytest.fixture
def opened(kept_page, load_entries):
    """A function that opens a page of entries; at the end the page must have had no error and no request.

    Where nothing is chosen it opens on all benchmarks, and one benchmark on all of its sizes. The page is loaded anew only
    where the entries are others than those of the test before.
    """
    page = kept_page
    page.errors.clear()
    page.asked.clear()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(media="screen", color_scheme="light")

    def open_page(entries, report=None, **state):
        state = {"benchmark": "all", **({"view": "sizes"} if "benchmark" in state else {})} | state
        load_entries(entries, report, urlencode(state, doseq=True))
        return page

    yield open_page
    assert page.errors == []
    assert all(address.startswith(("file:", "data:", "blob:")) for address in page.asked)
