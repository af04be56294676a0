"""Checks that every value of a filter names something that exists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .errors import BadInput
from .model import Submission
from .options import Filter

if TYPE_CHECKING:
    from .pipeline import RoundOutcome


def check_filter(wanted: Filter, submissions: Iterable[Submission]) -> None:
    """Refuses submitters and benchmarks that the walk did not find.

    Raises:
        BadInput: a value matches nothing; the message lists what exists.
    """
    submissions = list(submissions)
    _check("submitter", wanted.submitters, {submission.submitter for submission in submissions})
    _check("benchmark", wanted.benchmarks, {submission.benchmark for submission in submissions} - {None})


def check_divisions(wanted: Filter, rounds: Iterable[RoundOutcome]) -> None:
    """Refuses divisions that no result has; a division is known only once the logs are read.

    Raises:
        BadInput: a value matches nothing; the message lists what exists.
    """
    existing = {result.division for outcome in rounds for result in outcome.results}
    described = {s.system_record.division for outcome in rounds for s in outcome.walked} - {None}
    _check("division", wanted.divisions, existing | described)


def _check(name: str, values: frozenset[str], existing: set[str]) -> None:
    unknown = ", ".join(sorted(values - existing))
    if unknown:
        raise BadInput(f"--{name}={unknown}: not in these rounds; there are: {', '.join(sorted(existing)) or 'none'}")
