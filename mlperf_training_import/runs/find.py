"""Finds the runs in any files: paths in, runs out, with a line for each file that gives none of its own."""

from __future__ import annotations

import itertools
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NothingToScore
from ..logs.strange import what_it_is
from ..tables.rules import dialects
from .split import Piece, split_runs
from .texts import (
    STANDARD_INPUT,
    STANDARD_INPUT_NAME,
    SUBMITTED,
    TOKEN_START,
    LeftOut,
    find_files,
    is_in_results,
    is_submitted,
    iter_lines,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Ranks of one run start and stop within this time of each other.
_ONE_RUN_MS = 1000
#: How logs are mostly called; other files that cannot hold log lines as they are need no mention.
_LOG_NAMES = ("log", "result", "slurm", "stdout", "stderr", ".out", ".err", ".txt")
_MOST_NAMED = 5


def iter_pieces(paths: Sequence[str], folder: Path, largest_bytes: int, left: list[LeftOut]) -> Iterator[Piece]:
    """The runs in files and folders, one file after the other; the plain logs of a file are gone when the next one comes.

    Args:
        paths: files, folders, or ``-``.
        folder: an empty one, for the plain logs.
        largest_bytes: see :func:`.iter_lines`.
        left: gets what gives no run.

    Raises:
        BadInput: a path does not exist.
    """
    files = find_files(paths, left)
    submitted = {Path(file).parent for file in files if is_submitted(file)}
    for file in files:
        if Path(file).parent in submitted and not is_submitted(file):
            why = "beside the result_*.txt of a submission, which alone are its runs"
            left += [LeftOut(file, why)] if _holds_records(file, largest_bytes) else []
            continue
        plain = folder / "plain"
        plain.mkdir()
        try:
            yield from _pieces_of(file, plain, largest_bytes, left, is_named=file in paths)
        except OSError as error:
            name = STANDARD_INPUT_NAME if file == STANDARD_INPUT else file
            left.append(LeftOut(name, error.strerror or str(error), unread=True))
        finally:
            shutil.rmtree(plain)


def distinct(pieces: Sequence[Piece], left: list[LeftOut]) -> list[Piece]:
    """The pieces without copies of one run, which are added to ``left``.

    Copies are what a launcher, ``tee`` and every rank write of one run: they share benchmark, seed and evaluations, and
    start within a second; one that was cut off has the first evaluations only. The folder, and in it the file, with more
    runs keeps them. Logs of a submission are never taken for copies: there all files count.
    """
    runs = list(_iter_runs_with_copies(pieces))
    beside = Counter(place for run in runs for place in {place for piece in run for place in _places(piece)})
    order = {id(piece): number for number, piece in enumerate(pieces)}

    def worth(piece: Piece) -> tuple[bool | int, ...]:
        is_whole, is_result = piece.run_stop_ms is not None, bool(SUBMITTED.fullmatch(Path(piece.source).name))
        runs_beside = [beside[place] for place in _places(piece)]
        return is_submitted(piece.source), is_whole, len(piece.history), is_result, *runs_beside, -order[id(piece)]

    kept = []
    for run in runs:
        best = max(run, key=worth)
        for piece in run:
            if piece is best or is_submitted(piece.source):
                kept.append(piece)
            else:
                left.append(LeftOut(f"{piece.source}:{piece.line}", f"the same run as in {best.source}:{best.line}"))
        if was_written_often(best):
            what = "one run, with each line several times, as every rank or every logger writes it"
            left.append(LeftOut(f"{best.source}:{best.line}", what))
    return sorted(kept, key=lambda piece: order[id(piece)])


def nothing_found(paths: Sequence[str], left: Sequence[LeftOut]) -> NothingToScore:
    """What to say where no run was found."""
    why = by_reason(left)
    if not why:
        tokens = ", ".join(sorted(repr(dialect.token.decode()) for dialect in dialects().values()))
        why = [f"log lines have one of {tokens}"]
    more = [f"and {len(why) - _MOST_NAMED} more"] if len(why) > _MOST_NAMED else []
    nothing = NothingToScore(
        "\n  ".join((f"{', '.join(paths)}: no run of MLPerf Training in it", *why[:_MOST_NAMED], *more))
    )
    nothing.unread = any(one.unread for one in left)
    return nothing


def by_reason(left: Sequence[LeftOut]) -> list[str]:
    """A line for each reason why files give no run, with the first of these files and the number of the others."""
    files: dict[tuple[bool, str], list[str]] = {}
    for one in left:
        files.setdefault((not one.unread, one.why), []).append(one.file)
    lines = []
    for (_, why), names in sorted(files.items(), key=lambda item: item[0][0]):
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        lines.append(f"{names[0]}{others}: {why}")
    return lines


def _pieces_of(file: str, plain: Path, largest_bytes: int, left: list[LeftOut], *, is_named: bool) -> Iterator[Piece]:
    submitted = is_submitted(file)
    pieces = split_runs(file, plain, largest_bytes, Path(file) if is_in_results(file) else None)
    name = STANDARD_INPUT_NAME if file == STANDARD_INPUT else file
    for piece in pieces:
        piece.source = name
        if submitted or not piece.why_no_run:
            yield piece
        else:
            left.append(LeftOut(name, piece.why_no_run))
    if not pieces and submitted:
        yield Piece(file, 1, Path(file), next(reversed(dialects().values())))
    elif not pieces and file != STANDARD_INPUT:
        is_result = Path(file).name.startswith("result_")
        why = what_it_is(Path(file), even_if_plain=is_named or is_result)
        if why and (is_named or any(part in Path(file).name.lower() for part in _LOG_NAMES)):
            left.append(LeftOut(file, why))
    elif not pieces:
        left.append(LeftOut(name, "no log lines in it"))


def _holds_records(file: str, largest_bytes: int) -> bool:
    try:
        return any(TOKEN_START in line for _, line in iter_lines(file, largest_bytes))
    except OSError:
        return False


def _places(piece: Piece) -> tuple[Path, Path]:
    """The folder of a piece and its file."""
    return Path(piece.source).parent, Path(piece.source)


def _iter_runs_with_copies(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """The pieces of each run, those that are copies of one another together."""

    def kind(piece: Piece) -> tuple[str, float]:
        return piece.benchmark or "", -1.0 if piece.seed is None else piece.seed

    def start(piece: Piece) -> float:
        return piece.run_start_ms or 0.0

    by_kind = sorted(pieces, key=lambda piece: (*kind(piece), start(piece)))
    for _, alike in itertools.groupby(by_kind, kind):
        bucket: list[Piece] = []
        for piece in alike:
            if bucket and start(piece) - start(bucket[0]) > _ONE_RUN_MS:
                yield from _iter_copies(bucket)
                bucket = []
            bucket.append(piece)
        yield from _iter_copies(bucket)


def _iter_copies(bucket: Sequence[Piece]) -> Iterator[list[Piece]]:
    """The same for pieces that share what they name and start together: one that was cut off begins as the next one does."""
    run: list[Piece] = []
    for piece in sorted(bucket, key=lambda piece: (piece.history, piece.run_stop_ms or 0.0)):
        if run and not _is_copy(run[-1], piece):
            yield run
            run = []
        run.append(piece)
    yield run


def was_written_often(piece: Piece) -> bool:
    """Whether the lines of a log are there several times."""
    if piece.starts < 2 or piece.run_start_ms is None or piece.first_start_ms is None or is_submitted(piece.source):
        return False
    return abs(piece.run_start_ms - piece.first_start_ms) <= _ONE_RUN_MS


def _is_copy(one: Piece, other: Piece) -> bool:
    """Whether a piece is a copy of another one, which has as many evaluations or more."""
    if one.run_start_ms is None or other.run_start_ms is None:
        return False
    same_start = one.run_start_ms == other.run_start_ms
    if not one.history and one.seed is None and not same_start:
        return False
    if one.run_stop_ms is None:
        return other.history.startswith(one.history) and (same_start or bool(one.history))
    near = other.run_stop_ms is not None and abs(one.run_stop_ms - other.run_stop_ms) <= _ONE_RUN_MS
    return one.history == other.history and near
