"""The real playground over entries of this importer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from urllib.parse import urlencode, urlsplit

import pytest
from browser_support import is_open, need_playground
from madeup import HOSTILE, make_entry
from support import PROJECT, heed_signals

from mlperf_training_import.errors import BadInput, NothingToShow, PlaygroundFailure
from mlperf_training_import.homes import home_of
from mlperf_training_import.show.playground.playground import missing_requirements, open_playground
from mlperf_training_import.tables.editions import edition_of

POINTS = ".js-plotly-plot .scatterlayer .point"
WAIT = 60_000
EDITION = edition_of("llama2_70b_lora", "5.0").title


def wait_for_points(page, number: int) -> None:
    """Waits until the plot has a number of points; says how many it has if it never does."""
    condition = "([points, number]) => document.querySelectorAll(points).length === number"
    try:
        page.wait_for_function(condition, arg=[POINTS, number], timeout=WAIT)
    except Exception as error:
        raise AssertionError(f"{page.locator(POINTS).count()} points, expected {number}") from error


def choose(page, label: str, option: str) -> None:
    """Chooses from one of Streamlit's lists."""
    page.get_by_label(label).click()
    page.get_by_role("option", name=option).click()


@pytest.fixture
def plot(first_page, playground, visit):
    """The page that the playground opens on, on a screen that is not high."""
    page = first_page if first_page.url == playground.address else visit(playground.address)
    wait_for_points(page, 40)
    return page


class TestItsFirstPage:
    """These tests only look at it, so that it is opened once."""

    def test_opens_on_a_plot_of_one_edition_coloured_by_round_with_units(self, plot):
        assert plot.get_by_label("Select edition").input_value() == EDITION
        assert plot.locator(".legendtext").all_text_contents() == ["4.1", "5.0"]
        assert plot.locator(".xtitle").text_content() == "accelerators_count (accelerators)"
        assert plot.locator(".ytitle").text_content() == "Result (min.)"
        colours = plot.eval_on_selector_all(POINTS, "points => points.map((point) => point.style.fill)")
        assert len(set(colours)) == 2

    def test_the_chart_is_in_sight_with_a_hover_box_of_ten_lines(self, plot):
        box = plot.locator(".js-plotly-plot").bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 720
        plot.locator(POINTS).first.hover(force=True)
        hover = plot.locator(".hoverlayer .hovertext")
        hover.wait_for(timeout=WAIT)
        assert hover.locator("tspan.line").count() == 10

    def test_hostile_text_does_nothing(self, plot):
        assert plot.evaluate("window.hacked") is None


def test_another_task_by_its_place_in_the_list_and_by_its_tag(visit):
    page = visit("?action=experiments&tags=mlperf-training&type=2d-static&x=accelerators_count&y=Result")
    wait_for_points(page, 64)
    choose(page, "Select edition", EDITION)
    wait_for_points(page, 40)
    choose(page, "Select experiment from 4 found:", "mlperf mlperf-training all closed text-to-image")
    choose(page, "Select how to visualize 1 CM experiment set(s):", "Scatter plot (static)")  # is empty after such a change
    wait_for_points(page, 7)
    tags = page.get_by_label("Select CM experiment tags separated by space:")
    tags.fill("mlperf-training all closed language-processing")
    tags.press("Enter")
    wait_for_points(page, 12)


def test_a_printed_link_to_energy_with_a_formula_in_its_address(playground, visit):
    """Of seven results, those on more than 8 accelerators."""
    formulas = {"derived_metrics": "result['n'] = result['accelerators_count']", "filter": "result['n'] > 8"}
    page = visit(f"{playground.link('energy against time')}&{urlencode(formulas)}")
    wait_for_points(page, 5)
    assert page.locator(".ytitle").text_content() == "energy_kwh (kWh)"


def test_one_result_with_its_keys_and_hostile_text_as_text(visit):
    entry = make_entry(0, "4.1")
    page = visit(f"?action=experiments&tags=mlperf-training,llm-finetuning&result_uid={entry['uid']}")
    page.get_by_text("Result summary").wait_for(timeout=WAIT)
    shown = page.locator("li").all_inner_texts()
    for key in ("uid", "submitter", "system", "accelerators_count", "Result", "version", "url"):
        assert f"{key}: {entry[key]}" in shown
    assert page.get_by_text(HOSTILE.partition("onerror")[0], exact=False).count()
    assert page.evaluate("window.hacked") is None


def test_the_printed_link_to_results_without_accelerators(playground, visit):
    page = visit(playground.link("text-to-image"))
    wait_for_points(page, 7)
    assert {"1", "10", "100", "1000"} <= set(page.locator(".xtick").all_text_contents())
    page.get_by_text("1 of 8 results have no accelerators_count or no Result.").wait_for(timeout=WAIT)


def test_listens_on_this_machine_only(playground):
    address = urlsplit(playground.address)
    assert address.hostname == "127.0.0.1"
    with socket.socket() as probe, pytest.raises(OSError, match=r"refused|timed out|unreachable|no other address"):
        probe.settimeout(2)
        probe.connect((socket.gethostbyname(socket.gethostname()), address.port))
        if socket.gethostbyname(socket.gethostname()).startswith("127."):
            raise OSError("this machine has no other address to try")


def test_a_port_that_is_taken(home):
    from cmind.core import CM

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"port {port} on 127.0.0.1 is taken"):
            open_playground(home_of(CM(str(home))), print, port=port, browser=False)


def test_two_that_are_started_at_once_have_a_port_each_and_stop_cleanly(home, tmp_path):
    """As Ctrl-C ends them, and a terminal that is closed; the playground of the other tests is ended by SIGTERM."""
    command = [sys.executable, str(PROJECT / "run.py"), "playground", "--no-browser", "--home", str(home)]
    logs = [tmp_path / name for name in ("one.log", "other.log")]
    both = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            text=True,
            start_new_session=True,
            preexec_fn=heed_signals,
        )
        for log in logs
    ]
    try:
        addresses = [next(line.split()[-1] for line in process.stdout if "runs at" in line) for process in both]
        assert len(set(addresses)) == 2
        assert [process.poll() for process in both] == [None, None]
    finally:
        for process, stop in zip(both, (signal.SIGINT, signal.SIGHUP), strict=True):
            os.killpg(process.pid, stop)  # as a terminal does
    for process, address, log in zip(both, addresses, logs, strict=True):
        printed, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert printed.endswith("the playground has stopped\n")
        assert "Traceback" not in log.read_text()
        assert not is_open(address)


def test_a_server_that_ends_by_itself_does_not_abort():
    """As the slower one of two that are started at once does: its port is gone."""
    need_playground()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "mlperf_training_import.show.playground.viewer.server", str(taken.getsockname()[1])]
        with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
            errors = server.stderr.read()
    assert server.returncode == 1
    assert "is not available" in errors
    assert "Fatal Python error" not in errors


def test_an_empty_home(cm):
    need_playground()
    with pytest.raises(NothingToShow, match="no MLPerf results in this CM home; import some first"):
        open_playground(home_of(cm), print, browser=False)


def test_what_is_missing_is_named_and_not_installed(cm, monkeypatch):
    monkeypatch.setattr("mlperf_training_import.show.playground.playground._is_installed", lambda name: name != "plotly")
    assert missing_requirements() == ["plotly"]
    with pytest.raises(PlaygroundFailure, match=r"needs plotly; run: .* -m pip install -r .*requirements-playground\.txt"):
        open_playground(home_of(cm), print, browser=False)
