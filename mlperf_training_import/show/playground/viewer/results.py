"""The page of results, in the place of the installed module ``graph``.

It reads the parameters and has the fields that the installed page does, so that links to it go on working. What differs:
the fields take formulas and no Python (see ``formula.py``), texts are text, and the plot is in sight.
"""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import pandas as pd

from ....homes.cm import CmHome, Experiment
from ....homes.home import is_called
from ....regular import read_regular
from ...entries import edition_of_entry
from .chart import Axes, distinguishable, draw
from .formula import NO_VALUE, FormulaError, parse_assignments, parse_filter
from .misc_replacement import get_params

#: More experiments than these are not shown at once.
_MOST_EXPERIMENTS = 8
#: Of all result files that are shown at once. Eight experiments of all published rounds have a tenth of it.
_MOST_BYTES = 64 << 20
#: More of the results that have one uid, or were chosen in the plot, are not shown one by one.
_MOST_SHOWN = 20
#: A longer value is cut, in the table and where a result is shown by itself.
_LONGEST_VALUE = 5_000
_KINDS = {
    "": "",
    "2d-static": "Scatter plot (static)",
    "2d": "Scatter plot (interactive: choose a point to see its result)",
    "bar": "Bar plot (static)",
}
_FIRST_KEYS = ("Organization", "Model", "Scenario", "SystemName", "notes", "framework", "Result", "Result_Units", "Accuracy")
#: Parameters of the address: what their fields call them, and what is drawn where nothing was chosen.
_AXES = {"x": ("X", "Result"), "y": ("Y", "Accuracy"), "c": ("Color", "version"), "s": ("Style", "")}
_DERIVED_LABEL = "Optional: add derived metrics. Example: result['Accuracy2'] = result['Accuracy']*2"
_FILTER_LABEL = "Optional: add result filter. Examples: result['Accuracy']>75 or 'llama2' in result['Model_ID']"
_DONE = {"return": 0}

Parameters = Mapping[str, Sequence[str]]
Result = dict[str, Any]
_Formula = TypeVar("_Formula")


def main() -> dict[str, Any]:
    """The page alone, without the others of the playground."""
    import streamlit as st

    st.set_page_config(layout="wide", page_title="CM experiments")
    return visualize(st, get_params(st))


def visualize(st: Any, parameters: Parameters, action: str = "") -> dict[str, Any]:
    """Draws the page.

    Args:
        st: Streamlit.
        parameters: of the page's address: ``name`` or ``tags`` of experiments, ``type`` of the plot, ``x``, ``y``, ``c``
            and ``s`` (keys to draw in), ``title``, ``edition``, ``derived_metrics``, ``filter``; ``result_uid`` for one
            result only.
        action: the name of this page in its address; empty where it is the only one.

    Returns:
        ``{"return": 0}``.
    """
    asked = {key: values[0].strip() for key, values in parameters.items() if values}
    experiments = _choose_experiments(st.sidebar, _find_experiments(st, asked), asked)
    if len(experiments) > _MOST_EXPERIMENTS:
        st.markdown("Too many experiments: choose one, or more tags, on the left.")
        return _DONE
    results = _read_results(st, experiments)
    if not results:
        st.markdown("No results found!")
        return _DONE
    if uid := asked.get("result_uid"):
        _show_results(st, [result for result in results if result.get("uid") == uid], action)
        return _DONE
    kind = st.sidebar.selectbox(
        f"Select how to visualize {len(experiments)} CM experiment set(s):",
        list(_KINDS),
        index=_index(list(_KINDS), asked.get("type")),
        format_func=_KINDS.__getitem__,
        key=f"how {len(experiments)}",
    )
    if not kind:
        st.markdown("Choose how to visualize the results, on the left.")
        return _DONE
    results = _choose_edition(st.sidebar, results, asked.get("edition"))
    if len({result["edition"] for result in results}) > 1:
        asked.setdefault("s", "edition")
    fields = st.sidebar.container()
    _add_derived(st, results, asked.get("derived_metrics", ""))
    keys = _keys_of(results)
    axes = Axes(*(_choose_key(fields, keys, which, asked.get(which)) for which in _AXES))
    results = _filtered(st, results, asked.get("filter", ""))
    _show_chart(st, results, axes, kind, asked.get("title", ""), action)
    _show_table(st, results)
    return _DONE


def _find_experiments(st: Any, asked: Mapping[str, str]) -> list[Experiment]:
    """The experiments that were asked for, by name or by tags; says which descriptions cannot be read."""
    found = CmHome(Path(os.environ[CmHome.variable])).find_experiments(lambda trouble: st.warning(_plain(str(trouble))))
    shown = [one._replace(alias=_showable(one.alias), uid=_showable(one.uid), tags=_showable([*one.tags])) for one in found]
    if name := asked.get("name"):
        return [one for one in shown if is_called(name, one.alias, one.uid)]
    given = asked.get("tags", "").replace(",", " ")
    typed = st.sidebar.text_input("Select CM experiment tags separated by space:", value=given, key="v_experiment_tags")
    tags = typed.replace(",", " ").split()
    wanted, unwanted = {tag for tag in tags if tag[0] != "-"}, {tag[1:] for tag in tags if tag[0] == "-"}
    return [one for one in shown if wanted <= {*one.tags} and unwanted.isdisjoint(one.tags)]


def _choose_experiments(side: Any, found: Sequence[Experiment], asked: Mapping[str, str]) -> list[Experiment]:
    """The experiment that was chosen, all that were found where none was; those with a password are not shown."""
    ordered = sorted((one for one in found if not one.has_password), key=_labels)
    labels = [_labels(one) for one in ordered]
    names = ["", *(next(filter(None, label)).replace(",", " ") for label in labels)]
    is_asked_for = (len(labels) == 1 or asked.get("name") in label[1:] for label in labels)
    first = next((number for number, is_it in enumerate(is_asked_for, 1) if is_it), 0)
    label = f"Select experiment from {len(ordered)} found:"  # noqa: S608 - no SQL
    number = side.selectbox(label, range(len(names)), index=first, format_func=names.__getitem__, key="experiment")
    return [ordered[number - 1]] if number else ordered


def _labels(experiment: Experiment) -> tuple[str, str, str]:
    """Tags, alias and uid of an experiment."""
    return ",".join(experiment.tags), experiment.alias, experiment.uid


def _read_results(st: Any, experiments: Sequence[Experiment]) -> list[Result]:
    """The results that experiments hold, each with its edition and where it is from; says which files cannot be read."""
    results, left = [], _MOST_BYTES
    for experiment in experiments:
        place = dict(zip(("experiment_tags", "experiment_alias", "experiment_uid"), _labels(experiment), strict=True))
        for file in sorted(experiment.folder.glob("*/cm-result.json")):
            place["experiment_dir"] = _showable(file.parent.name)
            try:
                data = read_regular(file, left)
                left -= len(data)
                stored = json.loads(data.decode("utf-8"), object_pairs_hook=_object)
            except (OSError, ValueError, RecursionError) as error:
                st.warning(_plain(f"{file}: {error}"))
                continue
            for item in stored if isinstance(stored, list) else ():
                if isinstance(item, dict):
                    edition = edition_of_entry(item)
                    results.append(item | place | {"edition": edition.id, "edition_title": edition.title})
    return results


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose texts can be shown."""
    return {_showable(key): _showable(value) for key, value in members}


def _showable(value: Any) -> Any:
    """A value without halves of surrogates, which Streamlit cannot send: they stand in names that are not UTF-8."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")
    return list(map(_showable, value)) if isinstance(value, list) else value


def _choose_edition(side: Any, results: list[Result], asked: str | None) -> list[Result]:
    """The results of the edition that was chosen, all where none was: nothing is to be compared across two."""
    titles = {"": "all, which are not to be compared"} | {result["edition"]: result["edition_title"] for result in results}
    options = list(titles)
    chosen = side.selectbox("Select edition", options, index=_index(options, asked), format_func=titles.__getitem__)
    return [result for result in results if not chosen or result["edition"] == chosen]


def _keys_of(results: Sequence[Result]) -> list[str]:
    keys = dict.fromkeys(key for result in results for key in result)
    first = [key for key in _FIRST_KEYS if key in keys]
    return first + sorted((key for key in keys if key not in _FIRST_KEYS), key=str.lower)


def _choose_key(side: Any, keys: Sequence[str], which: str, asked: str | None) -> str:
    name, default = _AXES[which]
    options = ["", *keys]
    return side.selectbox(f"Select {name} key", options, index=_index(options, asked or default), key=which) or ""


def _index(options: Sequence[str], wanted: str | None) -> int:
    return options.index(wanted) if wanted in options else 0


def _ask_formula(st: Any, label: str, asked: str, what: str, parse: Callable[[str], _Formula]) -> _Formula | None:
    """What was typed into a field, None where that is nothing, or no formula: then it says why."""
    text = st.sidebar.text_input(label, value=asked).strip()
    try:
        return parse(text) if text else None
    except FormulaError as error:
        st.warning(_plain(f"{what}: {error}"))
        return None


def _add_derived(st: Any, results: Sequence[Result], asked: str) -> None:
    """Adds the keys that the first field derives; where a value for one is missing, so is the key."""
    for key, formula in _ask_formula(st, _DERIVED_LABEL, asked, "derived metrics", parse_assignments) or ():
        for result in results:
            try:
                result[key] = formula(result)
            except NO_VALUE:
                result.pop(key, None)


def _filtered(st: Any, results: list[Result], asked: str) -> list[Result]:
    """Results that meet the condition of the second field; where a value for it is missing, a result does not."""
    condition = _ask_formula(st, _FILTER_LABEL, asked, "filter", parse_filter)
    if condition is None:
        return results
    kept = []
    for result in results:
        with contextlib.suppress(*NO_VALUE):
            if condition(result):
                kept.append(result)
    return kept


def _show_chart(st: Any, results: Sequence[Result], axes: Axes, kind: str, title: str, action: str) -> None:
    drawn = [result for result in results if result.get(axes.x) is not None and result.get(axes.y) is not None]
    if not drawn:
        st.markdown("No results found for your selection.")
        return
    told_apart = distinguishable(drawn, axes)
    figure = draw(drawn, told_apart, title=title, bars=kind == "bar")
    on_select = "rerun" if kind == "2d" else "ignore"
    chosen = st.plotly_chart(figure, width="stretch", on_select=on_select, selection_mode="points", key=f"plot {kind}")
    if len(drawn) < len(results):
        st.caption(_plain(f"{len(results) - len(drawn)} of {len(results)} results have no {axes.x} or no {axes.y}."))
    if told_apart != axes:
        st.caption("Too many different values for colours and markers: all results have the same.")
    if kind == "2d":
        uids = {point["customdata"][0] for point in chosen.selection.points}
        _show_results(st, [result for result in drawn if str(result.get("uid", "")) in uids], action)


def _show_table(st: Any, results: Sequence[Result]) -> None:
    frame = pd.DataFrame(results, columns=_keys_of(results))
    for key in frame:
        if frame[key].dtype.kind not in "ifb":
            frame[key] = frame[key].map(_text, na_action="ignore")
    st.dataframe(frame)


def _show_results(st: Any, results: Sequence[Result], action: str) -> None:
    """Every key of a few results, as text; addresses of the web are links."""
    for result in results[:_MOST_SHOWN]:
        query = {"action": action} if action else {}
        query |= {"name": str(result.get("experiment_uid", "")), "result_uid": str(result.get("uid", ""))}
        lines = "".join(f"<li><b>{html.escape(key)}</b>: {_value(result[key])}</li>" for key in _keys_of([result]))
        link = html.escape(f"?{urlencode(query)}")
        st.html(f'<h3>Result summary</h3><ul>{lines}</ul><a href="{link}" target="_self">Self link</a>')
    if len(results) > _MOST_SHOWN:
        st.caption(f"The first {_MOST_SHOWN} of {len(results)} results.")


def _value(value: Any) -> str:
    text = html.escape(_text(value))
    if isinstance(value, str) and value.startswith(("https://", "http://")):
        return f'<a href="{text}" target="_blank" rel="noopener noreferrer">{text}</a>'
    return text


def _text(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."


def _plain(text: str) -> str:
    """A text as code, in one line: Markdown finds nothing in it, and makes no link of an address as it does elsewhere."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence} {_showable(' '.join(text.split()))} {fence}"
