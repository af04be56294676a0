"""Marks runs and results that repeat others: the files of a data set in, what repeats what out.

A run can be in several folders and rounds: results of MLPerf HPC in minutes and in models per minute share logs, and
submitters submit results again. Which row repeats another depends on all rounds in the folder.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    Row = dict[str, Any]
    #: Rows of a table by the label of their round, rounds in their order.
    Rounds = dict[str, list[Row]]

#: The columns to read of the two tables; those that begin with `repeat_of` are filled in.
RUN_COLUMNS = ("uid", "log", "benchmark", "digest", "repeat_of", "repeat_of_round")
RESULT_COLUMNS = ("uid", "benchmark", "metric", "repeat_of")


def mark_runs(rounds: Rounds) -> None:
    """Sets ``repeat_of`` and ``repeat_of_round`` of every run with a digest: the first run of the benchmark that has it too.

    Runs of a result go before runs without one.
    """
    first: dict[tuple[str | None, str], tuple[str, str]] = {}
    every = [(label, row) for label, rows in rounds.items() for row in rows]
    for label, row in sorted(every, key=lambda run: run[1]["uid"] is None):
        own = (label, row["log"])
        if row["digest"] is None:  # without it, only its folder shows what it repeats
            other = (label, row["repeat_of"] or row["log"])
        else:
            other = first.setdefault((row["benchmark"], row["digest"]), own)
        row["repeat_of_round"], row["repeat_of"] = (None, None) if other == own else other


def mark_results(rounds: Rounds, runs: Rounds) -> None:
    """Sets ``repeat_of`` of every result that has the same runs as an earlier one with the same metric."""
    digests: dict[str, list[str]] = defaultdict(list)
    for run in chain.from_iterable(runs.values()):
        if run["digest"] is not None:
            digests[run["uid"]].append(run["digest"])
    first: dict[tuple[str, str, Sequence[str]], str] = {}
    for row in chain.from_iterable(rounds.values()):
        runs_of_it = tuple(sorted(digests[row["uid"]])) or row["uid"]
        uid = first.setdefault((row["benchmark"], row["metric"], runs_of_it), row["uid"])
        row["repeat_of"] = None if uid == row["uid"] else uid
