"""Shows scored runs: as tables for people, as JSON and CSV for programs, with the published results that are nearest."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..csv_text import csv_text
from ..results.remarks import remarks_of
from ..tables.editions import edition_of
from ..tables.labels import split_label
from ..tables.metrics import metric_in
from ..tables.rules import known_benchmarks
from ..values import finite_number, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..model import Entry
    from ..runs.score import ScoredGroup, ScoredRun

#: Published results that are shown beside a group.
_NEAREST = 3
#: Wide enough for the table of runs where there is no terminal to ask.
_PIPE_WIDTH = 160
_UNVERIFIED = "unverified: nobody has reviewed these runs"


def show_groups(
    groups: Sequence[ScoredGroup], troubles: Sequence[str], entries: Sequence[Entry], accelerators: int | None
) -> None:
    """Prints the runs of each group, what they are worth, and what was published of about the same size.

    Args:
        groups: what was scored.
        troubles: files that could not be read.
        entries: published results, of which the nearest are shown.
        accelerators: of the system, where its logs do not say it.
    """
    out = Console(highlight=False, markup=False)
    out = out if out.is_terminal else Console(width=_PIPE_WIDTH, highlight=False, markup=False)
    for group in groups:
        of_system = f", {group.system}" if group.system else ""
        out.print(_line(f"{group.benchmark}, {group.division}{of_system}: {len(group.runs)} runs in {group.folder}"))
        out.print(_runs_table(group))
        for line in _iter_verdict(group):
            out.print(_line(line), soft_wrap=True)
        count = group.accelerators or accelerators
        nearest = nearest_results(entries, group, count)
        if nearest:
            out.print(f"published, nearest to {count} accelerators:" if count else "published:")
            for entry in nearest:
                out.print(_line(f"  {_published(entry)}"), soft_wrap=True)
        if entries and not count:
            out.print("the logs do not say how many accelerators there were: --accelerators N puts the nearest first")
        out.print()
    for trouble in troubles:
        out.print(_line(f"not read: {trouble}"), soft_wrap=True)
    out.print(_UNVERIFIED)


def to_json(groups: Sequence[ScoredGroup]) -> str:
    """The groups as JSON: a list of objects with the fields of :class:`~..runs.score.ScoredGroup`."""
    objects = [
        {**dataclasses.asdict(group), "remarks": _remarks(group), "findings": [doubt._asdict() for doubt in group.findings]}
        for group in groups
    ]
    return json.dumps(objects, indent=2, sort_keys=True)


def to_csv(groups: Sequence[ScoredGroup]) -> str:
    """The runs as CSV, one line each, with benchmark, division, round and folder of their group in front."""
    of_group = ("benchmark", "division", "round", "folder", "unit", "score", "score_unit")
    rows = [
        {name: getattr(group, name) for name in of_group} | {"remarks": _remarks(group)} | dataclasses.asdict(run)
        for group in groups
        for run in group.runs
    ]
    return csv_text(list(rows[0]), rows)


def nearest_results(entries: Iterable[Entry], group: ScoredGroup, accelerators: int | None) -> list[Entry]:
    """Published results of the edition and division of a group: nearest in accelerators, then newest, then fastest."""
    edition = edition_of(group.benchmark, group.round)

    def weight(entry: Entry) -> tuple[float, list[int], float]:
        count = entry.get("accelerators_count")
        distance = abs(math.log(count / accelerators)) if accelerators and isinstance(count, int) and count > 0 else math.inf
        label = split_label(str(entry["version"]))
        newest = [-part for part in label.number] if label else []
        return (distance if accelerators else 0.0, newest, metric_in(entry).order(entry["Result"]))

    same = [entry for entry in entries if _is_comparable(entry, group, edition)]
    return sorted(same, key=weight)[:_NEAREST]


def _is_comparable(entry: Entry, group: ScoredGroup, edition: Any) -> bool:
    label, key = split_label(str(entry.get("version"))), str(entry.get("Model_ID"))
    if label is None or key not in known_benchmarks() or entry.get("division") != group.division:
        return False
    if finite_number(entry.get("Result")) is None or metric_in(entry).name != group.metric:
        return False
    other = edition_of(key, label.round)
    return edition is not None and other is not None and other.id == edition.id


def _runs_table(group: ScoredGroup) -> Table:
    table = Table("run", "minutes", "status", box=SIMPLE_HEAD)
    quality = f"{group.target_metric} (target {group.target:g})" if group.target is not None else "quality"
    for name in (quality, group.unit or "progress", "samples/s", "seed"):
        table.add_column(name, justify="right")
    table.add_column("log")
    table.columns[1].justify = "right"
    for number, run in enumerate(group.runs):
        table.add_row(
            str(number),
            _minutes(run),
            _line(run.reason or run.status or ""),
            *(
                _number(value)
                for value in (
                    run.quality,
                    run.progress,
                    run.samples_per_second and round(run.samples_per_second, 1),
                    run.seed,
                )
            ),
            _line(f"{_below(run.file, group.folder)}:{run.line}"),
        )
    return table


def _iter_verdict(group: ScoredGroup) -> Iterable[str]:
    rules = f"by the rules of {group.round}"
    if group.score is not None:
        factor = f", {group.scaling_factor:g} of scaling.json in it" if group.scaling_factor is not None else ""
        yield f"score {rules}: {group.score:.4f} {group.score_unit}{factor}"
    else:
        yield f"no score {rules}: {group.reason or 'no run counts'}"
    if group.minutes_so_far is not None:
        yield f"the runs that count so far: {group.minutes_so_far:.4f} minutes in the mean, nothing left out"
    if verdict := group.figures.get("rcp_verdict"):
        converged = group.figures.get("rcp_factor")
        yield f"reference convergence points: {verdict}{f', factor {converged:.6f}' if converged is not None else ''}"
    if remarks := _remarks(group):
        yield remarks
    told = {group.reason, *(run.reason for run in group.runs)}
    yield from (f"{doubt.code}: {doubt.what}" for doubt in group.findings if doubt.what not in told)


def _remarks(group: ScoredGroup) -> str:
    """What must be known about a group, in one line."""
    counts = {"runs_count": len(group.runs), "runs_counted": sum(run.minutes is not None for run in group.runs)}
    codes = list(dict.fromkeys(doubt.code for doubt in group.findings))
    return "; ".join(remarks_of(group.figures | counts | {"division": group.division, "doubts": codes}).values())


def _published(entry: Entry) -> str:
    count, name = entry.get("accelerators_count"), entry.get("accelerator_model_name", "")
    whose = f"{entry['version']} {entry.get('submitter', '')} {entry.get('system', '')}"
    score = f"{entry['Result']:.4f} {metric_in(entry).words}"
    return f"{whose}: {score}, {f'{count} x {name}' if count else 'processors only'}"


def _below(file: str, folder: str) -> str:
    return str(Path(file).relative_to(folder)) if Path(file).is_relative_to(folder) else file


def _minutes(run: ScoredRun) -> str:
    if run.minutes is not None:
        return f"{run.minutes:.4f}"
    return f"({run.minutes_so_far:.2f} so far)" if run.minutes_so_far is not None else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4f}".rstrip("0").rstrip(".")


def _line(text: str) -> str:
    return printable(text.replace("\n", " "))
