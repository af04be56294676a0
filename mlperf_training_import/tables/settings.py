"""The settings of a run that entries have: how logs name them, and what they may be."""

from __future__ import annotations

import functools

from ..values import clean_text, finite_number
from .files import FOLDER, load_table

#: Published texts have up to 8 characters, published counts are below 100.
_LONGEST_TEXT = 40
_LARGEST_COUNT = 10**6


@functools.cache
def settings_by_log_key() -> dict[str, str]:
    """The key of the entry that each key of the logs fills."""
    rows = [*_table()["texts"].items(), *_table()["counts"].items()]
    return {key: name for name, keys in rows for key in keys}


@functools.cache
def _table() -> dict[str, dict[str, list[str]]]:
    return load_table(FOLDER / "settings.yaml")


def setting_value(name: str, value: object) -> str | int | None:
    """What a log says about a setting: a text in lower case or a whole number above 0; None for anything else."""
    if name in _table()["texts"]:
        text = clean_text(value) if isinstance(value, str) and len(value) <= _LONGEST_TEXT else None
        return text and text.lower()
    number = finite_number(value)
    return int(number) if number is not None and number == int(number) and 0 < number <= _LARGEST_COUNT else None
