"""Reads one log into a :class:`~..model.RunLog`: log file in, what it says out.

A log is read once, in blocks, as bytes. Most of its token lines say nothing that a score needs: msgspec checks them in C
and makes no object of what is in them. What it takes for a line is a line for :func:`~.line.parse_line` too; what it does
not take, and lines whose values are needed, are parsed. ``tests/logs/test_scan_equals_parse.py`` proves that this is the
same as parsing every line.
"""

from __future__ import annotations

import json
import os
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import msgspec

from ..model import Evaluation, RunLog
from ..tables.settings import setting_value, settings_by_log_key
from ..values import LARGEST_LOG_MB, finite_number
from .line import MalformedLine, evaluation_parts, parse_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..tables.rules import Dialect

#: A log is read in blocks of this many bytes, so that memory does not grow with its size. Larger ones are slower: Python
#: would get memory for each from the system, and give it back.
BLOCK_BYTES = 64 << 10
#: A line that is longer than this is not parsed; if it has a token it is malformed.
LONGEST_LINE_BYTES = 16 << 20

#: A longer line is always parsed. In a shorter one no integer has more digits, and no value is nested deeper, than the
#: parser takes; msgspec does not look at either.
LONGEST_CHECKED_BYTES = 1000

#: Keys of lines that say how good the model is.
EVALUATION_KEYS = frozenset({"eval_accuracy", "eval_error"})
#: Keys of lines that say what the run was done with, and the keys of the entry that they fill.
_SETTINGS = settings_by_log_key()
#: Keys of lines that say something that is needed.
WANTED_KEYS = EVALUATION_KEYS | {
    *_SETTINGS,
    "init_start",
    "init_stop",
    "run_start",
    "run_stop",
    "submission_benchmark",
    "submission_division",
    "global_batch_size",
    "train_samples",
    "eval_result",
}
#: Of the lines with these, those of which nothing but the time is needed (as of ``init_start``) or nothing but the value.
_TIME_KEYS = frozenset({"init_stop", "run_start"})
_VALUE_KEYS = frozenset({"submission_benchmark", "submission_division", "global_batch_size", "train_samples", *_SETTINGS})

#: YAML has forms of integers without a limit of digits, which Python refuses to write out.
_LONG_INTEGER = 10**18


class Unread(msgspec.Struct, gc=False):
    """A JSON object of which nothing is kept."""


class _Line(msgspec.Struct, gc=False):
    """What is kept of a line that is JSON as a whole. A line that does not fit may still be well-formed."""

    time_ms: Annotated[int, msgspec.Meta(ge=0, le=10**18)]
    key: str
    value: msgspec.Raw
    metadata: Unread


_decode_line = msgspec.json.Decoder(_Line).decode


def read_log(
    path: Path, dialect: Dialect, name: str, elapsed_key: str | None = None, largest_mb: int = LARGEST_LOG_MB
) -> RunLog:
    """Reads a log.

    Args:
        path: the file.
        dialect: the form of its lines.
        name: the path that the record carries, relative to the round.
        elapsed_key: a key whose ``metadata.timestamp`` is the duration in seconds, where the round has one.
        largest_mb: a larger file is not read, also if it grows to more while it is read.

    Returns:
        What the log says. A file that cannot be read comes back with ``trouble``, never as an exception.
    """
    return LogReader(path, dialect, name, elapsed_key, largest_mb).read()


def iter_blocks(stream: BinaryIO, size: int = BLOCK_BYTES, longest_line: int = LONGEST_LINE_BYTES) -> Iterator[bytes]:
    r"""Blocks of whole lines (split at ``\n`` only), each about ``size`` bytes.

    Every block ends with a newline, also where the file does not.

    A line of more than ``longest_line`` bytes is cut there, so that it cannot fill the memory: what is left of it has no
    valid end and counts as malformed if it has a token; the rest is skipped up to the next newline.
    """
    carry = b""
    skipping = False
    while data := stream.read(size):
        if skipping:
            _, newline, data = data.partition(b"\n")
            if not newline:
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


class LogReader:
    """Reads one log, and collects what it says."""

    def __init__(self, path: Path, dialect: Dialect, name: str, elapsed_key: str | None, largest_mb: int) -> None:
        self._largest_mb = largest_mb
        self._path = path
        self._dialect = dialect
        self._name = name
        self._elapsed_key = elapsed_key
        self._find_lines = re.compile(re.escape(dialect.token) + rb"(.*)\n").findall
        self._find_short_lines = re.compile(re.escape(dialect.token) + rb"(.{0,%d})\n" % LONGEST_CHECKED_BYTES).findall
        self._facts: dict[str, Any] = {}
        self._unnamed_evaluation: Evaluation | bytes | None = None
        self._paired_evaluations: list[Evaluation] = []
        self._settings: dict[str, str | int | None] = {}
        self._lines = 0
        self._malformed_lines = 0

    def read(self) -> RunLog:
        """The record of the log."""
        try:
            with self._path.open("rb", buffering=0) as stream:
                left = self._largest_mb << 20
                if os.fstat(stream.fileno()).st_size > left:
                    return self._too_large()
                for block in iter_blocks(stream):
                    left -= len(block)
                    if left < -1:  # the newline that a block may have and the file not
                        return self._too_large()
                    self._take_block(block)
            if self._malformed_lines:
                self._facts["malformed"] = self._first_malformed_line()
        except OSError as error:
            return RunLog(path=self._name, trouble=error.strerror or type(error).__name__)
        return self._record()

    def _too_large(self) -> RunLog:
        return RunLog(path=self._name, trouble=f"larger than {self._largest_mb} MB (--max_log_mb)")

    def _take_block(self, block: bytes) -> None:
        tokens = block.count(self._dialect.token)
        if not tokens:
            return
        lines = self._find_short_lines(block) if self._dialect.json == "line" else []
        # Of several tokens on a line the last one counts; a string of JSON may hold one too.
        if len(lines) == tokens:
            self._take_short_lines(lines)
        else:
            lines = self._find_lines(block)
            for line in lines:
                self._parse(line)
        self._lines += len(lines)

    def _take_short_lines(self, lines: list[bytes]) -> None:
        init_starts = []
        for line in lines:
            try:
                known = _decode_line(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self._parse(line)
                continue
            if known.key == "init_start":  # in some logs every rank says this; the first of them counts
                init_starts.append(known.time_ms)
            elif known.key in WANTED_KEYS:
                self._take_known(line, known)
        if init_starts:
            self._take(float(min(init_starts)), "init_start", None, None)

    def _take_known(self, line: bytes, known: _Line) -> None:
        """Takes a well-formed line; parses no more of it than is needed, and only the last one where only that counts."""
        key = known.key
        if key in _TIME_KEYS:
            self._take(float(known.time_ms), key, None, None)
        elif key in _VALUE_KEYS:
            self._take(float(known.time_ms), key, json.loads(bytes(known.value).decode("latin-1")), None)
        elif key in EVALUATION_KEYS and b"metric" not in line and b"\\" not in line:
            if "run_stop_ms" not in self._facts:
                self._unnamed_evaluation = line
        else:
            self._parse(line)

    def _record(self) -> RunLog:
        if isinstance(self._unnamed_evaluation, bytes):
            _, _, value, metadata = parse_line(self._unnamed_evaluation, self._dialect, WANTED_KEYS)
            self._take_evaluation(value, metadata)
        unnamed = () if self._unnamed_evaluation is None else (self._unnamed_evaluation,)
        return RunLog(
            path=self._name,
            lines=self._lines,
            malformed_lines=self._malformed_lines,
            evaluations=(*self._paired_evaluations, *unnamed),
            settings=tuple((name, setting) for name, setting in self._settings.items() if setting is not None),
            **self._facts,
        )

    def _parse(self, line: bytes) -> None:
        try:
            time_ms, key, value, metadata = parse_line(line, self._dialect, WANTED_KEYS)
        except MalformedLine:
            self._malformed_lines += 1
            return
        if key in WANTED_KEYS:
            self._take(time_ms, key, value, metadata)

    def _first_malformed_line(self) -> str:
        """Its number, and what is wrong with it. Reads the log again: counting lines costs more than these few logs do."""
        before = 0
        with self._path.open("rb", buffering=0) as stream:
            for block in iter_blocks(stream):
                lines = block.split(b"\n")
                for number, line in enumerate(lines, before + 1):
                    if self._dialect.token in line:
                        try:
                            parse_line(line, self._dialect, WANTED_KEYS)
                        except MalformedLine as error:
                            return f"line {number}: {error}"
                before += len(lines) - 1
        raise OSError("the log changed while it was read")

    def _take(self, time_ms: float, key: str, value: object, metadata: object) -> None:
        facts = self._facts
        metadata = metadata if isinstance(metadata, dict) else {}
        if key == "init_start":
            facts["init_start_ms"] = min(time_ms, facts.get("init_start_ms", time_ms))
        elif key == "init_stop":
            facts.setdefault("init_stop_ms", time_ms)
        elif key == "run_start":
            if "run_stop_ms" not in facts:
                facts["run_start_ms"] = time_ms
        elif key == "run_stop":
            if "run_start_ms" in facts and "run_stop_ms" not in facts:
                facts["run_stop_ms"] = time_ms
                facts["succeeded"], facts["status"] = self._judge_stop(value, metadata)
        elif key == "submission_benchmark":
            facts.setdefault("benchmark", _text(value))
        elif key == "submission_division":
            facts.setdefault("division", _text(value))
        elif key in ("global_batch_size", "train_samples"):
            if (number := finite_number(value)) is not None:
                facts[key] = number
        elif key in _SETTINGS:
            setting = setting_value(_SETTINGS[key], value)
            said = self._settings.setdefault(_SETTINGS[key], setting)
            self._settings[_SETTINGS[key]] = setting if setting == said else None
        elif key == self._elapsed_key:
            seconds = finite_number(metadata.get("timestamp"))
            if seconds is not None:
                facts.setdefault("elapsed_ms", float(Decimal(repr(seconds)) * 1000))
        elif key in EVALUATION_KEYS and "run_stop_ms" not in facts:
            self._take_evaluation(value, metadata)

    def _take_evaluation(self, value: object, metadata: object) -> None:
        value, metadata = evaluation_parts(value, metadata)
        metric = metadata.get("metric")
        evaluation = Evaluation(
            value=value if isinstance(value, (int, float, str)) else _plain(value),
            epoch=finite_number(metadata.get("epoch_num", metadata.get("epoch"))),
            samples=finite_number(metadata.get("samples_count")),
            step=finite_number(metadata.get("step_num")),
            metric=metric if isinstance(metric, str) else None,
        )
        if evaluation.metric is None:
            self._unnamed_evaluation = evaluation
        else:
            self._paired_evaluations.append(evaluation)

    def _judge_stop(self, value: object, metadata: dict[str, Any]) -> tuple[bool, str | None]:
        """Whether a ``run_stop`` reports success, and the status as text for people."""
        rule = self._dialect.success
        part = metadata if rule.part == "metadata" else value
        if not isinstance(part, dict) or rule.field not in part:
            return rule.unsaid, None
        status = part[rule.field]
        return any(status is said or (isinstance(said, str) and status == said) for said in rule.says), _text(status)


def _text(value: object) -> str | None:
    """A short text for people; None stays None.

    Lists and objects are not written out: YAML can repeat a part of one so often that its text would fill the memory.
    """
    if isinstance(value, str):
        return value[:200]
    if value is None or isinstance(value, (bool, float)):
        return None if value is None else str(value)
    if isinstance(value, int):
        return str(value) if abs(value) < _LONG_INTEGER else "a long integer"
    return f"of type {type(value).__name__}"


def _plain(value: object) -> object:
    """Keeps the mappings and lists in which Mask R-CNN logs its two figures, drops what is nested deeper."""
    if isinstance(value, dict):
        return {str(k): v for k, v in value.items() if isinstance(v, (int, float, str))}
    if isinstance(value, list):
        return [v for v in value if isinstance(v, (int, float, str))]
    return None
