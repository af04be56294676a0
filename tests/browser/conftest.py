"""A browser, a CM home with made-up entries, and the playground over it. Skips where something is not installed."""

from __future__ import annotations

import contextlib
import json
import re
import signal
from urllib.parse import urlencode

import pytest
from browser_support import (
    installed_files,
    launch_chromium,
    need_playground,
    new_page,
    playground_home,
    start_playground,
)

from mlperf_training_import.show.page.page import write_output
from mlperf_training_import.values import short_digest


@pytest.fixture(scope="session")
def playwright():
    """What drives browsers, for all tests."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install -r tests/requirements-browser.txt"
    )
    with api.sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright):
    """Chromium, for all tests."""
    with launch_chromium(playwright) as browser:
        yield browser


@pytest.fixture(scope="session")
def context(chromium):
    """What pages share as they do in a browser that is used: above all the scripts of the playground, which are large."""
    return chromium.new_context(viewport={"width": 1280, "height": 900})


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
    """The playground over a home with made-up entries; at the end nothing must have gone wrong, and nothing been changed."""
    playground = start_playground(home, tmp_path_factory.mktemp("playground") / "errors.log")
    yield playground
    playground.process.send_signal(signal.SIGTERM)
    playground.process.wait(20)
    log = playground.log.read_text()
    assert not re.search("Traceback|Exception|Error", log), log
    assert installed_files() == playground.installed_before


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """A function that writes a page of entries, and of a report; each is written once."""
    folder = tmp_path_factory.mktemp("pages")

    def write(entries, report=None):
        file = folder / f"{short_digest(json.dumps([entries, report]).encode())}.html"
        if not file.exists():
            write_output(entries, file, report)
        return file

    return write


@pytest.fixture(scope="session")
def kept_page(chromium):
    """The page that is opened for one test after the other."""
    with contextlib.closing(chromium.new_context()) as context, new_page(context) as page:
        listen(page)
        yield page


@pytest.fixture
def opened(kept_page, written):
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
        address = written(entries, report).as_uri()
        if page.url.partition("#")[0] == address:
            page.evaluate(
                "document.activeElement.blur(); document.querySelectorAll('[open]').forEach((it) => { it.open = false; });"
            )
            page.evaluate("document.getElementById('filter-bar').open = true")
        page.goto(f"{address}#{urlencode(state, doseq=True)}")
        return page

    yield open_page
    assert page.errors == []
    assert all(address.startswith(("file:", "data:", "blob:")) for address in page.asked)
