"""Takes the labels of rounds apart and orders them: ``3.0``, ``3.0-private``."""

from __future__ import annotations

import re

#: What the suffix of a label says of a round under embargo, wherever in it.
_PRIVATE = ("private", "embargo", "review", "confidential")
_LABEL = re.compile(r"(?P<version>\d{1,6}\.\d{1,6})(?:-(?P<suffix>(?!.*--)[A-Za-z0-9][A-Za-z0-9._-]{0,60}))?", re.ASCII)


def split_label(label: str) -> str | None:
    """The round that a label means: ``3.0`` for ``3.0`` and ``3.0-private``; None where it means none."""
    match = _LABEL.fullmatch(label)
    return match["version"] if match else None


def is_private_label(label: str) -> bool:
    """Whether a label says that its round is under embargo."""
    suffix = label.partition("-")[2].lower()
    return any(word in suffix for word in _PRIVATE)


_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})", re.ASCII)


def round_number(text: str) -> tuple[int, int]:
    """A round number of our own, such as a row of a table has.

    Raises:
        ValueError: it is none.
    """
    number = parse_version(text)
    if number is None:
        raise ValueError(f"{text} is no round number")
    return number


def parse_version(text: str) -> tuple[int, int] | None:
    """``"4.1"`` as ``(4, 1)``, which sorts as rounds follow each other; None where it is no round number."""
    match = _VERSION.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else None
