"""Files for people and other programs: the summary of each round, and the report with every folder and finding."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from .entry import order_of
from .errors import BadInput
from .store import write_atomically

if TYPE_CHECKING:
    from .pipeline import Outcome, RoundOutcome

REPORT_FILE = "mlperf-training-report.json"

#: What a row of the summary says about its system, in the order of the peer's table.
_SYSTEM_KEYS = (
    *("division", "availability", "submitter", "system", "number_of_nodes", "host_processor_model_name"),
    *("host_processors_count", "accelerator_model_name", "accelerators_count", "framework", "notes"),
    *("details_url", "code_url", "git_url", "submitter_folder", "system_file", "version"),
)


def summary_rows(round_outcome: RoundOutcome) -> list[dict[str, object]]:
    """One object per system of a round: what it is, and minutes under the key of each benchmark."""
    rows: dict[tuple, dict[str, object]] = {}
    for result in sorted(round_outcome.results, key=lambda result: order_of(result.entry)):
        key = (result.division, result.submission.submitter, result.submission.system)
        entry = result.entry
        row = rows.setdefault(key, {name: entry[name] for name in _SYSTEM_KEYS if name in entry})
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


def write_summaries(outcome: Outcome, folder: Path) -> list[Path]:
    """Writes ``mlperf-training-summary-<version>.json`` for each round that has results."""
    files = []
    for round_outcome in outcome.rounds:
        if round_outcome.results:
            file = folder / f"mlperf-training-summary-{round_outcome.round.label}.json"
            _write_json(file, summary_rows(round_outcome))
            files.append(file)
    return files


def write_report(outcome: Outcome, folder: Path) -> Path:
    """Writes the report: per round each submission folder with what became of it, and all findings."""
    file = folder / REPORT_FILE
    _write_json(file, report_of(outcome))
    return file


def report_of(outcome: Outcome) -> dict[str, object]:
    """The report as an object; the same input gives the same report."""
    return {
        "rounds": [_round_report(round_outcome, outcome) for round_outcome in outcome.rounds],
        "experiments": [experiment.name for experiment in outcome.experiments],
        "findings_count": dict(sorted(Counter(finding.code for finding in outcome.findings).items())),
        "findings": [finding.to_json() for finding in outcome.findings],
    }


def _round_report(round_outcome: RoundOutcome, outcome: Outcome) -> dict[str, object]:
    round_ = round_outcome.round
    minutes = {result.submission.folder: result.score.minutes for result in round_outcome.results}
    return {
        "version": round_.label,
        "git_url": round_.web_url,
        "git_commit": round_.commit,
        "results": len(round_outcome.results),
        "submissions": len(round_outcome.submissions),
        "findings": sum(finding.round == round_.label for finding in outcome.findings),
        "folders": [
            {"folder": submission.folder, "logs": len(submission.logs), "not_read": list(submission.not_read)}
            | ({"minutes": minutes[submission.folder]} if submission.folder in minutes else {"not_scored": True})
            for submission in round_outcome.submissions
        ],
    }


def _write_json(file: Path, content: object) -> None:
    write_atomically(file, (json.dumps(content, indent=2, sort_keys=False) + "\n").encode("ascii"))
