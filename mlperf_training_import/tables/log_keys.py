"""Sorts the keys of log lines for the data set: settings of a run, measurements, or neither."""

from __future__ import annotations

import functools
import itertools
import re

from .files import Name, Names, Row, table_in

#: The group of keys whose values are measurements, and the group of marks, whose times are.
_MEASURED, _SPANS = "measured", "span"
#: The group of keys in power logs.
_POWER = "power"
#: Limit on the keys that are remembered; published logs have about 300 different ones.
_MOST_KEYS = 4096


class _Group(Row, frozen=True):
    text: Name
    keys: Names
    patterns: tuple[re.Pattern[str], ...] = ()


class _Table(Row, frozen=True):
    left_out: dict[str, _Group]
    seeds: Names
    batch_sizes: Names
    units: dict[str, Names]


_table = table_in("log_keys.yaml", _Table)


@functools.cache
def left_out_keys() -> dict[str, str]:
    """The reason why a key is not a setting, by key."""
    return {key: group.text for group in _table().left_out.values() for key in group.keys}


@functools.lru_cache(_MOST_KEYS)
def is_setting(key: str) -> bool:
    """Whether the lines with a key may be a setting of the run."""
    return _group_of(key) is None


@functools.lru_cache(_MOST_KEYS)
def is_measured(key: str) -> bool:
    """Whether every line with a key is a measurement: its value, or its time."""
    return _group_of(key) in (_MEASURED, _SPANS)


def _group_of(key: str) -> str | None:
    """The group of a key, without the blanks around it; None for one that may be a setting."""
    plain = key.strip()
    groups = _table().left_out.items()
    by_name = (name for name, group in groups if plain in group.keys)
    by_pattern = (name for name, group in groups if any(pattern.fullmatch(plain) for pattern in group.patterns))
    return next(itertools.chain(by_name, by_pattern), None)


def meter_keys() -> Names:
    """The keys of the lines of power logs."""
    return _table().left_out[_POWER].keys


def seed_keys() -> Names:
    """The keys of seeds, the usual one first. Each process of a run may log another seed."""
    return _table().seeds


def batch_size_keys() -> Names:
    """The keys of the global batch size, the usual one first."""
    return _table().batch_sizes


@functools.lru_cache(_MOST_KEYS)
def unit_of(name: str) -> str | None:
    """The unit of a measurement; None where logs differ, or it is not known."""
    return next((unit for unit, names in _table().units.items() if name in names), None)


def spelt_alike(name: str) -> str:
    """A common spelling for the name of an optimizer: AdamW, adamw and `adam w` are the same."""
    return re.sub(r"[\s-]+", "_", name.strip().casefold())
