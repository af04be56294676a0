"""The three commands of README as people type them, in every kind of CM home, up to the page in a browser."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from browser_support import need_playground
from installed import index_home, install_wheel, make_environment
from support import PROJECT, cache_round, run_cmr

from mlperf_training_import.show.playground.playground import free_port
from mlperf_training_import.start.sample import make_repository, write_sample

if TYPE_CHECKING:
    from pathlib import Path

#: With the other tests of one playground, whose scripts their browser has read then.
pytestmark = pytest.mark.xdist_group("playground")

POINTS = ".js-plotly-plot .point"
WAIT = 120_000


@contextlib.contextmanager
def opened(python: str, *arguments: str):
    """``cmr "gui ..."`` as it runs; gives the address that it prints."""
    command = [python, "-m", "cmind", "run", "script", *arguments, "--no_browser", f"--port={free_port()}"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = next((line for line in process.stdout if line.startswith("the playground runs at")), "")
            assert line, "the playground did not start"
            yield process, line.split()[-1]
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def three_commands() -> list[str]:
    """The block of README with the three commands."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8").partition("## With Collective Mind")[2]
    lines = text.split("```bash\n")[1].partition("```")[0].splitlines()
    assert len(lines) == 3
    return lines


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The Python of an environment with our wheel, and a CM home that was indexed before it was installed."""
    folder = tmp_path_factory.mktemp("installed")
    environment = make_environment(folder / "env")
    index_home(environment, folder / "old")
    install_wheel(environment, folder)
    return environment, folder / "old"


@pytest.mark.parametrize("kind", ["checkout", "installed", "installed, indexed before"])
def test_three_commands(kind, request, tmp_path, monkeypatch, page):
    need_playground()
    python, register = sys.executable, [sys.executable, str(PROJECT / "run.py"), "register"]
    if kind != "checkout":
        environment, old = request.getfixturevalue("installed")
        python, register = environment.python, None
        if kind == "installed, indexed before":
            monkeypatch.setenv("CM_REPOS", str(old))
            register = [str(environment.folder / "bin/mlperf-training"), "register"]
    if register:
        subprocess.run(register, check=True, capture_output=True)
    fetch, import_, gui = (shlex.split(line) for line in three_commands())
    make_github(tmp_path, fetch, monkeypatch)
    for _, *arguments in (fetch, import_):
        done = subprocess.run(
            [python, "-m", "cmind", "run", "script", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    with opened(python, *gui[1:]) as (_, address):
        page.goto(address)
        page.wait_for_function("(points) => document.querySelectorAll(points).length === 3", arg=POINTS, timeout=WAIT)
        page.get_by_text("Collective Knowledge Playground").wait_for(timeout=WAIT)
        assert page.errors == []
    with pytest.raises(Exception, match="ERR_CONNECTION_REFUSED"):
        page.goto(address)


def make_github(folder: Path, fetch: list[str], monkeypatch) -> None:
    """Makes the sample round reachable under the address in a line that fetches."""
    address = next(word for word in fetch[1].split() if word.startswith("_repo.")).removeprefix("_repo.https://github.com/")
    write_sample(folder / "github" / address)
    make_repository(folder / "github" / address)
    (folder / "gitconfig").write_text(f'[url "file://{folder}/github/"]\ninsteadOf = https://github.com/\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder / "gitconfig"))


@pytest.fixture
def imported(registered, sample):
    """A CM home with the sample round imported."""
    need_playground()
    cache_round(registered, sample, "5.1")
    assert run_cmr("import mlperf training to-experiment").returncode == 0


def test_the_page_of_results_alone(imported, page):
    asked = ("--exp_tags=mlperf-training,5.1,open", "--exp_key_x=number_of_nodes", "--exp_key_y=Result", "--exp_title=Mine")
    with opened(sys.executable, "gui _graph", *asked) as (_, address):
        page.goto(address)
        page.locator(POINTS).first.wait_for(timeout=WAIT)
        assert page.locator(".xtitle").text_content() == "number_of_nodes (nodes)"
        assert page.locator(".gtitle").text_content() == "Mine"
        assert page.get_by_text("Collective Knowledge Playground").count() == 0


def test_no_server_is_left_when_cmr_is_killed(imported, page):
    with opened(sys.executable, "gui _playground") as (process, address):
        assert page.goto(address).status == 200
        os.kill(process.pid, signal.SIGKILL)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                page.goto(address)
            except Exception as error:
                if "ERR_CONNECTION_REFUSED" in str(error):  # while it ends, the connection is reset or empty
                    return
    raise AssertionError("the server still answers")
