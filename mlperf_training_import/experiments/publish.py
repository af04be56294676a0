"""Publishes entries as experiments of Collective Mind: entries by experiment in, files in the target repository out."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cmind import utils

from ..errors import PublishFailure, UnknownTarget
from ..findings import Finding, reporter
from ..outcome import PublishedExperiment
from ..results.entry import experiment_tags
from .files import RESULT_FILE, StoredExperiment, load_experiment, remove_leftovers, to_bytes, write_atomically
from .home import add_to_index, locked
from .identity import IdentityIndex, by_identity
from .merge import merge, move_home, stored_uids

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..model import Identity

_EXPERIMENT = "experiment,a0a2d123ef064bcb"
_PREFIX = "mlperf-training--"
_META_FILE = "_cm.json"


@dataclass(frozen=True, slots=True)
class Target:
    """The repository to publish into: its CM alias and uid, its folder, and the folder that holds its experiments."""

    alias: str
    uid: str
    path: Path
    experiments: Path


class _Known(NamedTuple):
    """An experiment's folder, and its description where there is one that can be read."""

    path: Path
    description: dict[str, Any] | None = None
    trouble: str | None = None


def find_target(cm: Any, target_repo: str) -> Target:
    """Looks a repository up by alias or uid; the CM scratch repository ``local`` where the name is empty.

    Args:
        cm: the running Collective Mind (``cmind.core.CM``).
        target_repo: alias, uid, or ``alias,uid``.

    Raises:
        UnknownTarget: no repository of that name is registered, or the name matches several.
    """
    name = target_repo.strip() or "local"
    found = cm.access({"action": "find", "automation": "repo", "artifact": name})
    repositories = found.get("list", []) if found["return"] == 0 else []
    if len(repositories) != 1 or any(c in name for c in "*?:"):
        known = cm.access({"action": "find", "automation": "repo"}).get("list", [])
        names = ", ".join(sorted(repository.meta["alias"] for repository in known))
        raise UnknownTarget(
            f'target_repo "{name}" is not a CM repository; registered are: {names}\n'
            f"add it with one of:\n  cm pull repo <name or address>\n  cm init repo {name}"
        )
    repository = repositories[0]
    experiments = Path(repository.path_with_prefix) / "experiment"
    return Target(repository.meta["alias"], repository.meta["uid"], Path(repository.path), experiments)


def publish(
    cm: Any,
    target: Target,
    entries: Mapping[str, Sequence[dict[str, Any]]],
    labels: Sequence[str],
    findings: list[Finding],
    *,
    in_scope: Callable[[Identity, str], bool] = lambda _identity, _division: True,
    prune: bool = False,
    dry_run: bool = False,
    waiting: Callable[[str], None] = lambda _: None,
) -> list[PublishedExperiment]:
    """Merges entries into the experiments of a repository.

    Args:
        cm: the running Collective Mind, whose index is left alone (:func:`~.home.index_left_alone`).
        target: where to publish.
        entries: the entries of this import by experiment name.
        labels: the rounds that were imported; of these, a stored result that is no longer among the entries is kept and
            reported, or removed.
        findings: takes what is wrong with the store.
        in_scope: whether this import looked for results of this identity and division at all (filters); others are
            never touched.
        prune: remove stored results that the clones no longer hold.
        dry_run: write nothing.
        waiting: told when another import has to be waited for.

    Returns:
        One record per experiment that has something of these rounds, by name.

    Raises:
        PublishFailure: the repository cannot be written, or Collective Mind refuses an experiment.
    """
    if not dry_run:
        _refuse_elsewhere(target, target.experiments)
    with contextlib.nullcontext() if dry_run else locked(cm, target.path, waiting):
        report = reporter(findings)
        if not dry_run:
            _clear_unfinished(target)
        known = _existing(target)
        scopes = tuple(f"{_PREFIX}{scope}--" for scope in ("all", *labels))
        names = sorted({*entries, *(name for name in known if name.startswith(scopes))})
        experiments = [_load(name, known.get(name), report) for name in names]
        groups = {name: by_identity(entries.get(name, ())) for name in names}
        index = IdentityIndex({identity: entry for group in groups.values() for identity, entry in group.items()})
        homes = {(e.is_over_all, identity): e.name for e in experiments for identity in groups[e.name]}
        move_home(experiments, homes, index, report)
        uids = stored_uids(experiments, index, labels)
        published = []
        # experiments that results leave come last: a run that is killed in between leaves them twice and not nowhere
        for experiment in sorted(experiments, key=lambda experiment: experiment.moved_out > 0):
            if not experiment.usable:
                continue
            group, before = groups[experiment.name], len(experiment.objects) + experiment.moved_out
            is_stale = partial(_is_stale, labels, in_scope, experiment.division)
            merged, changes = merge(experiment, group, index, uids, is_stale, prune, report)
            concerned = bool(group) or len(merged) != before
            if concerned and not dry_run:
                known[experiment.name] = _write(target, experiment, merged, known.get(experiment.name))
            if concerned or changes.kept:
                description = known[experiment.name].description if experiment.name in known else None
                uid = description["uid"] if description else _uid_of(experiment.name)
                published.append(PublishedExperiment(experiment.name, experiment.folder, uid, changes))
        if not dry_run:
            artifacts = [(found.description, found.path) for found in known.values() if found.description]
            if trouble := add_to_index(cm, artifacts, (target.alias, target.uid)):
                report("cm-index", cm.repos_path, trouble)
        return sorted(published, key=lambda experiment: experiment.name)


def stored_experiments(target: Target) -> list[StoredExperiment]:
    """What the target holds of this importer, by name. Files that cannot be read are left out."""
    loaded = [_load(name, known, lambda *_: None) for name, known in sorted(_existing(target).items())]
    return [experiment for experiment in loaded if experiment.usable and experiment.file is not None]


def _is_stale(labels: Sequence[str], in_scope: Callable[[Identity, str], bool], division: str, identity: Identity) -> bool:
    """Whether this import should have had a stored result that it does not have."""
    return identity[0] in labels and in_scope(identity, division)


def _load(name: str, known: _Known | None, report: Callable[[str, str, str], None]) -> StoredExperiment:
    """An experiment as it is stored; unusable where its description is broken, or a link leads out of the repository."""
    experiment = load_experiment(name, known.path if known else None, report)
    if known is not None and known.trouble:
        report("invalid-store", str(known.path / _META_FILE), f"{known.trouble}; nothing was written to the experiment")
        experiment.usable = False
    return experiment


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
    return path.resolve().is_relative_to(target.path.resolve())


def _write(target: Target, experiment: StoredExperiment, objects: list[Any], known: _Known | None) -> _Known:
    """Writes an experiment's results if they differ from what is stored, then its description if it has none.

    In this order nobody finds an experiment without results, and each file is whole or not there: ``cm add`` writes the
    description in place, and half of one makes CM fail wherever it looks for experiments.
    """
    data = to_bytes(objects)
    folder = experiment.folder or target.experiments / experiment.name
    if experiment.file is None:
        now = datetime.datetime.now().isoformat(timespec="microseconds").replace(":", "-").replace("T", ".")
        experiment.file = folder / now / RESULT_FILE
    _refuse_elsewhere(target, experiment.file)
    remove_leftovers(experiment.file)
    try:
        experiment.file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PublishFailure(f"{target.path}: cannot be written ({error.strerror})") from error
    if data != experiment.data:
        write_atomically(experiment.file, data)
    experiment.folder = folder
    if known is not None and known.description is not None:
        return known
    meta, description = folder / _META_FILE, _description(experiment.name)
    remove_leftovers(meta)
    write_atomically(meta, (json.dumps(description, indent=2, sort_keys=True) + "\n").encode("ascii"))
    return _Known(folder, description)


def _description(name: str) -> dict[str, Any]:
    """The description of a new experiment, as ``cm add experiment`` makes it."""
    alias, uid = _EXPERIMENT.split(",")
    meta = {"alias": name, "uid": _uid_of(name), "automation_alias": alias, "automation_uid": uid}
    return meta | {"tags": experiment_tags(name)}


def _uid_of(name: str) -> str:
    """The uid of a new experiment: derived from its name, so that it is the same for everybody."""
    return hashlib.sha256(name.encode("ascii")).hexdigest()[:16]


def _existing(target: Target) -> dict[str, _Known]:
    """The experiments of this importer in the target, by name.

    Read from the disk: the index of CM does not know what came with ``git pull`` or was half made by a killed run, and its
    search gives up at the first broken description.
    """
    experiments = {}
    for folder in sorted(target.experiments.glob(f"{_PREFIX}*--*--*")):
        if not folder.is_dir():
            continue
        places = (folder, *folder.glob("*"), *folder.glob(f"*/{RESULT_FILE}"))
        elsewhere = [str(place) for place in places if not _is_inside(target, place)]
        known = _Known(folder, trouble=f"{elsewhere[0]} leads out of the repository") if elsewhere else _describe(folder)
        experiments[folder.name] = known
    return experiments


def _describe(folder: Path) -> _Known:
    """What CM knows of a folder."""
    try:
        found = utils.load_yaml_and_json(str(folder / "_cm"))
    except (OSError, TypeError, ValueError, RecursionError) as error:
        return _Known(folder, trouble=f"cannot be read ({error})")
    if found["return"] == utils.ERROR_FILE_NOT_FOUND:
        return _Known(folder)
    if found["return"] > 0:
        return _Known(folder, trouble=found["error"])
    if not isinstance(found["meta"].get("uid"), str):
        return _Known(folder, trouble="it has no uid")
    return _Known(folder, found["meta"])


def _clear_unfinished(target: Target) -> None:
    """Removes the description of an experiment that was cut off when it was made, so that it is written again.

    Only where there are no results: nothing is lost then.
    """
    for folder in target.experiments.glob(f"{_PREFIX}*"):
        meta = folder / _META_FILE
        try:
            if (
                meta.is_file()
                and _is_inside(target, meta)
                and not any(folder.glob(f"*/{RESULT_FILE}"))
                and not _is_json(meta)
            ):
                meta.unlink()
        except OSError as error:
            raise PublishFailure(f"{meta}: cannot be read or written ({error.strerror})") from error


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True
