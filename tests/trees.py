"""Made-up rounds for the tests: files in, and what the stages make of them out. No Collective Mind needed."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlperf_training_import.logs.cache import LogCache
from mlperf_training_import.logs.log import read_log
from mlperf_training_import.model import Judged, Round, Run, RunLog
from mlperf_training_import.options import Filter
from mlperf_training_import.results.score import judge
from mlperf_training_import.results.score_round import Reading, read_round
from mlperf_training_import.rounds.walk import walk
from mlperf_training_import.start.sample import run_log, system_description, write_submission
from mlperf_training_import.tables.labels import round_label
from mlperf_training_import.tables.rules import rules_of
from mlperf_training_import.values import LARGEST_LOG_MB

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mlperf_training_import.findings import Finding
    from mlperf_training_import.outcome import RoundOutcome

#: What a file of a tree may be given as: its text, its bytes, or an object to be written as JSON.
Content = str | bytes | dict


def write_files(root: Path, files: Mapping[str, Content]) -> None:
    """Writes files; the keys are paths below ``root``."""
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            content = json.dumps(content)
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def settle() -> None:
    """Waits until the clock of the file system has moved on, which takes some milliseconds in memory."""
    clock = Path("clock")
    clock.touch()
    before = clock.stat().st_mtime_ns
    while clock.stat().st_mtime_ns == before:
        time.sleep(0.001)
        clock.touch()
    clock.unlink()


def write_result(
    root: Path,
    minutes: Iterable[float] = (1, 2, 3, 4, 5),
    *,
    submitter: str = "Org",
    system: str = "sys",
    benchmark: str = "resnet",
    description: Mapping[str, object] | None = None,
    **log_options,
) -> Path:
    """Writes a benchmark folder with one good run per number of minutes; the default scores (2 + 3 + 4) / 3 = 3.0.

    ``description`` are keys that replace those of a complete system description.
    """
    return write_submission(
        root,
        submitter,
        system,
        benchmark,
        [run_log(benchmark, number, **log_options) for number in minutes],
        system_description(submitter) | dict(description or {}),
    )


def read(tmp_path: Path, content: str | bytes, version: str = "3.0", elapsed_key: str | None = None) -> RunLog:
    """What a log with this content says, read by the rules of a round."""
    file = tmp_path / "result_0.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return read_log(file, rules_of(version).dialect, file.name, elapsed_key)


def judged(tmp_path: Path, content: str | bytes, version: str = "3.0") -> Run:
    """The same, judged."""
    return judge(read(tmp_path, content, version), rules_of(version))


@dataclass(frozen=True)
class Imported:
    """What an import of a tree came to, without publishing it."""

    outcome: RoundOutcome
    findings: list[Finding]

    @property
    def results(self) -> dict[str, Judged]:
        """Results that have a score, by their folder."""
        return {result.submission.folder: result for result in self.outcome.results}

    @property
    def minutes(self) -> dict[str, float]:
        """Scores by folder."""
        return {folder: result.score.minutes for folder, result in self.results.items()}

    @property
    def only(self) -> Judged:
        """The one result that there is."""
        (result,) = self.outcome.results
        return result

    @property
    def places(self) -> set[tuple[str, str]]:
        """Code and place of every finding."""
        return {(finding.code, finding.where) for finding in self.findings}

    def what(self, code: str) -> list[str]:
        """The texts of the findings of one kind."""
        return [finding.what for finding in self.findings if finding.code == code]


def is_made_up_submitter(finding: Finding) -> bool:
    """Whether a finding says that the tables do not know a submitter."""
    return finding.code == "unknown-name" and finding.what.startswith("submitter ")


def import_tree(
    root: Path,
    version: str = "3.0",
    wanted: Filter | None = None,
    *,
    largest_mb: int = LARGEST_LOG_MB,
    with_details: bool = False,
    cache: LogCache | None = None,
    **round_facts,
) -> Imported:
    """Walks, reads and scores a tree as a round. That the tables do not know its made-up submitters is not told."""
    round_ = Round(version, round_label(version).round, root, **round_facts)
    findings: list[Finding] = []
    submissions = walk(round_, rules_of(round_.version), findings)
    reading = Reading(
        wanted or Filter(), largest_mb, with_details, cache=cache or LogCache(), with_measurements=with_details
    )
    outcome = read_round(round_, submissions, reading)
    findings += outcome.findings
    return Imported(outcome, [finding for finding in findings if not is_made_up_submitter(finding)])
