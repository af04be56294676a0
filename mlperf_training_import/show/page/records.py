"""What the page knows of a result.

An entry may come from an older import or from other people, so every key may be absent or of another kind. What the page
needs and an entry does not say is told from what it does say.
"""

from __future__ import annotations

import functools
import math
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
from ...tables.suites import source_of

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
    factor = number_of(entry.get("scaling_factor")) or 1
    is_comparable = bool(minutes) and metric_in(entry).run_words is not None
    return fields | {
        "uid": text_of(entry.get("uid")),
        "availability": fields["availability"] or find_availability(text_of(entry.get("availability"))) or "",
        "is_processor_only": entry.get("is_processor_only") is True or fields["accelerators"] == 0,
        "runs": minutes,
        "factor": factor,
        # the fastest and the slowest run as they compare with the score
        "range": [minutes[0] * factor, minutes[-1] * factor] if is_comparable else [],
        "progress": progress,
        "progress_unit": unit,
        "round_in_suite": label.scope if (label := split_label(fields["round"])) else fields["round"],
        "is_published": _is_published(fields),
        "remarks": "; ".join(remarks_of(entry).values()),
        "identity": "\n".join(stored_identity(entry) or ()),
    }


@functools.cache
def page_keys() -> tuple[tuple[Key, Page], ...]:
    """The keys that the page has fields for, its columns from left to right among them."""
    keys = ((key, key.page) for key in entry_keys().values() if key.page)
    return tuple(sorted(keys, key=lambda pair: pair[1].place))


def _field(entry: Entry, key: Key, page: Page) -> object:
    value = entry.get(key.name)
    if page.is_link:
        return _address(value)
    if key.type != "text":
        return number_of(value)
    return text_of(value) or text_of(entry.get(page.instead or ""))


def _progress(entry: Entry) -> tuple[str, int | float | None]:
    for key, value in entry.items():
        match = _PROGRESS_KEY.fullmatch(key)
        number = number_of(value)
        if match and number is not None:
            return match[1], number
    return "", None


def _is_published(fields: Entry) -> bool:
    """Whether MLCommons has published the result: its clone is one of theirs, and of the round that it says."""
    label = split_label(fields["round"])
    return label is not None and not label.suffix and bool(fields["git_url"] == source_of(label.round).address)


def text_of(value: object) -> str:
    """A value as a text, empty where there is none."""
    return "" if value is None else str(value)


def number_of(value: object) -> int | float | None:
    """A finite number, None for anything else."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return value if math.isfinite(value) else None


def _address(value: object) -> str | None:
    """An address on the web; anything else, such as ``javascript:``, is no link."""
    if not isinstance(value, str):
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme in ("http", "https") and parts.netloc else None
