"""What a result can measure: the metrics of ``metrics.yaml``."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from .files import Name, Row, named_rows

if TYPE_CHECKING:
    from collections.abc import Mapping


class Metric(Row, frozen=True):
    """What a result measures, how its runs become a score, and the words for it; the fields are those of the table."""

    unit: Name
    words: Name
    meaning: Name | None
    report_key: Name
    lower_is_better: bool
    scoring: Name
    run_words: Name | None
    has_factor: bool
    surplus_runs: bool
    equal_times_repeat: bool
    failed_runs_count: bool
    suffix: str
    name: str = ""

    @property
    def is_usual(self) -> bool:
        """Whether this is the metric of results that name none."""
        return not self.suffix

    @property
    def identity(self) -> tuple[str, ...]:
        """What the metric adds to the identity of a result: nothing if it is the usual one."""
        return (self.suffix,) if self.suffix else ()

    def order(self, score: float) -> float:
        """A number that is smaller for the better of two scores."""
        return score if self.lower_is_better else -score

    def shown(self, score: float, digits: int) -> str:
        """A score as text, with its unit where that is not the usual one."""
        return f"{score:.{digits}f}" if self.is_usual else f"{score:.{digits}f} {self.unit}"

    def qualified(self, text: str, joint: str) -> str:
        """The name of a task or the title of an edition, followed by the metric where it is not the usual one."""
        return text if self.suffix in text else f"{text}{joint}{self.suffix}"


_metrics = named_rows("metrics.yaml", Metric)


def metric_of(name: str) -> Metric:
    """A metric of the table by its name."""
    return _metrics()[name]


@functools.cache
def usual_metric() -> Metric:
    """The metric of a result that names none."""
    return next(iter(_metrics().values()))


def metric_in(entry: Mapping[str, object]) -> Metric:
    """The metric of a stored entry: the usual one where it names none, or one that the table does not have."""
    name = entry.get("metric")
    return _metrics().get(name if isinstance(name, str) else "", usual_metric())
