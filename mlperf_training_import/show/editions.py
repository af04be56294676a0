"""The editions of stored entries: what must not be shown as one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..tables.editions import Edition, edition_of
from ..tables.labels import split_label

if TYPE_CHECKING:
    from collections.abc import Mapping


def edition_of_entry(entry: Mapping[str, Any]) -> Edition:
    """The edition of an entry, which may be of an older import or made by other people.

    One that names no edition has that of the tables. A benchmark that they do not know has one for each data set and target,
    so that nothing is compared that may not be.
    """
    if edition := _text(entry, "edition"):
        return Edition(edition, _text(entry, "edition_title") or edition)
    benchmark, label = _text(entry, "Model_ID"), split_label(_text(entry, "version"))
    known = edition_of(benchmark, label.round) if label is not None else None
    if known is not None:
        return known
    dataset, *target = (_text(entry, key) for key in ("Dataset", "Accuracy", "Accuracy_Metric"))
    title = ", ".join(filter(None, (f"{benchmark} on {dataset}" if dataset else benchmark, " ".join(filter(None, target)))))
    return Edition(title, title, known=False)


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return "" if value is None else str(value)
