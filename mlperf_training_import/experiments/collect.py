"""Collects the experiments of a home and the entries in them. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..results.entry import order_of
from ..rounds.clone import names_submissions
from ..tables.labels import SAMPLE, is_private_label, order_of_label, split_label
from ..tables.suites import split_experiment, suites
from ..values import counted
from .files import load_experiment
from .identity import stored_identity
from .publish import find_target, stored_experiments

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..findings import Report
    from ..homes.cm import CmHome
    from ..homes.home import Home
    from ..model import Entry
    from ..tables.suites import ExperimentName
    from .files import StoredExperiment


class Collected(NamedTuple):
    """An experiment: its name, and its entries."""

    name: ExperimentName
    entries: tuple[Entry, ...]


class Results(NamedTuple):
    """Entries in their fixed order, each result once: those that everybody may see, and the others."""

    public: list[Entry]
    private: list[Entry]

    def private_ones(self) -> str:
        """The number of private results, and their rounds."""
        labels = sorted({str(entry.get("version")) for entry in self.private}, key=order_of_label)
        return f"{counted(len(self.private), 'private result')} ({', '.join(labels)})"


def collect_from(home: Home, target_repo: str) -> list[Collected]:
    """The experiments in a repository, by name; ``local`` where the name is empty.

    Raises:
        UnknownTarget: there is no such repository.
    """
    return _collect(stored_experiments(find_target(home, target_repo)))


def collect_everywhere(home: CmHome, report: Report) -> list[Collected]:
    """The experiments in all repositories of the home, by name: what the playground shows.

    What cannot be read is left out and reported.
    """
    tags = {suite.experiments for suite in suites().values()}
    found = home.find_experiments(lambda trouble: report("invalid-store", str(trouble.place), trouble.what))
    return _collect(load_experiment(one.alias, one.folder, report) for one in found if not tags.isdisjoint(one.tags))


def unique_entries(experiments: Iterable[Collected]) -> list[Entry]:
    """The entries of all experiments in their fixed order, each result once: most are in two experiments."""
    found: dict[object, Entry] = {}
    for experiment in experiments:
        for entry in experiment.entries:
            found.setdefault(stored_identity(entry) or id(entry), entry)
    return sorted(found.values(), key=order_of)


def split_private(experiments: Sequence[Collected]) -> Results:
    """The entries of all experiments by who may see them.

    A result is private if it comes from a repository of submissions, or has a label of its own (``5.1-local``,
    ``6.1-private``). It is not private if it is made up, or if it is among the results of all rounds, where an import puts
    only public ones.
    """
    shared = {stored_identity(entry) for one in experiments if one.name.scope == "all" for entry in one.entries}
    results = Results([], [])
    for entry in unique_entries(experiments):
        identity = stored_identity(entry)
        is_shared = identity is not None and identity in shared
        (results.private if not is_shared and _is_private(entry) else results.public).append(entry)
    return results


def _is_private(entry: Entry) -> bool:
    text = str(entry.get("version", ""))
    label = split_label(text)
    has_own_label = is_private_label(text) if label is None else label.suffix not in ("", SAMPLE)
    return has_own_label or names_submissions(str(entry.get("git_url", "")))


def _collect(stored: Iterable[StoredExperiment]) -> list[Collected]:
    return [
        Collected(name, tuple(item for item in experiment.objects if isinstance(item, dict)))
        for experiment in sorted(stored, key=lambda experiment: experiment.name)
        if (name := split_experiment(experiment.name)) is not None
    ]
