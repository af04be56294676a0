"""Draws results: dicts and the keys to draw in, a Plotly figure out.

Everything that comes from a result or an address is text in the figure: Plotly takes some HTML in titles, legends and hover
boxes, so all of it is escaped.
"""

from __future__ import annotations

import html
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.express as px
from plotly.colors import sample_colorscale

from ....tables.keys import entry_keys
from ....values import natural_key

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Result = Mapping[str, Any]

HEIGHT = 540
#: The lines of a hover box: of each group the first key that a result has.
_HOVER_KEYS = (
    ("submitter_name", "submitter", "Organization"),
    ("system", "SystemName", "System"),
    ("Model_ID", "Model"),
    ("version",),
    ("Result",),
    ("accelerators_count",),
    ("accelerator_variant", "accelerator_model_name"),
    ("number_of_nodes",),
    ("framework",),
    ("availability_category", "availability"),
)
_HOVER_LINES = 10
#: Every text in the figure is cut, titles to the second length: with one of megabytes, a browser takes minutes.
_LONGEST_LINE, _LONGEST_TITLE = 90, 200
#: With more colours and markers, nobody tells them apart, and a browser takes minutes.
_MOST_GROUPS = 300
#: A unit that another key of the result says.
_NAMED_UNIT = re.compile(r"`(\w+)`")
#: What is declared of numbers without a unit.
_NO_UNITS = ("", "1")
#: How many times the smallest value the largest one must be for a logarithmic axis.
_WIDE = 20
#: Where a logarithmic axis has labels; Plotly's own would read 2, 5, 10, 2, 5, 100.
_TICKS = [digit * 10.0**power for power in range(-4, 6) for digit in (1, 2, 5)]
#: Of this scale every number of colours can be taken, and neighbours follow each other as rounds do.
_SCALE = "Turbo"
_SCALE_FROM, _SCALE_TO = 0.04, 0.97
_SYMBOLS = (
    "circle",
    "square",
    "diamond",
    "cross",
    "x",
    "triangle-up",
    "pentagon",
    "hexagram",
    "star",
    "hourglass",
    "bowtie",
)


@dataclass(frozen=True, slots=True)
class Axes:
    """The keys to draw in: across, up, colour and marker; the last two may be empty."""

    x: str
    y: str
    colour: str = ""
    style: str = ""


def draw(results: Sequence[Result], axes: Axes, *, title: str = "", bars: bool = False) -> Figure:
    """A scatter plot or a bar chart of results that have a value on both axes.

    A key whose values differ a lot gets a logarithmic axis, on which 0 stands left of, or below, the smallest value. Every
    text on a coloured key has a colour of its own. The custom data of a point is the ``uid`` of its result.
    """
    keys = {name: key for name, key in asdict(axes).items() if key}
    frame = pd.DataFrame({name: _column(results, key) for name, key in keys.items()})
    frame["uid"] = [str(result.get("uid", "")) for result in results]
    frame["hover"] = [hover_text(result, axes) for result in results]
    options: dict[str, Any] = {"barmode": "group"} if bars else {"render_mode": "svg"}
    if axes.colour:
        options["color"] = "colour"
        options["color_continuous_scale"] = _SCALE
        options["color_discrete_map"] = colour_map(frame["colour"])
    if axes.style:
        frame["style"] = frame["style"].map(str)
        options |= {"pattern_shape": "style"} if bars else {"symbol": "style", "symbol_sequence": _SYMBOLS}
    layout: dict[str, Any] = {
        "hoverlabel": {"align": "left"},
        "margin": {"t": 40, "b": 10},
    }  # above are Plotly's own buttons
    for axis in () if bars else ("x", "y"):
        if _is_wide(frame[axis]):
            options[f"log_{axis}"] = True
            frame[axis], ticks = _place_zero(frame[axis])
            layout[f"{axis}axis"] = {"tickvals": list(ticks), "ticktext": list(ticks.values())}
    figure = (px.bar if bars else px.scatter)(
        frame,
        x="x",
        y="y",
        hover_name="hover",
        custom_data="uid",
        category_orders={name: sorted(set(frame[name]), key=natural_key) for name in keys if _is_text(frame[name])},
        labels={name: _escaped(_cut(_with_unit(key, results), _LONGEST_TITLE)) for name, key in keys.items()},
        title=_escaped(_cut(title, _LONGEST_TITLE)),
        height=HEIGHT,
        **options,
    )
    figure.update_traces(hovertemplate="%{hovertext}<extra></extra>", **({} if bars else {"marker_size": 8}))
    return figure.update_layout(layout)


def distinguishable(results: Sequence[Result], axes: Axes) -> Axes:
    """The axes, without colour and marker where the results have too many different ones."""
    columns = [_column(results, key) for key in (axes.colour, axes.style) if key]
    if columns and isinstance(columns[0][0], int | float) and axes.colour:
        columns = columns[1:]  # numbers have a continuous scale
    return replace(axes, colour="", style="") if len(set(zip(*columns, strict=True))) > _MOST_GROUPS else axes


def hover_text(result: Result, axes: Axes) -> str:
    """The ten lines about a result that matter most; what is drawn is among them."""
    there = {key for key, value in result.items() if value is not None}
    drawn = [key for key in dict.fromkeys(astuple(axes)) if key in there]
    present = [key for group in _HOVER_KEYS for key in [key for key in group if key in there][:1]]
    kept = [key for key in present if key not in drawn][: _HOVER_LINES - len(drawn)]
    keys = [key for key in present if key in kept or key in drawn]
    return "<br>".join(_line(key, result) for key in dict.fromkeys(keys + drawn))


def colour_map(values: Iterable[Any]) -> dict[str, str]:
    """A colour for each text, no two alike; empty for numbers, which have a continuous scale."""
    texts = sorted({value for value in values if isinstance(value, str)}, key=natural_key)
    step = (_SCALE_TO - _SCALE_FROM) / max(1, len(texts) - 1)
    return dict(zip(texts, sample_colorscale(_SCALE, [_SCALE_FROM + step * n for n in range(len(texts))]), strict=True))


def is_number(value: Any) -> bool:
    """Whether an axis has a place for a value as a number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf


def _line(key: str, result: Result) -> str:
    value = result[key]
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    if key == "Result" and result.get("Result_Units"):
        text += f" {result['Result_Units']}"
    return _escaped(_cut(f"{key}: {text}".replace("\n", " ")))


def _with_unit(key: str, results: Sequence[Result]) -> str:
    """A key with its unit in brackets, where all results have the same one; another key of a result may say it."""
    declared = entry_keys().get(key)
    unit = declared.unit if declared else ""
    if named := _NAMED_UNIT.fullmatch(unit):
        units = {str(result.get(named[1], "")) for result in results}
        unit = units.pop() if len(units) == 1 else ""
    return f"{key} ({unit})" if unit not in _NO_UNITS else key


def _column(results: Sequence[Result], key: str) -> list[Any]:
    """The values of a key: numbers where all are, short escaped texts otherwise."""
    values = [result.get(key) for result in results]
    if all(is_number(value) for value in values):
        return values
    texts = ["not given" if value is None else str(value) for value in values]
    names = _short_names(texts)
    return [_escaped(names[text]) for text in texts]


def _short_names(texts: Iterable[str]) -> dict[str, str]:
    """Each text, and what it is called in the figure; different texts that begin alike are numbered."""
    alike = defaultdict(list)
    for text in dict.fromkeys(texts):
        alike[_cut(text)].append(text)
    return {
        text: short if len(group) == 1 else f"{short} ({number})"
        for short, group in alike.items()
        for number, text in enumerate(group, 1)
    }


def _cut(text: str, longest: int = _LONGEST_LINE) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _is_text(values: pd.Series) -> bool:
    return any(isinstance(value, str) for value in values)


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _is_wide(values: pd.Series) -> bool:
    if values.dtype.kind not in "if" or values.min() < 0:
        return False
    positive = values[values > 0]
    return len(positive) > 0 and positive.max() / _WIDE > positive.min()


def _place_zero(values: pd.Series) -> tuple[pd.Series, dict[float, str]]:
    """Values for a logarithmic axis, which has no 0: it stands at half the smallest value. And the labels of the axis."""
    ticks = {value: f"{value:g}" for value in _TICKS}
    if values.min() > 0:
        return values, ticks
    smallest = values[values > 0].min()
    zero = float(smallest) / 2
    ticks = {value: text for value, text in ticks.items() if value >= smallest}
    return values.astype(float).replace(0, zero), {zero: "0", **ticks}
