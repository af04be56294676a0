"""Parses one line of a log: bytes in, time, key, value and metadata out."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from ..values import finite_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..tables.rules import Dialect

#: Text that is not JSON is tried as YAML if it is within these limits of length and brackets: the time for nested brackets
#: grows with their square. The third limit is for one log. PyYAML then takes less than a second; published logs need none of
#: this.
_LONGEST_YAML = 4 << 10
_MOST_BRACKETS = 50
_MOST_YAML = 32 << 10
#: At most this many lines and bytes of lines are parsed in one log, which takes about as long as reading the largest log.
#: Published ones need up to 13,000 lines and 500 kB.
_MOST_LINES = 150_000
_MOST_BYTES = 16 << 20

#: Text whose single quotes can be replaced by double quotes: no quote is inside a string, and nothing is escaped.
_PLAIN_QUOTES = re.compile(r"""[^'"\\]*(?:(?:"[^'"\\]*"|'[^'"\\]*')[^'"\\]*)*""")


class MalformedLine(ValueError):
    """A token line that is not what its dialect says; the message says why."""


class Spent(Exception):
    """Too much of a log would have to be parsed; the message says what."""


class Allowance:
    """What may still be spent on one log, in lines and bytes, so that the limit does not depend on the machine."""

    def __init__(self) -> None:
        self._lines = _MOST_LINES
        self._bytes = _MOST_BYTES
        self._yaml = _MOST_YAML

    def spend(self, lines: int = 0, size: int = 0, yaml_size: int = 0) -> None:
        """Subtracts the cost of something.

        Raises:
            Spent: there is not enough left.
        """
        self._lines -= lines
        self._bytes -= size
        self._yaml -= yaml_size
        if self._lines < 0:
            raise Spent(f"more than {_MOST_LINES:,} lines to take apart; not read further")
        if self._bytes < 0:
            raise Spent(f"more than {_MOST_BYTES >> 20} MB of lines to take apart; not read further")
        if self._yaml < 0:
            raise Spent(f"more than {_MOST_YAML >> 10} kB of lines that are no JSON; not read further")


def parse_line(
    line: bytes,
    dialect: Dialect,
    wanted: frozenset[str],
    allowance: Allowance | None = None,
    *,
    in_seconds: bool = False,
) -> tuple[float, str, object, object]:
    """Parses a line, or what follows the first token of a line.

    Args:
        line: the bytes; anything before its last token is ignored.
        dialect: the form of the line.
        wanted: in dialects that write the key before the JSON, the JSON of other keys is skipped.
        allowance: what the line is charged to, if given.
        in_seconds: whether JSON lines have ``time_s``, the seconds since the start of the log, in place of ``time_ms``.

    Returns:
        Time in milliseconds since the epoch, or since the start of the log, key, value, metadata. Value and metadata are
        whatever the JSON holds.

    Raises:
        MalformedLine: the line is not what the dialect says.
        Spent: the allowance is not enough.
    """
    if allowance is not None:
        allowance.spend(lines=1, size=len(line))
    text = line.rpartition(dialect.token)[2].decode("latin-1").strip()
    match = dialect.record.fullmatch(text)
    if match is None:
        raise MalformedLine("not of the form that the round's logs have")
    groups = match.groupdict()
    if dialect.json == "line":
        return _parts(_load_json(groups["json"]), in_seconds)
    time_ms, key = _milliseconds_of_seconds(groups["seconds"]), groups["key"]
    if key not in wanted or groups["json"] is None:
        return time_ms, key, None, None
    content = _load_tolerant(groups["json"], allowance)
    if dialect.json == "value":
        return time_ms, key, content, None
    if not isinstance(content, dict):
        raise MalformedLine("not a JSON object")
    return time_ms, key, content.get("value"), content.get("metadata")


def _parts(record: object, in_seconds: bool) -> tuple[float, str, object, object]:
    if not isinstance(record, dict):
        raise MalformedLine("not a JSON object")
    clock = "time_s" if in_seconds else "time_ms"
    missing = [name for name in (clock, "key", "value", "metadata") if name not in record]
    if missing:
        raise MalformedLine(f"{', '.join(missing)} missing")
    if not isinstance(record["key"], str):
        raise MalformedLine("key is not a text")
    time = _number(record[clock], clock)
    return float(round(1000 * time)) if in_seconds else time, record["key"], record["value"], record["metadata"]


def gives_seconds(line: bytes) -> bool:
    """Whether a line has the seconds since the start of its log in place of a time."""
    return b'"time_s"' in line and b'"time_ms"' not in line


def key_of_beginning(line: bytes, dialect: Dialect) -> str | None:
    """The key of a record that has more text after it on its line; None where no record begins after the last token."""
    text = line.rpartition(dialect.token)[2].decode("latin-1").strip()
    if dialect.json != "line":
        match = dialect.record.match(text)
        return match["key"] if match else None
    if not text.startswith("{"):
        return None
    try:
        record, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    key = record.get("key")
    return key if isinstance(key, str) else None


class LoggedLine(msgspec.Struct, gc=False, eq=False):
    """What is kept of a line that is entirely JSON; a line that does not fit may still be well-formed.

    Value and metadata are parsed on demand. Do not change them. Whoever keeps the line sets ``ordinal``, its number among
    the lines with a token, counted from 0.
    """

    time_ms: Annotated[int, msgspec.Meta(ge=0, le=10**18)]
    key: str
    raw_value: msgspec.Raw = msgspec.field(name="value")
    raw_metadata: msgspec.Raw = msgspec.field(name="metadata")
    ordinal: int = msgspec.field(default=0, name=":::MLLOG ")  # a line with another token is not decoded

    @property
    def time(self) -> float:
        """Milliseconds, as the checkers of mlperf_logging compute with them."""
        return float(self.time_ms)

    @property
    def value(self) -> Any:
        """Whatever the line says."""
        return value_of(bytes(self.raw_value))

    @property
    def metadata(self) -> Any:
        """Whatever the line says."""
        return value_of(bytes(self.raw_metadata))


class ParsedLine(msgspec.Struct, eq=False):
    """A line that was parsed, or made from other lines; its raw parts are empty."""

    raw_value: ClassVar[bytes] = b""
    raw_metadata: ClassVar[bytes] = b""
    ordinal: int
    time: float
    key: str
    value: Any
    metadata: Any


KeptLine = LoggedLine | ParsedLine

_decode = msgspec.json.Decoder().decode


def values_of(lines: Sequence[KeptLine]) -> list[Any]:
    """The values of lines that hardly repeat any, such as the seeds of all ranks: most are decoded in one call."""
    raw = [line.raw_value for line in lines if isinstance(line, LoggedLine)]
    if len(raw) == len(lines) and (data := b",".join(raw)).isascii():
        try:
            values: list[Any] = _decode(b"[" + data + b"]")
        except (msgspec.DecodeError, RecursionError):
            pass
        else:
            return values
    return [line.value for line in lines]


@functools.lru_cache(8192)
def value_of(data: bytes) -> object:
    """The value or the metadata of a well-formed line; do not change it. Logs of one result share the same ones."""
    return _content_of(data)


def value_and_metadata(line: bytes) -> tuple[object, object]:
    """Value and metadata of a well-formed line that is entirely JSON."""
    record = _content_of(line)
    return record["value"], record["metadata"]


def _content_of(data: bytes) -> Any:
    """What well-formed JSON says. Python's parser reads what msgspec refuses: numbers out of range, half of a surrogate."""
    if data.isascii():
        try:
            return _decode(data)
        except (msgspec.DecodeError, RecursionError):
            pass
    return json.loads(data.decode("latin-1"))


def evaluation_parts(value: object, metadata: object) -> tuple[object, dict[str, Any]]:
    """Value and metadata of an evaluation."""
    if isinstance(value, dict) and "value" in value:  # round 0.5: {"epoch": 3, "value": 0.7}
        return value["value"], value
    if isinstance(value, dict) and isinstance(
        value.get("accuracy"), dict
    ):  # 0.6: {"accuracy": {"BBOX": 0.38, "SEGM": 0.34}}
        value = value["accuracy"]
    return value, metadata if isinstance(metadata, dict) else {}


@functools.lru_cache(1)
def decoded(text: str) -> tuple[Any, ValueError | RecursionError | None]:
    """What JSON says, or why it says nothing. Whoever checks a log asks twice for each line that is not well-formed."""
    try:
        return json.loads(text), None
    except (ValueError, RecursionError) as error:
        return None, error.with_traceback(None)


def _load_json(text: str) -> object:
    record, error = decoded(text)
    if error is None:
        return record
    if isinstance(error, RecursionError):
        raise MalformedLine("JSON is nested too deeply")
    if not isinstance(error, json.JSONDecodeError):
        raise MalformedLine("not JSON (a number is too long)")
    if error.msg == "Extra data" and text.startswith("{", error.pos):
        raise MalformedLine("two records on one line")
    raise MalformedLine(f"not JSON ({error.msg})")


def _load_tolerant(text: str, allowance: Allowance | None) -> object:
    """Parses JSON or near-JSON: round 0.6 has lines with Python quotes and bare words, which are YAML flow mappings."""
    quoted_alike = text.replace("'", '"') if _PLAIN_QUOTES.fullmatch(text) else None
    for spelling in filter(None, (text, quoted_alike)):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(spelling)
    if len(text) > _LONGEST_YAML or text.count("[") + text.count("{") > _MOST_BRACKETS:
        raise MalformedLine("not JSON")
    if allowance is not None:
        allowance.spend(yaml_size=len(text))
    from .flow import parse_flow  # PyYAML, which hardly any log needs

    try:
        return parse_flow(text)
    except ValueError:
        raise MalformedLine("not JSON") from None


def _number(value: object, name: str) -> float:
    number = finite_number(value)
    if number is None:
        raise MalformedLine(f"{name} is not a number")
    return float(number)


def _milliseconds_of_seconds(text: str) -> float:
    """Exact milliseconds: moves the decimal point before the text becomes a binary number."""
    try:
        time_ms = float(Decimal(text) * 1000)
    except ArithmeticError:
        time_ms = math.nan
    if not math.isfinite(time_ms):
        raise MalformedLine("the time is not a number")
    return time_ms
