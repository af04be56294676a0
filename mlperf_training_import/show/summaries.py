"""Writes what was imported for people and programs that do not read experiments: JSON and CSV files."""

from __future__ import annotations

import csv
import io
import os
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from ..experiments.files import to_bytes, write_if_different
from ..results.entry import order_of
from ..tables.keys import columns
from ..tables.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..outcome import Outcome, RoundOutcome


RESULTS_FILE = "summary_results.json"


def summary_rows(round_outcome: RoundOutcome) -> list[dict[str, object]]:
    """One object per system of a round: what it is, and minutes under the key of each benchmark."""
    rows: dict[tuple[Any, ...], dict[str, object]] = {}
    for result in sorted(round_outcome.results, key=lambda result: order_of(result.entry)):
        key = (result.division, result.submission.submitter, result.submission.system)
        entry = result.entry
        row = rows.setdefault(key, {name: entry[name] for name in columns("first", "last", "json") if name in entry})
        row[result.benchmark] = entry["Result"]
    return list(rows.values())


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

    Per round that has results ``mlperf-training-summary-<version>.json`` and ``.csv``, one row per system; over all of
    them ``summary_results.json``, one flat object per result. Nothing where nothing was imported.

    Returns:
        The files, each with whether it was written; one that is the same already is left alone.
    """
    files = {}
    for round_outcome in outcome.rounds:
        if round_outcome.results:
            stem = f"mlperf-training-summary-{round_outcome.round.label}"
            rows = summary_rows(round_outcome)
            files[folder / f"{stem}.json"] = to_bytes(rows)
            files[folder / f"{stem}.csv"] = _to_csv(rows, rules_of(round_outcome.round.version).benchmarks)
    entries = [result.entry for round_outcome in outcome.rounds for result in round_outcome.results]
    if entries:
        files[folder / RESULTS_FILE] = to_bytes(sorted(entries, key=order_of))
    return {file: write_if_different(file, data) for file, data in files.items()}


def _to_csv(rows: list[dict[str, object]], benchmarks: Sequence[str]) -> bytes:
    """One line per system, with the columns of the peer's table in their order, and the two of ours at the end."""
    imported = {key for row in rows for key in row} - set(columns("first", "last", "json"))
    minutes = [key for key in benchmarks if key in imported] + sorted(imported - set(benchmarks))
    text = io.StringIO()
    writer = csv.DictWriter(
        text, (*columns("first"), *minutes, *columns("last")), extrasaction="ignore", lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    # File names may hold bytes that are no UTF-8; they are written as they stand in the JSON files.
    return text.getvalue().encode("utf-8", "backslashreplace")
