"""A browser, a CM home with made-up entries, and the playground over it. Skips where something is not installed."""

from __future__ import annotations

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
        page.errors, page.asked = [], []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: page.asked.append(request.url))
        yield page


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


@pytest.fixture
def opened(page, tmp_path):
    """A function that writes a page of entries and opens it; at the end the page must have had no error and no request.

    Where nothing is chosen it opens on all benchmarks, and one benchmark on all of its sizes.
    """

    def open_page(entries, report=None, **state):
        state = {"benchmark": "all", **({"view": "sizes"} if "benchmark" in state else {})} | state
        file = tmp_path / "report.html"
        write_output(entries, file, report)
        page.goto(f"{file.as_uri()}#{urlencode(state, doseq=True)}")
        return page

    yield open_page
    assert page.errors == []
    assert all(address.startswith(("file:", "data:", "blob:")) for address in page.asked)
