"""The three commands of README as people type them, up to the page in a browser."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time

import pytest
from browser_support import need_playground
from support import CMR, cache_round, run_cmr

POINTS = ".js-plotly-plot .point"
WAIT = 120_000


@contextlib.contextmanager
def opened(*arguments: str):
    """``cmr "gui ..."`` as it runs; gives the address that it prints."""
    command = [*CMR, *arguments, "--no_browser"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = next((line for line in process.stdout if line.startswith("the playground runs at")), "")
            assert line, "the playground did not start"
            yield line.split()[-1]
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def test_import_and_the_playground(registered, sample, page):
    need_playground()
    cache_round(registered, sample, "5.1")
    assert run_cmr("import mlperf training to-experiment").returncode == 0
    with opened("gui _playground") as address:
        page.goto(address)
        page.locator(POINTS).first.wait_for(timeout=WAIT)
        assert page.locator(POINTS).count() == 3
        page.get_by_text("Collective Knowledge Playground").wait_for(timeout=WAIT)
    assert page.errors == []
    with pytest.raises(Exception, match="ERR_CONNECTION_REFUSED"):
        page.goto(address)


def test_the_page_of_results_alone(registered, sample, page):
    need_playground()
    cache_round(registered, sample, "5.1")
    assert run_cmr("import mlperf training to-experiment").returncode == 0
    asked = ("--exp_tags=mlperf-training,5.1,open", "--exp_key_x=number_of_nodes", "--exp_key_y=Result", "--exp_title=Mine")
    with opened("gui _graph", *asked) as address:
        page.goto(address)
        page.locator(POINTS).first.wait_for(timeout=WAIT)
        assert page.locator(".xtitle").text_content() == "number_of_nodes"
        assert page.locator(".gtitle").text_content() == "Mine"
        assert page.get_by_text("Collective Knowledge Playground").count() == 0


def test_no_server_is_left_when_cmr_is_killed(registered, sample, page):
    need_playground()
    cache_round(registered, sample, "5.1")
    assert run_cmr("import mlperf training to-experiment").returncode == 0
    command = [*CMR, "gui _playground", "--no_browser"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        address = next(line for line in process.stdout if line.startswith("the playground runs at")).split()[-1]
        os.kill(process.pid, signal.SIGKILL)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            page.goto(address)
        except Exception as error:
            assert "ERR_CONNECTION_REFUSED" in str(error)
            return
    raise AssertionError("the server still answers")
