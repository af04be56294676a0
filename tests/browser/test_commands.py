"""The three commands of README as people type them, in every kind of CM home, up to the page in a browser."""

from __future__ import annotations

import contextlib
import shlex
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import pytest
from browser_support import need_playground, server_port, wait_until_stopped
from installed import index_home, install_wheel, make_environment
from support import PROJECT

from mlperf_training_import.show.playground.viewer import KEY_HEADER
from mlperf_training_import.start.sample import make_repository, write_sample

if TYPE_CHECKING:
    from pathlib import Path

#: With the other tests of one playground, whose scripts their browser has read then.
pytestmark = pytest.mark.xdist_group("playground")

POINTS = ".js-plotly-plot .point"
WAIT = 60_000


@contextlib.contextmanager
def opened(python: str, *arguments: str, stop: signal.Signals = signal.SIGTERM):
    """``cmr "gui ..."`` as it runs, which has left no server once the signal has stopped it; gives the address it prints."""
    command = [python, "-m", "cmind", "run", "script", *arguments, "--no_browser", f"--port={server_port()}"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = next((line for line in process.stdout if line.startswith("the playground runs at")), "")
            assert line, "the playground did not start"
            yield line.split()[-1]
        finally:
            process.send_signal(stop)
            process.communicate(timeout=30)
    wait_until_stopped(urlsplit(line.split()[-1]).port)


def assert_ours_answers(address: str) -> None:
    """Our server does, and knows the page."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address) as answer:
        assert answer.status == 200
        assert answer.headers[KEY_HEADER]


def three_commands() -> list[str]:
    """The block of README with the three commands."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8").partition("## With Collective Mind")[2]
    lines = text.split("```bash\n")[1].partition("```")[0].splitlines()
    assert len(lines) == 3
    return lines


@pytest.fixture(scope="module")
def with_wheel(tmp_path_factory):
    """The Python of an environment with our wheel, and a CM home that was indexed before it was installed."""
    folder = tmp_path_factory.mktemp("installed")
    environment = make_environment(folder / "env")
    index_home(environment, folder / "old")
    install_wheel(environment, folder)
    return environment, folder / "old"


@pytest.fixture
def run_commands(tmp_path, monkeypatch):
    """A function that runs the three commands with a Python; gives the running last one."""
    need_playground()

    @contextlib.contextmanager
    def run(python: str, **options):
        fetch, import_, gui = (shlex.split(line) for line in three_commands())
        make_github(tmp_path, fetch, monkeypatch)
        for _, *arguments in (fetch, import_):
            done = subprocess.run(
                [python, "-m", "cmind", "run", "script", *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        with opened(python, *gui[1:], **options) as address:
            yield address

    return run


def test_three_commands_installed(with_wheel, run_commands, page):
    """Up to the plot, with what the wheel has."""
    with run_commands(with_wheel[0].python) as address:
        page.goto(address)
        page.wait_for_function("(points) => document.querySelectorAll(points).length === 3", arg=POINTS, timeout=WAIT)
        page.get_by_text("Collective Knowledge Playground").wait_for(timeout=WAIT)
        assert page.errors == []
        leave(page)


def test_three_commands_installed_in_a_home_that_was_indexed_before(with_wheel, run_commands, monkeypatch):
    environment, old = with_wheel
    monkeypatch.setenv("CM_REPOS", str(old))
    subprocess.run([environment.folder / "bin/mlperf-training", "register"], check=True, capture_output=True)
    with run_commands(environment.python) as address:
        assert_ours_answers(address)


def test_three_commands_in_a_checkout_and_the_page_of_results_alone(run_commands, page):
    """The first server must end although ``cmr`` is killed."""
    subprocess.run([sys.executable, PROJECT / "run.py", "register"], check=True, capture_output=True)
    with run_commands(sys.executable, stop=signal.SIGKILL) as address:
        assert_ours_answers(address)
    asked = ("--exp_tags=mlperf-training,3.0,open", "--exp_key_x=number_of_nodes", "--exp_key_y=Result", "--exp_title=Mine")
    with opened(sys.executable, "gui _graph", *asked) as address:
        page.goto(address)
        page.locator(POINTS).first.wait_for(timeout=WAIT)
        assert page.locator(".xtitle").text_content() == "number_of_nodes (nodes)"
        assert page.locator(".gtitle").text_content() == "Mine"
        assert page.get_by_text("Collective Knowledge Playground").count() == 0
        leave(page)


def leave(page) -> None:
    """Goes to an address of the same server that has no scripts, which would look for a server as long as they are there."""
    page.goto(urljoin(page.url, "/_stcore/health"))


def make_github(folder: Path, fetch: list[str], monkeypatch) -> None:
    """Makes the sample round reachable under the address in a line that fetches."""
    address = next(word for word in fetch[1].split() if word.startswith("_repo.")).removeprefix("_repo.https://github.com/")
    write_sample(folder / "github" / address)
    make_repository(folder / "github" / address)
    (folder / "gitconfig").write_text(f'[url "file://{folder}/github/"]\ninsteadOf = https://github.com/\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder / "gitconfig"))
