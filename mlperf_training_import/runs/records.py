"""Extracts the MLPerf records of a line, whatever launchers and log shippers wrapped around them: a line in, records out."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from ..logs.evaluation import EVALUATION_KEYS, LONGEST_TEXT
from ..logs.line import Allowance, MalformedLine, gives_seconds, parse_line, value_of
from ..tables.rules import Dialect, dialects
from ..values import clean_text, finite_number
from .texts import TOKEN_START

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _name(value: object) -> str | None:
    """The name of a benchmark as it is, unless it is blank: what no folder can be called is refused, not put right."""
    return value[:LONGEST_TEXT] if isinstance(value, str) and value.strip() else None


#: Keys of records that tell runs apart, with the attribute of a run that each fills and what makes it of the value.
FACTS: dict[str, tuple[str, Callable[[object], Any]]] = {
    "opt_base_learning_rate": ("learning_rate", finite_number),
    "seed": ("seed", finite_number),
    "submission_benchmark": ("benchmark", _name),
    "submission_org": ("organisation", clean_text),
    "submission_platform": ("platform", clean_text),
    "train_samples": ("dataset_samples", finite_number),
}
#: Keys of records whose value is needed; of others only time and key.
_WANTED = frozenset(EVALUATION_KEYS | FACTS.keys() | {"run_stop"})
#: Escapes of terminals, also as strings of JSON spell them.
_COLOUR = re.compile(rb"(?:\x1b|(?<!\\)\\+(?:u001[bB]|x1[bB]|033|e))\[[0-9;:?]*[ -/]*[@-~]")
#: What follows the last record in old dialects, whose records may have no end of their own: a rank in brackets.
_RANK = re.compile(rb"(?<![:\s])\s+[\[(<][^\[\](){}<>]*[\])>]\s*$")
_PAYLOAD = re.compile(rb"[^{]*:\s*\{.*\}", re.DOTALL)
_QUOTED = re.compile(rb'[^"\\]*:\s*"')
_STRING = re.compile(rb'(?:[^"\\]|\\.)*', re.DOTALL)
_CELL_BEGINS, _CELL = re.compile(rb'[^"]*\{""\w'), re.compile(rb'(?:[^"]|"")*')
#: A string of JSON in one of JSON, and so on.
_DEEPEST_STRING = 4


class Record(NamedTuple):
    """One record. A malformed one has an empty key, and says ``why``.

    ``text`` is the record as a line of its own. Only evaluations, :data:`FACTS` and ``run_stop`` have value and metadata.
    ``benchmark`` is what the lines of round 0.5 name beside the time.
    """

    dialect: Dialect
    text: bytes
    key: str
    time_ms: float = 0.0
    value: object = None
    metadata: object = None
    benchmark: str | None = None
    why: str = ""


class _Line(msgspec.Struct, gc=False):
    time_ms: float
    key: str
    value: msgspec.Raw
    metadata: msgspec.Raw


_decode = msgspec.json.Decoder(_Line).decode
_raw_decode = json.JSONDecoder().raw_decode


@functools.cache
def _tokens() -> tuple[re.Pattern[bytes], dict[bytes, Dialect]]:
    """What finds a token with the blank behind it, or with the record right behind it; and the dialects by token."""
    known = {dialect.token.strip(): dialect for dialect in dialects().values()}
    return re.compile(rb"(%b)(?: |(?=[{\t]))" % b"|".join(map(re.escape, known))), known


def iter_records(line: bytes, allowance: Allowance) -> Iterator[Record]:
    """The records in a line; of those that are not whole only the last one, as when a submission is read.

    Raises:
        Spent: too much would have to be taken apart.
    """
    if TOKEN_START not in line:
        return
    if b"\x1b" in line or b"\\" in line:
        line = _COLOUR.sub(b"", line)
    pattern, known = _tokens()
    places = list(pattern.finditer(line))
    ends = [place.start() for place in places[1:]] + [len(line)]
    for place, end in zip(places, ends, strict=False):
        record = _record(known[place[1]], line[place.end() : end], allowance)
        if record.key or end == len(line):
            yield record


def _record(dialect: Dialect, text: bytes, allowance: Allowance) -> Record:
    text = out_of_strings(text).strip()
    if dialect.json == "line":
        if not text.startswith(b"{"):  # some lines repeat the token alone a hundred thousand times
            allowance.spend(lines=1, size=len(text))
            return Record(dialect, dialect.token + text, "", why="not a JSON object")
        if record := _whole_record(dialect, text) or _whole_record(dialect, text := object_in(text)):
            return record
    elif payload := _PAYLOAD.match(text):
        text = payload[0]
    elif not _QUOTED.match(text):  # no value that ends by itself: cut at the end of a string of JSON, or before a rank
        text = _RANK.sub(b"", re.split(rb'"|\\n', text, maxsplit=1)[0])
    try:
        time_ms, key, value, metadata = parse_line(
            dialect.token + text, dialect, _WANTED, allowance, in_seconds=gives_seconds(text)
        )
    except MalformedLine as error:
        return Record(dialect, dialect.token + text, "", why=str(error))
    match = dialect.record.match(text.decode("latin-1")) if "benchmark" in dialect.record.groupindex else None
    return Record(dialect, dialect.token + text, key, time_ms, value, metadata, match["benchmark"] if match else None)


def _whole_record(dialect: Dialect, text: bytes) -> Record | None:
    """The record in a line that is JSON as a whole; None where that must be looked at more closely."""
    try:
        known = _decode(text)
        if known.key in _WANTED:
            value, metadata = value_of(bytes(known.value)), value_of(bytes(known.metadata))
            return Record(dialect, dialect.token + text, known.key, known.time_ms, value, metadata)
    except (ValueError, RecursionError):  # msgspec's errors are values' errors
        return None
    return Record(dialect, dialect.token + text, known.key, known.time_ms)


def object_in(text: bytes) -> bytes:
    """The JSON object that a text begins with, without what follows; the text where there is none."""
    try:
        _, end = _raw_decode(text.decode("latin-1"))
    except (ValueError, RecursionError):
        return text
    return text[:end]


def out_of_strings(text: bytes) -> bytes:
    """A record without the strings of JSON that it is in, as log shippers write them whatever their keys and their order.

    Within a string the first quote of the record has a backslash before it; within a cell of CSV it is there twice.
    """
    if _CELL_BEGINS.match(text) and (cell := _CELL.match(text)):
        text = cell[0].replace(b'""', b'"')
    for _ in range(_DEEPEST_STRING):
        before, quote, _ = text.partition(b'"')
        if not (quote and before.endswith(b"\\")) and b"{\\u0022" not in before:
            break
        string = _STRING.match(text)
        try:
            text = str(json.loads(b'"%b"' % (string[0] if string else text))).encode("utf-8", "replace")
        except ValueError:
            break
    return text
