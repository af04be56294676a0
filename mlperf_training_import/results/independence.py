"""Says whether the runs of a result are trainings of their own, made for its round.

A judged result in, phrases out. Source: a survey of all results of 0.7 to 5.1 and HPC.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from ..logs.evaluation import EVALUATED_AFTERWARDS
from ..tables.rules import published_ms
from ..values import MS_PER_MINUTE, all_known, only, share
from .score import odd_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..model import Judged, RunLog

_MS_PER_YEAR = 365.25 * 24 * 60 * MS_PER_MINUTE
#: Ranks of one run that write a log each start within this.
_ONE_START_MS = 1000
#: Benchmarks whose models play games with a seed of their own each time.
_WITHOUT_OWN_SEED = frozenset({"minigo"})
#: Those of them whose processes log what they find whenever they have it.
_EVALUATED_IN_ANY_ORDER = frozenset({"stable_diffusion"})
#: Results of a round that were made so long before it are not of its software.
_LONGEST_WAIT_YEARS = 2


def one_history(judged: Judged) -> str | None:
    histories = all_known(log.history for log in judged.logs)
    if histories is None or only(history.digest for history in histories) is None:
        return None
    count = histories[0].count
    # instances that train side by side may be one model in many places
    if count < 2 or _runs(judged) < 2 or not judged.metric.equal_times_repeat:
        return None
    return f"all {len(histories)} runs have the same {count} quality figures to the last digit, at the same progress"


def same_seed(judged: Judged) -> str | None:
    seed = only(log.seed for log in judged.logs)
    if seed is None or judged.benchmark.key in _WITHOUT_OWN_SEED or _runs(judged) < 2:
        return None
    return f"all {len(judged.logs)} runs log the seed {seed}"


def _runs(judged: Judged) -> int:
    """How many runs the logs are of: neither those that repeat another, nor copies of one that its ranks wrote."""
    starts = sorted({log.run_start_ms for log in judged.logs if log.run_start_ms is not None})
    repeats = sum(len(names) - 1 for names in judged.repeated)
    apart = 1 + sum(later - sooner > _ONE_START_MS for sooner, later in pairwise(starts))
    return min(len(judged.logs) - repeats, apart)


def odd_dates(judged: Judged) -> str | None:
    published, key = published_ms(judged.round.version), judged.benchmark.key
    troubles: dict[str, list[RunLog]] = defaultdict(list)
    for log in judged.logs:
        start_ms, history = log.run_start_ms, log.history
        is_old = published and start_ms and published - start_ms > _LONGEST_WAIT_YEARS * _MS_PER_YEAR
        if is_old and odd_time(log) is None and not log.counts_seconds:
            troubles[f"ran more than {_LONGEST_WAIT_YEARS} years before their round was published"].append(log)
        if history is not None:
            if history.is_outside and key not in EVALUATED_AFTERWARDS:
                troubles["have no quality figure with a time between run_start and run_stop"].append(log)
            elif history.set_back_ms > MS_PER_MINUTE and key not in _EVALUATED_IN_ANY_ORDER:
                troubles["have quality figures whose time is more than a minute before that of an earlier line"].append(log)
    count = len(judged.logs)
    parts = [f"{share(len(logs), count, 'log', what)}, first {logs[0].name}" for what, logs in troubles.items()]
    return "; ".join(parts) or None


#: Those of these checks that a submission is asked too; the seeds have a rule of their own there.
OF_SUBMISSION: tuple[Callable[[Judged], str | None], ...] = (one_history, odd_dates)
