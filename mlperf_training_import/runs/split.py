"""Splits texts into runs: a file with log lines in, one plain log per run out."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..logs.line import MalformedLine, parse_line
from ..logs.log import PAUSE_MS
from ..values import clean_text, finite_number
from .texts import iter_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..tables.rules import Dialect

#: Lines of these keys after the end of a run belong to the next one, if there is one.
_BEGINNINGS = ("submission_", "cache_clear", "init_start", "run_start")
_SYSTEM_TOKEN = b":::SYSJSON "
_LARGEST_SYSTEM = 1 << 20
_WANTED = frozenset({"seed", "run_start", "run_stop", "init_start", "submission_org", "submission_platform"})


@dataclass(slots=True)
class Piece:
    """One run of a file: its log as plain text, and what only the lines around it tell.

    ``log`` is the file with its token lines, ``line`` the number of its first line in ``source``. ``last_ms`` is the time
    of its last line, in milliseconds since the epoch.
    """

    source: str
    line: int
    log: Path
    dialect: Dialect
    starts: int = 0
    stops: int = 0
    run_start_ms: float | None = None
    last_ms: float | None = None
    seed: float | None = None
    organisation: str | None = None
    platform: str | None = None
    system: dict[str, Any] = field(default_factory=dict)


def split_runs(source: str, dialect: Dialect, folder: Path, largest_bytes: int) -> list[Piece]:
    """The runs in a file.

    A run begins where initialisation, or the description of a submission, begins after the end of the one before it; and
    where initialisation begins ten minutes after one that never came to an end. Lines of several ranks stay together.

    Args:
        source: path, or ``-``.
        dialect: of its lines.
        folder: gets the plain logs.
        largest_bytes: see :func:`.iter_lines`.

    Returns:
        The runs in their order, those without a ``run_start`` left out.

    Raises:
        OSError: the file cannot be read.
    """
    pieces: list[Piece] = []
    system: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        for number, line, key, time_ms, value in _iter_records(source, dialect, largest_bytes):
            if key == _SYSTEM_TOKEN.decode():
                system = value
                continue
            if not pieces or _begins(pieces[-1], key, time_ms):
                piece = Piece(source, number, folder / f"{len(list(folder.iterdir()))}.txt", dialect)
                stream = stack.enter_context(piece.log.open("wb"))
                pieces.append(piece)
            stream.write(line + b"\n")
            _take(pieces[-1], key, time_ms, value)
    runs: list[Piece] = []
    for piece in pieces:
        piece.system = system
        if piece.starts or not runs:
            runs.append(piece)
        else:  # what follows the last run is part of it
            with runs[-1].log.open("ab") as stream:
                stream.write(piece.log.read_bytes())
    return [piece for piece in runs if piece.starts or piece.stops]


def _begins(piece: Piece, key: str, time_ms: float) -> bool:
    """Whether a line is the first of another run."""
    if piece.stops:
        return key.startswith(_BEGINNINGS)
    late = piece.last_ms is not None and time_ms - piece.last_ms > PAUSE_MS
    return key == "init_start" and piece.starts > 0 and late


def _take(piece: Piece, key: str, time_ms: float, value: object) -> None:
    if time_ms > 0:
        piece.last_ms = max(time_ms, piece.last_ms or 0)
    if key == "run_start":
        piece.starts += 1
        piece.run_start_ms = time_ms
    elif key == "run_stop":
        piece.stops += 1
    elif key == "seed":
        piece.seed = piece.seed if piece.seed is not None else finite_number(value)
    elif key == "submission_org":
        piece.organisation = piece.organisation or clean_text(value)
    elif key == "submission_platform":
        piece.platform = piece.platform or clean_text(value)


def _iter_records(source: str, dialect: Dialect, largest_bytes: int) -> Iterator[tuple[int, bytes, str, float, Any]]:
    """Number, text, key, time and value of each line with a token; the system description has its token as key.

    A malformed line has an empty key: it stays in its run, where it makes the run not count.
    """
    for number, line in iter_lines(source, largest_bytes):
        if dialect.token in line:
            record = dialect.token + line.rpartition(dialect.token)[2]
            try:
                time_ms, key, value, _ = parse_line(line, dialect, _WANTED)
            except MalformedLine:
                time_ms, key, value = 0.0, "", None
            yield number, record, key, time_ms, value
        elif _SYSTEM_TOKEN in line and len(line) <= _LARGEST_SYSTEM:
            with contextlib.suppress(ValueError, RecursionError):
                system = json.loads(line.rpartition(_SYSTEM_TOKEN)[2])
                if isinstance(system, dict):
                    yield number, b"", _SYSTEM_TOKEN.decode(), 0.0, system
