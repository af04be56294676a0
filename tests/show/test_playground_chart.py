"""The chart of the playground's page of results; without a browser."""

from __future__ import annotations

import itertools

import pytest
from madeup import HOSTILE, make_entry

pytest.importorskip("plotly", reason="needs requirements-playground.txt")
pytest.importorskip("pandas", reason="needs requirements-playground.txt")

from mlperf_training_import.show.playground.viewer.chart import Axes, colour_map, draw, hover_text

SCALE = Axes("accelerators_count", "Result", "version")
ROUNDS = ["0.5", "0.6", "0.7", "1.0", "1.1", "2.0", "2.1", "3.0", "3.1", "4.0", "4.1", "5.0", "5.1", "6.0", "6.1", "10.0"]


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


def test_each_round_has_a_colour_of_its_own_and_its_name_in_the_legend():
    figure = draw([make_entry(number, label) for label in reversed(ROUNDS) for number in range(3)], SCALE)
    assert [trace.name for trace in figure.data] == ROUNDS
    colours = [rgb(trace.marker.color) for trace in figure.data]
    distances = [
        sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5
        for one, other in itertools.combinations(colours, 2)
    ]
    assert min(distances) > 20


def test_any_number_of_colours():
    assert len(set(colour_map([f"submitter {number}" for number in range(90)]).values())) == 90
    assert colour_map([1, 2.5]) == {}
    assert len(colour_map(["one"])) == 1


def test_results_without_accelerators_leave_the_axis_logarithmic():
    figure = draw([make_entry(number) for number in range(10)] + [make_entry(10, accelerators_count=0)], SCALE)
    axis = figure.layout.xaxis
    assert axis.type == "log"
    assert axis.tickvals[axis.ticktext.index("0")] == 0.5  # the smallest of the others is 1
    assert sorted(x for trace in figure.data for x in trace.x)[:2] == [0.5, 1]


def test_similar_values_have_an_even_axis():
    figure = draw(
        [make_entry(number, accelerators_count=8 + number) for number in range(3)], Axes("accelerators_count", "Result")
    )
    assert figure.layout.xaxis.type is None


def test_axes_say_units_that_all_results_share():
    entries = [make_entry(number, energy_kwh=1.0 + number, rcp_factor=1.0) for number in range(3)]

    def titles(results, x, y):
        layout = draw(results, Axes(x, y)).layout
        return layout.xaxis.title.text, layout.yaxis.title.text

    assert titles(entries, "energy_kwh", "Result") == ("energy_kwh (kWh)", "Result (min.)")
    assert (
        titles([*entries, make_entry(3, energy_kwh=1.0, Result_Units="models/min.")], "energy_kwh", "Result")[1] == "Result"
    )
    assert titles(entries, "rcp_factor", "version") == ("rcp_factor", "version")
    hostile = [entry | {"Result_Units": HOSTILE} for entry in entries]
    assert "<img" not in titles(hostile, "version", "Result")[1]


def test_the_hover_box_has_the_ten_lines_that_matter():
    entry = make_entry(3, number_of_nodes=1, rank=1, minutes_spread=0.01, git_commit="1234567890")
    lines = hover_text(entry, SCALE).split("<br>")
    assert len(lines) == 10
    assert lines[:3] == ["submitter: Submitter 3", "system: machine-3", "Model_ID: llama2_70b_lora"]
    assert f"Result: {entry['Result']} min." in lines
    assert "accelerators_count: 8" in lines
    lines = hover_text(entry, Axes("minutes_spread", "Result", "rank", "division")).split("<br>")
    assert len(lines) == 10
    assert {"minutes_spread: 0.01", "rank: 1", "division: closed", "system: machine-3"} <= set(lines)


def test_long_texts_are_cut_in_the_hover_box():
    assert max(len(line) for line in hover_text(make_entry(1, system="x" * 500), SCALE).split("<br>")) <= 90


def test_texts_are_no_html():
    entries = [make_entry(number, **{HOSTILE: HOSTILE, "system": HOSTILE}) for number in range(3)]
    for bars in (False, True):
        figure = draw(entries, Axes(HOSTILE, "Result", HOSTILE, HOSTILE), title=HOSTILE, bars=bars)
        assert "<img" not in figure.to_json().replace("\\u003c", "<")
        assert figure.layout.title.text.startswith("&lt;img")


def test_numbers_and_texts_under_one_key():
    entries = [make_entry(number, mixed="N/A" if number else 5) for number in range(3)]
    figure = draw(entries, Axes("mixed", "Result", "mixed"))
    assert {name for trace in figure.data for name in trace.x} == {"5", "N/A"}


def test_numbers_as_colours_have_a_scale():
    figure = draw([make_entry(number) for number in range(5)], Axes("accelerators_count", "Result", "accelerators_count"))
    assert len(figure.data) == 1
    assert figure.layout.coloraxis.colorbar.title.text == "accelerators_count (accelerators)"


def test_a_point_knows_its_result():
    entry = make_entry(1)
    assert draw([entry], SCALE).data[0].customdata[0][0] == entry["uid"]


@pytest.mark.filterwarnings("error")
def test_values_as_far_apart_as_floats_can_be():
    figure = draw([make_entry(1, Result=value) for value in (5e-324, 1.7e308)], SCALE)
    assert figure.layout.yaxis.type == "log"


ODD = ["8", "²", "½", "٣", "8²", "Ⅷ", "1e400", "nan", "-0", "9" * 5000, True, [8], {"a": 8}]


@pytest.mark.parametrize(
    "axes", [Axes("version", "odd"), Axes("odd", "Result"), Axes("accelerators_count", "Result", "odd", "odd")]
)
def test_no_value_stops_a_chart(axes):
    """Also one that Python takes for a digit and for no number."""
    results = [make_entry(number, odd=odd) for number, odd in enumerate(ODD)]
    for bars in (False, True):
        figure = draw(results, axes, bars=bars)
        assert sum(len(trace.x) for trace in figure.data) == len(ODD)
        assert figure.to_json()
