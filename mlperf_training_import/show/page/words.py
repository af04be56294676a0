"""Writes what the page says about the convergence and the factor of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...values import finite_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    Entry = Mapping[str, object]

#: What each verdict found. The review decides what follows from it: most results that fail were published.
_FOUND = {
    "pass": "did not converge with fewer {unit} than the reference points allow",
    "fail": "converged with fewer {unit} than the reference points allow",
    "missing": "there are no reference points for this batch size",
    "insufficient": "too many runs failed to compare with the reference points",
}


def say_verdict(entry: Entry, unit: str, progress: float | None) -> str:
    """What the verdict of a result found, the three numbers behind it, and whether the factor was applied.

    Args:
        entry: of the result. Without a verdict the text is empty.
        unit: of its progress, such as ``samples``.
        progress: how much the result needed to converge, for entries without the mean that was judged.
    """
    verdict = entry.get("rcp_verdict")
    if not isinstance(verdict, str) or not verdict:
        return ""
    own, reference, least = (
        finite_number(entry.get(key)) for key in ("rcp_judged_mean", "rcp_mean", "rcp_least_acceptable")
    )
    own = progress if own is None else own
    numbers = [
        f"{name} {value:,.6g}" if abs(value) < 1000 else f"{name} {value:,.0f}"
        for name, value in (("own mean", own), ("least that passes", least), ("mean of the reference", reference))
        if value is not None
    ]
    found = _FOUND.get(verdict, verdict).format(unit=unit or "samples")
    return "; ".join(filter(None, (found, ", ".join(numbers), _say_factor(entry))))


def _say_factor(entry: Entry) -> str:
    """Whether the score was multiplied by the factor that follows from the verdict; empty where there is none to apply."""
    wanted = finite_number(entry.get("rcp_factor"))
    if wanted is None or wanted == 1:
        return ""
    factor = finite_number(entry.get("scaling_factor")) or 1
    if factor == 1:
        return f"the score was not multiplied by the factor {wanted:.4f}"
    if entry.get("rcp_factor_applied") is False:
        return f"the score was multiplied by {factor:.4f}, not by the factor {wanted:.4f}"
    return f"the score was multiplied by the factor {factor:.4f}"


def say_factor(score: float | None, factor: float, unit: str) -> str:
    """How the score follows from the mean of the kept runs, if the review multiplied it; else empty."""
    if score is None or factor == 1:
        return ""
    return f"mean of the kept runs {_figure(score / factor)} \N{MULTIPLICATION SIGN} {factor:.4g} = {_figure(score)} {unit}"


def _figure(value: float) -> str:
    """A measured figure with as many digits as the page's scripts show."""
    size = abs(value)
    return f"{value:,.{1 if size >= 100 else 2 if size >= 1 else 4}f}"
