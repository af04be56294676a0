"""Writes what was imported for people and programs that do not read experiments: JSON and CSV files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import write_if_different
from ..csv_text import csv_text
from ..errors import BadInput
from ..experiments.files import to_bytes
from ..regular import read_regular
from ..results.entry import order_of
from ..results.remarks import NEVER_SILENT, remarks_of
from ..tables.keys import columns
from ..tables.labels import round_label
from ..tables.metrics import metric_in
from ..tables.rules import rules_of
from ..tables.suites import suites

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..model import Round
    from ..outcome import Outcome, RoundOutcome
    from ..tables.rules import Rules


RESULTS_FILE = "summary_results.json"
#: A summary of a hundred thousand results has less.
_MOST_BYTES = 512 << 20
_METRIC_COLUMNS = ("metric", "Result_Units")


def summary_rows(round_outcome: RoundOutcome) -> list[dict[str, object]]:
    """One object per system and metric of a round: what it is, and the score under the key of each benchmark.

    What must be known about a result is in columns of its own: ``<benchmark>:scaling_factor`` is what the review multiplied
    its score by.
    """
    rows: dict[tuple[Any, ...], dict[str, object]] = {}
    for result in sorted(round_outcome.results, key=lambda result: order_of(result.entry)):
        submission = result.submission
        key = (result.division, submission.submitter, submission.system, submission.metric)
        entry = result.entry
        row = rows.setdefault(key, {name: entry[name] for name in columns("first", "last", "json") if name in entry})
        row[result.benchmark.key] = entry["Result"]
        row |= {f"{result.benchmark.key}:{key}": _flat(entry[key]) for key in remarks_of(entry) if key not in row}
    return list(rows.values())


def _flat(value: object) -> object:
    return " ".join(value) if isinstance(value, list) else value


def make_output_folder(folder: Path) -> None:
    """Makes the folder for summaries and report.

    Raises:
        BadInput: it cannot be made, or not be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--output_dir={folder}: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise BadInput(f"--output_dir={folder}: cannot be written")


def write_summaries(outcome: Outcome, folder: Path) -> dict[Path, bool]:
    """Writes what was imported for people and programs that do not read experiments.

    Per round that has results ``mlperf-training-summary-<version>.json`` and ``.csv`` (``mlperf-hpc-summary-...``), one row
    per system and metric; over all of them ``summary_results.json``, one flat object per result. Nothing where nothing was
    imported.

    One submitter's folder has its name in those of its files. So has another tree that is not the round's repository where
    files of these names hold results that it does not have: it never takes the place of a published round.

    Returns:
        The files, each with whether it was written; one that is the same already is left alone.
    """
    files = {}
    for round_outcome in outcome.rounds:
        if round_outcome.results:
            label = round_label(round_outcome.round.label)
            stem = f"{suites()[label.suite].experiments}-summary-{label.scope}"
            rows = summary_rows(round_outcome)
            stem = _own_stem(folder, stem, rows, round_outcome.round)
            files[folder / f"{stem}.json"] = to_bytes(rows)
            files[folder / f"{stem}.csv"] = _to_csv(rows, rules_of(round_outcome.round.version))
    entries = [result.entry for result in outcome.results]
    if entries:
        stem = _own_stem(folder, Path(RESULTS_FILE).stem, entries, *(done.round for done in outcome.rounds))
        files[folder / f"{stem}.json"] = to_bytes(sorted(entries, key=order_of))
    return {file: write_if_different(file, data) for file, data in files.items()}


def _own_stem(folder: Path, stem: str, rows: Sequence[Mapping[str, object]], *rounds: Round) -> str:
    """The name of a file, with that of what is imported in it where it must not take the place of another."""
    parts = [round_ for round_ in rounds if round_.part]
    if parts and (parts[0].only or not _results_in(folder / f"{stem}.json") <= set(map(_result_of, rows))):
        return f"{stem}--{parts[0].part}"
    return stem


def _results_in(file: Path) -> set[tuple[object, ...]]:
    """What a summary is about; nothing where there is none."""
    try:
        rows = json.loads(read_regular(file, _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return set()
    return {_result_of(row) for row in rows if isinstance(row, dict)} if isinstance(rows, list) else set()


def _result_of(row: Mapping[str, object]) -> tuple[object, ...]:
    identity = tuple(str(row.get(key)) for key in ("version", "submitter_folder", "system_file", "Model_ID"))
    return (*identity, metric_in(row).name)


def _to_csv(rows: list[dict[str, object]], rules: Rules) -> bytes:
    """One line per system, with the columns of the peer's table in their order, and ours at the end.

    Where a round has several metrics there is a line for each, with the metric and its unit.
    """
    present = {key for row in rows for key in row}
    remarks = tuple(f":{key}" for key in NEVER_SILENT)
    imported = {key for key in present if not key.endswith(remarks)} - set(columns("first", "last", "json"))
    scores = [key for key in rules.benchmarks if key in imported] + sorted(imported - set(rules.benchmarks))
    noted = [key + remark for remark in remarks for key in scores if key + remark in present]
    metric = _METRIC_COLUMNS if rules.layout.metrics else ()
    names = (*columns("first"), *scores, *columns("last"), *noted, *metric)
    # File names may hold bytes that are no UTF-8; they are written as they stand in the JSON files.
    return csv_text(names, rows).encode("utf-8", "backslashreplace")
