"""What the page knows of a result.

An entry may come from an older import or from other people, so any key may be missing or of another type. If an entry lacks
something that the page needs, the page derives it from other keys.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ...experiments.identity import stored_identity
from ...results.names import find_availability
from ...results.remarks import remarks_of
from ...tables.keys import Key, Page, entry_keys
from ...tables.labels import split_label
from ...tables.metrics import metric_in
from ...tables.rules import rules_of
from ...tables.suites import source_of
from ..entries import number_in, number_of, text_in
from .words import say_factor, say_verdict

Entry = Mapping[str, Any]

_PROGRESS_KEY = re.compile(r"([a-z]+)_to_converge", re.ASCII)
_NO_ACCELERATOR = {"", "n/a", "na", "none", "-", "not applicable"}


def fields_of(entry: Entry) -> dict[str, Any]:
    """A result as the page knows it."""
    fields: dict[str, Any] = {page.field: _field(entry, key, page) for key, page in page_keys()}
    if str(fields["accelerator"]).strip().lower() in _NO_ACCELERATOR:
        fields["accelerator"] = ""
    unit, progress = _progress(entry)
    runs = entry.get("runs_minutes")
    numbers = [number_of(run) for run in runs] if isinstance(runs, list) else []
    minutes = sorted(run for run in numbers if run is not None)
    factor = fields["scaling_factor"] or 1
    metric = metric_in(entry)
    has_run_scores = metric.run_words is not None
    is_comparable = bool(minutes) and has_run_scores
    is_processor_only = entry.get("is_processor_only") is True or fields["accelerators"] == 0
    label = split_label(fields["round"])
    return fields | {
        "uid": text_in(entry, "uid"),
        "availability": fields["availability"] or find_availability(text_in(entry, "availability")) or "",
        "is_processor_only": is_processor_only,
        # the number of what does the work: a result on processors is not a result on 0 accelerators
        "size": fields["processors"] if is_processor_only else fields["accelerators"],
        "runs": minutes,
        "factor": factor,
        # the runs, and the fastest and the slowest of them, as they compare with the score
        "comparable_runs": [run * factor for run in minutes] if is_comparable else [],
        "range": [minutes[0] * factor, minutes[-1] * factor] if is_comparable else [],
        "spread": fields["spread"] if has_run_scores else None,
        "how_scored": say_factor(fields["score"], factor, metric.words),
        "verdict_said": say_verdict(entry, unit, progress),
        "codes": [str(code) for code in doubts] if isinstance(doubts := entry.get("doubts"), list) else [],
        "progress": progress,
        "progress_unit": unit,
        "round_in_suite": label.scope if label else fields["round"],
        "is_published": _is_published(fields),
        "is_listed": is_listed(entry),
        "remarks": list(remarks_of(entry).values()),
        "remark_keys": list(remarks_of(entry)),
        "identity": "\n".join(stored_identity(entry) or ()),
    }


@functools.cache
def page_keys() -> tuple[tuple[Key, Page], ...]:
    """The keys that the page has fields for, its columns from left to right among them."""
    keys = ((key, key.page) for key in entry_keys().values() if key.page)
    return tuple(sorted(keys, key=lambda pair: pair[1].place))


def _field(entry: Entry, key: Key, page: Page) -> object:
    if page.is_link:
        return _address(entry.get(key.name))
    if key.type != "text":
        return number_in(entry, key.name)
    return text_in(entry, key.name, page.instead or "")


def _progress(entry: Entry) -> tuple[str, int | float | None]:
    for key, value in entry.items():
        match = _PROGRESS_KEY.fullmatch(key)
        number = number_of(value)
        if match and number is not None:
            return match[1], number
    return "", None


def _is_published(fields: Entry) -> bool:
    """Whether MLCommons published the result: the clone is from their repository of the round that the entry names."""
    label = split_label(fields["round"])
    return label is not None and not label.suffix and bool(fields["git_url"] == source_of(label.round).address)


def is_listed(entry: Entry) -> bool:
    """Whether MLCommons' published table of the round has the result, as far as the tables of this package know."""
    label = split_label(text_in(entry, "version"))
    place = "/".join(text_in(entry, key) for key in ("submitter_folder", "system_file", "Model_ID"))
    return label is None or place not in rules_of(label.round).unlisted


def _address(value: object) -> str | None:
    """An address on the web; None for anything else, such as ``javascript:``, which is never a link."""
    if not isinstance(value, str):
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme in ("http", "https") and parts.netloc else None
