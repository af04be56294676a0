"""Reads one log into a :class:`~..model.RunLog`: log file in, what it says out.

A log is read once, in blocks, as bytes. Most of its token lines say nothing that a score needs: msgspec checks them in C
and makes no objects from their content. Every line that msgspec accepts, :func:`~.line.parse_line` accepts too. Lines that
msgspec refuses, and lines whose values are needed, are parsed. ``tests/logs/test_scan_equals_parse.py`` proves that this
gives the same result as parsing every line.
"""

from __future__ import annotations

import json
import math
import operator
import os
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import msgspec

from ..model import RunLog
from ..regular import open_regular
from ..tables.descriptions import SYSTEM_TOKEN, UNKNOWN, description_keys
from ..tables.settings import setting_value, settings_by_log_key
from ..values import LARGEST_LOG_MB, finite_number
from .evaluation import EVALUATION_KEYS, LONGEST_TEXT, evaluation_of
from .history import HistoryReader
from .line import (
    Allowance,
    KeptLine,
    LoggedLine,
    MalformedLine,
    Spent,
    evaluation_parts,
    gives_seconds,
    key_of_beginning,
    parse_line,
    value_and_metadata,
    value_of,
)
from .strange import why_no_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ..model import Evaluation
    from ..tables.rules import Dialect
    from ..values import JsonObject
    from .details import DetailsReader

#: A log is read in blocks of about this many bytes, so that memory does not grow with its size. Debian's Python finds a
#: token in blocks of less than 30,000 bytes in a third of the time that it takes in larger ones; others are as fast in both.
BLOCK_BYTES = 28 << 10
#: A line that is longer than this is not parsed; if it has a token, it is malformed. The longest published lines have 2,300
#: bytes with a token, and 150,000 without.
LONGEST_LINE_BYTES = 1 << 20

#: A longer line is always parsed. A shorter one cannot exceed the parser's limits on digits and nesting, which msgspec does
#: not check.
LONGEST_CHECKED_BYTES = 1000

#: Keys of lines with settings of the run, and the keys of the entry that they fill.
_SETTINGS = settings_by_log_key()
#: Keys of lines whose value is a fact about the log, as text.
_TEXTS = {"submission_benchmark": "benchmark", "submission_division": "division"}
#: Keys of lines whose metadata is not needed. There are many such lines, and values that logs of one result share are parsed
#: once.
_VALUE_KEYS = frozenset({"init_stop", "run_start", "global_batch_size", "train_samples", "seed", *_TEXTS, *_SETTINGS})
#: Keys of lines that are needed.
WANTED_KEYS = EVALUATION_KEYS | _VALUE_KEYS | {"init_start", "run_stop", "eval_result"}

#: An ``init_start`` that comes this long after the previous one begins another attempt in the same log.
PAUSE_MS = 10 * 60 * 1000

#: Limit on the evaluations of a log that name their metric. Published logs have up to 18.
_MOST_EVALUATIONS = 10_000

#: The number of first blocks that are searched for a system description: at least 1 MB.
_BLOCKS_WITH_SYSTEM = math.ceil((1 << 20) / BLOCK_BYTES)
#: YAML has forms of integers without a limit on digits; Python refuses to write out long ones.
_LONG_INTEGER = 10**18


_decode_line = msgspec.json.Decoder(LoggedLine).decode


def read_log(
    path: Path | str,
    dialect: Dialect,
    name: str,
    elapsed_key: str | None = None,
    largest_mb: int = LARGEST_LOG_MB,
    quality_key: str | None = None,
    details: DetailsReader | None = None,
    keeper: LineKeeper | None = None,
    *,
    is_compared: bool = True,
) -> RunLog:
    """Reads a log.

    Args:
        path: the file.
        dialect: the form of its lines.
        name: the path that the record carries, relative to the round.
        elapsed_key: a key whose ``metadata.timestamp`` is the duration in seconds, if the round has one.
        largest_mb: a larger file is not read, even if it only grows past this limit while it is read.
        quality_key: the key of the lines with quality figures; either of :data:`EVALUATION_KEYS` where None.
        details: takes what only the data set needs, if that was asked for.
        keeper: takes every line, if the lines are checked.
        is_compared: if false, the record lacks what is only compared with other logs or with the description of the system:
            ``described``, and the digest of the history.

    Returns:
        What the log says. A file that cannot be read comes back with ``trouble``, never as an exception.
    """
    reader = _LogReader(path, dialect, elapsed_key, quality_key, details, keeper, is_compared=is_compared)
    try:
        for block in iter_blocks_of(path, largest_mb):
            reader.take_block(block)
        return reader.record(name)
    except Spent as error:
        return RunLog(path=name, trouble=str(error))
    except OSError as error:
        return RunLog(path=name, trouble=error.strerror or type(error).__name__)


def iter_blocks_of(path: Path | str, largest_mb: int) -> Iterator[bytes]:
    """Blocks of whole lines of a file, as :func:`iter_blocks` gives them.

    Raises:
        OSError: the file cannot be read.
        Spent: it is larger than ``largest_mb``, or grows past it while it is read.
    """
    with open_regular(path) as stream:
        if os.fstat(stream.fileno()).st_size > largest_mb << 20:
            raise _too_large(largest_mb)
        yield from iter_blocks(stream, largest_mb=largest_mb)


def iter_blocks(
    stream: BinaryIO, size: int = BLOCK_BYTES, longest_line: int = LONGEST_LINE_BYTES, largest_mb: float = math.inf
) -> Iterator[bytes]:
    r"""Blocks of whole lines (split at ``\n`` only), each about ``size`` bytes.

    Every block ends with a newline, even if the file does not.

    A line of more than ``longest_line`` bytes is cut there, so that it cannot fill the memory. The first part has no valid
    end and counts as malformed if it has a token. The rest is skipped up to the next newline, and empty blocks come in its
    place, so that the caller can check the progress.

    Raises:
        Spent: they have more than ``largest_mb`` in all.
    """
    left = largest_mb * (1 << 20)
    carry = b""
    skipping = False
    # no more is read than makes a line too long, so that where it begins in a block makes no difference
    while data := stream.read(min(size, longest_line + 1 - len(carry))):
        left -= len(data)
        if left < 0:
            raise _too_large(largest_mb)
        if skipping:
            _, newline, data = data.partition(b"\n")
            if not newline:
                yield b""
                continue
            skipping = False
        end = data.rfind(b"\n") + 1
        if end:
            yield carry + data[:end]
            carry = data[end:]
        else:
            carry += data
        if len(carry) > longest_line:
            yield carry[:longest_line] + b"\n"
            carry, skipping = b"", True
    if carry:
        yield carry + b"\n"


def _too_large(largest_mb: float) -> Spent:
    return Spent(f"larger than {largest_mb} MB (--max_log_mb)")


def iter_numbered_lines(path: Path | str) -> Iterator[tuple[int, bytes]]:
    """All lines of a log with their numbers, counted from 1.

    Reads the log again: counting all lines always would cost more than a second read of the few logs that need it.

    Raises:
        OSError: the file cannot be read.
    """
    with open_regular(path) as stream:
        yield from enumerate((line for block in iter_blocks(stream) for line in block.split(b"\n")[:-1]), 1)


def find_lines(block: bytes, token: bytes) -> tuple[list[bytes], bool]:
    """Finds what follows the first token of each line that has one, and says whether all these lines are plain.

    A plain line is short enough to be checked in C, and holds no other token. If a line has several tokens, the last one
    counts; a JSON string may contain one too.
    """
    pieces = block.split(token)
    del pieces[0]
    lines = [piece.partition(b"\n")[0] for piece in pieces]
    if any(map(operator.eq, lines, pieces)):  # another token comes before the end of the line
        return re.findall(re.escape(token) + rb"(.*)\n", block), False
    return lines, not lines or max(map(len, lines)) <= LONGEST_CHECKED_BYTES


class LineKeeper(Protocol):
    """Keeps lines of a log in order while it is read: well-formed lines by key, if the key is wanted.

    Only lines with a token are counted, from 0. ``history`` is where the reader collects the evaluations.
    """

    history: HistoryReader | None

    @property
    def by_key(self) -> Mapping[str, list[KeptLine]]:
        """A list for each wanted key; the reader appends the lines with that key."""

    def take_other(self, ordinal: int, line: bytes) -> None:
        """Takes what follows the first token of a line that may be anything."""


class _KeepsNothing:
    """The keeper for callers that do not check the lines."""

    by_key: Mapping[str, list[KeptLine]] = {}
    history: HistoryReader | None = None

    def take_other(self, ordinal: int, line: bytes) -> None:
        """Takes nothing."""


class _LogReader:
    """Collects what one log says."""

    def __init__(
        self,
        path: Path | str,
        dialect: Dialect,
        elapsed_key: str | None,
        quality_key: str | None,
        details: DetailsReader | None,
        keeper: LineKeeper | None,
        *,
        is_compared: bool,
    ) -> None:
        self._keeper = keeper or _KeepsNothing()
        self._path = path
        self._dialect = dialect
        self._elapsed_key = elapsed_key
        self._evaluation_keys = frozenset({quality_key}) if quality_key else EVALUATION_KEYS
        self._details = details
        self._facts: dict[str, Any] = {}
        self._attempts = _Attempts()
        self._unnamed_evaluation: tuple[object, JsonObject] | bytes | None = None
        self._paired_evaluations: list[Evaluation] = []
        self._samples_after_evaluation: float | None = None  # NaN where several lines disagree
        self._history = self._keeper.history = HistoryReader()
        self._settings: dict[str, str | int | None] = {}
        self._seeds: set[str] = set()
        self._is_compared = is_compared
        self._described: tuple[tuple[str, str], ...] = ()
        self._counts_seconds = False
        self._blocks = 0
        self._lines = 0
        self._has_returns = False  # whether the block has carriage returns
        self._malformed_lines = 0
        self._first_malformed: tuple[bytes, str] | None = None  # what follows its token, and what is wrong with it
        self._allowance = Allowance()

    def take_block(self, block: bytes) -> None:
        """Takes whole lines.

        Raises:
            Spent: too many would have to be parsed.
        """
        self._blocks += 1
        if self._is_compared and not self._described and self._blocks <= _BLOCKS_WITH_SYSTEM and SYSTEM_TOKEN in block:
            self._described = _described(block)
        token = self._dialect.token
        lines, are_plain = find_lines(block, token)
        if not lines:
            return
        if not self._lines:
            self._counts_seconds = gives_seconds(lines[0])
        self._has_returns = b"\r" in block
        is_json = self._dialect.json == "line" and not self._counts_seconds
        if is_json and are_plain:
            self._take_short_lines(lines, self._lines)
        else:
            for ordinal, line in enumerate(lines, self._lines):
                has_two = token in line
                if is_json and not has_two and len(line) <= LONGEST_CHECKED_BYTES:
                    self._take_short_lines((line,), ordinal)
                    continue
                self._parse(line, ordinal)
                if has_two and "two_records" not in self._facts:
                    self._find_two_records(line)
        self._lines += len(lines)

    def _take_short_lines(self, lines: Sequence[bytes], first: int) -> None:
        start, details, kept = self._attempts.start, self._details, self._keeper.by_key.get
        has_returns = self._has_returns
        taken = 0
        for ordinal, line in enumerate(lines, first):
            try:
                known = _decode_line(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self._parse(line, ordinal)
                continue
            key = known.key
            if details is not None and details.wants(key):
                details.take_known(line, known.time_ms, key, known.raw_value, is_over="run_stop_ms" in self._facts)
            # find, because `in` first tries to read its left side as a number, which takes longer than the search
            if has_returns and line.find(b"\r", 0, -1) >= 0:  # JSON here, but the checkers end the line there
                self._keeper.take_other(ordinal, line)
            elif (same := kept(key)) is not None:
                known.ordinal = ordinal
                same.append(known)
            if key in WANTED_KEYS:
                if key == "init_start":  # in some logs every rank logs this
                    start(float(known.time_ms))
                elif key == "seed":  # and this, each rank with a different value
                    self._take_seed(bytes(known.raw_value))
                else:
                    self._take_known(line, known)
                    taken += 1
        if taken:
            self._allowance.spend(lines=taken)

    def _take_known(self, line: bytes, known: LoggedLine) -> None:
        """Takes a well-formed line; parses only what is needed, and only the last line if only that one counts."""
        key = known.key
        if key in self._evaluation_keys and line.find(b"metric") < 0 and line.find(b"\\") < 0:
            self._history.take(float(known.time_ms), line)
            if "run_stop_ms" not in self._facts:
                self._unnamed_evaluation = line
                self._samples_after_evaluation = None
        elif key in _VALUE_KEYS:
            self._take(float(known.time_ms), key, value_of(bytes(known.raw_value)), None)
        else:
            self._allowance.spend(lines=1, size=len(line))
            self._take(float(known.time_ms), key, *value_and_metadata(line))

    def record(self, name: str) -> RunLog:
        """What the log says, after all its lines were taken; this may read the file once more.

        Raises:
            OSError: the file cannot be read once more.
        """
        if self._first_malformed is not None:
            record, what = self._first_malformed
            self._facts["malformed"] = f"{self._number_of_line(record)}: {what}"
        if not self._lines:
            self._facts["no_lines"] = why_no_lines(self._path, self._dialect)
        if isinstance(self._unnamed_evaluation, bytes):
            self._unnamed_evaluation = evaluation_parts(*value_and_metadata(self._unnamed_evaluation))
        unnamed = () if self._unnamed_evaluation is None else (evaluation_of(*self._unnamed_evaluation),)
        samples = self._samples_after_evaluation
        return RunLog(
            path=name,
            lines=self._lines,
            malformed_lines=self._malformed_lines,
            samples_after_evaluation=None if samples is None or math.isnan(samples) else samples,
            evaluations=(*self._paired_evaluations, *unnamed),
            history=self._history.history(
                self._facts.get("run_start_ms"), self._facts.get("run_stop_ms"), with_digest=self._is_compared
            ),
            seed=next(iter(self._seeds)) if len(self._seeds) == 1 else None,
            described=self._described,
            counts_seconds=self._counts_seconds,
            settings=tuple((name, setting) for name, setting in self._settings.items() if setting is not None),
            attempts=self._attempts.count,
            init_start_ms=self._attempts.init_start_ms,
            init_stop_ms=self._attempts.init_stop_ms,
            **self._facts,
        )

    def _find_two_records(self, line: bytes) -> None:
        """Notes that a line has a record before its last token; that record is not read."""
        key = key_of_beginning(line.rpartition(self._dialect.token)[0], self._dialect)
        if key is not None:
            what = f"holds two records, of which only the last is read; the first is {key[:80]}"
            self._facts["two_records"] = f"{self._number_of_line(line)} {what}"

    def _parse(self, line: bytes, ordinal: int) -> None:
        self._keeper.take_other(ordinal, line)
        try:
            time_ms, key, value, metadata = parse_line(
                line, self._dialect, WANTED_KEYS, self._allowance, in_seconds=self._counts_seconds
            )
        except MalformedLine as error:
            self._first_malformed = self._first_malformed or (line, str(error))
            self._malformed_lines += 1
            return
        if self._details is not None and self._details.wants(key):
            self._details.take(line, key, is_over="run_stop_ms" in self._facts)
        if key in WANTED_KEYS:
            self._take(time_ms, key, value, metadata)

    def _number_of_line(self, record: bytes) -> str:
        """Where the first line that ends with a record is.

        Raises:
            OSError: the file cannot be read once more.
        """
        end = self._dialect.token + record
        numbers = (f"line {number}" for number, line in iter_numbered_lines(self._path) if line.endswith(end))
        return next(numbers, "a line")

    def _take(self, time_ms: float, key: str, value: object, metadata: object) -> None:
        parts = metadata if isinstance(metadata, dict) else {}
        if key == "init_start":
            self._attempts.start(time_ms)
        elif key == "init_stop":
            self._attempts.stop(time_ms)
        elif key == "run_start":
            self._take_run_start(time_ms)
        elif key == "run_stop":
            self._take_run_stop(time_ms, value, parts)
        elif key == self._elapsed_key:
            seconds = finite_number(parts.get("timestamp"))
            if seconds is not None:
                self._facts.setdefault("elapsed_ms", float(Decimal(repr(seconds)) * 1000))
        elif key not in self._evaluation_keys:
            self._take_fact(key, value)
        else:
            said = evaluation_parts(value, parts)
            self._history.take(time_ms, said)
            if "run_stop_ms" not in self._facts:
                self._take_evaluation(*said)
                self._samples_after_evaluation = None

    def _take_fact(self, key: str, value: object) -> None:
        """Takes what a log says about itself, anywhere in the log."""
        facts = self._facts
        if key in _TEXTS:
            facts.setdefault(_TEXTS[key], _text(value))
        elif key in _SETTINGS:
            setting = setting_value(_SETTINGS[key], value)
            said = self._settings.setdefault(_SETTINGS[key], setting)
            self._settings[_SETTINGS[key]] = setting if setting == said else None
        elif key == "seed" and value is not None:
            self._seeds.add(_text(value) or "")
        elif key in ("global_batch_size", "train_samples") and (number := finite_number(value)) is not None:
            facts[key] = number
            if key == "train_samples" and "run_stop_ms" not in facts:
                same = self._samples_after_evaluation in (None, number)
                self._samples_after_evaluation = number if same else math.nan

    def _take_seed(self, value: bytes) -> None:
        if len(self._seeds) < 2:  # two different seeds count as no seed
            self._take_fact("seed", value_of(value))

    def _take_run_start(self, time_ms: float) -> None:
        facts = self._facts
        facts["run_starts"] = facts.get("run_starts", 0) + 1
        if "run_stop_ms" not in facts:
            facts["run_start_ms"], facts["start_number"] = time_ms, facts["run_starts"]
            self._history.begin()

    def _take_run_stop(self, time_ms: float, value: object, metadata: JsonObject) -> None:
        facts = self._facts
        facts["run_stops"] = facts.get("run_stops", 0) + 1
        if "run_start_ms" in facts and "run_stop_ms" not in facts:
            self._attempts.end()
            self._history.end()
            facts["run_stop_ms"], facts["stop_number"] = time_ms, facts["run_stops"]
            facts["succeeded"], facts["status"] = self._judge_stop(value, metadata)

    def _take_evaluation(self, value: object, metadata: JsonObject) -> None:
        if not isinstance(metadata.get("metric"), str):
            self._unnamed_evaluation = (value, metadata)
            return
        self._paired_evaluations.append(evaluation_of(value, metadata))
        if len(self._paired_evaluations) > _MOST_EVALUATIONS:
            raise Spent(f"more than {_MOST_EVALUATIONS:,} evaluations that name a metric; not read further")

    def _judge_stop(self, value: object, metadata: JsonObject) -> tuple[bool, str | None]:
        """Whether a ``run_stop`` reports success, and its status as readable text."""
        rule = self._dialect.success
        part = metadata if rule.part == "metadata" else value
        if not isinstance(part, dict) or rule.field not in part:
            return rule.unsaid, None
        status = part[rule.field]
        return any(status is said or (isinstance(said, str) and status == said) for said in rule.says), _text(status)


class _Attempts:
    """Finds the ``init_start`` and ``init_stop`` of the run that counts, where a log begins more than once.

    ``init_start_ms`` is the first start of the last attempt before ``init_stop_ms``, and ``init_stop_ms`` the first stop of
    that attempt. Both belong to the run that counts: nothing after the end of the run changes them. ``count`` is the number
    of attempts.
    """

    def __init__(self) -> None:
        self.count = 0
        self.init_start_ms: float | None = None
        self.init_stop_ms: float | None = None
        self._begin_ms = self._latest_ms = 0.0
        self._is_taken = True  # whether the times are those of the latest attempt
        self._ended = False

    def start(self, time_ms: float) -> None:
        """Takes the time of an ``init_start``."""
        if self.count and time_ms - self._latest_ms <= PAUSE_MS:
            if time_ms < self._begin_ms:
                self._begin_ms = time_ms
            elif time_ms > self._latest_ms:
                self._latest_ms = time_ms
        else:
            self.count += 1
            self._begin_ms = self._latest_ms = time_ms
            # lines of several processes may be out of order: the only init_start may follow its init_stop
            self._is_taken = self.count == 1 or (self.init_stop_ms is None and not self._ended)
        if self._is_taken:
            self.init_start_ms = self._begin_ms

    def stop(self, time_ms: float) -> None:
        """Takes the time of an ``init_stop``."""
        if self.init_stop_ms is None or not (self._is_taken or self._ended):
            self.init_stop_ms = time_ms
            self.init_start_ms = self._begin_ms if self.count else None
            self._is_taken = True

    def end(self) -> None:
        """Marks the end of the run that counts."""
        self._ended = True


def _described(block: bytes) -> tuple[tuple[str, str], ...]:
    """Keys and values of the first description in a block; nothing where it cannot be read."""
    line = block.partition(SYSTEM_TOKEN)[2].partition(b"\n")[0]
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(content, dict):
        return ()
    known = {key for spellings in description_keys().values() for key in spellings}
    texts = ((key, _text(value) or "") for key, value in content.items() if key in known)
    return tuple((key, text) for key, text in texts if not text.startswith(UNKNOWN))


def _text(value: object) -> str | None:
    """A short readable text; None stays None.

    Lists and objects are not written out: YAML can repeat a part of one so often that the text would fill the memory.
    """
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if value is None or isinstance(value, (bool, float)):
        return None if value is None else str(value)
    if isinstance(value, int):
        return str(value) if abs(value) < _LONG_INTEGER else "a long integer"
    return f"of type {type(value).__name__}"
