"""Collects what was imported: experiments of a CM home, and the entries in them. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..results.entry import order_of
from .files import load_experiment
from .home import index_left_alone
from .identity import stored_identity
from .publish import find_target, stored_experiments

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Collected:
    """An experiment: its name, the three parts that follow ``mlperf-training`` in it, and its entries."""

    name: str
    scope: str
    division: str
    task: str
    entries: tuple[dict[str, Any], ...]

    def has(self, key: str) -> bool:
        """Whether any entry has a value under a key."""
        return any(entry.get(key) is not None for entry in self.entries)


def collect_from(cm: Any, target_repo: str) -> list[Collected]:
    """The experiments in a repository, by name; ``local`` where the name is empty.

    Raises:
        UnknownTarget: there is no such repository.
    """
    stored = stored_experiments(find_target(cm, target_repo))
    return _collect((experiment.name, experiment.objects) for experiment in stored)


def collect_everywhere(cm: Any) -> list[Collected]:
    """The experiments in all repositories of the CM home, by name: what the playground shows."""
    with index_left_alone(cm):
        found = cm.access({"action": "find", "automation": "experiment", "tags": "mlperf-training"})
    stored = [load_experiment(item.meta["alias"], Path(item.path), lambda *_: None) for item in found.get("list", ())]
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
        parts = name.split("--")
        if len(parts) == 4:
            _, scope, division, task = parts
            entries = tuple(item for item in objects if isinstance(item, dict))
            collected.append(Collected(name, scope, division, task, entries))
    return collected
