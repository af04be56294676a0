"""Publishes entries as experiments of Collective Mind: entries by experiment in, files in the target repository out."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import filelock

from .entry import experiment_tags
from .errors import Finding, PublishFailure, UnknownTarget
from .store import (
    RESULT_FILE,
    Changes,
    Identity,
    IdentityIndex,
    StoredExperiment,
    group_by_identity,
    load_experiment,
    merge,
    remove_leftover,
    stored_uids,
    to_bytes,
    write_atomically,
)

_EXPERIMENT = "experiment,a0a2d123ef064bcb"
_PREFIX = "mlperf-training--"
_META_FILE = "_cm.json"
_LOCK_FILE = "mlperf-training-import.lock"


@dataclass(frozen=True, slots=True)
class Target:
    """The repository to publish into: its CM alias and uid, its folder, and the folder that holds its experiments."""

    alias: str
    uid: str
    path: Path
    experiments: Path


@dataclass(frozen=True, slots=True)
class PublishedExperiment:
    """What became of one experiment. ``path`` is None for one that a dry run would add."""

    name: str
    path: Path | None
    uid: str
    changes: Changes

    @property
    def scope(self) -> str:
        """The round label that the experiment is about, or ``all``."""
        return self.name.split("--")[1]


class _Known(NamedTuple):
    path: Path
    uid: str


def find_target(cm, target_repo: str) -> Target:
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
            f"add it with: cm pull repo <name or address>, or: cm init repo {name}"
        )
    repository = repositories[0]
    experiments = Path(repository.path_with_prefix) / "experiment"
    return Target(repository.meta["alias"], repository.meta["uid"], Path(repository.path), experiments)


def publish(
    cm,
    target: Target,
    entries: Mapping[str, Sequence[dict]],
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
        cm: the running Collective Mind.
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
    with contextlib.nullcontext() if dry_run else _locked(cm, target, waiting):
        if not dry_run:
            _refresh_index(cm)
            _clear_unfinished(target)
        known = _existing(cm, target)
        scopes = tuple(f"{_PREFIX}{scope}--" for scope in ("all", *labels))
        names = sorted({*entries, *(name for name in known if name.startswith(scopes))})

        def report(code: str, where: str, what: str) -> None:
            findings.append(Finding(code, "", where, what))

        experiments = [load_experiment(name, known[name].path if name in known else None, report) for name in names]
        index = IdentityIndex({id(e): e for group in entries.values() for e in group}.values())
        uids = stored_uids(experiments, index)
        published = []
        with _without_index(cm) if not dry_run else contextlib.nullcontext():
            for experiment in experiments:
                if not experiment.usable:
                    continue
                group = group_by_identity(entries.get(experiment.name, ()))
                merged, changes = merge(
                    experiment,
                    group,
                    index,
                    uids,
                    partial(_is_stale, labels, in_scope, experiment.division),
                    prune,
                    report,
                )
                if not dry_run:
                    _write(cm, target, experiment, merged)
                if group or changes.kept or changes.removed:
                    uid = known[experiment.name].uid if experiment.name in known else _uid_of(experiment.name)
                    published.append(PublishedExperiment(experiment.name, experiment.folder, uid, changes))
        if not dry_run and any(name not in known for name in names):
            _existing(cm, target)  # puts what was added into the index of CM, in one go
        return published


def stored_experiments(cm, target: Target) -> list[StoredExperiment]:
    """What the target holds of this importer, by name. Files that cannot be read are left out."""
    known = _existing(cm, target)
    loaded = [load_experiment(name, known[name].path, lambda *_: None) for name in sorted(known)]
    return [experiment for experiment in loaded if experiment.usable and experiment.file is not None]


def _is_stale(labels: Sequence[str], in_scope: Callable[[Identity, str], bool], division: str, identity: Identity) -> bool:
    """Whether this import should have had a stored result that it does not have."""
    return identity[0] in labels and in_scope(identity, division)


def _write(cm, target: Target, experiment: StoredExperiment, objects: list) -> None:
    """Writes an experiment's results if they differ from what is stored; adds the experiment if it is new."""
    data = to_bytes(objects)
    if experiment.file is not None:
        remove_leftover(experiment.file)
    if data == experiment.data:
        return
    try:
        if experiment.folder is None:
            experiment.folder = _add(cm, target, experiment.name)
        if experiment.file is None:
            now = datetime.datetime.now().isoformat(timespec="microseconds").replace(":", "-").replace("T", ".")
            experiment.file = experiment.folder / now / RESULT_FILE
        experiment.file.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise PublishFailure(f"{target.path}: cannot be written ({error.strerror})") from error
    write_atomically(experiment.file, data)


def _add(cm, target: Target, name: str) -> Path:
    """Adds an experiment through CM."""
    added = cm.access(
        {
            "action": "add",
            "automation": _EXPERIMENT,
            "artifact": f"{target.alias},{target.uid}:{name},{_uid_of(name)}",
            "tags": experiment_tags(name),
        }
    )
    if added["return"] > 0:
        raise PublishFailure(f"{target.alias}: CM cannot add {name}: {added['error']}")
    return Path(added["path"])


def _uid_of(name: str) -> str:
    """The uid of a new experiment: derived from its name, so that it is the same for everybody."""
    return hashlib.sha256(name.encode("ascii")).hexdigest()[:16]


def _existing(cm, target: Target) -> dict[str, _Known]:
    """The experiments of this importer in the target, by name.

    One look at the disk for all of them: the index of CM does not know what came with ``git pull``.
    """
    found = cm.access(
        {
            "action": "find",
            "automation": _EXPERIMENT,
            "artifact": f"{target.alias},{target.uid}:{_PREFIX}*",
            "skip_index_search": True,
        }
    )
    if found["return"] > 0:
        raise PublishFailure(f"{target.alias}: the experiments cannot be listed: {found['error']}")
    return {a.meta["alias"]: _Known(Path(a.path), a.meta["uid"]) for a in found["list"]}


def _clear_unfinished(target: Target) -> None:
    """Removes the description of an experiment that a killed run left unfinished, so that CM can add it again.

    Only one that is cut off and has no results: nothing is lost, as its uid is derived from its name.
    """
    if not target.experiments.is_dir():
        return
    for folder in sorted(target.experiments.glob(f"{_PREFIX}*")):
        meta = folder / _META_FILE
        if meta.is_file() and not meta.read_bytes().rstrip().endswith(b"}"):
            if any(folder.glob(f"*/{RESULT_FILE}")):
                what = "not JSON, though the experiment has results; restore it, for instance from git"
                raise PublishFailure(f"{meta}: {what}")
            meta.unlink()


@contextlib.contextmanager
def _locked(cm, target: Target, waiting: Callable[[str], None]) -> Iterator[None]:
    """Holds the lock of the CM home, whose index is not safe under concurrent use, and of the target repository.

    Always in this order, so that two imports cannot wait for each other.
    """
    home = Path(cm.repos_path).resolve()
    places = [home / _LOCK_FILE]
    repository = target.path.resolve()
    if not repository.is_relative_to(home):
        git_folder = repository / ".git"
        places.append(git_folder / _LOCK_FILE if git_folder.is_dir() else repository / f".{_LOCK_FILE}")
    with contextlib.ExitStack() as stack:
        for place in places:
            lock = filelock.FileLock(place)
            try:
                try:
                    lock.acquire(timeout=0)
                except filelock.Timeout:
                    waiting(f"waiting for another import into {target.alias} to finish (lock: {place})")
                    lock.acquire()
            except OSError as error:
                raise PublishFailure(f"{place.parent}: cannot be written ({error.strerror})") from error
            stack.callback(lock.release)
        yield


def _refresh_index(cm) -> None:
    """Reads the index of CM again: another import may have added to it since this process began."""
    if cm.use_index:
        cm.index.load()


@contextlib.contextmanager
def _without_index(cm) -> Iterator[None]:
    """Adds experiments without CM writing its whole index after each of them."""
    before = cm.use_index
    cm.use_index = False
    try:
        yield
    finally:
        cm.use_index = before
