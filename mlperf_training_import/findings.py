"""What is wrong with one file or folder: the table of codes, the record, and what collects them.

A finding never ends a run: it is counted, shown and written to the report.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

#: Kinds of findings with which a run fails once everything else is written: what belongs to an experiment is not in it.
FAILURES = frozenset({"invalid-store"})


#: Every kind of finding, most serious first, with what to do about it. The order is the order on the screen.
ADVICE = {
    # no result
    "clone-missing": "remove the cache entry and fetch the round again",
    "clone-incomplete": "remove the cache entry and fetch the round again",
    "clone-untagged": "add the tag version-<round> to the cache entry",
    "unsafe-path": "links are followed only inside the repository, and names must be printable",
    "no-system-folder": "the submitter has no results; nothing to do unless some are expected",
    "no-logs": "logs must be named result_*.txt and lie directly in the benchmark folder",
    "too-many-failed-runs": "too many runs do not count for a score; see the findings of its runs",
    "too-few-runs": "nothing is left after the fastest and slowest runs are dropped",
    "invalid-scaling-file": 'expected {"scaling_factor": <number above 0>}; without it the score would be wrong',
    "unreadable": "check the file's permissions",
    "invalid-store": "repair or remove the stored file, then import again",
    "cm-index": "repair what CM names, then run: cm reindex repo",
    # a result, with something to check
    "clone-unreadable": "the entries have no links; fetch the round again if they should",
    "foreign-clone": "check who can write there; fetch the round yourself if you do not trust that user",
    # a result, with something missing
    "no-systems-folder": "descriptions are expected in <submitter>/systems/",
    "no-system-description": "add <submitter>/systems/<system>.json; until then the system is named after its folder",
    "invalid-system-description": "repair the JSON; until then the system is named after its folder",
    "incomplete-system-description": "add the keys; what they would tell is left out",
    "unknown-division": "set division in the system description to closed or open",
    "stray-logs": "move the logs into <system>/<benchmark>/",
    "nested-logs": "logs below a benchmark folder are not read; move them if they are results",
    "no-power-folder": "energy needs power/<log name>/node_*.txt for each run",
    "unknown-energy": "repair the power log; the score is not affected",
    "power-log": "check the figure before you use it",
    # tables to extend
    "unknown-round": "add the round to the table",
    "unknown-benchmark": "add the benchmark to the table",
    "unknown-key": "add the spelling to the table, if it means that key",
    # runs and counts
    "malformed-line": "a run with a malformed line does not count",
    "run-not-counted": "the run does not count; the score stands if few enough do",
    "run-count": "the round asks for another number of logs; the result is imported",
    "log-mismatch": "folder and log name different things; the folder is taken",
    # the store
    "kept-result": "the clone no longer has it; --prune removes it",
    "merged-duplicates": "two stored objects were one result; they are one now",
    "several-uids": "a result has one uid; the other one is kept as uid_2",
    "missing-uid": "a result needs one to be linked to; it was added",
    "moved-result": "its division or task changed; it was moved with all that was noted in it",
    "unrecognised-entry": "kept as it is; it cannot be told which result it is",
    "extra-date-folder": "only the newest is used; remove the others",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one file or folder.

    ``code`` is a key of :data:`ADVICE`; ``where`` a path relative to the round's clone (or the store), optionally with
    ``:line``; ``what`` a lower-case phrase.
    """

    code: str
    round: str
    where: str
    what: str

    @property
    def advice(self) -> str:
        """What to do about it."""
        return ADVICE[self.code]

    def to_json(self) -> dict[str, str]:
        """The finding as it stands in the report."""
        return {
            "code": self.code,
            "round": self.round,
            "where": self.where,
            "what": self.what,
            "advice": self.advice,
        }


def by_weight(finding: Finding) -> tuple[int, str, str, str]:
    """Sort key: serious findings first, then by place."""
    return (list(ADVICE).index(finding.code), finding.round, finding.where, finding.what)


#: Takes a finding's code, path and text.
Report = Callable[[str, str, str], None]


def reporter(findings: list[Finding], label: str = "") -> Report:
    """What adds findings about a round to a list; about the store, which is no round's, where the label is empty."""

    def report(code: str, where: str, what: str) -> None:
        findings.append(Finding(code, label, where, what))

    return report
