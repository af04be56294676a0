"""Makes the pictures in README from the imported results: ``python docs/make_screenshots.py``.

Shows the entries of the CM home (``~/CM``, or what ``CM_REPOS`` names). Needs ``requirements-playground.txt``,
``tests/requirements-browser.txt`` and Debian's ``chromium-headless-shell`` or ``chromium``.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from cmind.core import CM
from playwright.sync_api import Browser, Page, sync_playwright

PROJECT = Path(__file__).resolve().parent.parent
FIGURES = PROJECT / "docs" / "figures"
sys.path.insert(0, str(PROJECT))

from typing import TYPE_CHECKING

from mlperf_training_import.experiments.collect import collect_from, unique_entries
from mlperf_training_import.homes import home_of
from mlperf_training_import.show.page.page import write_output

if TYPE_CHECKING:
    from collections.abc import Iterator


def picture_playground(browser: Browser) -> None:
    """The visible part of the first page of the playground."""
    with running_playground() as address:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(address)
        page.locator(".js-plotly-plot .point").first.wait_for(timeout=120_000)
        page.wait_for_timeout(2000)  # the plot grows to its full width
        page.locator(".js-plotly-plot .point").nth(20).hover(force=True)
        save(page, "playground")


#: Pictures of the page: name, colour scheme, window size, and the selection in the address.
PICTURES = (
    ("report", "light", 1400, 900, {"benchmark": "llama2_70b_lora-4.0"}),
    ("report-overview", "light", 1400, 1000, {"benchmark": "all"}),
    ("report-phone", "dark", 390, 1300, {"benchmark": "llama2_70b_lora-4.0"}),
)


def picture_page(browser: Browser) -> None:
    """The page without a server: light on a wide screen, dark on a phone."""
    entries = unique_entries(collect_from(home_of(CM()), ""))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        write_output(entries, file)
        for name, scheme, width, height, state in PICTURES:
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto(f"{file.as_uri()}#{urlencode(state)}")
            page.locator("#scroll tbody tr:not(.space)").first.wait_for()
            save(page, name)


def save(page: Page, name: str, **options) -> None:
    """Writes a picture and prints its path."""
    file = FIGURES / f"{name}.png"
    page.screenshot(path=file, **options)
    print(f"wrote {file} ({file.stat().st_size // 1024} KB)")
    page.close()


@contextlib.contextmanager
def running_playground() -> Iterator[str]:
    """The address of a playground that runs during the block."""
    command = [sys.executable, str(PROJECT / "run.py"), "playground", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own arguments
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


def main() -> None:
    """Makes all pictures."""
    FIGURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        executable = shutil.which("chromium-headless-shell") or shutil.which("chromium")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        picture_page(browser)
        picture_playground(browser)
        browser.close()


if __name__ == "__main__":
    main()
