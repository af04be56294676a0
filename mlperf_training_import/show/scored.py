"""Shows scored runs: as tables for people, as JSON and CSV for programs, with the published results that are nearest."""

from __future__ import annotations

import dataclasses
import json
import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ..csv_text import csv_text
from ..results.remarks import remarks_of
from ..runs.find import by_reason
from ..tables.editions import edition_of
from ..tables.labels import split_label
from ..tables.metrics import metric_in
from ..tables.rules import known_benchmarks
from ..values import counted, one_line
from ..way_in import own_command
from .entries import number_in
from .rows import print_rows, rows, standard_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.table import Table

    from ..experiments.collect import Results
    from ..model import Entry
    from ..runs.score import Scored, ScoredGroup, ScoredRun

#: Published results that are shown beside a group.
_NEAREST = 3
#: Of the JSON object; grows when a field changes its meaning or goes.
SCHEMA_VERSION = 1
#: The folder of a submission in which systems lie.
_RESULTS = "results"
_UNVERIFIED = "unverified: nobody has reviewed these runs"


def show_scored(scored: Scored, results: Results, accelerators: int | None = None, *, with_private: bool = False) -> None:
    """Prints the runs of each group, their score, and the published results of about the same size.

    Args:
        scored: groups, and what gives no run of its own.
        results: what is imported; the nearest are shown.
        accelerators: of the system, where its logs do not say it.
        with_private: whether private results are among those that are shown. Otherwise a line says that there are some.
    """
    out = standard_output()
    private = {id(entry) for entry in results.private}
    entries = [*results.public, *results.private] if with_private else results.public
    for group in scored.groups:
        of_system = f", {group.system}" if group.system else ""
        of_group = f"{group.benchmark}, {group.division}{of_system}"
        out.say(f"{of_group}: {counted(len(group.runs), 'run')} in {group.folder}")
        print_rows(out, _runs_table(group))
        for line in _iter_verdict(group):
            out.say(line)
        count = group.accelerators or accelerators
        nearest = nearest_results(entries, group, count)
        if nearest:
            whose = "imported" if private.intersection(map(id, nearest)) else "published"
            out.say(f"{whose}, nearest to {count} accelerators:" if count else f"{whose}:")
            for entry in nearest:
                mark = "  (private)" if id(entry) in private else ""
                out.say(f"  {_published(entry)}{mark}")
        if not with_private and nearest_results(results.private, group, count):
            out.say(f"not compared with {results.private_ones()}; --private shows them")
        if entries and not count:
            out.say("the logs do not say how many accelerators there were: --accelerators N puts the nearest first")
        out.say("")
    for line in by_reason(scored.left):
        out.say(f"left out: {line}")
    submitted = next((group for group in scored.groups if Path(group.folder).parts[-3:-2] == (_RESULTS,)), None)
    if submitted is not None:
        round_ = f" --round {submitted.round}" if submitted.round else ""
        out.say(f"to check it as a submission: {own_command()} check {shlex.quote(submitted.folder)}{round_}")
    out.say(_UNVERIFIED)


def to_json(scored: Scored) -> str:
    """All as a JSON object; ``docs/score.md`` has its fields."""
    return json.dumps(to_object(scored), indent=2, sort_keys=True)


def to_object(scored: Scored) -> dict[str, object]:
    """All as what JSON can say: groups with the fields of :class:`~..runs.score.ScoredGroup`, and what was left out."""
    groups = [
        {
            **dataclasses.asdict(group),
            "remarks": remarks_of_group(group),
            "findings": [msgspec.structs.asdict(doubt) for doubt in group.findings],
        }
        for group in scored.groups
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "groups": groups,
        "left_out": [dataclasses.asdict(one) for one in scored.left],
    }


def to_csv(groups: Sequence[ScoredGroup]) -> str:
    """The runs as CSV, one line each, with what is known of their group in front."""
    of_group = ("benchmark", "division", "round", "folder", "unit", "score", "score_unit", "verdict")
    rows = [
        {name: getattr(group, name) for name in of_group} | {"remarks": remarks_of_group(group)} | dataclasses.asdict(run)
        for group in groups
        for run in group.runs
    ]
    plain = [{name: one_line(value) if isinstance(value, str) else value for name, value in row.items()} for row in rows]
    return csv_text(list(rows[0]), plain)


def nearest_results(entries: Iterable[Entry], group: ScoredGroup, accelerators: int | None) -> list[Entry]:
    """Published results of the edition and division of a group: nearest in accelerators, then newest, then fastest."""
    edition = edition_of(group.benchmark, group.round) if group.round else None

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
    if number_in(entry, "Result") is None or metric_in(entry).name != group.metric:
        return False
    other = edition_of(key, label.round)
    return edition is not None and other is not None and other.id == edition.id


def _runs_table(group: ScoredGroup) -> Table:
    columns = list(_iter_columns(group))
    table = rows("run", "minutes", "status", *(name for name, _ in columns), last="log")
    table.columns[2].justify = "left"
    for number, run in enumerate(group.runs):
        values = (_number(getattr(run, field)) for _, field in columns)
        log = f"{_below(run.file, group.folder)}:{run.line}"
        table.add_row(str(number), _minutes(run), one_line(_status(run)), *values, one_line(log))
    return table


def _iter_columns(group: ScoredGroup) -> Iterator[tuple[str, str]]:
    """Headings of the columns of numbers, with the fields of a run."""
    for prefix in ("", "second_"):
        target, metric = getattr(group, f"{prefix}target"), getattr(group, f"{prefix}target_metric")
        if target is not None or not prefix:
            yield "quality" if target is None else f"{metric} (target {target:g})", f"{prefix}quality"
    yield group.unit or "progress", "progress"
    yield "samples/s", "samples_per_second"
    if group.is_sweep:
        yield from (("batch size", "global_batch_size"), ("rate", "learning_rate"), ("data set", "dataset_samples"))
    yield "seed", "seed"


def _status(run: ScoredRun) -> str:
    text = run.reason or run.status or ""
    return f"{text}, missed the target: {run.missed}" if run.missed else text


def _iter_verdict(group: ScoredGroup) -> Iterator[str]:
    yield from group.notes
    rules = f" by the rules of {group.round}" if group.round else ""
    if group.score is not None:
        factor = f", {group.scaling_factor:g} of scaling.json in it" if group.scaling_factor is not None else ""
        yield f"score{rules}: {group.score:.4f} {group.score_unit}{factor}"
    else:
        yield f"no score{rules}: {group.reason or 'no run counts'}"
    if group.minutes_so_far is not None:
        yield f"the runs that count so far: {group.minutes_so_far:.4f} minutes on average, no run dropped"
    if group.verdict:
        converged = group.figures.get("rcp_factor")
        yield f"reference convergence points: {group.verdict}{f', factor {converged:.6f}' if converged is not None else ''}"
    if remarks := remarks_of_group(group):
        yield remarks
    told = {group.reason, *(run.reason for run in group.runs)}
    yield from (f"{doubt.code}: {doubt.what}" for doubt in group.findings if doubt.what not in told)


def remarks_of_group(group: ScoredGroup) -> str:
    """What must be known about a group, in one line."""
    counts = {"runs_count": len(group.runs), "runs_counted": sum(run.minutes is not None for run in group.runs)}
    return "; ".join(remarks_of(group.figures | counts | {"division": group.division}).values())


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
    return f"({run.minutes_so_far:.2f})" if run.minutes_so_far is not None else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) >= 0.01 else f"{value:g}"
