"""Says what there is to be said about a round: the doubts about its results, and what is odd about the round as a whole."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ..findings import Finding, as_one
from ..tables.editions import edition_of
from ..tables.files import place_to_extend
from ..tables.names import row_to_add
from ..tables.rules import BENCHMARKS_FILE, ROUNDS_FILE, known_benchmarks
from .doubts import code_of, run_not_counted
from .names import name_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..model import Judged, Round
    from ..tables.rules import Rules

    #: Places in a round or in the tables, each with what is odd there.
    _Places = Iterator[tuple[str, str]]

#: More of a spelling is not shown.
_LONGEST_SPELLING = 120


def iter_findings(round_: Round, rules: Rules, results: Sequence[Judged]) -> Iterator[Finding]:
    """All that is to be said about the results of a round, and about the round as a whole."""
    usual: dict[str, list[Finding]] = defaultdict(list)
    for judged in results:
        for doubt in judged.doubts:
            finding = Finding(doubt.code, round_.label, doubt.where, doubt.what, judged.submission.folder)
            # where the first few that converge are scored, others need not
            if doubt.code == code_of(run_not_counted) and judged.benchmark.scored is not None:
                usual[judged.benchmark.key].append(finding)
            else:
                yield finding
    for findings in usual.values():
        yield from as_one(findings)
    for check in _OF_ROUND:
        yield from (Finding(code_of(check), round_.label, where, what) for where, what in check(rules, results))


def unknown_round(rules: Rules, _results: Sequence[Judged]) -> _Places:
    if not rules.known:
        what = f"round {rules.version} is not in the table; imported by the last rules"
        yield place_to_extend(ROUNDS_FILE, "rounds"), what


def unknown_benchmark(rules: Rules, results: Sequence[Judged]) -> _Places:
    for key, judged in _first_of_each_benchmark(results).items():
        if not judged.benchmark.known:
            place, what = place_to_extend(BENCHMARKS_FILE), f"benchmark {key} is not in the table"
            if key in known_benchmarks():
                place = place_to_extend(ROUNDS_FILE, "rounds", rules.version)
                what = f"benchmark {key} is not listed for round {rules.version}"
            yield place, f"{what}; imported without a target (first seen in {judged.submission.folder})"


def new_edition(rules: Rules, results: Sequence[Judged]) -> _Places:
    for key in _first_of_each_benchmark(results):
        edition = edition_of(key, rules.version)
        if edition is not None and not edition.known:
            what = f"{key} is not compared with earlier rounds: no edition of the table has round {rules.version}"
            yield place_to_extend(BENCHMARKS_FILE, row=key), what


def _first_of_each_benchmark(results: Sequence[Judged]) -> dict[str, Judged]:
    return {judged.benchmark.key: judged for judged in reversed(results) if judged.benchmark.key}


def unknown_name(_rules: Rules, results: Sequence[Judged]) -> _Places:
    first: dict[tuple[str, str], str] = {}
    for judged in results:
        submission = judged.submission
        if judged.benchmark.key:
            for name in name_keys(submission.system_record, submission.submitter, submission.system)[1]:
                first.setdefault((name.kind, name.spelling), submission.folder)
    for (kind, spelling), folder in first.items():
        place, row = row_to_add(kind, spelling[:_LONGEST_SPELLING])
        what = f"{kind} {spelling[:_LONGEST_SPELLING]} is not in the table (first seen in {folder}); to be added: {row}"
        yield place, what


def stray_logs(_rules: Rules, results: Sequence[Judged]) -> _Places:
    taken: dict[object, Judged] = {}
    for judged in results:
        if judged.score.minutes is not None and (other := taken.setdefault(judged.identity, judged)) is not judged:
            yield judged.submission.folder, f"is the same result as {other.submission.folder}, which counts"


#: Checks of a whole round: places, and what is odd about them.
_OF_ROUND: tuple[Callable[[Rules, Sequence[Judged]], _Places], ...] = (
    unknown_round,
    unknown_benchmark,
    new_edition,
    unknown_name,
    stray_logs,
)
