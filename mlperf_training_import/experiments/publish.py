"""Publishes entries as experiments of a home: entries by experiment in, files in the target repository out."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ..atomic import remove_leftovers, write_atomically
from ..errors import PublishFailure
from ..findings import Finding, Report, reporter
from ..homes import home_of
from ..homes.home import BadDescription
from ..json_bytes import json_bytes
from ..outcome import Changes, PublishedExperiment
from ..regular import is_there, read_regular
from ..results.entry import experiment_tags
from ..rounds.presence import Presence
from ..tables.suites import label_of_experiment, suite_of
from .files import DATE_FOLDER, RESULT_FILE, StoredExperiment, is_stored, load_experiment, to_bytes
from .home import locked
from .identity import IdentityIndex, by_identity
from .merge import Merger, move_home, stored_uids

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ..homes.home import Home, Repository
    from ..model import Identity

_MOST_META_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Target:
    """The repository to publish into, and the home in which it is registered."""

    home: Home
    repository: Repository

    @property
    def path(self) -> Path:
        """The folder of the repository."""
        return self.repository.path

    @property
    def experiments(self) -> Path:
        """The folder that holds its experiments."""
        return self.repository.experiments


class _Trouble(NamedTuple):
    """Why an experiment must not be touched: a file or folder, and what is wrong with it."""

    place: Path
    what: str


class _Known(NamedTuple):
    """An experiment's folder, and its description where there is one that can be read."""

    path: Path
    description: dict[str, Any] | None = None
    trouble: _Trouble | None = None


def find_target(running: Any, target_repo: str) -> Target:
    """Looks a repository up by alias or uid; the scratch repository ``local`` of the home where the name is empty.

    Args:
        running: what :func:`~..homes.home_of` takes.
        target_repo: alias, uid, or ``alias,uid``.

    Raises:
        UnknownTarget: no repository of that name is registered, or the name matches several.
    """
    home = home_of(running)
    return Target(home, home.find_repository(target_repo.strip() or "local"))


def publish(
    running: Any,
    target: Target,
    entries: Mapping[str, Sequence[dict[str, Any]]],
    labels: Sequence[str],
    findings: list[Finding],
    *,
    presence: Callable[[Identity, str], Presence] | None = None,
    prune: bool = False,
    dry_run: bool = False,
    waiting: Callable[[str], None] = lambda _: None,
) -> list[PublishedExperiment]:
    """Merges entries into the experiments of a repository.

    Args:
        running: what :func:`~..homes.home_of` takes, whose index is left alone.
        target: where to publish.
        entries: the entries of this import by experiment name.
        labels: the rounds that were imported.
        findings: takes what is wrong with the store.
        presence: what is known of a stored result that is not among the entries, given the division of its experiment. One
            that is gone is kept and reported, or removed. All of the imported rounds are gone where nothing is given.
        prune: remove stored results that are gone.
        dry_run: write nothing.
        waiting: told when another import has to be waited for.

    Returns:
        One record per experiment that has something of these rounds, by name.

    Raises:
        PublishFailure: the repository cannot be read or written, or an experiment in it.
    """
    home = home_of(running)
    publication = _Publication(target, entries, labels, reporter(findings))
    if not dry_run:
        _refuse_elsewhere(target, target.experiments)
    with contextlib.nullcontext() if dry_run else locked(home, target.path, waiting):
        if not dry_run:
            _clear_unfinished(target)
        plans = publication.plan(presence or publication.all_gone, prune)
        if not dry_run:
            publication.write(plans)
            publication.index(home)
    return publication.records_of(plans)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What an experiment is to become. ``is_concerned`` says whether this import has, moves or removes anything in it."""

    experiment: StoredExperiment
    objects: list[Any]
    changes: Changes
    is_concerned: bool


class _Publication:
    """One import on its way into one repository."""

    def __init__(
        self, target: Target, entries: Mapping[str, Sequence[dict[str, Any]]], labels: Sequence[str], report: Report
    ) -> None:
        self._target = target
        self._entries = entries
        self._labels = labels
        self._report = report
        self._known: dict[str, _Known] = {}

    def plan(self, presence: Callable[[Identity, str], Presence], prune: bool) -> list[_Plan]:
        """What each experiment is to become, in the order in which they are to be written. Reads only."""
        self._known = _existing(self._target)
        labels = {*self._labels, *(f"{suite_of(label).label}all" for label in self._labels)}
        names = sorted({*self._entries, *(name for name in self._known if label_of_experiment(name) in labels)})
        experiments = [_load(name, self._known.get(name), self._report) for name in names]
        groups = {name: by_identity(self._entries.get(name, ())) for name in names}
        index = IdentityIndex({identity: entry for group in groups.values() for identity, entry in group.items()})
        move_home(experiments, _homes_of(experiments, groups), index, self._report)
        merger = Merger(index, stored_uids(experiments, index, self._labels), presence, prune, self._report)
        plans = []
        # experiments that results leave come last: a run that is killed in between leaves them twice and not nowhere
        for experiment in sorted(experiments, key=lambda experiment: experiment.moved_out > 0):
            if experiment.usable:
                before = len(experiment.objects) + experiment.moved_out
                objects, changes = merger.merge(experiment, groups[experiment.name])
                is_concerned = bool(groups[experiment.name]) or len(objects) != before
                plans.append(_Plan(experiment, objects, changes, is_concerned))
        return plans

    def all_gone(self, identity: Identity, _division: str) -> Presence:
        """For those who know nothing of the clones."""
        return Presence.GONE if identity[0] in self._labels else Presence.OUT_OF_SCOPE

    def write(self, plans: Sequence[_Plan]) -> None:
        """Writes what differs from what is stored."""
        for plan in plans:
            if plan.is_concerned:
                name = plan.experiment.name
                self._known[name] = _write(self._target, plan.experiment, plan.objects, self._known.get(name))

    def index(self, home: Home) -> None:
        """Makes the home find all experiments of this importer."""
        artifacts = [(found.description, found.path) for found in self._known.values() if found.description]
        if trouble := home.add_to_index(artifacts, self._target.repository):
            self._report("cm-index", str(home.repos_path), trouble)

    def records_of(self, plans: Sequence[_Plan]) -> list[PublishedExperiment]:
        """What became of the experiments, or would, by name."""
        records = []
        for plan in plans:
            name = plan.experiment.name
            if plan.is_concerned or plan.changes.kept:
                description = self._known[name].description if name in self._known else None
                uid = description["uid"] if description else _uid_of(name)
                records.append(PublishedExperiment(name, plan.experiment.folder, uid, plan.changes))
        return sorted(records, key=lambda record: record.name)


def _homes_of(
    experiments: Sequence[StoredExperiment], groups: Mapping[str, Mapping[Identity, dict[str, Any]]]
) -> dict[tuple[bool, Identity], str]:
    """The experiment that a result belongs to, among those over all rounds (True) and those of its round (False).

    A result that has no place among all rounds belongs to its round's experiment only, wherever it was stored before.
    """
    homes: dict[tuple[bool, Identity], str] = {}
    for experiment in sorted(experiments, key=lambda experiment: not experiment.is_over_all):
        for identity in groups[experiment.name]:
            homes[experiment.is_over_all, identity] = experiment.name
            homes.setdefault((True, identity), experiment.name)
    return homes


def stored_experiments(target: Target) -> list[StoredExperiment]:
    """What the target holds of this importer, by name. Files that cannot be read are left out."""
    loaded = [_load(name, known, lambda *_: None) for name, known in sorted(_existing(target).items())]
    return [experiment for experiment in loaded if experiment.usable and experiment.file is not None]


def stored_beside(target: Target, label: str, submitter: str) -> list[dict[str, Any]]:
    """The stored results of a round that are of others than a submitter, named by its folder."""
    return [
        item
        for experiment in stored_experiments(target)
        if label_of_experiment(experiment.name) == label
        for item in experiment.objects
        if isinstance(item, dict) and item.get("submitter_folder", submitter) != submitter
    ]


def _load(name: str, known: _Known | None, report: Report) -> StoredExperiment:
    """An experiment as it is stored; unusable where it cannot be read, or a link leads out of the repository."""
    if known is None or known.trouble is None:
        return load_experiment(name, known.path if known else None, report)
    report("invalid-store", str(known.trouble.place), f"{known.trouble.what}; nothing was written to the experiment")
    return StoredExperiment(name, known.path, usable=False)


def _refuse_elsewhere(target: Target, folder: Path) -> None:
    """Keeps everything that is written in the target repository.

    Raises:
        PublishFailure: the repository is gone, or a link leads from the folder out of it.
    """
    if not target.path.is_dir():
        raise PublishFailure(f"{target.path}: the repository is gone; what was stored in it before is not there either")
    if not _is_inside(target, folder):
        raise PublishFailure(f"{folder}: a link leads out of the repository {target.path}; nothing was written there")


def _is_inside(target: Target, path: Path) -> bool:
    try:
        return path.resolve().is_relative_to(target.path.resolve())
    except (OSError, RuntimeError):  # links that lead in a circle
        return False


def _write(target: Target, experiment: StoredExperiment, objects: list[Any], known: _Known | None) -> _Known:
    """Writes an experiment's results if they differ from what is stored, then its description if it has none.

    In this order nobody finds an experiment without results, and each file is whole or not there: ``cm add`` writes the
    description in place, and half of one makes CM fail wherever it looks for experiments.
    """
    folder = experiment.folder or target.experiments / experiment.name
    if experiment.file is None:
        now = datetime.datetime.now(datetime.timezone.utc)  # there is no other date folder that it could come before
        experiment.file = folder / now.strftime("%Y-%m-%d.%H-%M-%S.%f") / RESULT_FILE
    _refuse_elsewhere(target, experiment.file)
    try:
        experiment.file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PublishFailure(f"{target.path}: cannot be written ({error.strerror})") from error
    if is_stored(objects, experiment) or (data := to_bytes(objects)) == experiment.data:
        remove_leftovers(experiment.file)
    else:
        write_atomically(experiment.file, data)
    experiment.folder = folder
    home = target.home
    description = home.describe(experiment.name, _uid_of(experiment.name), experiment_tags(experiment.name))
    meta = folder / home.description_file
    if known is not None and known.description is not None:
        remove_leftovers(meta)
        return known
    write_atomically(meta, json_bytes(description, sort_keys=True))
    return _Known(folder, description)


def _uid_of(name: str) -> str:
    """The uid of a new experiment: derived from its name, so that it is the same for everybody."""
    return hashlib.sha256(name.encode("ascii")).hexdigest()[:16]


def _existing(target: Target) -> dict[str, _Known]:
    """The experiments of this importer in the target, by name.

    Read from the disk: the index of CM does not know what came with ``git pull`` or was half made by a killed run, and its
    search gives up at the first broken description.
    """
    experiments = {}
    for folder in _experiment_folders(target):
        trouble = _trouble_of(target, folder)
        experiments[folder.name] = _describe(target, folder) if trouble is None else _Known(folder, trouble=trouble)
    return experiments


def _experiment_folders(target: Target) -> list[Path]:
    """Whatever stands where experiments of this importer do, by name.

    Raises:
        PublishFailure: the experiments cannot be listed.
    """
    try:
        with os.scandir(target.experiments) as entries:
            names = sorted(entry.name for entry in entries if label_of_experiment(entry.name))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise PublishFailure(f"{target.experiments}: cannot be read ({error.strerror})") from error
    return [target.experiments / name for name in names]


def _trouble_of(target: Target, folder: Path) -> _Trouble | None:
    """Why an experiment must not be touched, as far as that shows from outside."""
    try:
        if not folder.is_dir():
            return _Trouble(folder, "no folder, or a link to nothing")
        places = [folder, *folder.iterdir()]
        dated = [place for place in places[1:] if DATE_FOLDER.fullmatch(place.name)]
        places += [result for place in dated if is_there(result := place / RESULT_FILE)]
        links = [place for place in places[1:] if place.is_symlink() or place.parent.is_symlink()]
    except OSError as error:
        return _Trouble(folder, f"cannot be read ({error.strerror})")
    elsewhere = next((place for place in (folder, *links) if not _is_inside(target, place)), None)
    return _Trouble(elsewhere, "leads out of the repository") if elsewhere else None


def _describe(target: Target, folder: Path) -> _Known:
    """What the home knows of a folder."""
    try:
        return _Known(folder, target.home.read_description(folder))
    except BadDescription as bad:
        return _Known(folder, trouble=_Trouble(bad.place, bad.what))


def _clear_unfinished(target: Target) -> None:
    """Removes the description of an experiment that was cut off when it was made, so that it is written again.

    Only where there are no results: nothing is lost then.
    """
    for folder in _experiment_folders(target):
        if _trouble_of(target, folder) is None and not any(folder.glob(f"*/{RESULT_FILE}")):
            with contextlib.suppress(OSError):  # then the description stands as what cannot be read
                if not _is_json(meta := folder / target.home.description_file):
                    meta.unlink()


def _is_json(file: Path) -> bool:
    """Whether a file holds JSON.

    Raises:
        OSError: it cannot be read.
    """
    try:
        json.loads(read_regular(file, _MOST_META_BYTES))
    except (ValueError, RecursionError):
        return False
    return True
