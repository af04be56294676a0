"""What a run hands to its edges: records without logic beyond sums."""

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
    """What became of one experiment. ``path`` is None for one that a dry run would add."""

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
    """What came out of one round.

    ``walked`` are all its submissions, ``submissions`` those that were wanted and read, ``results`` those of them that
    have a score, with their entries. ``judged`` are all that have logs, scored or not, and ``findings`` what there is to
    say about them. ``details`` are by the path of a log, packed (:mod:`~.logs.details`), and empty unless asked for.
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
    """What came out of a run. ``findings`` are sorted, serious ones first.

    ``files`` are those beside entries, each with whether it was written or was the same already. A ``preview`` is of a
    tree on this machine. ``nothing`` is the text of an error where no round had a result. ``next_steps`` are what can be
    done with the experiments, and the command for it.
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
        """Findings with which the run fails, though everything else is written."""
        return [finding for finding in self.findings if finding.kind.fails]

    def changes_of(self, label: str) -> Changes:
        """What became of the results in the experiments of one round."""
        changes = Changes()
        for experiment in self.experiments:
            if experiment.label == label:
                changes += experiment.changes
        return changes

    def findings_in(self, label: str) -> int:
        """How many findings there are about a round."""
        return sum(finding.round == label for finding in self.findings)

    def kinds_of_findings(self) -> list[tuple[int, Finding]]:
        """For each code the number of findings that have it, and the first of them, in the order of the findings."""
        alike: dict[str, list[Finding]] = defaultdict(list)
        for finding in self.findings:
            alike[finding.code].append(finding)
        return [(len(same), same[0]) for same in alike.values()]

    def rounds_without_results(self, asked: Sequence[str]) -> list[str]:
        """The rounds that were to give results and gave none: of those asked for, or all, where none was asked for.

        A round from which the filter wanted nothing does not count. Without ``asked`` a single empty round is a matter for
        its findings.
        """
        if not asked and self.results:
            return []
        well = {
            label
            for o in self.rounds
            if o.results or (o.walked and not o.submissions)
            for label in (o.round.label, o.round.version)[: 1 + self.preview]  # a tree may have got a label of its own
        }
        labels = asked or sorted({o.round.label for o in self.rounds} | {finding.round for finding in self.findings} - {""})
        return [label for label in labels if label not in well]
