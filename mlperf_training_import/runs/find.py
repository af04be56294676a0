"""Finds the runs in any files: paths in, runs out, with a line for each file that gives none of its own."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NothingToScore
from ..logs.strange import what_it_is
from ..tables.rules import dialects
from ..values import first_of, one_line
from .group import read_run
from .split import ONE_RUN_MS, Piece, split_runs
from .texts import (
    STANDARD_INPUT,
    STANDARD_INPUT_NAME,
    TOKEN_START,
    LeftOut,
    find_files,
    folder_of,
    is_in_results,
    is_result,
    is_submitted,
    iter_lines,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .group import Member

#: How logs are mostly called; other files that cannot hold log lines as they are need no mention.
_LOG_NAMES = ("log", "result", "slurm", "stdout", "stderr", ".out", ".err", ".txt", ".zip", ".bz2", ".xz", ".zst")
_MOST_NAMED = 5


def iter_runs(
    paths: Sequence[str], folder: Path, round_: str | None, largest_mb: int, left: list[LeftOut]
) -> Iterator[Member]:
    """The runs in files and folders, one file after the other; the plain logs of a file are gone when the next one comes.

    Args:
        paths: files, folders, or ``-``.
        folder: an empty one, for the plain logs.
        round_: the round that was asked for.
        largest_mb: a larger file is left.
        left: gets what gives no run.

    Raises:
        BadInput: a path does not exist.
    """
    files = find_files(paths, left)
    submitted = {folder_of(file) for file in files if is_submitted(file)}
    for file in files:
        if file != STANDARD_INPUT and folder_of(file) in submitted and not is_submitted(file):
            why = "next to the result_*.txt of a submission, the only files that count there"
            left += [LeftOut(file, why)] if _holds_records(file, largest_mb << 20) else []
            continue
        name = STANDARD_INPUT_NAME if file == STANDARD_INPUT else file
        plain = folder / "plain"
        plain.mkdir()
        try:
            whole = Path(file) if is_in_results(file) else None
            pieces = split_runs(name, iter_lines(file, largest_mb << 20), plain, whole)
            if not pieces and is_submitted(file):
                pieces.append(Piece(file, 1, Path(file), next(reversed(dialects().values()))))
            if not pieces and (why_none := _what_it_is(file, is_named=file in paths)):
                left.append(LeftOut(name, why_none))
            for piece in pieces:
                if piece.why_no_run and not is_submitted(file):
                    left.append(LeftOut(name, piece.why_no_run))
                else:
                    yield read_run(piece, round_, largest_mb)
        except OSError as error:
            left.append(LeftOut(name, error.strerror or str(error), unread=True))
        finally:
            shutil.rmtree(plain)


def distinct(runs: Sequence[Member], left: list[LeftOut]) -> list[Member]:
    """The runs without copies of one, which are added to ``left``.

    Copies are what a launcher, ``tee`` and every rank write of one run: they share benchmark, seed and evaluations, and
    start within a second; one that was cut off has the first evaluations only. The folder, and in it the file, with more
    runs keeps them. Logs of a submission are never taken for copies: there all files count.
    """
    with_copies = list(_iter_with_copies([run.piece for run in runs]))
    beside = Counter(place for copies in with_copies for place in {place for piece in copies for place in _places(piece)})
    order = {id(run.piece): number for number, run in enumerate(runs)}

    def worth(piece: Piece) -> tuple[bool | int, ...]:
        as_called = piece.is_submitted, piece.run_stop_ms is not None, len(piece.history), is_result(piece.source)
        return *as_called, *(beside[place] for place in _places(piece)), -order[id(piece)]

    kept = set()
    for copies in with_copies:
        best = max(copies, key=worth)
        for piece in copies:
            if piece is best or piece.is_submitted:
                kept.add(id(piece))
            else:
                left.append(LeftOut(piece.place, f"the same run as in {best.place}"))
        if best.was_written_often:
            what = "one run; every rank or logger wrote each line"
            left.append(LeftOut(best.place, what))
    return [run for run in runs if id(run.piece) in kept]


def nothing_found(paths: Sequence[str], left: Sequence[LeftOut]) -> NothingToScore:
    """The error for files without a run."""
    why = by_reason(left)
    if not why:
        tokens = ", ".join(sorted(repr(dialect.token.decode()) for dialect in dialects().values()))
        why = [f"log lines have one of {tokens}"]
    reasons = first_of(why, _MOST_NAMED, "\n  ")
    nothing = NothingToScore(f"{one_line(', '.join(paths))}: no run of MLPerf Training in it\n  {reasons}")
    nothing.unread = any(one.unread for one in left)
    return nothing


def by_reason(left: Sequence[LeftOut]) -> list[str]:
    """A line for each reason why files give no run, with the first of these files and the number of the others."""
    files: dict[tuple[bool, str], list[str]] = defaultdict(list)
    for one in sorted(left, key=lambda one: not one.unread):
        files[one.unread, one.why].append(one.file)
    lines = (f"{first}{f' and {len(more)} more' if more else ''}: {why}" for (_, why), (first, *more) in files.items())
    return [*map(one_line, lines)]


def _what_it_is(file: str, *, is_named: bool) -> str | None:
    """What a file without a run is, where that needs to be said."""
    if file == STANDARD_INPUT:
        return "no log lines in it"
    name = Path(file).name
    why = what_it_is(Path(file), even_if_plain=is_named or name.startswith("result_"))
    return why if is_named or any(part in name.lower() for part in _LOG_NAMES) else None


def _holds_records(file: str, largest_bytes: int) -> bool:
    try:
        return any(TOKEN_START in line for _, line in iter_lines(file, largest_bytes))
    except OSError:
        return False


def _places(piece: Piece) -> tuple[Path, Path]:
    """The folder of a piece and its file."""
    return Path(piece.source).parent, Path(piece.source)


def _iter_with_copies(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """The pieces of each run, copies of one another together: one that was cut off begins as the next one does."""

    def kind(piece: Piece) -> tuple[str, float]:
        return piece.benchmark or "", -1.0 if piece.seed is None else piece.seed

    def start(piece: Piece) -> float:
        return piece.run_start_ms or 0.0

    def starts_with(bucket: Sequence[Piece], piece: Piece) -> bool:
        return kind(piece) == kind(bucket[0]) and start(piece) - start(bucket[0]) <= ONE_RUN_MS

    for bucket in _iter_parts(sorted(pieces, key=lambda piece: (*kind(piece), start(piece))), starts_with):
        by_history = sorted(bucket, key=lambda piece: (piece.history, piece.run_stop_ms or 0.0))
        yield from _iter_parts(by_history, lambda run, piece: _is_copy(run[-1], piece))


def _iter_parts(pieces: Iterable[Piece], goes_on: Callable[[Sequence[Piece], Piece], bool]) -> Iterator[list[Piece]]:
    """Parts of a sequence, each as long as a piece belongs to those before it."""
    part: list[Piece] = []
    for piece in pieces:
        if part and not goes_on(part, piece):
            yield part
            part = []
        part.append(piece)
    if part:
        yield part


def _is_copy(one: Piece, other: Piece) -> bool:
    """Whether a piece is a copy of another one, which has as many evaluations or more."""
    if one.run_start_ms is None or other.run_start_ms is None:
        return False
    same_start = one.run_start_ms == other.run_start_ms
    if not one.history and one.seed is None and not same_start:
        return False
    if one.run_stop_ms is None:
        return other.history.startswith(one.history) and (same_start or bool(one.history))
    near = other.run_stop_ms is not None and abs(one.run_stop_ms - other.run_stop_ms) <= ONE_RUN_MS
    return one.history == other.history and near
