"""Makes text and numbers of unknown origin safe to compute with, to store and to show; orders and lists names."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    #: Functions that are called with a message for the user, and with the number of bytes read since the last call.
    Tell = Callable[[str], None]
    Advance = Callable[[int], None]
    #: A JSON object.
    JsonObject = dict[str, Any]

_T = TypeVar("_T")

#: A larger log is not read unless the user allows it. The largest published ones have a few megabytes.
LARGEST_LOG_MB = 1024
MS_PER_MINUTE = 60 * 1000
#: A signal that arrives just before a system call that waits is handled only after that call. So none waits longer than this
#: for what a user may want to stop.
LONGEST_WAIT_S = 0.5

#: Control and format characters (terminal escapes, writing direction, zero-width joiners) and lone surrogates.
_UNSAFE = frozenset({"Cc", "Cf", "Cs"})
_SEPARATORS = frozenset({"Zl", "Zp"})
_BLANKS = "\t\r\n"
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
#: Python refuses to convert a text of more than 4,300 digits to a number.
_DIGITS = re.compile(r"(\d{1,4000})", re.ASCII)


def clean_text(value: object) -> str | None:
    """A text without control characters and outer blanks; None if nothing is left, or if it is not a text."""
    if not isinstance(value, str):
        return None
    if not value.isprintable():
        value = "".join(map(_cleaned, value))
    return value.strip() or None


def without_credentials(text: str) -> str:
    """A text without user names and passwords in the addresses in it."""
    return _CREDENTIALS.sub("", text)


def is_clean(text: str) -> bool:
    """Whether a text can be stored and shown unchanged."""
    return text.isprintable() or not any(unicodedata.category(c) in _UNSAFE | _SEPARATORS for c in text)


def printable(text: str) -> str:
    """A text for the screen: line ends stay; everything else that a terminal could interpret is escaped."""
    return "\n".join(line if is_clean(line) else "".join(map(_escaped, line)) for line in text.split("\n"))


def one_line(text: str) -> str:
    """The same, in one line: a line end in a name cannot begin a message of its own, or a line that GitHub obeys."""
    return printable(text.replace("\n", " "))


def _cleaned(character: str) -> str:
    category = unicodedata.category(character)
    if character in _BLANKS or category in _SEPARATORS:
        return " "
    return "" if category in _UNSAFE else character


def _escaped(character: str) -> str:
    return character if is_clean(character) else character.encode("unicode_escape").decode("ascii")


def finite_number(value: object) -> float | int | None:
    """The number that a JSON value is or spells (``8``, ``1.0``, ``"8"``), None for anything else."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                return None
    if not isinstance(value, (int, float)):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def natural_key(value: object) -> tuple[list[int | str], str]:
    """Sort key of texts, or of other values as text: ``result_2.txt`` comes before ``result_10.txt``."""
    text = str(value)
    return [int(part) if place % 2 else part for place, part in enumerate(_DIGITS.split(text))], text


def first_of(names: Sequence[str], most: int, between: str = ", ") -> str:
    """The first of some names, and how many more there are."""
    return between.join([*names[:most], f"and {len(names) - most} more"] if len(names) > most else names)


def counted(count: int, noun: str) -> str:
    """A number with its noun: ``1 result``, ``2,000 results``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


#: Verbs of messages, in the plural and in the singular; the past has one form.
_SINGULAR = {
    "begin": "begins",
    "count": "counts",
    "do": "does",
    "fail": "fails",
    "have": "has",
    "name": "names",
    "repeat": "repeats",
    "say": "says",
}


def share(part: int, whole: int, noun: str, predicate: str) -> str:
    """A sentence about some of many, its verb given in the plural: ``1 of 5 logs says so``, ``2 of 5 logs say so``."""
    verb, *rest = predicate.split(" ", 1)
    return " ".join([f"{part:,} of {counted(whole, noun)}", _SINGULAR.get(verb, verb) if part == 1 else verb, *rest])


def only(values: Iterable[_T]) -> _T | None:
    """The value, if all are the same; None if they differ or there are none."""
    different = list(dict.fromkeys(values))
    return different[0] if len(different) == 1 else None


def all_known(values: Iterable[_T | None]) -> list[_T] | None:
    """The values; None if one of them is not known."""
    every = list(values)
    known = [value for value in every if value is not None]
    return known if len(known) == len(every) else None


def add_up(values: Iterable[float]) -> float:
    """The sum, adding from left to right.

    Not :func:`sum`: from Python 3.12 on it compensates rounding errors, so the last bit would depend on the version.
    """
    total = 0.0
    for value in values:
        total += value
    return total


def mean_of(numbers: Sequence[float]) -> float:
    """The mean of at least one number, as ``statistics.fmean`` computes it."""
    return math.fsum(numbers) / len(numbers)


def median_of(numbers: Iterable[float]) -> float:
    """The median of at least one number."""
    import statistics  # loads what takes longer than a small check

    return statistics.median(numbers)


def short_digest(data: bytes) -> str:
    """A digest of data, as 16 hexadecimal digits."""
    import hashlib  # OpenSSL: many commands need no digest

    return hashlib.sha256(data).hexdigest()[:16]
