"""Collects what was imported: experiments of a home, and the entries in them. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..results.entry import order_of
from ..tables.suites import split_experiment, suites
from .files import load_experiment
from .identity import stored_identity
from .publish import find_target, stored_experiments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..homes.cm import CmHome
    from ..homes.home import Home
    from ..tables.suites import ExperimentName


@dataclass(frozen=True, slots=True)
class Collected:
    """An experiment: its name, and its entries."""

    name: ExperimentName
    entries: tuple[dict[str, Any], ...]


def collect_from(home: Home, target_repo: str) -> list[Collected]:
    """The experiments in a repository, by name; ``local`` where the name is empty.

    Raises:
        UnknownTarget: there is no such repository.
    """
    stored = stored_experiments(find_target(home, target_repo))
    return _collect((experiment.name, experiment.objects) for experiment in stored)


def collect_everywhere(home: CmHome) -> list[Collected]:
    """The experiments in all repositories of the home, by name: what the playground shows."""
    with home.index_left_alone():
        found = [experiment for suite in suites().values() for experiment in home.find_experiments(suite.experiments)]
    stored = [load_experiment(name, folder, lambda *_: None) for name, folder in found]
    return _collect((experiment.name, experiment.objects) for experiment in stored)


def unique_entries(experiments: Iterable[Collected]) -> list[dict[str, Any]]:
    """The entries of all experiments in their fixed order, each result once: most are in two experiments."""
    found: dict[object, dict[str, Any]] = {}
    for experiment in experiments:
        for entry in experiment.entries:
            found.setdefault(stored_identity(entry) or id(entry), entry)
    return sorted(found.values(), key=order_of)


def _collect(named: Iterable[tuple[str, list[Any]]]) -> list[Collected]:
    collected = []
    for name, objects in sorted(named, key=lambda pair: pair[0]):
        if (parts := split_experiment(name)) is not None:
            collected.append(Collected(parts, tuple(item for item in objects if isinstance(item, dict))))
    return collected
