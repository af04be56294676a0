"""Files for people and other programs: the summary of each round, and the report with every folder and finding."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from ..atomic import write_if_different
from ..errors import BadInput
from ..json_bytes import json_bytes
from ..regular import read_regular
from ..tables.labels import round_label
from ..values import finite_number

if TYPE_CHECKING:
    from pathlib import Path

    from ..model import Run
    from ..outcome import Outcome, RoundOutcome

REPORT_FILE = "mlperf-training-report.json"
#: Of the report; it increases when a key is removed or changes its meaning. Reports of version 0 do not say theirs.
SCHEMA_VERSION = 1
#: The report of all published rounds has a hundredth of this.
_MOST_BYTES = 512 << 20


def write_report(outcome: Outcome, folder: Path) -> tuple[Path, bool]:
    """Writes the report: per round each submission folder with what became of it, and all findings.

    Returns:
        The file, and whether it was written.
    """
    file = folder / REPORT_FILE
    return file, write_if_different(file, json_bytes(report_of(outcome)))


def read_report(file: Path, *, optional: bool = False) -> dict[str, Any]:
    """A report as it was written; empty where there is none and it is optional.

    Raises:
        BadInput: it cannot be read, or is no report.
    """
    try:
        report = json.loads(read_regular(file, _MOST_BYTES))
    except FileNotFoundError as error:
        if optional:
            return {}
        raise BadInput(f"{file}: no such file") from error
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from error
    except (ValueError, RecursionError):
        report = None
    if not isinstance(report, dict):
        raise BadInput(f"{file}: no report of an import; remove it, or name another one with --findings")
    if finite_number(version := report.get("schema_version", 0)) not in range(SCHEMA_VERSION + 1):
        raise BadInput(f"{file}: of a newer form ({version}); import again, or update this importer")
    return report


def report_of(outcome: Outcome) -> dict[str, object]:
    """The report as an object; the same input gives the same report."""
    return {
        "schema_version": SCHEMA_VERSION,
        "rounds": [_round_report(round_outcome, outcome) for round_outcome in outcome.rounds],
        "experiments": [experiment.name for experiment in outcome.experiments],
        "findings_count": dict(sorted(Counter(finding.code for finding in outcome.findings).items())),
        "findings": [finding.to_json() for finding in outcome.findings],
    }


def state_of(outcome: Outcome) -> dict[str, object]:
    """What a calling workflow gets: rounds, experiments with uid and path, and counts."""
    return {
        "rounds": [{"version": o.round.label, "path": str(o.round.path), "results": len(o.results)} for o in outcome.rounds],
        "experiments": [
            {"name": e.name, "uid": e.uid, "path": str(e.path) if e.path else "", **dataclasses.asdict(e.changes)}
            for e in outcome.experiments
        ],
        "results": len(outcome.results),
        "findings": len(outcome.findings),
        "files": [str(file.resolve()) for file in outcome.files],
    }


def _run_report(run: Run) -> dict[str, object]:
    """A log with its minutes, or the reason why its run does not count; and how many runs it begins, if several."""
    begun = max(run.log.run_starts, run.log.attempts)
    said = {"minutes": run.minutes} if run.minutes is not None else {"reason": run.reason}
    return {"log": run.log.name, **said, **({"runs_begun": begun} if begun > 1 else {})}


def _round_report(round_outcome: RoundOutcome, outcome: Outcome) -> dict[str, object]:
    round_ = round_outcome.round
    judged = {judged.submission.folder: judged for judged in round_outcome.judged}
    scores = {result.submission.folder: {result.metric.report_key: result.score.value} for result in round_outcome.results}
    return {
        "suite": round_label(round_.version).suite,
        "version": round_.label,
        "git_url": round_.web_url,
        "git_commit": round_.commit,
        "results": len(round_outcome.results),
        "submissions": len(round_outcome.submissions),
        "findings": outcome.findings_in(round_.label),
        "folders": [
            {
                "folder": submission.folder,
                "submitter": submission.submitter,
                "system": submission.system,
                "benchmark": known.benchmark.key if (known := judged.get(submission.folder)) else submission.benchmark,
                "metric": submission.metric.name,
                "logs": len(submission.logs),
                "not_read": list(submission.not_read),
                "runs": [_run_report(run) for run in (known.runs if known else ())],
            }
            | scores.get(submission.folder, {"not_scored": True})
            for submission in round_outcome.submissions
        ],
    }
