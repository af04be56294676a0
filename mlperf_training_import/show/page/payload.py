"""What the page's scripts read: all results as columns, with their editions, sources and findings."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from ...experiments.identity import stored_identity
from ...tables.keys import entry_keys
from ...tables.labels import order_of_label, split_label, suites
from ...tables.metrics import Metric, metric_in
from ...tables.names import accelerators_table
from ...tables.rules import benchmark_of, rules_of
from ..entries import edition_of_entry, number_in, text_in
from .records import Entry, fields_of, page_keys

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from ...values import JsonObject

Fields = dict[str, Any]


def make_payload(entries: Sequence[Entry], report: JsonObject, version: str, with_curves: Container[str] = ()) -> JsonObject:
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
    _add_repeats(entries, rows)
    _add_ranks_at_size(rows)
    rounds = sorted({row["round"] for row in rows}, key=order_of_label)
    keys = _keys(entries)
    findings = _findings(report, {row["identity"] for row in rows})
    for row in rows:
        row["codes"] = sorted({*row["codes"], *(finding["code"] for finding in findings.get(row["identity"], ()))})
    return {
        "version": version,
        "rounds": rounds,
        "days": {label: str(day) for label in rounds if (day := _published(label))},
        "colours": {name: row.colour for name, row in accelerators_table().accelerators.items()},
        "suites": {name: suite.title for name, suite in suites().items()},
        "editions": editions,
        "sources": _sources(rows, rounds),
        "findings": findings,
        "keys": {name: {"unit": key.unit, "text": key.text} for name, key in entry_keys().items() if name in keys},
        "key_of_field": {page.field: key.name for key, page in page_keys()},
        "columns": [msgspec.structs.asdict(page) | {"type": key.type} for key, page in page_keys() if page.title],
        "fields": {name: _column([row[name] for row in rows]) for name in rows[0]} | {"uid": [row["uid"] for row in rows]},
        "entries": {key: _column([_storable(entry.get(key)) for entry in entries]) for key in keys},
    }


def _editions(entries: Sequence[Entry], rows: Sequence[Fields]) -> list[JsonObject]:
    """The editions, by suite and title; each row gets the index of its edition. An edition has one suite and one unit."""
    members: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for place, entry in enumerate(entries):
        # what results must share to be compared: suite, what is measured, its unit, and the edition
        suite = text_in(entry, "suite") or "training"
        members[suite, metric_in(entry), text_in(entry, "Result_Units"), edition_of_entry(entry).id].append(place)
    editions = [
        (_edition(key, [entries[place] for place in places], [rows[place] for place in places]), places)
        for key, places in members.items()
    ]
    editions.sort(key=lambda pair: (pair[0]["suite"] != "training", *itemgetter("suite", "title", "id")(pair[0])))
    for number, (_, places) in enumerate(editions):
        for place in places:
            rows[place]["edition"] = number
    return [edition for edition, _ in editions]


def _edition(key: tuple[str, Metric, str, str], entries: Sequence[Entry], rows: Sequence[Fields]) -> JsonObject:
    suite, metric, unit, edition = key
    first = entries[0]
    runs = Counter(number for entry in entries if (number := number_in(entry, "runs_count")) is not None)
    return {
        "id": "/".join((*(() if suite == "training" else (suite,)), *metric.identity, edition)),
        "title": metric.qualified(edition_of_entry(first).title, ", "),
        "short": metric.qualified(_short_name(entries, rows), ", "),
        "suite": suite,
        "benchmarks": sorted({text_in(entry, "Model_ID") for entry in entries}),
        "unit": unit,
        "measure": metric.words,
        "says_unit": not metric.is_usual,
        "higher_is_better": not metric.lower_is_better,
        "meaning": metric.meaning,
        # for a throughput each system trains as many models as it likes
        "runs": max(runs, key=lambda number: (runs[number], number)) if runs and metric.run_words else None,
        "rounds": sorted({row["round"] for row in rows}, key=order_of_label),
    }


def _add_ranks_at_size(rows: Sequence[Fields]) -> None:
    """Adds the place of a result among those of its round, edition, division and size: ``2 of 9``; empty where it is alone.

    Places are those of the entries' own ``rank`` over all sizes, so that equal ones share a place.
    """
    groups: dict[tuple[Any, ...], list[Fields]] = defaultdict(list)
    for row in rows:
        row["rank_at_size"] = ""
        if row["rank"] is not None and row["size"]:
            groups[itemgetter("edition", "division", "round", "is_processor_only", "size")(row)].append(row)
    for group in groups.values():
        for row in group if len(group) > 1 else ():
            row["rank_at_size"] = f"{1 + sum(other['rank'] < row['rank'] for other in group)} of {len(group)}"


def _short_name(entries: Sequence[Entry], rows: Sequence[Fields]) -> str:
    """The name that the tables give the model of an edition in its newest round, else the key of its benchmark."""
    newest = max(range(len(rows)), key=lambda place: order_of_label(rows[place]["round"]))
    key, label = text_in(entries[newest], "Model_ID"), split_label(rows[newest]["round"])
    return (label and benchmark_of(key, label.round).model) or key


def _published(label: str) -> object:
    """The day on which the round of a label was published; None for any other label, and where the table has none."""
    parts = split_label(label)
    return rules_of(parts.round).published if parts is not None and not parts.suffix else None


def _add_repeats(entries: Sequence[Entry], rows: Sequence[Fields]) -> None:
    """Adds to each result which others have the same runs in the same edition and division.

    ``repeat_of`` is the uid of the one that it repeats with the same score: of the earliest round, then one with energy. A
    later round may have multiplied the same runs by another factor, which makes another score. ``same_runs`` are the uids of
    all others with its runs, and ``availabilities`` what they, and itself, were handed in as, oldest first.
    """
    by_runs: dict[tuple[Any, ...], list[Fields]] = defaultdict(list)
    for place, (entry, row) in enumerate(zip(entries, rows, strict=True)):
        by_runs[text_in(entry, "runs_digest") or place, row["edition"], row["division"]].append(row)
    for same_runs in by_runs.values():
        by_score: dict[object, list[Fields]] = defaultdict(list)
        for row in sorted(same_runs, key=lambda row: (order_of_label(row["round"]), row["energy"] is None)):
            by_score[row["score"]].append(row)
        for same in by_score.values():
            availabilities = list(dict.fromkeys(row["availability"] for row in same))
            for row in same:
                row["repeat_of"] = None if row is same[0] else same[0]["uid"]
                row["same_runs"] = [other["uid"] for other in same_runs if other is not row]
                row["availabilities"] = availabilities


def _sources(rows: Sequence[Fields], rounds: Sequence[str]) -> list[JsonObject]:
    found = {(row["round"], row["git_url"], row["git_commit"]) for row in rows}
    return [
        {"round": round_, "git_url": url, "git_commit": commit}
        for round_, url, commit in sorted(found, key=lambda source: (rounds.index(source[0]), source))
    ]


def _findings(report: JsonObject, identities: set[str]) -> dict[str, list[dict[str, str]]]:
    """The findings about each result that has any: those about its folder."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    of_folders = {
        (text_in(round_, "version"), text_in(folder, "folder")): _identity_of(round_, folder)
        for round_ in _objects(report, "rounds")
        for folder in _objects(round_, "folders")
    }
    for finding in _objects(report, "findings"):
        identity = of_folders.get((text_in(finding, "round"), text_in(finding, "folder")), "")
        if identity and identity in identities:
            found[identity].append({name: text_in(finding, name) for name in ("code", "what", "advice")})
    return dict(found)


def _identity_of(round_: JsonObject, folder: JsonObject) -> str:
    """The identity of the result in a folder of the report, as a row of the page has it."""
    names = {"submitter_folder": "submitter", "system_file": "system", "Model_ID": "benchmark", "metric": "metric"}
    entry = {key: folder.get(name) for key, name in names.items()}
    return "\n".join(stored_identity(entry | {"version": round_.get("version")}) or ())


def _objects(report: JsonObject, key: str) -> list[JsonObject]:
    """The objects in a list of a report, which may be of an older import, or anything."""
    listed = report.get(key)
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _keys(entries: Iterable[Entry]) -> list[str]:
    """All keys in alphabetical order, without those that repeat another key with a leading ``_``."""
    keys = {key for entry in entries for key in entry}
    return sorted(key for key in keys if not (key.startswith("_") and (key[1:] in keys or key == "_System")))


def _column(values: Sequence[object]) -> object:
    """The values; if many are equal, the distinct values and an index into them for each."""
    if any(not isinstance(value, str | int | float | None) for value in values):
        return list(values)
    distinct = list(dict.fromkeys((type(value).__name__, value) for value in values))
    if len(distinct) * 3 > len(values):
        return list(values)
    places = {value: place for place, value in enumerate(distinct)}
    return {"values": [value for _, value in distinct], "at": [places[type(value).__name__, value] for value in values]}


def _storable(value: object) -> object:
    """A value that JSON can represent: infinite numbers and NaN become texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _storable(item) for key, item in value.items()}
    return value
