"""What the page's scripts read: all results as columns, with their editions, sources and findings."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from ...experiments.identity import stored_identity
from ...tables.keys import entry_keys
from ...tables.labels import order_of_label, suites
from ...tables.metrics import Metric, metric_in
from ..editions import edition_of_entry
from .records import Entry, fields_of, number_of, page_keys, text_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

Fields = dict[str, Any]


def make_payload(
    entries: Sequence[Entry], report: Mapping[str, Any], version: str, with_curves: Container[str] = ()
) -> dict[str, Any]:
    """What the page's scripts read.

    Args:
        entries: of all results, each once.
        report: the report of an import as it was written, with its findings; empty where there is none.
        version: of this importer.
        with_curves: the uids of results whose learning curves the page can show.
    """
    rows = [fields_of(entry) for entry in entries]
    editions = _editions(entries, rows)
    for place, row in enumerate(rows):
        row["uid"] = row["uid"] or f"result-{place}"  # what was stored by other people may have none
        row["has_curves"] = row["uid"] in with_curves
    for row, original in zip(rows, _originals(entries, rows), strict=True):
        row["repeat_of"] = original
    rounds = sorted({row["round"] for row in rows}, key=order_of_label)
    keys = _keys(entries)
    return {
        "version": version,
        "rounds": rounds,
        "suites": {name: suite.title for name, suite in suites().items()},
        "editions": editions,
        "sources": _sources(rows, rounds),
        "findings": _findings(report, {row["identity"] for row in rows}),
        "keys": {name: {"unit": key.unit, "text": key.text} for name, key in entry_keys().items() if name in keys},
        "key_of_field": {page.field: key.name for key, page in page_keys()},
        "columns": [msgspec.structs.asdict(page) | {"type": key.type} for key, page in page_keys() if page.title],
        "fields": {name: _column([row[name] for row in rows]) for name in rows[0]} | {"uid": [row["uid"] for row in rows]},
        "entries": {key: _column([_storable(entry.get(key)) for entry in entries]) for key in keys},
    }


def _editions(entries: Sequence[Entry], rows: Sequence[Fields]) -> list[dict[str, Any]]:
    """The editions, by suite and title; each row gets the place of its edition. One edition has one suite and one unit."""
    members: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for place, entry in enumerate(entries):
        members[_edition_key(entry)].append(place)
    editions = [_edition(key, [entries[i] for i in places], [rows[i] for i in places]) for key, places in members.items()]
    order = sorted(
        range(len(editions)),
        key=lambda i: (editions[i]["suite"] != "training", editions[i]["suite"], editions[i]["title"], editions[i]["id"]),
    )
    places = list(members.values())
    for new, old in enumerate(order):
        for i in places[old]:
            rows[i]["edition"] = new
    return [editions[i] for i in order]


def _edition_key(entry: Entry) -> tuple[str, Metric, str, str]:
    """What results must share to be compared: suite, what is measured, its unit, and the edition."""
    suite = text_of(entry.get("suite")) or "training"
    return (suite, metric_in(entry), text_of(entry.get("Result_Units")), edition_of_entry(entry).id)


def _edition(key: tuple[str, Metric, str, str], entries: Sequence[Entry], rows: Sequence[Fields]) -> dict[str, Any]:
    suite, metric, unit, edition = key
    first = entries[0]
    runs = Counter(number for entry in entries if (number := number_of(entry.get("runs_count"))) is not None)
    return {
        "id": "/".join((*(() if suite == "training" else (suite,)), *metric.identity, edition)),
        "title": metric.qualified(edition_of_entry(first).title, ", "),
        "suite": suite,
        "benchmarks": sorted({text_of(entry.get("Model_ID")) for entry in entries}),
        "dataset": text_of(first.get("Dataset")),
        "target": " ".join(filter(None, (text_of(first.get("Accuracy")), text_of(first.get("Accuracy_Metric"))))),
        "unit": unit,
        "measure": metric.words,
        "says_unit": not metric.is_usual,
        "higher_is_better": not metric.lower_is_better,
        "runs": max(runs, key=lambda number: (runs[number], number)) if runs else None,
        "rounds": sorted({row["round"] for row in rows}, key=order_of_label),
    }


def _originals(entries: Sequence[Entry], rows: Sequence[Fields]) -> list[str | None]:
    """For each result, the uid of that whose runs it hands in again: of the earliest round, then one with energy."""
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for place, entry in enumerate(entries):
        if digest := text_of(entry.get("runs_digest")):
            groups[digest, rows[place]["edition"], rows[place]["division"]].append(place)
    originals: list[str | None] = [None] * len(rows)
    for places in groups.values():
        original = min(places, key=lambda i: (order_of_label(rows[i]["round"]), rows[i]["energy"] is None, i))
        for place in places:
            originals[place] = rows[original]["uid"] if place != original else None
    return originals


def _sources(rows: Sequence[Fields], rounds: Sequence[str]) -> list[dict[str, Any]]:
    found = {(row["round"], row["git_url"], row["git_commit"]) for row in rows}
    return [
        {"round": round_, "git_url": url, "git_commit": commit}
        for round_, url, commit in sorted(found, key=lambda source: (rounds.index(source[0]), source))
    ]


def _findings(report: Mapping[str, Any], identities: set[str]) -> dict[str, list[dict[str, str]]]:
    """The findings about each result that has any: those about its folder."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    of_folders = {
        (text_of(round_.get("version")), text_of(folder.get("folder"))): _identity_of(round_, folder)
        for round_ in _objects(report, "rounds")
        for folder in _objects(round_, "folders")
    }
    for finding in _objects(report, "findings"):
        identity = of_folders.get((text_of(finding.get("round")), text_of(finding.get("folder"))), "")
        if identity and identity in identities:
            found[identity].append({name: text_of(finding.get(name)) for name in ("code", "what", "advice")})
    return dict(found)


def _identity_of(round_: Mapping[str, Any], folder: Mapping[str, Any]) -> str:
    """The identity of the result in a folder of the report, as a row of the page has it."""
    names = {"submitter_folder": "submitter", "system_file": "system", "Model_ID": "benchmark", "metric": "metric"}
    entry = {key: folder.get(name) for key, name in names.items()}
    return "\n".join(stored_identity(entry | {"version": round_.get("version")}) or ())


def _objects(report: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects in a list of a report, which may be of an older import, or anything."""
    listed = report.get(key)
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _keys(entries: Iterable[Entry]) -> list[str]:
    """All keys but those that repeat another one with ``_`` in front, in the order of the alphabet."""
    keys = {key for entry in entries for key in entry}
    return sorted(key for key in keys if not (key.startswith("_") and (key[1:] in keys or key == "_System")))


def _column(values: Sequence[object]) -> object:
    """Values as they are, or, where many are the same, the distinct ones and which of them each is."""
    if any(not isinstance(value, str | int | float | None) for value in values):
        return list(values)
    distinct = list(dict.fromkeys((type(value).__name__, value) for value in values))
    if len(distinct) * 3 > len(values):
        return list(values)
    places = {value: place for place, value in enumerate(distinct)}
    return {"values": [value for _, value in distinct], "at": [places[type(value).__name__, value] for value in values]}


def _storable(value: object) -> object:
    """A value that JSON has: numbers that are none become texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _storable(item) for key, item in value.items()}
    return value
