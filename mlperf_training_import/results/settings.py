"""What a result was run with: the settings that all its logs name and agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import RunLog


def settings_of(logs: Sequence[RunLog]) -> dict[str, str | int]:
    """The settings in which all logs of a result agree, as keys of its entry."""
    return dict(sorted(set.intersection(*(set(log.settings) for log in logs))))
