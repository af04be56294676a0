"""Marks runs and results that others repeat: the files of a data set in, what repeats what out.

A run may stand in several folders and rounds: results of MLPerf HPC in minutes and in models per minute share logs, and
submitters hand in a result again. Which row repeats another depends on all rounds in the folder.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    Row = dict[str, Any]
    #: Rows of a table by the label of their round, rounds in their order.
    Rounds = dict[str, list[Row]]

#: What must be read of the two tables, and what is said of them.
RUN_COLUMNS = ("uid", "log", "benchmark", "digest", "repeat_of", "repeat_of_round")
RESULT_COLUMNS = ("uid", "benchmark", "metric", "repeat_of")


def mark_runs(rounds: Rounds) -> None:
    """Sets ``repeat_of`` and ``repeat_of_round`` of every run with a digest: the first one of the benchmark that has it too.

    A run of a result comes before one of none.
    """
    first: dict[tuple[str | None, str], tuple[str, str]] = {}
    for of_result in (True, False):
        for label, rows in rounds.items():
            for row in rows:
                if row["digest"] is not None and (row["uid"] is not None) == of_result:
                    first.setdefault((row["benchmark"], row["digest"]), (label, row["log"]))
    for label, rows in rounds.items():
        for row in rows:
            if row["digest"] is not None:
                other = first[row["benchmark"], row["digest"]]
                is_first = other == (label, row["log"])
                row["repeat_of_round"], row["repeat_of"] = (None, None) if is_first else other
            else:
                row["repeat_of_round"] = label if row["repeat_of"] else None


def mark_results(rounds: Rounds, runs: Rounds) -> None:
    """Sets ``repeat_of`` of every result all of whose runs are those of an earlier one that measures the same."""
    digests: dict[str, list[str | None]] = defaultdict(list)
    for rows in runs.values():
        for run in rows:
            if run["uid"] is not None:
                digests[run["uid"]].append(run["digest"])
    first: dict[tuple[str, str, Sequence[str]], str] = {}
    for rows in rounds.values():
        for row in rows:
            said = [digest for digest in digests[row["uid"]] if digest is not None]
            uid = (
                first.setdefault((row["benchmark"], row["metric"], tuple(sorted(said))), row["uid"]) if said else row["uid"]
            )
            row["repeat_of"] = None if uid == row["uid"] else uid
