"""What people see: messages while work goes on, and the table at the end."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections import defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING

from ..errors import NothingToImport
from ..experiments.publish import find_target, stored_experiments
from ..results.remarks import remarks_of
from ..rounds.clone import fetched_on
from ..rounds.locate import locate
from ..rounds.repository import is_of_its_repository
from ..tables.metrics import metric_in, metric_of
from ..values import counted, one_line, printable
from .entries import edition_of_entry, number_in, text_in
from .rows import Output, print_rows, rows, standard_output

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..findings import Finding
    from ..homes.home import Home
    from ..model import Entry, Judged, Round
    from ..outcome import Changes, Outcome, RoundOutcome
    from ..values import Advance

#: What happened to stored results, as columns.
_CHANGES = ("new", "updated", "unchanged", "kept", "removed")
_REFRESH_SECONDS = 0.1


class Screen:
    """Writes results to standard output and messages to standard error; colours only on a terminal."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._out = standard_output()
        self._err = Output(stderr=True, highlight=False, markup=False, soft_wrap=True)

    def tell(self, message: str) -> None:
        """Shows a message for people, on standard error."""
        if not self._quiet:
            self._err.print(printable(message))

    @contextlib.contextmanager
    def progress(self, label: str, total: int) -> Iterator[Advance]:
        """Shows how far the reading of a round is, on a terminal only; gives a function that takes the bytes read."""
        if self._quiet or not self._err.is_terminal:
            yield lambda _: None
            return
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

        columns = (TextColumn("round {task.description}", markup=False), BarColumn(), DownloadColumn())
        # Without a thread of its own: reading with several processes starts fastest from a process without other threads.
        with Progress(*columns, console=self._err, auto_refresh=False, transient=True) as bar:
            task = bar.add_task(label, total=total)
            shown = 0.0

            def advance(size: int) -> None:
                nonlocal shown
                bar.advance(task, size)
                if (now := time.monotonic()) - shown > _REFRESH_SECONDS:
                    bar.refresh()
                    shown = now

            yield advance

    def show(self, outcome: Outcome) -> None:
        """Shows what a run did: one line per round, the first findings, and where the rest lies."""
        if self._quiet:
            return
        table = rows("round", "commit", "fetched", "results", *_CHANGES, "findings")
        for round_outcome in outcome.rounds:
            table.add_row(*_row(round_outcome, outcome))
        print_rows(self._out, table)
        for note in _iter_notes(outcome):
            self._out.say(note)
        if outcome.preview:
            self._show_results(outcome)
        if outcome.dry_run:
            self._show_plan(outcome)
        self._show_findings(outcome)
        for file, is_new in outcome.files.items():
            self._out.say(f"{'wrote' if is_new else 'unchanged'} {file}")
        self._show_next(outcome)

    def _show_next(self, outcome: Outcome) -> None:
        """Says where the experiments are, and how to look at them."""
        folder = next((experiment.path.parent for experiment in outcome.experiments if experiment.path), None)
        if folder is not None and not outcome.dry_run:
            self._out.say(f"experiments are in {folder}")
            for purpose, command in outcome.next_steps:
                self._out.say(f"{purpose}: {command}")

    def _show_results(self, outcome: Outcome) -> None:
        """Each result of a preview: its score, whether it would pass the review, and what else must be known about it."""
        table = rows("result", "minutes", "runs", "scaling factor", "RCP verdict", "RCP factor")
        for result in outcome.results:
            entry = result.entry
            factors = [f"{entry[key]:.4f}" if key in entry else "" for key in ("scaling_factor", "rcp_factor")]
            score = result.metric.shown(result.score.value or 0, 3)
            runs = f"{entry['runs_counted']} of {entry['runs_count']}"
            table.add_row(_name_of(result), score, runs, factors[0], entry.get("rcp_verdict", ""), factors[1])
        if table.row_count:
            print_rows(self._out, table)
        for result in outcome.results:
            if remarks := remarks_of(result.entry):
                self._out.say(f"{_name_of(result)}: {'; '.join(remarks.values())}")

    def _show_plan(self, outcome: Outcome) -> None:
        plan = rows("experiment", *_CHANGES)
        for experiment in outcome.experiments:
            plan.add_row(experiment.name, *_counts(experiment.changes))
        print_rows(self._out, plan)
        for finding in outcome.findings:
            if finding.code == "pruned-result":
                self._out.say(f"would remove: {finding.where}: {finding.what}")
        self._out.print("dry run: nothing was written")

    def _show_findings(self, outcome: Outcome) -> None:
        """The findings, counted by their kinds, the most serious kind first, with one example of each."""
        kinds = outcome.kinds_of_findings()
        for count, first in kinds:
            place = f"{first.round} {first.where}".strip()
            self._out.say(f"{first.code} ({count}): {place}: {first.what}")
        if len(kinds) < len(outcome.findings) and outcome.report:
            self._out.print(
                f"{len(outcome.findings)} findings in all, with one example of each kind; the report has them all"
            )


def _name_of(result: Judged) -> str:
    return one_line("/".join(result.identity[1:]))


def show_imported(home: Home, target_repo: str) -> None:
    """Prints what is cached, and what each experiment of the target repository holds and where it lies."""
    target = find_target(home, target_repo)
    out = standard_output()
    findings: list[Finding] = []
    try:
        rounds = locate(home, findings)
    except NothingToImport as error:
        out.print(printable(str(error)), soft_wrap=True)
        rounds = []
    cached = rows("cached round", "commit", "fetched", last="clone")
    for round_ in rounds:
        cached.add_row(round_.label, *_age(round_), one_line(str(round_.path)))
    if rounds:
        print_rows(out, cached)
    for finding in findings:
        out.say(f"{finding.code}: {finding.where}: {finding.what}")
    experiments = rows("experiment", "edition", "results", "fastest", last="by")
    for stored in stored_experiments(target):
        name = stored.name
        for row in _iter_editions(stored.objects):
            experiments.add_row(*map(one_line, (name, *row)))
            name = ""
    if not experiments.row_count:
        out.print("nothing is imported yet")
        return
    print_rows(out, experiments)
    out.say(f"experiments are in {target.experiments}")


def _iter_editions(objects: Sequence[object]) -> Iterator[tuple[str, str, str, str]]:
    """Edition, number of results, the fastest, and whose it is, for each edition and metric among stored objects."""
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for item in objects:
        entry = item if isinstance(item, dict) else {}
        groups[edition_of_entry(entry).id, metric_in(entry).name].append(entry)
    for (edition, name), entries in sorted(groups.items(), key=itemgetter(0)):
        metric = metric_of(name)
        scored = [(score, place) for place, entry in enumerate(entries) if (score := number_in(entry, "Result")) is not None]
        if not scored:
            yield edition, str(len(entries)), "", ""
            continue
        score, place = min(scored, key=lambda pair: (metric.order(pair[0]), pair[1]))
        yield edition, str(len(entries)), f"{score:.2f} {metric.unit}", _whose(entries[place])


def _whose(entry: Entry) -> str:
    """Submitter, accelerators or processors, and round of a result."""
    count, parts = entry.get("accelerators_count"), text_in(entry, "accelerator_variant", "accelerator_model_name")
    if not count:
        count, parts = entry.get("host_processors_count"), text_in(entry, "processor", "host_processor_model_name")
    system = f"{count} x {parts}" if count and parts else ""
    return ", ".join(filter(None, (text_in(entry, "submitter_name", "submitter"), system, text_in(entry, "version"))))


def _iter_notes(outcome: Outcome) -> Iterator[str]:
    """What must be known to read the table."""
    for done in outcome.rounds:
        is_part = done.round.only is not None or (outcome.preview and not is_of_its_repository(done.round))
        if is_part and done.results:
            placed = any("rank" in result.entry for result in done.results)
            if done.round.only is None:
                yield f"round {done.round.label}: places are among the {counted(len(done.results), 'result')} that were read"
            elif placed:
                yield f"round {done.round.label}: places are among what was read of {done.round.only} and what is stored"
            else:
                yield f"round {done.round.label}: no places, as only {done.round.only} was read"
        scaled = [(factor, result) for result in done.results if (factor := result.scaling_factor) is not None]
        if scaled:
            factor, result = max(scaled, key=itemgetter(0))
            folder, many = result.submission.folder, counted(len(scaled), "result")
            yield f"round {done.round.label}: {many} with a scaling factor, the largest {factor:g} ({folder})"


def _age(round_: Round) -> tuple[str, str]:
    """Commit and day of a clone, which say how old it is; empty where it is none."""
    return (round_.commit or "")[:12], str(fetched_on(round_.path) or "")


def _row(round_outcome: RoundOutcome, outcome: Outcome) -> list[str]:
    label, part = round_outcome.round.label, round_outcome.round.part
    findings = str(outcome.findings_in(label))
    name = one_line(f"{label} ({part})") if part else label
    results = str(len(round_outcome.results))
    return [name, *_age(round_outcome.round), results, *_counts(outcome.changes_of(label)), findings]


def _counts(changes: Changes) -> list[str]:
    return list(map(str, dataclasses.astuple(changes)))
