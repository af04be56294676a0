"""The settings of a run in entries: how logs name them, and which values they can have."""

from __future__ import annotations

import functools

from ..values import clean_text, finite_number
from .files import Names, Row, table_in

#: Published texts have up to 8 characters, published counts are below 100.
_LONGEST_TEXT = 40
_LARGEST_COUNT = 10**6


class _Settings(Row, frozen=True):
    texts: dict[str, Names]
    counts: dict[str, Names]


_table = table_in("settings.yaml", _Settings)


@functools.cache
def settings_by_log_key() -> dict[str, str]:
    """The key of the entry that each key of the logs fills."""
    return {key: name for name, keys in (_table().texts | _table().counts).items() for key in keys}


def setting_value(name: str, value: object) -> str | int | None:
    """What a log says about a setting: a text in lower case or a whole number above 0; None for anything else."""
    if name in _table().texts:
        text = clean_text(value) if isinstance(value, str) and len(value) <= _LONGEST_TEXT else None
        return text and text.lower()
    number = finite_number(value)
    return int(number) if number is not None and number == int(number) and 0 < number <= _LARGEST_COUNT else None
