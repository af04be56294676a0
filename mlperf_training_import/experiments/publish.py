"""Publishes entries as experiments of a home: entries by experiment in, files in the target repository out."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from ..atomic import remove_leftovers, write_atomically
from ..errors import PublishFailure
from ..findings import Finding, Report, reporter
from ..homes.home import BadDescription
from ..json_bytes import json_bytes
from ..outcome import Changes, PublishedExperiment
from ..regular import is_there, read_regular
from ..results.entry import experiment_tags
from ..tables.suites import label_of_experiment, suite_of
from ..values import short_digest
from .files import DATE_FOLDER, RESULT_FILE, StoredExperiment, is_stored, load_experiment, rewritten
from .identity import IdentityIndex
from .locks import locked
from .merge import Merger, move_results, stored_uids
from .settled import SettledStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from ..homes.home import Home, Repository
    from ..model import Entry, Identity
    from ..rounds.presence import Presence
    from ..values import Tell

_MOST_META_BYTES = 16 << 20


class _Known(NamedTuple):
    """What there is of an experiment: its folder, its description, and why it must not be touched, if so."""

    path: Path | None = None
    description: dict[str, Any] | None = None
    trouble: BadDescription | None = None


_NEW = _Known()


class _Plan(NamedTuple):
    """What an experiment is to become. ``is_concerned`` says whether this import has, moves or removes anything in it."""

    experiment: StoredExperiment
    objects: list[Any]
    changes: Changes
    is_concerned: bool


def find_target(home: Home, target_repo: str) -> Repository:
    """Looks a repository up by alias or uid; the scratch repository ``local`` of the home where the name is empty.

    Args:
        home: where it is registered.
        target_repo: alias, uid, or ``alias,uid``.

    Raises:
        UnknownTarget: no repository of that name is registered, or the name matches several.
    """
    return home.find_repository(target_repo.strip() or "local")


def publish(
    target: Repository,
    entries: Mapping[str, Mapping[Identity, Entry]],
    labels: Sequence[str],
    findings: list[Finding],
    *,
    presence: Callable[[Identity, str], Presence],
    prune: bool = False,
    guests: Collection[str] = (),
    dry_run: bool = False,
    remember: bool = False,
    waiting: Tell = lambda _: None,
) -> list[PublishedExperiment]:
    """Merges entries into the experiments of a repository.

    Args:
        target: where to publish; the index of its home is left alone.
        entries: the entries of this import by experiment name and identity.
        labels: the rounds that were imported.
        findings: takes what is wrong with the store.
        presence: what is known of a stored result that is not among the entries, given the division of its experiment. One
            that is gone is kept and reported, or removed.
        prune: remove stored results that are gone.
        guests: labels of rounds from a tree of unknown origin, which replace nothing that is published.
        dry_run: write nothing.
        remember: do not merge what was merged before, if neither the entries nor a byte of the experiments differ.
        waiting: gets a message if another import must end first.

    Returns:
        One record per experiment that has something of these rounds, by name.

    Raises:
        PublishFailure: the repository cannot be read or written, or an experiment in it.
    """
    home, report = target.home, reporter(findings)
    if not dry_run:
        _refuse_elsewhere(target, target.experiments)
    with contextlib.nullcontext() if dry_run else locked(home, target.path, waiting):
        known = _existing(target, mend=not dry_run)
        of_labels = {*labels, *(f"{suite_of(label).label}all" for label in labels)}
        names = sorted({*entries, *(name for name in known if label_of_experiment(name) in of_labels)})
        about = [(name, list(entries.get(name, {}).values())) for name in names]
        settled = SettledStore(target, names, (about, list(labels), sorted(guests), prune)) if remember else None
        numbers = settled.recall() if settled else None
        if numbers is not None and numbers.keys() <= known.keys():
            changes = {name: Changes(unchanged=number) for name, number in numbers.items()}
        else:
            asked: list[Identity] = []
            said = len(findings)

            def noted_presence(identity: Identity, division: str) -> Presence:
                asked.append(identity)
                return presence(identity, division)

            experiments = [_load(name, known.get(name, _NEW), report) for name in names]
            index = IdentityIndex({identity: entry for group in entries.values() for identity, entry in group.items()})
            move_results(experiments, _places_of(experiments, entries), index, report)
            uids = stored_uids(experiments, index, labels)
            plans = _plan(experiments, entries, Merger(index, uids, noted_presence, prune, report, guests))
            for name, plan in plans.items():
                if plan.is_concerned and not dry_run:
                    known[name] = _write(target, plan.experiment, plan.objects, known.get(name, _NEW))
            changes = {name: plan.changes for name, plan in sorted(plans.items()) if plan.is_concerned or plan.changes.kept}
            if settled and not dry_run and not asked and len(findings) == said:
                settled.keep({name: of_one.added + of_one.updated + of_one.unchanged for name, of_one in changes.items()})
        if not dry_run:
            described = [(found.description, found.path) for found in known.values() if found.description and found.path]
            if trouble := home.add_to_index(described, target):
                report("cm-index", str(home.repos_path), trouble)
    places = {name: known.get(name, _NEW) for name in changes}
    return [PublishedExperiment(name, at.path, _uid_of(name, at), changes[name]) for name, at in places.items()]


def _plan(
    experiments: Sequence[StoredExperiment], entries: Mapping[str, Mapping[Identity, Entry]], merger: Merger
) -> dict[str, _Plan]:
    """What each experiment is to become, by name, in the order in which they are to be written."""
    plans = {}
    # experiments that results leave come last: if the run is killed in between, these are stored twice, and not lost
    for experiment in sorted(experiments, key=lambda experiment: experiment.moved_out > 0):
        if experiment.usable:
            before = len(experiment.objects) + experiment.moved_out
            group = entries.get(experiment.name, {})
            objects, changes = merger.merge(experiment, group)
            plans[experiment.name] = _Plan(experiment, objects, changes, bool(group) or len(objects) != before)
    return plans


def _places_of(
    experiments: Sequence[StoredExperiment], entries: Mapping[str, Mapping[Identity, Entry]]
) -> dict[tuple[bool, Identity], str]:
    """The experiment that a result belongs to, among those over all rounds (True) and those of its round (False).

    A result that has no place among all rounds belongs to its round's experiment only, wherever it was stored before.
    """
    places: dict[tuple[bool, Identity], str] = {}
    for experiment in sorted(experiments, key=lambda experiment: not experiment.is_over_all):
        for identity in entries.get(experiment.name, ()):
            places[experiment.is_over_all, identity] = experiment.name
            places.setdefault((True, identity), experiment.name)
    return places


def stored_experiments(target: Repository) -> list[StoredExperiment]:
    """What the target holds of this importer, by name. Files that cannot be read are left out."""
    loaded = [_load(name, known, lambda *_: None) for name, known in sorted(_existing(target).items())]
    return [experiment for experiment in loaded if experiment.usable and experiment.file is not None]


def stored_beside(target: Repository, label: str, submitter: str) -> list[Entry]:
    """The stored results of a round that are of others than a submitter, named by its folder."""
    return [
        item
        for experiment in stored_experiments(target)
        if label_of_experiment(experiment.name) == label
        for item in experiment.objects
        if isinstance(item, dict) and item.get("submitter_folder", submitter) != submitter
    ]


def _load(name: str, known: _Known, report: Report) -> StoredExperiment:
    """An experiment as it is stored; unusable where it cannot be read, or a link leads out of the repository."""
    if known.trouble is None:
        return load_experiment(name, known.path, report)
    report("invalid-store", str(known.trouble.place), f"{known.trouble.what}; nothing was written to the experiment")
    return StoredExperiment(name, known.path, usable=False)


def _refuse_elsewhere(target: Repository, folder: Path) -> None:
    """Keeps everything that is written in the target repository.

    Raises:
        PublishFailure: the repository is gone, or a link leads from the folder out of it.
    """
    if not target.path.is_dir():
        raise PublishFailure(f"{target.path}: the repository is gone; what was stored in it before is not there either")
    if not _is_inside(target, folder):
        raise PublishFailure(f"{folder}: a link leads out of the repository {target.path}; nothing was written there")


def _is_inside(target: Repository, path: Path) -> bool:
    try:
        return path.resolve().is_relative_to(target.path.resolve())
    except (OSError, RuntimeError):  # links that lead in a circle
        return False


def _write(target: Repository, experiment: StoredExperiment, objects: list[Any], known: _Known) -> _Known:
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
    if is_stored(objects, experiment) and experiment.data:
        remove_leftovers(experiment.file)
    else:
        write_atomically(experiment.file, rewritten(objects, experiment))
    experiment.folder = folder
    meta = folder / target.home.description_file
    if known.description is not None:
        remove_leftovers(meta)
        return known
    description = target.home.describe(experiment.name, _uid_of(experiment.name, known), experiment_tags(experiment.name))
    write_atomically(meta, json_bytes(description, sort_keys=True))
    return _Known(folder, description)


def _uid_of(name: str, known: _Known) -> str:
    """The uid of an experiment; that of a new one is derived from its name, so that it is the same for everybody."""
    if known.description is not None:
        return str(known.description["uid"])
    return short_digest(name.encode("ascii"))


def _existing(target: Repository, *, mend: bool = False) -> dict[str, _Known]:
    """The experiments of this importer in the target, by name; descriptions that were cut off go first if asked to mend.

    Read from the disk: the index of CM does not know what came with ``git pull`` or was half made by a killed run, and its
    search gives up at the first broken description.
    """
    known = {}
    for folder in _experiment_folders(target):
        try:
            _refuse_odd(target, folder)
            if mend:
                _clear_unfinished(folder / target.home.description_file)
            known[folder.name] = _Known(folder, target.home.read_description(folder))
        except BadDescription as bad:
            known[folder.name] = _Known(folder, trouble=bad)
    return known


def _experiment_folders(target: Repository) -> list[Path]:
    """Everything that has the name of an experiment of this importer, by name.

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


def _refuse_odd(target: Repository, folder: Path) -> None:
    """Refuses an experiment that does not look like one from outside, so that it stays untouched.

    Raises:
        BadDescription: a file or folder is something else, cannot be read, or leads out of the repository.
    """
    try:
        if not folder.is_dir():
            raise BadDescription(folder, "no folder, or a link to nothing")
        places = [*folder.iterdir()]
        places += [p / RESULT_FILE for p in places if DATE_FOLDER.fullmatch(p.name) and is_there(p / RESULT_FILE)]
        links = [place for place in places if place.is_symlink() or place.parent.is_symlink()]
    except OSError as error:
        raise BadDescription(folder, f"cannot be read ({error.strerror})") from error
    for place in (folder, *links):
        if not _is_inside(target, place):
            raise BadDescription(place, "leads out of the repository")


def _clear_unfinished(meta: Path) -> None:
    """Removes the description of an experiment that was cut off when it was made, so that it is written again.

    Only where there are no results: nothing is lost then.
    """
    with contextlib.suppress(OSError):  # then the description stays as what cannot be read
        if not any(meta.parent.glob(f"*/{RESULT_FILE}")):
            try:
                json.loads(read_regular(meta, _MOST_META_BYTES))
            except (ValueError, RecursionError):
                meta.unlink()
