"""Says whose rules logs are scored by: what a log names and the form of its lines in, benchmark and round out."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..tables.labels import round_label, split_label
from ..tables.rules import known_benchmarks, known_rounds, rules_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..tables.rules import Dialect
    from .group import Member
    from .score import ScoredGroup


def benchmark_named(name: str) -> str | None:
    """The key of the benchmark that a name means: the key itself, another name of it, or nearly one of these.

    Names are nearly the same if only case, hyphens, underscores and blanks tell them apart (``gpt-oss-20b``). None where no
    benchmark is called so.
    """
    return benchmark_names().get(name) or _plain_names().get(_plain(name))


def has_benchmark(version: str, benchmark: str) -> bool:
    """Whether a round has a benchmark; one that the tables do not know may have any."""
    rules = rules_of(version)
    return benchmark in rules.benchmarks or not rules.known


def round_for(benchmark: str, dialect: Dialect, asked: str | None) -> str | None:
    """The round whose rules count: the one that was asked for, else the newest known one, public or not.

    Args:
        benchmark: its key.
        dialect: the form of the lines.
        asked: the round that was asked for.

    Returns:
        A round that has both; None where none has.
    """
    versions = [*filter(None, [asked]), *reversed(known_rounds())]
    fitting = (version for version in versions if rules_of(version).dialect == dialect)
    return next((version for version in fitting if has_benchmark(version, benchmark)), None)


def check_round(round_: str, *, must_be_known: bool = False) -> None:
    """Raises BadInput where a text names no round, or none that the tables know."""
    label = split_label(round_)
    if label is None or label.suffix:
        raise BadInput(f"--round={round_}: expected <number>.<number>, such as 5.1 or hpc-3.0")
    if must_be_known and label.round not in known_rounds():
        raise BadInput(f"--round={label.round}: no such round; these are known: {', '.join(known_rounds())}")


def check_asked(asked: str | None, found: Sequence[Member | ScoredGroup]) -> None:
    """Raises BadInput where none of some runs, or groups of them, is scored by the round that was asked for."""
    if asked is not None and all(one.round != asked for one in found):
        names = ", ".join(dict.fromkeys(one.benchmark for one in found if one.benchmark))
        raise BadInput(f"--round={asked}: this round has no {names}; leave out --round, or name a round that does")


def newest_round(dialect: Dialect) -> str:
    """The newest known round of MLPerf Training with lines of a form."""
    rounds = sorted(known_rounds(), key=lambda version: round_label(version).suite == "training")
    return [version for version in rounds if rules_of(version).dialect == dialect][-1]


@functools.cache
def benchmark_names() -> dict[str, str]:
    """The keys of benchmarks, and the other names that rounds have for them, with the keys that they mean."""
    names = {key: key for key in known_benchmarks()}
    for version in known_rounds():
        names = {**rules_of(version).aliases, **names}
    return names


@functools.cache
def _plain_names() -> dict[str, str]:
    return {_plain(name): key for name, key in benchmark_names().items()}


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
