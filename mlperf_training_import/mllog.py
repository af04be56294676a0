"""Reads one log into a :class:`~.model.RunLog`: log file in, what it says out.

A log is read once, in blocks, as bytes. Most of its token lines say nothing that a score needs, so one regular
expression per block steps over those that are well-formed beyond doubt and hands the rest to the JSON parser: lines with
a wanted key, and lines that might be malformed. That the two agree is what ``tests/test_mllog.py`` proves.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import BinaryIO

import yaml

from .model import Evaluation, RunLog
from .tables import Dialect

#: A log is read in blocks of this many bytes, so that memory does not grow with its size.
BLOCK_BYTES = 4 << 20
#: A line that is longer than this is not parsed; if it has a token it is malformed.
LONGEST_LINE_BYTES = 16 << 20

_EVALUATION_KEYS = frozenset({"eval_accuracy", "eval_error"})
_WANTED_KEYS = _EVALUATION_KEYS | {
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


class MalformedLine(ValueError):
    """A token line that is not what its dialect says; the message says why."""


def read_log(path: Path, dialect: Dialect, name: str, elapsed_key: str | None = None) -> RunLog:
    """Reads a log.

    Args:
        path: the file.
        dialect: the form of its lines.
        name: the path that the record carries, relative to the round.
        elapsed_key: a key whose ``metadata.timestamp`` is the duration in seconds, where the round has one.

    Returns:
        What the log says. A file that cannot be read comes back with ``trouble``, never as an exception.
    """
    reader = LogReader(dialect, name, elapsed_key)
    try:
        with path.open("rb", buffering=0) as stream:
            for block in iter_blocks(stream):
                reader.feed(block)
    except OSError as error:
        return RunLog(path=name, trouble=error.strerror or type(error).__name__)
    return reader.finish()


def iter_blocks(stream: BinaryIO, size: int = BLOCK_BYTES, longest_line: int = LONGEST_LINE_BYTES) -> Iterator[bytes]:
    r"""Blocks of whole lines (split at ``\n`` only), each about ``size`` bytes; the last may lack its newline.

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
            yield carry + data[:end] if carry else data[:end]
            carry = data[end:]
        else:
            carry += data
        if len(carry) > longest_line:
            yield carry[:longest_line] + b"\n"
            carry, skipping = b"", True
    if carry:
        yield carry


class LogReader:
    """Collects what the blocks of one log say. Feed it blocks of whole lines in order, then call :meth:`finish`."""

    def __init__(self, dialect: Dialect, name: str, elapsed_key: str | None = None) -> None:
        self._dialect = dialect
        self._name = name
        self._elapsed_key = elapsed_key
        self._doubtful_lines = _doubtful_lines_finder(dialect)
        self._facts: dict[str, object] = {}
        self._last_evaluation: dict[str | None, Evaluation] = {}
        self._paired_evaluations: list[Evaluation] = []
        self._lines = 0
        self._malformed_lines = 0
        self._newlines_before = 0
        self._block = b""

    def feed(self, block: bytes) -> None:
        """Takes the next block."""
        self._newlines_before += self._block.count(b"\n")
        self._block = block
        found = self._doubtful_lines(block)
        self._lines += len(found)
        for line in filter(None, found):
            try:
                record = parse_line(line, self._dialect, _WANTED_KEYS)
            except MalformedLine as error:
                self._malformed_lines += 1
                if self._malformed_lines == 1:
                    self._facts["malformed"] = f"line {self._number_of_first_malformed_line()}: {error}"
                continue
            if record[1] in _WANTED_KEYS:
                self._take(*record)

    def finish(self) -> RunLog:
        """The record of everything that was fed."""
        return RunLog(
            path=self._name,
            lines=self._lines,
            malformed_lines=self._malformed_lines,
            evaluations=(*self._paired_evaluations, *self._last_evaluation.values()),
            **self._facts,
        )

    def _number_of_first_malformed_line(self) -> int:
        for number, line in enumerate(self._block.split(b"\n"), self._newlines_before + 1):
            if self._dialect.token in line:
                try:
                    parse_line(line, self._dialect, _WANTED_KEYS)
                except MalformedLine:
                    return number
        raise AssertionError("called without a malformed line in the block")

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
        elif key == self._elapsed_key:
            seconds = finite_number(metadata.get("timestamp"))
            if seconds is not None:
                facts.setdefault("elapsed_ms", float(Decimal(repr(seconds)) * 1000))
        elif key in _EVALUATION_KEYS and "run_stop_ms" not in facts:
            self._take_evaluation(value, metadata)

    def _take_evaluation(self, value: object, metadata: dict) -> None:
        if isinstance(value, dict) and "value" in value:  # round 0.5: {"epoch": 3, "value": 0.7}
            metadata, value = value, value["value"]
        metric = metadata.get("metric")
        evaluation = Evaluation(
            value=value if isinstance(value, (int, float, str)) else _plain(value),
            epoch=finite_number(metadata.get("epoch_num", metadata.get("epoch"))),
            samples=finite_number(metadata.get("samples_count")),
            step=finite_number(metadata.get("step_num")),
            metric=metric if isinstance(metric, str) else None,
        )
        if evaluation.metric is None:
            self._last_evaluation[None] = evaluation
        else:
            self._paired_evaluations.append(evaluation)

    def _judge_stop(self, value: object, metadata: dict) -> tuple[bool, str | None]:
        """Whether a ``run_stop`` reports success, and the status as text for people."""
        rule = self._dialect.success
        part = metadata if rule.part == "metadata" else value
        if not isinstance(part, dict) or rule.field not in part:
            return rule.unsaid, None
        status = part[rule.field]
        return any(status is said or (isinstance(said, str) and status == said) for said in rule.says), _text(status)


def parse_line(line: bytes, dialect: Dialect, wanted: frozenset[str]) -> tuple[float, str, object, object]:
    """Parses a line, or what follows the first token of a line.

    Args:
        line: the bytes; what is before its last token is ignored.
        dialect: the form of the line.
        wanted: in dialects whose key stands before the JSON, the JSON of other keys is not looked at.

    Returns:
        Time in milliseconds since the epoch, key, value, metadata. Value and metadata are whatever the JSON holds.

    Raises:
        MalformedLine: the line is not what the dialect says.
    """
    text = line.rpartition(dialect.token)[2].decode("latin-1").strip()
    match = dialect.record.fullmatch(text)
    if match is None:
        raise MalformedLine("not of the form that the round's logs have")
    groups = match.groupdict()
    if dialect.json == "line":
        record = _load_json(groups["json"])
        if not isinstance(record, dict):
            raise MalformedLine("not a JSON object")
        missing = [name for name in ("time_ms", "key", "value", "metadata") if name not in record]
        if missing:
            raise MalformedLine(f"{', '.join(missing)} missing")
        if not isinstance(record["key"], str):
            raise MalformedLine("key is not a text")
        return _milliseconds(record["time_ms"]), record["key"], record["value"], record["metadata"]
    time_ms, key = _milliseconds_of_seconds(groups["seconds"]), groups["key"]
    if key not in wanted or groups["json"] is None:
        return time_ms, key, None, None
    content = _load_tolerant(groups["json"])
    if dialect.json == "value":
        return time_ms, key, content, None
    if not isinstance(content, dict):
        raise MalformedLine("not a JSON object")
    return time_ms, key, content.get("value"), content.get("metadata")


def finite_number(value: object) -> float | int | None:
    """The number that a JSON value is or spells (``8``, ``1.0``, ``"8"``), None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                return None
    if not isinstance(value, (int, float)):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def _load_json(text: str) -> object:
    try:
        return json.loads(text)
    except RecursionError:
        raise MalformedLine("JSON is nested too deeply") from None
    except ValueError as error:
        raise MalformedLine(f"not JSON ({getattr(error, 'msg', 'a number is too long')})") from None


def _load_tolerant(text: str) -> object:
    """JSON, or nearly: round 0.6 has lines with Python quotes and bare words, which are YAML flow mappings."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return yaml.load(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError, LookupError, AttributeError):
        # Beside its own errors PyYAML lets through those of its constructors: `!!int ""`, `!!bool x`, `!!timestamp x`.
        raise MalformedLine("not JSON") from None


def _milliseconds(value: object) -> float:
    number = finite_number(value)
    if number is None:
        raise MalformedLine("time_ms is not a number")
    return float(number)


def _milliseconds_of_seconds(text: str) -> float:
    """Exact: the decimal point is moved before the text becomes a binary number."""
    try:
        time_ms = float(Decimal(text) * 1000)
    except (InvalidOperation, OverflowError):
        time_ms = math.nan
    if not math.isfinite(time_ms):
        raise MalformedLine("the time is not a number")
    return time_ms


def _text(value: object) -> str | None:
    """A short text for people; None stays None."""
    return None if value is None else str(value)[:200]


def _plain(value: object) -> object:
    """Keeps the mappings and lists in which Mask R-CNN logs its two figures, drops what is nested deeper."""
    if isinstance(value, dict):
        return {str(k): v for k, v in value.items() if isinstance(v, (int, float, str))}
    if isinstance(value, list):
        return [v for v in value if isinstance(v, (int, float, str))]
    return None


_STRING = rb'"[^"\\:\x00-\x1f]*"'
_NUMBER = rb"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_SCALAR = rb"(?:" + _NUMBER + rb"|" + _STRING + rb"|null|true|false)"
_PAIR = _STRING + rb": ?" + _SCALAR
_OBJECT = rb"\{(?:" + _PAIR + rb"(?:, ?" + _PAIR + rb")*)?\}"
_ARRAY = rb"\[(?:" + _SCALAR + rb"(?:, ?" + _SCALAR + rb")*)?\]"


@functools.cache
def _doubtful_lines_finder(dialect: Dialect):
    """A function from a block to one item per token line: empty for a line that can be passed over, else its text.

    Passed over are lines in the layout of the mlperf_logging package with a key that is not wanted: plain numbers and
    strings without escapes or colons (a colon could be a second token), nothing nested deeper than one level.
    """
    # The last byte of the token, a blank, is part of the text: an empty item means a line that is passed over, and a token
    # with nothing after it is malformed.
    token, blank = re.escape(dialect.token[:-1]), re.escape(dialect.token[-1:])
    everything = token + rb"(" + blank + rb"[^\n]*)"
    if dialect.json != "line":
        return re.compile(everything).findall
    wanted = b"|".join(re.escape(key.encode()) for key in sorted(_WANTED_KEYS))
    plain = (
        rb'\{(?:"namespace": ?' + _STRING + rb', ?)?"time_ms": ?[1-9][0-9]{0,17}, ?'
        rb'(?:"event_type": ?' + _STRING + rb', ?)?"key": ?(?!"(?:' + wanted + rb')")' + _STRING + rb", ?"
        rb'"value": ?(?:' + _SCALAR + rb"|" + _OBJECT + rb"|" + _ARRAY + rb"), ?"
        rb'"metadata": ?' + _OBJECT + rb"\}[ \t\r]*(?:\n|\Z)"
    )
    return re.compile(token + rb"(?:" + blank + plain + rb"|(" + blank + rb"[^\n]*))").findall
