"""Turns MLPerf Training result repositories into Collective Mind experiments.

A room per stage, in the order in which data passes through them: :mod:`.rounds`, :mod:`.logs`, :mod:`.results`,
:mod:`.experiments`, :mod:`.show`; facts are in :mod:`.tables`. :mod:`.pipeline` calls them one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .runs.score import score_logs

__all__ = ["__version__", "score_logs"]
__version__ = "0.2.0"


def __getattr__(name: str) -> object:
    """Loads what this package offers to other programs only when it is asked for."""
    if name == "score_logs":
        from .runs.score import score_logs

        return score_logs
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
