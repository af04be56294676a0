"""Files of stored experiments: reading, merging and writing ``cm-result.json``. Knows nothing of Collective Mind's API."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ..outcome import Changes
from ..results.entry import foreign_benchmarks, order_of, uid_of
from ..tables.keys import owned_keys
from .identity import IdentityIndex, stored_identity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from ..findings import Report
    from ..model import Identity
    from .files import StoredExperiment


def move_home(
    experiments: Iterable[StoredExperiment],
    homes: Mapping[tuple[bool, Identity], str],
    index: IdentityIndex,
    report: Report,
) -> None:
    """Hands objects over to the experiment that their result belongs to now.

    A result changes its experiment when its division is corrected, or when the table of benchmarks learns its task. What
    people noted moves with it.

    Args:
        experiments: all that were loaded; changed in place.
        homes: experiment of each result of this import, among those over all rounds (True) and those of the round (False).
        index: all entries of this import.
        report: takes findings.
    """
    by_name = {experiment.name: experiment for experiment in experiments if experiment.usable}
    for experiment in by_name.values():
        staying = []
        for item in experiment.objects:
            identity = index.identify(item)
            home = experiment
            if identity is not None:
                home = by_name.get(homes.get((experiment.is_over_all, identity), ""), experiment)
            if identity is None or home is experiment:
                staying.append(item)
            else:
                home.moved_in.append(item)
                experiment.moved_out += 1
                report("moved-result", str(experiment.file), f"{' / '.join(identity)} belongs to {home.name} now")
        experiment.objects = staying


def stored_uids(
    experiments: Iterable[StoredExperiment], index: IdentityIndex, labels: Collection[str]
) -> dict[Identity, str]:
    """The uid that each stored result of some rounds keeps.

    Where several are stored, one that is not derived, as people link to it; of these that of the round's own experiment.
    """
    uids: dict[Identity, str] = {}
    for experiment in sorted(experiments, key=lambda experiment: experiment.is_over_all):
        for item in (*experiment.objects, *experiment.moved_in):
            identity = index.identify(item)
            if identity is None or identity[0] not in labels or not _has_uid(item):
                continue
            if uids.setdefault(identity, item["uid"]) == uid_of(identity):
                uids[identity] = item["uid"]
    return uids


def merge(
    stored: StoredExperiment,
    entries: Mapping[Identity, dict[str, Any]],
    index: IdentityIndex,
    uids: Mapping[Identity, str],
    is_stale: Callable[[Identity], bool],
    prune: bool,
    report: Report,
) -> tuple[list[Any], Changes]:
    """The objects of an experiment after this import, in their fixed order, and what changed.

    Args:
        stored: the experiment as it is.
        entries: what this import has for the experiment.
        index: all entries of this import.
        uids: uids that are in use already, by identity.
        is_stale: whether a stored result that this import does not have is one that the clone no longer holds.
        prune: removes such results instead of keeping them.
        report: takes findings.
    """
    changes = Changes(removed=stored.moved_out)
    where = str(stored.file)
    known, others, several = _recognise(stored, index, report)
    arrived = {index.identify(item) for item in stored.moved_in}
    merged: list[dict[str, Any]] = []
    for identity, item in known.items():
        if identity in entries:
            continue
        if not is_stale(identity):
            merged.append(item)
        elif prune:
            changes.removed += 1
        else:
            changes.kept += 1
            report("kept-result", where, f"{' / '.join(identity)} is not in the clone")
            merged.append(item)
    for identity, entry in entries.items():
        old = known.get(identity)
        if old is None:
            changes.added += 1
            merged.append(entry | {"uid": uids.get(identity, entry["uid"])})
            continue
        new = _renewed(old, entry, uids.get(identity, entry["uid"]))
        merged.append(new)
        if not _has_uid(old):
            report("missing-uid", where, f"{' / '.join(identity)} had no uid; it has {new['uid']} now")
        elif new["uid"] != old["uid"]:
            report("several-uids", where, f"{' / '.join(identity)} has the uid {new['uid']} elsewhere, now here too")
        if identity in arrived - several:
            changes.added += 1
        elif identity not in several and _equal(new, old):
            changes.unchanged += 1
        else:
            changes.updated += 1
    odd = [item for item in others if not isinstance(item, dict)]
    merged += [item for item in others if isinstance(item, dict)]
    # Equal ones stay as they are stored, so that the next import finds nothing to do.
    places = {id(item): place for place, item in enumerate((*stored.objects, *stored.moved_in))}
    merged.sort(key=lambda item: (*order_of(item), places.get(id(item), len(places))))
    return merged + odd, changes


def _recognise(
    stored: StoredExperiment, index: IdentityIndex, report: Report
) -> tuple[dict[Identity, dict[str, Any]], list[Any], set[Identity]]:
    """The objects by identity, those that have none, and the identities of which there was more than one object."""
    known: dict[Identity, dict[str, Any]] = {}
    others: list[Any] = []
    apart: dict[Identity, list[dict[str, Any]]] = defaultdict(list)
    several: set[Identity] = set()
    where = str(stored.file)
    for number, item in enumerate((*stored.objects, *stored.moved_in), 1):
        identity = index.identify(item)
        if identity is None:
            what = f"object {number} of {len(stored.objects)} does not say which result it is; kept as it is"
            report("unrecognised-entry", where, what)
            others.append(item)
        elif identity not in known:
            known[identity] = item
        elif not index.holds(identity) and _may_differ(known[identity], item):
            twins = apart[identity]
            twin = next((place for place, one in enumerate(twins) if not _may_differ(one, item)), None)
            if twin is None:
                twins.append(item)
            else:
                twins[twin], note = _united(twins[twin], item)
                report("merged-duplicates", where, f"two objects for {' / '.join(identity)}{note}")
        else:
            known[identity], note = _united(known[identity], item)
            several.add(identity)
            report("merged-duplicates", where, f"two objects for {' / '.join(identity)}{note}")
    return known, [*others, *itertools.chain(*apart.values())], several


def _renewed(old: dict[str, Any], entry: dict[str, Any], uid: str) -> dict[str, Any]:
    """An entry with the keys that people added to its stored form, and the uid that its result has always had."""
    ours = owned_keys().union(foreign_benchmarks(old), [entry["Model_ID"]])
    new = {key: value for key, value in old.items() if key not in ours} | entry | {"uid": uid}
    numbered = _numbered(new, "uid")[1:]
    for key in numbered:
        if new[key] == uid:
            del new[key]
    if _has_uid(old) and old["uid"] not in (uid, *(new.get(key) for key in numbered)):
        new[_free_key(new, "uid")] = old["uid"]
    return new


def _united(first: dict[str, Any], second: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Two objects of one result as one, and what to say about it.

    What people noted in the second is added to the first; where both have a key, the second's value goes under the key with
    a number. So does its uid: somebody may have linked to it.
    """
    ours = owned_keys().union(foreign_benchmarks(second), [second["Model_ID"]]) - {"uid"}
    united, renamed = dict(first), []
    for key, value in second.items():
        if key not in united or (key == "uid" and not _has_uid(first)):
            united[key] = value
        elif key == "uid" and not _has_uid(second):
            continue
        elif key not in ours and not any(_same(value, united[name]) for name in _numbered(united, key)):
            renamed.append(_free_key(united, key))
            united[renamed[-1]] = value
    return united, f"; the second's values are kept as {', '.join(sorted(renamed))}" if renamed else ""


def _may_differ(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two objects with one address may be results of two folders of one submitter, whose names are not known."""
    return None in (stored_identity(one), stored_identity(other)) and one.get("Result") != other.get("Result")


def _numbered(item: dict[str, Any], key: str) -> list[str]:
    """The keys of an object that hold values of a key: itself, and with numbers."""
    start = f"{key}_"
    return [key, *(name for name in item if name.startswith(start) and name[len(start) :].isdecimal())]


def _free_key(item: dict[str, Any], key: str) -> str:
    return next(name for number in itertools.count(2) if (name := f"{key}_{number}") not in item)


def _has_uid(item: dict[str, Any]) -> bool:
    return isinstance(item.get("uid"), str) and bool(item["uid"])


def _same(one: object, other: object) -> bool:
    """Whether two values are written the same: 8, 8.0 and true are not, NaN and NaN are."""
    return one is other or (type(one) is type(other) and one == other)


def _equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
