"""Merges the entries of an import into stored experiments: objects in, objects out. No file, and no Collective Mind."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ..outcome import Changes
from ..results.entry import foreign_benchmarks, order_of, uid_of
from ..rounds.presence import Presence
from ..tables.keys import owned_keys
from .identity import IdentityIndex, stored_identity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from ..findings import Report
    from ..model import Entry, Identity
    from .files import StoredExperiment


def move_results(
    experiments: Iterable[StoredExperiment],
    places: Mapping[tuple[bool, Identity], str],
    index: IdentityIndex,
    report: Report,
) -> None:
    """Moves objects to the experiment that their result belongs to now.

    A result changes its experiment when its division is corrected, or when the table of benchmarks learns its task. What
    people noted moves with it.

    Args:
        experiments: all that were loaded; changed in place.
        places: experiment of each result of this import, among those over all rounds (True) and those of the round (False).
        index: all entries of this import.
        report: takes findings.
    """
    by_name = {experiment.name: experiment for experiment in experiments if experiment.usable}
    for experiment in by_name.values():
        staying = []
        for item in experiment.objects:
            identity = index.identify(item) or ()
            place = by_name.get(places.get((experiment.is_over_all, identity), ""))
            if place is None or place is experiment:
                staying.append(item)
            else:
                place.moved_in.append(item)
                experiment.moved_out += 1
                report("moved-result", str(experiment.file), f"{' / '.join(identity)} belongs to {place.name} now")
        experiment.objects = staying


def stored_uids(
    experiments: Iterable[StoredExperiment], index: IdentityIndex, labels: Collection[str]
) -> dict[Identity, str]:
    """The uid that each stored result of some rounds keeps.

    If several are stored, it is one that is not derived, because people link to it; the round's own experiment comes first.
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


class _Placed(NamedTuple):
    """An object with its place among those that are stored. One made of two has the place of the first."""

    place: int
    item: Any


@dataclass(frozen=True, slots=True)
class Merger:
    """Merges what an import has into stored experiments.

    Attributes:
        index: all entries of this import.
        uids: uids that are in use already, by identity.
        presence: what is known of a stored result that this import does not have, given the division of its experiment.
        prune: removes results that are gone instead of keeping them.
        report: takes findings.
        guests: rounds from a tree of unknown origin, which replace nothing that is published.
    """

    index: IdentityIndex
    uids: Mapping[Identity, str]
    presence: Callable[[Identity, str], Presence]
    prune: bool
    report: Report
    guests: Collection[str] = ()

    def merge(self, stored: StoredExperiment, entries: Mapping[Identity, Entry]) -> tuple[list[Any], Changes]:
        """The objects of an experiment after this import, and what changed.

        What is stored keeps its order, so that git shows what changed and nothing else. What is new follows, by
        :func:`~..results.entry.order_of`. An object that does not change is the very one that was read.

        Args:
            stored: the experiment as it is.
            entries: what this import has for the experiment.
        """
        changes = Changes(removed=stored.moved_out)
        known, others, several = _recognise(stored, self.index, self.report)
        arrived = {self.index.identify(item) for item in stored.moved_in} - several
        merged = [
            one for identity, one in known.items() if identity not in entries and self._stays(stored, identity, changes)
        ]
        new_place = _Placed(len(stored.objects) + len(stored.moved_in), None)
        for identity, entry in entries.items():
            found = known.get(identity, new_place)
            old: Entry | None = found.item
            if identity[0] in self.guests and old is not None and _is_published(old):
                self._say("kept-result", stored, identity, "is published, and this tree is no clone")
                changes.kept += 1
                merged.append(found)
                continue
            new = _renewed(old or {}, entry, self.uids.get(identity, entry["uid"]))
            is_same = old is not None and _equal(new, old)
            merged.append(_Placed(found.place, old if is_same else new))
            if old is not None:
                self._report_uid(stored, identity, old, new)
            if old is None or identity in arrived:
                changes.added += 1
            elif identity not in several and is_same:
                changes.unchanged += 1
            else:
                changes.updated += 1
        placed = sorted((*merged, *others), key=lambda one: one.place)
        count = sum(one.place < len(stored.objects) for one in placed)
        staying, new_ones = [one.item for one in placed[:count]], [one.item for one in placed[count:]]
        return [*staying, *sorted(new_ones, key=order_of)], changes

    def _stays(self, stored: StoredExperiment, identity: Identity, changes: Changes) -> bool:
        """Whether to keep a stored result that this import does not have; counts and reports what becomes of it."""
        presence = self.presence(identity, stored.division)
        if presence is Presence.OUT_OF_SCOPE:
            return True
        if presence is Presence.GONE and self.prune:
            changes.removed += 1
            self._say("pruned-result", stored, identity, "is not in the clone")
            return False
        changes.kept += 1
        what = "is not in the clone" if presence is Presence.GONE else "was not scored this time, and may be in the clone"
        self._say("kept-result", stored, identity, what)
        return True

    def _report_uid(self, stored: StoredExperiment, identity: Identity, old: Entry, new: Entry) -> None:
        if not _has_uid(old):
            self._say("missing-uid", stored, identity, f"had no uid; it has {new['uid']} now")
        elif new["uid"] != old["uid"]:
            self._say("several-uids", stored, identity, f"has the uid {new['uid']} elsewhere, now here too")

    def _say(self, code: str, stored: StoredExperiment, identity: Identity, what: str) -> None:
        self.report(code, str(stored.file), f"{' / '.join(identity)} {what}")


def _recognise(
    stored: StoredExperiment, index: IdentityIndex, report: Report
) -> tuple[dict[Identity, _Placed], list[_Placed], set[Identity]]:
    """The objects by identity, those without one, and the identities that more than one object had."""
    others: list[_Placed] = []
    apart: dict[Identity, list[_Placed]] = defaultdict(list)
    several: set[Identity] = set()
    where = str(stored.file)
    for place, item in enumerate((*stored.objects, *stored.moved_in)):
        identity = index.identify(item)
        if identity is None:
            what = f"object {place + 1} of {len(stored.objects)} does not say which result it is; kept as it is"
            report("unrecognised-entry", where, what)
            others.append(_Placed(place, item))
            continue
        twins = apart[identity]
        for number, twin in enumerate(twins):
            if index.holds(identity) or not _may_differ(twin.item, item):
                united, note = _united(twin.item, item)
                report("merged-duplicates", where, f"two objects for {' / '.join(identity)}{note}")
                twins[number] = twin._replace(item=united)
                several.add(identity)
                break
        else:
            twins.append(_Placed(place, item))
    known = {identity: first for identity, (first, *_) in apart.items()}
    return known, [*others, *(twin for _, *twins in apart.values() for twin in twins)], several


def _renewed(old: Entry, entry: Entry, uid: str) -> Entry:
    """An entry with the keys that people added to the stored one, and with the uid of that."""
    new = entry | {"uid": uid}
    if added := old.keys() - new.keys():  # most have none
        ours = owned_keys().union(foreign_benchmarks(old), [entry["Model_ID"]])
        new |= {key: old[key] for key in old if key in added and key not in ours}
    numbered = _numbered(new, "uid")[1:] if added else []
    for key in numbered:
        if new[key] == uid:
            del new[key]
    if _has_uid(old) and old["uid"] not in (uid, *(new.get(key) for key in numbered)):
        new[_free_key(new, "uid")] = old["uid"]
    return new


def _united(first: Entry, second: Entry) -> tuple[Entry, str]:
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


def _may_differ(one: Entry, other: Entry) -> bool:
    """Whether two objects with one address may be results of two folders of one submitter, whose names are not known."""
    return None in (stored_identity(one), stored_identity(other)) and one.get("Result") != other.get("Result")


def _numbered(item: Entry, key: str) -> list[str]:
    """The keys of an object that hold values of a key: itself, and with numbers."""
    start = f"{key}_"
    return [key, *(name for name in item if name.startswith(start) and name[len(start) :].isdecimal())]


def _free_key(item: Entry, key: str) -> str:
    return next(name for number in itertools.count(2) if (name := f"{key}_{number}") not in item)


def _is_published(item: Entry) -> bool:
    """Whether an object says where on the web its result is from."""
    return any(isinstance(item.get(key), str) for key in ("git_url", "details_url", "url"))


def _has_uid(item: Entry) -> bool:
    return isinstance(item.get("uid"), str) and bool(item["uid"])


def _same(one: object, other: object) -> bool:
    """Whether two values are written the same: 8, 8.0 and true are not, NaN and NaN are."""
    return one is other or (type(one) is type(other) and one == other)


def _equal(one: Entry, other: Entry) -> bool:
    """Whether two objects are written the same, but for the order of their keys."""
    if one != other or [*map(type, one.values())] != [type(other[key]) for key in one]:
        return False
    nested = [key for key, value in one.items() if isinstance(value, list | dict) and value is not other[key]]
    return all(json.dumps(one[key], sort_keys=True) == json.dumps(other[key], sort_keys=True) for key in nested)
