"""Splits and orders the labels of rounds: ``3.0``, ``3.0-private``, ``hpc-3.0``. No other module does."""

from __future__ import annotations

import functools
import re

import msgspec

from .files import Name, Row, named_rows

#: Words in the suffix of a label that mark a round under embargo.
_PRIVATE = ("private", "embargo", "review", "confidential")

#: The suffix for a tree of unknown origin.
LOCAL = "local"

#: The suffix of the made-up round of the demonstration.
SAMPLE = "sample"

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})", re.ASCII)
_SUFFIX = re.compile(r"(?!.*--)[A-Za-z0-9][A-Za-z0-9._-]{0,60}", re.ASCII)


class Suite(Row, frozen=True):
    """A row of ``suites.yaml``; the fields are those of the table."""

    title: Name
    label: str
    experiments: Name
    cache_tag: Name
    address: Name
    repository: Name
    submissions: Name
    name: str = ""


#: All suites by name, in the order of the table.
suites = named_rows("suites.yaml", Suite)


class Label(msgspec.Struct, frozen=True):
    """The parts of a label; the examples are for ``hpc-3.0-private``.

    ``suite`` is ``hpc``, ``number`` ``(3, 0)``; ``round`` the label of the round that it means (``hpc-3.0``), ``scope`` the
    label within the suite (``3.0-private``), ``suffix`` what follows the number (``private``; empty where nothing does).
    """

    suite: str
    number: tuple[int, int]
    round: str
    scope: str
    suffix: str


@functools.lru_cache(maxsize=1000)
def split_label(text: str) -> Label | None:
    """The parts of a label; None for any other text."""
    prefix, suite = max((row.label, name) for name, row in suites().items() if text.startswith(row.label))
    scope = text.removeprefix(prefix)
    version, hyphen, suffix = scope.partition("-")
    number = parse_version(version)
    if number is None or (hyphen and not _SUFFIX.fullmatch(suffix)):
        return None
    return Label(suite, number, f"{prefix}{version}", scope, suffix)


def is_private_label(text: str) -> bool:
    """Whether a label says that its round is under embargo."""
    label = split_label(text)
    suffix = text if label is None else label.suffix
    return any(word in suffix.lower() for word in _PRIVATE)


def round_label(text: str) -> Label:
    """The parts of a text that must be a label, such as that of a row of a table.

    Raises:
        ValueError: it is not one.
    """
    label = split_label(text)
    if label is None:
        raise ValueError(f"{text} names no round")
    return label


@functools.lru_cache(maxsize=1000)
def order_of_label(text: str) -> tuple[int, tuple[int, int], str]:
    """Sort key of labels: by suite, then by round; any other text comes first."""
    label = split_label(text)
    return (list(suites()).index(label.suite), label.number, text) if label else (0, (0, 0), text)


def parse_version(text: str) -> tuple[int, int] | None:
    """``"4.1"`` as ``(4, 1)``, which sorts by round; None for any other text."""
    match = _VERSION.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else None


def round_number(text: str) -> tuple[int, int]:
    """The number of a round in a table of ours.

    Raises:
        ValueError: it is not one.
    """
    return round_label(text).number
