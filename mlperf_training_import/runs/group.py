"""Groups runs to results: the runs in files in, those that share benchmark, system and settings out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ..logs.log import read_log
from ..results.facts import UNKNOWN_DIVISION
from ..rounds.description import normal_division
from ..suggest import did_you_mean
from ..tables.metrics import metric_of
from ..tables.rules import benchmark_of, known_benchmarks, rules_of
from ..values import first_of
from .texts import folder_of
from .whose import benchmark_named, has_benchmark, newest_round, round_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..model import RunLog
    from .split import Piece

#: Names of folders that tell one run of a system from the next: times, numbers, and words that mean a try.
_ONE_OF_MANY = re.compile(r"(run|trial|try|attempt|seed|rep|job|slurm|result|exp)?[-_]?\d[\d_.:T-]*", re.IGNORECASE)
#: Of a benchmark that no round has, the fewest runs that make a score; and so many values of a setting are named.
_FEWEST, _NAMED = 3, 8


@dataclass(frozen=True, slots=True)
class Member:
    """A run with what its log says, and by whose rules that counts.

    ``benchmark`` is its key, or what the log names where no benchmark is called so; None where it names none. ``round`` is
    None where no round has it; ``version`` is then the round by whose rules the run counts all the same. ``log_bytes`` is
    the size of its plain log.
    """

    piece: Piece
    log: RunLog
    log_bytes: int
    benchmark: str | None
    division: str
    round: str | None
    version: str

    @property
    def settings(self) -> dict[str, float | None]:
        """What the runs of one result share, by its name for people; None for what the log does not say."""
        return {
            "batch sizes": self.log.global_batch_size,
            "learning rates": self.piece.learning_rate,
            "numbers of samples": self.piece.dataset_samples,
        }


def grouped(members: Sequence[Member]) -> list[tuple[str, list[Member]]]:
    """The runs of each result, with their folder.

    The logs of a submission are one result whatever they say, as when it is imported. Others are not one result where they
    were made with other settings: they are several if all of these have the runs that the rules ask for; else they stay
    together, as a sweep.
    """
    places = _places([member.piece for member in members])
    groups: dict[tuple[str, ...], list[Member]] = defaultdict(list)
    for member in members:
        groups[_shared(member, places)].append(member)
    split: list[tuple[str, list[Member]]] = []
    for (folder, *_), runs in groups.items():
        parts: dict[tuple[float | None, ...], list[Member]] = defaultdict(list)
        for member in runs:
            parts[tuple(member.settings.values())].append(member)
        asked = benchmark_of(runs[0].benchmark or "", runs[0].version).runs or _FEWEST
        are_several = unlike(runs) and all(len(part) >= asked for part in parts.values())
        split += [(folder, part) for part in (parts.values() if are_several else [runs])]
    return split


def unlike(members: Sequence[Member]) -> str | None:
    """What runs differ in that those of one result share, such as ``batch sizes: 16, 32``; None where they are alike.

    Of the logs of a submission that is never said: the review looks at them.
    """
    if all(member.piece.is_submitted for member in members):
        return None
    differences = []
    for name in members[0].settings:
        values = {value for member in members if (value := member.settings[name]) is not None}
        if len(values) > 1:
            differences.append(f"{name}: {first_of([f'{value:.10g}' for value in sorted(values)], _NAMED)}")
    return "; ".join(differences) or None


def iter_notes(members: Sequence[Member], asked: str | None) -> Iterator[str]:
    """What was assumed about some runs of one benchmark, given the round that was asked for."""
    first = members[0]
    names = {member.piece.benchmark for member in members if member.piece.benchmark} - {first.benchmark}
    if first.benchmark is None:
        return
    if benchmark_named(first.benchmark) is None:
        yield f"no round of MLPerf has {first.benchmark}{did_you_mean(first.benchmark, known_benchmarks())}"
    elif first.round is None:
        yield f"no round with lines of this form has {first.benchmark}"
    elif asked not in (None, first.round):
        why = "lines of this form" if has_benchmark(asked, first.benchmark) else first.benchmark
        yield f"{asked} has no {why}; the rules of {first.round} apply"
    for name in sorted(names):
        if benchmark_named(name) == first.benchmark:
            yield f"the logs name {name}, treated as {first.benchmark}"


def metric_folder(folder: Path, version: str) -> str:
    """The folder between system and benchmark that says what a result measures, such as ``weak``, from that of its logs.

    The one of the usual metric where the folder and those above it do not say; empty in rounds without such folders.
    """
    metrics = rules_of(version).layout.metrics
    said = (part.casefold() for part in reversed(folder.parts))
    usual = (name for name, metric in metrics.items() if metric_of(metric).is_usual)
    return next((part for part in said if part in metrics), next(usual, ""))


def _shared(member: Member, places: dict[str, str]) -> tuple[str, ...]:
    """What a run shares with the others of its result, the folder first."""
    piece = member.piece
    if piece.is_submitted:
        return (str(Path(piece.source).parent),)
    system = (piece.organisation or "", piece.platform or "", str(piece.system.get("system_name", "")))
    return (places[piece.source], member.benchmark or "", member.division, *system)


def read_run(piece: Piece, round_: str | None, largest_mb: int) -> Member:
    """What the log of a run says, and by whose rules it counts."""
    benchmark = _benchmark_of(piece)
    round_ = round_for(benchmark, piece.dialect, round_) if benchmark else None
    version = round_ or newest_round(piece.dialect)
    elapsed, quality = rules_of(version).elapsed.get(benchmark or ""), benchmark_of(benchmark or "", version).quality
    log = read_log(piece.log, piece.dialect, piece.source, elapsed, largest_mb, quality)
    known: dict[str, Any] = {}
    if piece.malformed:
        known["malformed"] = piece.malformed  # its line in the file, not in the plain log
    if log.benchmark and benchmark == benchmark_named(log.benchmark):
        known["benchmark"] = benchmark
    if piece.was_written_often:
        known |= {"run_starts": 1, "start_number": 1, "run_stops": 1, "stop_number": 1}
    log = msgspec.structs.replace(log, **known)
    division = normal_division(log.division) or normal_division(piece.system.get("division")) or UNKNOWN_DIVISION
    return Member(piece, log, piece.log.stat().st_size, benchmark, division, round_, version)


def _benchmark_of(piece: Piece) -> str | None:
    """The folder of a submission; else what the log names, if that is a benchmark; else the nearest folder that is one."""
    if piece.is_submitted and (key := benchmark_named(folder_of(piece.source).name)):
        return key
    folders = (benchmark_named(part) for part in reversed(Path(piece.source).parts[:-1]))
    named = benchmark_named(piece.benchmark) if piece.benchmark else None
    return named or next(filter(None, folders), piece.benchmark)


def _places(pieces: Sequence[Piece]) -> dict[str, str]:
    """The folder that each file belongs to: the one above, where every folder beside it holds a single run of many."""
    folders = [Path(piece.source).parent for piece in pieces]
    count = Counter(folders)
    places = {}
    for piece, folder in zip(pieces, folders, strict=True):
        while count[folder] == 1 and _ONE_OF_MANY.fullmatch(folder.name):
            folder = folder.parent
        places[piece.source] = str(folder)
    return places
