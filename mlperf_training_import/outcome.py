"""What a run passes to its edges: records without logic beyond sums."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .tables.suites import label_of_experiment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .findings import Finding
    from .model import Judged, Round, Submission


@dataclass(slots=True)
class Changes:
    """What a merge did, in numbers of results."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0
    removed: int = 0

    def __iadd__(self, other: Changes) -> Changes:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


@dataclass(frozen=True, slots=True)
class PublishedExperiment:
    """What happened to one experiment. ``path`` is None for one that a dry run would add."""

    name: str
    path: Path | None
    uid: str
    changes: Changes

    @property
    def label(self) -> str:
        """The label of the round that the experiment is about; ``all``, or ``hpc-all``, for one over all rounds."""
        return label_of_experiment(self.name)


@dataclass(frozen=True, slots=True)
class RoundOutcome:
    """The outcome of one round.

    ``walked`` are all its submissions, ``submissions`` those that were wanted and read, ``results`` those of them that have
    a score, with their entries. ``judged`` are all that have logs, scored or not, and ``findings`` are the findings about
    them. ``details`` are packed (:mod:`~.logs.details`), by the path of a log, and empty unless asked for.
    """

    round: Round
    walked: tuple[Submission, ...]
    submissions: tuple[Submission, ...]
    results: tuple[Judged, ...]
    judged: tuple[Judged, ...]
    findings: tuple[Finding, ...]
    details: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """The outcome of a run. ``findings`` are sorted, serious ones first.

    ``files`` are those besides entries, each with whether it was written (false: it was already the same). ``preview`` is
    set for a tree on this machine. ``nothing`` is the text of an error if no round had a result. ``next_steps`` are what
    can be done with the experiments, each with its command.
    """

    rounds: list[RoundOutcome] = field(default_factory=list)
    experiments: list[PublishedExperiment] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    files: dict[Path, bool] = field(default_factory=dict)
    report: Path | None = None
    dry_run: bool = False
    preview: bool = False
    nothing: str | None = None
    next_steps: Sequence[tuple[str, str]] = ()

    @property
    def results(self) -> list[Judged]:
        """The results of all rounds."""
        return [result for done in self.rounds for result in done.results]

    @property
    def failures(self) -> list[Finding]:
        """Findings that make the run fail, although everything else is written."""
        return [finding for finding in self.findings if finding.kind.fails]

    def changes_of(self, label: str) -> Changes:
        """What happened to the results in the experiments of one round."""
        changes = Changes()
        for experiment in self.experiments:
            if experiment.label == label:
                changes += experiment.changes
        return changes

    def findings_in(self, label: str) -> int:
        """The number of findings about a round."""
        return sum(finding.round == label for finding in self.findings)

    def kinds_of_findings(self) -> list[tuple[int, Finding]]:
        """For each code, the number of its findings and the first of them, in the order of the findings."""
        alike: dict[str, list[Finding]] = defaultdict(list)
        for finding in self.findings:
            alike[finding.code].append(finding)
        return [(len(same), same[0]) for same in alike.values()]

    def rounds_without_results(self, asked: Sequence[str]) -> list[str]:
        """The rounds without results: among those asked for, or among all if none was asked for.

        A round from which the filter wanted nothing is left out. Without ``asked``, the list is empty if any round has
        results: the findings report the others.
        """
        if not asked and self.results:
            return []
        well = {
            label
            for o in self.rounds
            if o.results or (o.walked and not o.submissions)
            for label in (o.round.label, o.round.version)[: 1 + self.preview]  # a tree may have a label of its own
        }
        labels = asked or sorted({o.round.label for o in self.rounds} | {finding.round for finding in self.findings} - {""})
        return [label for label in labels if label not in well]
