"""What is shown of stored entries, which may be of an older import or of other people: any key may be of another kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..tables.editions import Edition, edition_of
from ..tables.labels import split_label
from ..values import finite_number

if TYPE_CHECKING:
    from collections.abc import Mapping


def edition_of_entry(entry: Mapping[str, Any]) -> Edition:
    """The edition of an entry: what must not be shown as one thing with another.

    One that names no edition has that of the tables. A benchmark that they do not know has one for each data set and target,
    so that nothing is compared that may not be.
    """
    if edition := text_in(entry, "edition"):
        return Edition(edition, text_in(entry, "edition_title") or edition)
    benchmark, label = text_in(entry, "Model_ID"), split_label(text_in(entry, "version"))
    known = edition_of(benchmark, label.round) if label is not None else None
    if known is not None:
        return known
    dataset, *target = (text_in(entry, key) for key in ("Dataset", "Accuracy", "Accuracy_Metric"))
    title = ", ".join(filter(None, (f"{benchmark} on {dataset}" if dataset else benchmark, " ".join(filter(None, target)))))
    return Edition(title, title, known=False)


def text_in(entry: Mapping[str, Any], *keys: str) -> str:
    """The first of some values of an entry that is there, as a text; empty where none is."""
    return next((str(value) for key in keys if (value := entry.get(key)) not in (None, "")), "")


def number_in(entry: Mapping[str, Any], key: str) -> int | float | None:
    """The value of an entry as :func:`number_of` has it."""
    return number_of(entry.get(key))


def number_of(value: object) -> int | float | None:
    """A finite number; None for anything else, such as a text that spells one."""
    return None if isinstance(value, str) else finite_number(value)
