"""The suites of benchmarks: what their repositories, cached clones and experiments are called."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from .files import FOLDER, load_table
from .labels import is_private_label, split_label
from .rules import rules_of


@dataclass(frozen=True, slots=True)
class Suite:
    """A row of ``suites.yaml``; the fields are those of the table."""

    name: str
    label: str
    experiments: str
    cache_tag: str
    address: str
    repository: str
    submissions: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a round is published, and how its clone is tagged in the cache of Collective Mind (comma-separated)."""

    address: str
    branch: str
    cache_tags: str


@functools.cache
def suites() -> dict[str, Suite]:
    """All suites by name."""
    return {name: Suite(name, **row) for name, row in load_table(FOLDER / "suites.yaml").items()}


def suite_of(label: str) -> Suite:
    """The suite of a round."""
    return next(suite for suite in suites().values() if label.startswith(suite.label))


def source_of(label: str) -> Source:
    """Where the round of a label is fetched from; a round under review from the repository of its submissions.

    Raises:
        ValueError: the label names no round.
    """
    version = split_label(label)
    if version is None:
        raise ValueError(f"{label} names no round")
    suite = suite_of(label)
    repository = suite.submissions if is_private_label(label) else suite.repository
    return Source(f"{suite.address}/{repository}_v{version}", rules_of(version).branch, f"{suite.cache_tag},version-{label}")
