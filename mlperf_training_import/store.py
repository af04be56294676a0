"""Files of stored experiments: reading, merging and writing ``cm-result.json``. Knows nothing of Collective Mind's API."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from .entry import OWNED_KEYS, foreign_benchmarks, order_of
from .errors import PublishFailure

RESULT_FILE = "cm-result.json"
_TEMPORARY_FILE = f".{RESULT_FILE}.tmp"
_DATE_FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}\.\d{2}-\d{2}-\d{2}(\.\d+)?")
_DETAILS_URL = re.compile(r"/blob/[^/]+/(?P<submitter>.+)/systems/(?P<system>.+)\.json$")

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
    """An experiment's result file as it was found: its objects and bytes. ``file`` is None where there is none yet."""

    name: str
    folder: Path | None
    file: Path | None = None
    data: bytes = b""
    objects: list = field(default_factory=list)
    usable: bool = True

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
        stored.objects = json.loads(stored.data)
        if not isinstance(stored.objects, list):
            raise ValueError("it holds no list")
    except (ValueError, OSError, RecursionError) as error:
        report("invalid-store", str(stored.file), f"not a JSON list of results ({error}); nothing was written to it")
        stored.usable = False
    return stored


def stored_identity(entry: object) -> Identity | None:
    """The identity of a stored object, None where it cannot be told.

    Objects of this importer carry it. In those of the older script it is read from ``details_url``, which has the
    description's submitter in the place of the folder.
    """
    if not isinstance(entry, dict):
        return None
    label, benchmark = entry.get("version"), entry.get("Model_ID")
    submitter, system = entry.get("submitter_folder"), entry.get("system_file")
    if submitter is None or system is None:
        url = entry.get("details_url")
        match = _DETAILS_URL.search(url) if isinstance(url, str) else None
        if match is None:
            return None
        submitter, system = unquote(match["submitter"]), unquote(match["system"])
    identity = (label, submitter, system, benchmark)
    return identity if all(isinstance(part, str) and part for part in identity) else None


class IdentityIndex:
    """Finds the entry of this import that a stored object stands for, by folder or by the submitter's display name."""

    def __init__(self, entries: Iterable[Mapping[str, object]]) -> None:
        self._exact: dict[Identity, Mapping[str, object]] = {}
        self._by_submitter: dict[Identity, set[Identity]] = defaultdict(set)
        for entry in entries:
            identity = stored_identity(entry)
            self._exact[identity] = entry
            label, _, system, benchmark = identity
            self._by_submitter[label, entry["submitter"], system, benchmark].add(identity)

    def resolve(self, identity: Identity) -> Identity:
        """The identity with the submitter's folder, where an entry of this import has it; else the identity itself."""
        if identity in self._exact:
            return identity
        candidates = self._by_submitter.get(identity, ())
        return next(iter(candidates)) if len(candidates) == 1 else identity


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
    changes = Changes()
    where = str(stored.file)
    known: dict[Identity, dict] = {}
    unknown: list = []
    for number, item in enumerate(stored.objects):
        identity = stored_identity(item)
        if identity is None:
            report("unrecognised-entry", where, f"object {number + 1} does not say which result it is; kept as it is")
            unknown.append(item)
            continue
        identity = index.resolve(identity)
        if identity in known:
            report(
                "merged-duplicates", where, f"two objects for {' / '.join(identity)}; {_merge_into(known[identity], item)}"
            )
            continue
        known[identity] = dict(item)
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
        new = _renewed(old or {}, entry, uids)
        merged.append(new)
        if old is None:
            changes.added += 1
        elif new == old:
            changes.unchanged += 1
        else:
            changes.updated += 1
    odd = [item for item in unknown if not isinstance(item, dict)]
    merged += [item for item in unknown if isinstance(item, dict)]
    return sorted(merged, key=order_of) + odd, changes


def to_bytes(objects: list) -> bytes:
    """The objects as Collective Mind's own ``utils.save_json`` writes them."""
    return (json.dumps(objects, indent=2, sort_keys=True) + "\n").encode("ascii")


def write_atomically(file: Path, data: bytes) -> None:
    """Replaces a file as a whole: whoever reads it, also after a crash, sees the old bytes or the new ones.

    Raises:
        PublishFailure: the folder cannot be written, or the disk is full; the old file is as it was.
    """
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        try:
            with temporary.open("wb") as stream:
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


def remove_leftover(file: Path) -> None:
    """Removes the temporary file of a writer that was killed."""
    file.with_name(_TEMPORARY_FILE).unlink(missing_ok=True)


def stored_uids(experiments: Iterable[StoredExperiment], index: IdentityIndex) -> dict[Identity, str]:
    """The uid of each stored result. Where ``--all--`` has another one than the round's own experiment, the latter's."""
    uids: dict[Identity, str] = {}
    for experiment in sorted(experiments, key=lambda experiment: "--all--" in experiment.name):
        for item in experiment.objects:
            identity = stored_identity(item)
            if identity is not None and isinstance(item.get("uid"), str) and item["uid"]:
                uids.setdefault(index.resolve(identity), item["uid"])
    return uids


def _renewed(old: dict, entry: dict, uids: Mapping[Identity, str]) -> dict:
    """An entry with the keys that people added to its stored form, and the uid that it has always had."""
    foreign = set(foreign_benchmarks(old)) | OWNED_KEYS
    foreign.add(entry["Model_ID"])
    uid = old.get("uid") or uids.get(stored_identity(entry)) or entry["uid"]
    return {key: value for key, value in old.items() if key not in foreign} | entry | {"uid": uid}


def _merge_into(kept: dict, other: dict) -> str:
    """Adds what only the other object has; says what was left behind."""
    lost = sorted(key for key in other if key in kept and kept[key] != other[key] and key not in OWNED_KEYS)
    kept.update({key: value for key, value in other.items() if key not in kept})
    text = "merged"
    if other.get("uid") != kept.get("uid"):
        text += f", uid {other.get('uid')} is gone"
    if lost:
        text += f", the first one's value was kept of {', '.join(lost)}"
    return text


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


def group_by_identity(entries: Collection[dict]) -> dict[Identity, dict]:
    """Entries by their identity."""
    return {stored_identity(entry): entry for entry in entries}
