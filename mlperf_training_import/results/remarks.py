"""What nobody who shows a result may keep silent about: figures of a result or a stored entry in, texts out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..tables.labels import split_label
from ..values import finite_number, share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Figures = Mapping[str, object]


def _factor(figures: Figures) -> str | None:
    factor = finite_number(figures.get("scaling_factor"))
    return None if factor in (None, 1) else f"the review multiplied the score by {factor:.6g}"


def _verdict(figures: Figures) -> str | None:
    verdict = figures.get("rcp_verdict", "pass")
    return None if verdict == "pass" else f"verdict on its convergence: {verdict}"


def _runs(figures: Figures) -> str | None:
    counted, runs = (finite_number(figures.get(key)) for key in ("runs_counted", "runs_count"))
    if not runs or counted is None or counted >= runs:
        return None
    return share(int(runs - counted), int(runs), "run", "do not count")


def _doubts(figures: Figures) -> str | None:
    codes = figures.get("doubts")
    return f"to check: {', '.join(map(str, codes))}" if isinstance(codes, list) and codes else None


def _division(figures: Figures) -> str | None:
    division = figures.get("division", "closed")
    return None if division == "closed" else f"division: {division}"


def _version(figures: Figures) -> str | None:
    label = split_label(str(figures.get("version")))
    return f"not published: {figures['version']}" if label is not None and label.suffix else None


#: The keys of entries that say it, each with its text for people where there is something to say.
NEVER_SILENT: dict[str, Callable[[Figures], str | None]] = {
    "scaling_factor": _factor,
    "rcp_verdict": _verdict,
    "runs_counted": _runs,
    "doubts": _doubts,
    "division": _division,
    "version": _version,
}


def remarks_of(figures: Figures) -> dict[str, str]:
    """What must be said of a result, by the key of its entry that says it; empty for a plain one.

    Args:
        figures: an entry, which may be of an older import or made by other people, or the figures of a judged result.
    """
    return {key: text for key, says in NEVER_SILENT.items() if (text := says(figures)) is not None}
