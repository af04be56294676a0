"""What the page knows of a result.

An entry may come from an older import or from other people, so every key may be absent or of another kind. What the page
needs and an entry does not say is told from what it does say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ...results.names import find_availability
from ...tables.labels import split_label
from ...tables.suites import source_of

Entry = Mapping[str, Any]

#: Fields that are texts (empty where there is none), and the keys that they are taken from, the first that has a value.
_TEXTS = {
    "round": ("version",),
    "division": ("division",),
    "submitter": ("submitter_name", "submitter"),
    "system": ("system",),
    "accelerator": ("accelerator", "accelerator_model_name"),
    "variant": ("accelerator_variant", "accelerator_model_name"),
    "accelerator_name": ("accelerator_model_name",),
    "vendor": ("accelerator_vendor",),
    "processor": ("processor", "host_processor_model_name"),
    "framework": ("framework",),
    "notes": ("notes",),
    "verdict": ("rcp_verdict",),
    "git_url": ("git_url",),
    "git_commit": ("git_commit",),
}
#: Fields that are numbers, or None.
_NUMBERS = {
    "score": "Result",
    "accelerators": "accelerators_count",
    "spread": "minutes_spread",
    "rank": "rank",
    "energy": "energy_kwh",
    "accelerator_minutes": "accelerator_minutes",
    "batch_size": "global_batch_size",
    "reference_mean": "rcp_mean",
    "reference_least": "rcp_least_acceptable",
}
_ADDRESSES = {"logs": "url", "details": "details_url", "code": "code_url"}
_PROGRESS_KEY = re.compile(r"([a-z]+)_to_converge", re.ASCII)
_NO_ACCELERATOR = {"", "n/a", "na", "none", "-", "not applicable"}


def fields_of(entry: Entry) -> dict[str, Any]:
    """A result as the page knows it."""
    fields: dict[str, Any] = {name: _first_text(entry, keys) for name, keys in _TEXTS.items()}
    fields |= {name: number_of(entry.get(key)) for name, key in _NUMBERS.items()}
    fields |= {name: _address(entry.get(key)) for name, key in _ADDRESSES.items()}
    if str(fields["accelerator"]).strip().lower() in _NO_ACCELERATOR:
        fields["accelerator"] = ""
    unit, progress = _progress(entry)
    runs = entry.get("runs_minutes")
    numbers = [number_of(run) for run in runs] if isinstance(runs, list) else []
    return fields | {
        "uid": text_of(entry.get("uid")),
        "availability": text_of(entry.get("availability_category"))
        or find_availability(text_of(entry.get("availability")))
        or "",
        "is_processor_only": entry.get("is_processor_only") is True or fields["accelerators"] == 0,
        "runs": sorted(run for run in numbers if run is not None),
        "progress": progress,
        "progress_unit": unit,
        "round_in_suite": label.scope if (label := split_label(fields["round"])) else fields["round"],
        "is_published": _is_published(fields),
        "folder": "\n".join(text_of(entry.get(key)) for key in ("version", "submitter_folder", "system_file", "Model_ID")),
    }


def key_of_field() -> dict[str, str]:
    """For each field that is taken from the entry, the key that it is taken from; of several the first."""
    return {name: keys[0] for name, keys in _TEXTS.items()} | _NUMBERS | _ADDRESSES


def _first_text(entry: Entry, keys: tuple[str, ...]) -> str:
    return next(filter(None, (text_of(entry.get(key)) for key in keys)), "")


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
