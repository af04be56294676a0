"""The suites of benchmarks: the names of their repositories, cached clones and experiments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import FetchFailure
from ..values import without_credentials
from .labels import Suite, is_private_label, round_label
from .labels import suites as suites
from .rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The prefix of the tag that names the round of a cached clone.
VERSION_TAG = "version-"


#: What may reach the automations, which write it into shell scripts: an address (but none that runs a program, like
#: ``ext::``), a branch, and tags. None can be an option, or contain anything special to a shell inside double quotes.
_FORMS = {
    "address": r"(?!-)(?![A-Za-z0-9+.-]*::)[A-Za-z0-9._/:@~+%\[\]-]+",
    "branch": r"(?!-)(?!.*\.\.)[A-Za-z0-9._/-]+",
    "cache_tags": r"(?!-)[A-Za-z0-9._,-]+",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a round is published, and how its clone is tagged in the cache of Collective Mind (comma-separated).

    Raises:
        FetchFailure: a part must not reach the automation; it may come from a clone or a cache entry.
    """

    address: str
    branch: str
    cache_tags: str

    def __post_init__(self) -> None:
        for what, form in _FORMS.items():
            if not re.fullmatch(form, getattr(self, what), re.ASCII):
                shown = without_credentials(getattr(self, what))
                raise FetchFailure(f"{what.replace('_', ' ')} {shown!r}: not fetched, a shell could take it for a command")


@dataclass(frozen=True, slots=True)
class ExperimentName:
    """The name of an experiment in its parts. ``scope`` is a round within the suite (``3.0-private``), or ``all``."""

    suite: Suite
    scope: str
    division: str
    task: str

    def __str__(self) -> str:
        return "--".join(self.parts)

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """The parts as written in the name; they are also tags of the experiment."""
        return (self.suite.experiments, self.scope, self.division, self.task)

    @property
    def label(self) -> str:
        """The label of the round, or ``all`` with the prefix of the suite's labels."""
        return f"{self.suite.label}{self.scope}"


def suite_of(label: str) -> Suite:
    """The suite of a round.

    Raises:
        ValueError: the label names no round.
    """
    return suites()[round_label(label).suite]


def source_of(label: str) -> Source:
    """Where to fetch the round of a label; a round under review comes from the repository of its submissions.

    Raises:
        ValueError: the label names no round.
    """
    parts = round_label(label)
    suite = suites()[parts.suite]
    repository = suite.submissions if is_private_label(label) else suite.repository
    number = parts.round.removeprefix(suite.label)
    return Source(
        address=f"{suite.address}/{repository}_v{number}",
        branch=rules_of(parts.round).branch,
        cache_tags=f"{suite.cache_tag},{VERSION_TAG}{parts.scope}",
    )


def split_experiment(name: str) -> ExperimentName | None:
    """The parts of an experiment's name; None for any other name."""
    first, *rest = name.split("--")
    suite = next((suite for suite in suites().values() if suite.experiments == first), None)
    if suite is None or len(rest) != 3:
        return None
    scope, division, task = rest
    return ExperimentName(suite, scope, division, task)


def label_of_experiment(name: str) -> str:
    """The label of the round that an experiment is about, ``all`` or ``hpc-all``; empty for any other name."""
    parts = split_experiment(name)
    return parts.label if parts else ""


def labels_of_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The labels of rounds in the tags of a cached clone, without duplicates."""
    given = list(tags)
    versions = [tag.removeprefix(VERSION_TAG) for tag in given if tag.startswith(VERSION_TAG)]
    prefixes = [suite.label for suite in suites().values() if suite.cache_tag in given]
    return tuple(dict.fromkeys(f"{prefix}{version}" for prefix in prefixes for version in versions))
