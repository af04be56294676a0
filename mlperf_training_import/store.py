"""Files of stored experiments: reading, merging and writing ``cm-result.json``. Knows nothing of Collective Mind's API."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, unquote_plus

from .entry import OWNED_KEYS, foreign_benchmarks, order_of, uid_of
from .errors import PublishFailure

RESULT_FILE = "cm-result.json"
_DATE_FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}\.\d{2}-\d{2}-\d{2}(\.\d+)?")
_DETAILS_URL = re.compile(r".*/blob/[^/]+/(?P<submitter>.+)/systems/(?P<system>[^/]+)\.json(?:[?#].*)?")

#: No address of a description is longer; the expression above takes the cube of the length for what does not fit.
_LONGEST_URL = 2000

_SCALARS = frozenset({str, int, float, bool, type(None)})
#: Between the members of an object in a list, as ``json.dumps`` writes it with ``indent=2``. No text of JSON has a newline.
_SEPARATOR = ",\n    "
_encode_flat = json.JSONEncoder(sort_keys=True, separators=(_SEPARATOR, ": ")).encode
_encode_list = json.JSONEncoder(separators=(f"{_SEPARATOR}  ", ": ")).encode

#: Round label, submitter folder, system file name, benchmark key.
Identity = tuple[str, str, str, str]
#: Takes a finding's code, path and text.
Report = Callable[[str, str, str], None]


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


@dataclass(slots=True)
class StoredExperiment:
    """An experiment's result file as it was found: its objects and bytes. ``file`` is None where there is none yet.

    ``moved_in`` are objects that other experiments hold and that belong here, ``moved_out`` counts those that left.
    """

    name: str
    folder: Path | None
    file: Path | None = None
    data: bytes = b""
    objects: list = field(default_factory=list)
    usable: bool = True
    moved_in: list = field(default_factory=list)
    moved_out: int = 0

    @property
    def is_over_all(self) -> bool:
        """Whether it is one of those over all rounds."""
        return self.name.split("--")[1] == "all"

    @property
    def division(self) -> str:
        """The division that the experiment's name says."""
        return self.name.split("--")[2]


def load_experiment(name: str, folder: Path | None, report: Report) -> StoredExperiment:
    """Reads the newest result file of an experiment.

    A file that is no JSON list is reported and makes the experiment unusable: it is left untouched.
    """
    stored = StoredExperiment(name, folder)
    if folder is None:
        return stored
    dated = sorted(path for path in folder.iterdir() if path.is_dir() and _DATE_FOLDER.fullmatch(path.name))
    full = [path for path in dated if (path / RESULT_FILE).is_file()]
    chosen = (full or dated or [None])[-1]
    for path in full[:-1]:
        report("extra-date-folder", str(path), f"not used; the results are in {chosen.name}")
    if chosen is None:
        return stored
    stored.file = chosen / RESULT_FILE
    if not stored.file.is_file():
        return stored
    try:
        stored.data = stored.file.read_bytes()
        objects = json.loads(stored.data)
        if not isinstance(objects, list):
            raise ValueError("it holds no list")
        to_bytes([item for item in objects if not _is_flat(item)])  # fails where it is nested too deeply to be written
        stored.objects = objects
    except (ValueError, OSError, RecursionError) as error:
        report("invalid-store", str(stored.file), f"not a JSON list of results ({error}); nothing was written to it")
        stored.usable = False
    return stored


def stored_identity(entry: object) -> Identity | None:
    """The identity that an object of this importer carries, None where it carries none."""
    if not isinstance(entry, dict):
        return None
    identity = tuple(entry.get(key) for key in ("version", "submitter_folder", "system_file", "Model_ID"))
    return identity if all(isinstance(part, str) and part for part in identity) else None


class IdentityIndex:
    """Finds out which result a stored object is.

    Objects of this importer carry their identity. In those of the older script it is read from ``details_url``, which has
    the description's submitter in the place of the folder, and may be URL-encoded: the entries of this import tell which
    folder that is.
    """

    def __init__(self, entries: Iterable[Mapping[str, object]]) -> None:
        self._entries: dict[Identity, Mapping[str, object]] = {}
        self._by_submitter: dict[Identity, list[Identity]] = defaultdict(list)
        for entry in entries:
            self._entries[stored_identity(entry)] = entry
        for identity, entry in self._entries.items():
            label, _, system, benchmark = identity
            self._by_submitter[label, entry["submitter"], system, benchmark].append(identity)

    def identify(self, item: object) -> Identity | None:
        """The identity of a stored object, None where it cannot be told.

        An object whose submitter is none of this import has the identity that its address says. Where several folders share
        its submitter and system, it is the one with the same minutes.
        """
        if (identity := stored_identity(item)) is not None or not isinstance(item, dict):
            return identity
        url, label, benchmark = (item.get(key) for key in ("details_url", "version", "Model_ID"))
        if not all(isinstance(text, str) and text for text in (url, label, benchmark)):
            return None
        if len(url) > _LONGEST_URL or (place := _DETAILS_URL.fullmatch(url)) is None:
            return None
        written = [(label, submitter, system, benchmark) for submitter, system in _spellings(place)]
        for identity in written:
            if candidates := self._by_submitter.get(identity):
                same = [one for one in candidates if self._entries[one]["Result"] == item.get("Result")]
                one_of = candidates if len(candidates) == 1 else same
                return one_of[0] if len(one_of) == 1 else None
        return next((identity for identity in written if identity in self._entries), written[0])

    def holds(self, identity: Identity) -> bool:
        """Whether this import has the result."""
        return identity in self._entries


def _spellings(place: re.Match) -> list[tuple[str, str]]:
    """What submitter and system may be called that stand in an address: decoded first; last for a branch with a slash."""
    names = place["submitter"], place["system"]
    spellings = [tuple(map(decode, names)) for decode in (unquote, str, unquote_plus)]
    spellings.append((unquote(names[0].rpartition("/")[2]), unquote(names[1])))
    return spellings


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
            home = by_name.get(homes.get((experiment.is_over_all, identity)), experiment)
            if home is experiment:
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
    entries: Mapping[Identity, dict],
    index: IdentityIndex,
    uids: Mapping[Identity, str],
    is_stale: Callable[[Identity], bool],
    prune: bool,
    report: Report,
) -> tuple[list, Changes]:
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
    merged: list[dict] = []
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
) -> tuple[dict[Identity, dict], list, set[Identity]]:
    """The objects by identity, those that have none, and the identities of which there was more than one object."""
    known: dict[Identity, dict] = {}
    others: list = []
    apart: dict[Identity, list[dict]] = defaultdict(list)
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


def to_bytes(objects: list) -> bytes:
    """The objects as Collective Mind's own ``utils.save_json`` writes them."""
    if not objects:
        return b"[]\n"
    return ("[\n  " + ",\n  ".join(map(_indented, objects)) + "\n]\n").encode("ascii")


def _indented(item: object) -> str:
    """An object as ``json.dumps`` writes it with ``indent=2`` as part of a list.

    With an indent json leaves its encoder in C aside and takes several times as long. Results are flat, or have lists of
    numbers, and for these the separator can do what the indent does.
    """
    if item and _is_flat(item):
        return "{\n    " + _SEPARATOR.join(_iter_members(item)) + "\n  }"
    return json.dumps(item, indent=2, sort_keys=True).replace("\n", "\n  ")


def _iter_members(item: dict) -> Iterator[str]:
    """The members of an object of scalars and lists, by key, as they are written."""
    flat = {key: value for key, value in item.items() if type(value) in _SCALARS}
    members = iter(_encode_flat(flat)[1:-1].split(_SEPARATOR))
    for key in sorted(item):
        if key in flat:
            yield next(members)
        else:
            yield f"{json.dumps(key)}: [\n      {_encode_list(item[key])[1:-1]}\n    ]"


def _is_flat_list(value: object) -> bool:
    return type(value) is list and bool(value) and _SCALARS.issuperset(map(type, value))


def _is_flat(item: object) -> bool:
    """Whether it is an object of scalars and lists of scalars."""
    return (
        isinstance(item, dict)
        and {str}.issuperset(map(type, item))
        and all(type(value) in _SCALARS or _is_flat_list(value) for value in item.values())
    )


def write_atomically(file: Path, data: bytes) -> None:
    """Replaces a file as a whole: whoever reads it, also after a crash, sees the old bytes or the new ones.

    Raises:
        PublishFailure: the folder cannot be written, or the disk is full; the old file is as it was.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        try:
            temporary.unlink(missing_ok=True)
            with temporary.open("xb") as stream:  # never through a link that somebody put there
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(file.parent)
    except OSError as error:
        raise PublishFailure(f"{file}: cannot be written ({error.strerror}); what was stored before is unchanged") from error


def write_if_different(file: Path, data: bytes) -> bool:
    """Writes a file as :func:`write_atomically` does, unless it holds these bytes already; says whether it wrote."""
    if file.is_file() and file.stat().st_size == len(data) and file.read_bytes() == data:
        return False
    write_atomically(file, data)
    return True


def remove_leftovers(file: Path) -> None:
    """Removes the temporary files of writers of a file that were killed. No writer may be at work.

    Raises:
        PublishFailure: the folder cannot be written.
    """
    try:
        for leftover in file.parent.glob(f".{file.name}.*tmp"):
            leftover.unlink()
    except OSError as error:
        raise PublishFailure(f"{file.parent}: cannot be written ({error.strerror})") from error


def _renewed(old: dict, entry: dict, uid: str) -> dict:
    """An entry with the keys that people added to its stored form, and the uid that its result has always had."""
    ours = OWNED_KEYS.union(foreign_benchmarks(old), [entry["Model_ID"]])
    new = {key: value for key, value in old.items() if key not in ours} | entry | {"uid": uid}
    numbered = _numbered(new, "uid")[1:]
    for key in numbered:
        if new[key] == uid:
            del new[key]
    if _has_uid(old) and old["uid"] not in (uid, *(new.get(key) for key in numbered)):
        new[_free_key(new, "uid")] = old["uid"]
    return new


def _united(first: dict, second: dict) -> tuple[dict, str]:
    """Two objects of one result as one, and what to say about it.

    What people noted in the second is added to the first; where both have a key, the second's value goes under the key with
    a number. So does its uid: somebody may have linked to it.
    """
    ours = OWNED_KEYS.union(foreign_benchmarks(second), [second["Model_ID"]]) - {"uid"}
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


def _may_differ(one: dict, other: dict) -> bool:
    """Whether two objects with one address may be results of two folders of one submitter, whose names are not known."""
    return None in (stored_identity(one), stored_identity(other)) and one.get("Result") != other.get("Result")


def _numbered(item: dict, key: str) -> list[str]:
    """The keys of an object that hold values of a key: itself, and with numbers."""
    start = f"{key}_"
    return [key, *(name for name in item if name.startswith(start) and name[len(start) :].isdecimal())]


def _free_key(item: dict, key: str) -> str:
    return next(name for number in itertools.count(2) if (name := f"{key}_{number}") not in item)


def _has_uid(item: dict) -> bool:
    return isinstance(item.get("uid"), str) and bool(item["uid"])


def _same(one: object, other: object) -> bool:
    """Whether two values are written the same: 8, 8.0 and true are not, NaN and NaN are."""
    return one is other or (type(one) is type(other) and one == other)


def _equal(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())


def _sync_folder(folder: Path) -> None:
    """Makes a rename survive a power cut, on systems that can open folders."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
