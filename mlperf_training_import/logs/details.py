"""Keeps what only the data set needs of a log: lines in, a :class:`~..model.LogDetails` out.

It is told the lines by :class:`~.log.LogReader` while that reads them, so that a log is read once. Details are handed on as
bytes, and read when their rows are written: those of a round are as many objects as there are evaluations.
"""

from __future__ import annotations

import contextlib
import json
import pickle
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from ..model import LogDetails, LoggedSetting, TimedEvaluation
from ..tables.log_keys import left_out_keys
from ..values import clean_text, finite_number
from .evaluation import EVALUATION_KEYS, evaluation_of
from .line import Allowance, MalformedLine, Spent, evaluation_parts, parse_line, value_and_metadata, value_of

if TYPE_CHECKING:
    from ..model import RunLog
    from ..tables.rules import Dialect

_SPAN_KEYS = frozenset({"eval_start", "eval_stop"})
#: Published logs name up to 70 settings, in up to 50 characters; what is beyond these is not kept.
_MOST_SETTINGS = 1000
_LONGEST_KEY = 100
_LONGEST_TEXT = 1000
#: A larger integer is no setting, and has no exact place in a column of numbers.
_LARGEST_INTEGER = 2**63


class _WithoutEvaluations(msgspec.Struct, gc=False):
    """What is left of details whose evaluations are not needed: to read them takes longest."""

    evaluation_lines: int
    settings: tuple[LoggedSetting, ...]
    evaluation_ms: float | None


#: How packed details begin: those that may be kept, and those that are for this process only.
_PORTABLE, _OWN = b"m", b"p"
_decode = msgspec.msgpack.Decoder(LogDetails).decode
_decode_rest = msgspec.msgpack.Decoder(_WithoutEvaluations).decode


def pack(details: LogDetails) -> bytes:
    """Details as bytes, which take a tenth of the memory and of the time between processes."""
    try:
        return _PORTABLE + msgspec.msgpack.encode(details)
    except (OverflowError, ValueError):  # an integer of more than 64 bits, or half of a surrogate
        return _OWN + pickle.dumps(details)


def unpack(data: bytes, *, with_evaluations: bool = True) -> LogDetails:
    """The details that :func:`pack` was given. They are read faster where evaluations are not needed.

    Raises:
        ValueError: they are neither from this process nor :func:`is_portable`, and damaged.
    """
    if not is_portable(data):
        details: LogDetails = pickle.loads(data[1:])  # noqa: S301 - this process or one of its workers has made these bytes
        return details
    if with_evaluations:
        return _decode(data[1:])
    rest = _decode_rest(data[1:])
    return LogDetails((), rest.evaluation_lines, rest.settings, rest.evaluation_ms)


def is_portable(data: bytes) -> bool:
    """Whether packed details can be read whoever wrote them."""
    return data.startswith(_PORTABLE)


class DetailsReader:
    """Collects the evaluations and the settings of one log."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._allowance = Allowance()
        self._left_out = left_out_keys().keys() - EVALUATION_KEYS - _SPAN_KEYS
        self._settings: dict[str, LoggedSetting] = {}
        self._known: dict[str, bytes] = {}  # a value that was taken of each key, as it stands in its line
        self._repeats: Counter[str] = Counter()  # lines with that value that were not parsed
        self._evaluations: list[TimedEvaluation] = []
        self._evaluation_lines = 0
        self._eval_start_ms: float | None = None
        self._spans: list[tuple[float, float]] = []

    def wants(self, key: str) -> bool:
        """Whether something is kept of the lines with a key."""
        return key not in self._left_out

    def take(self, line: bytes, key: str, *, is_over: bool) -> None:
        """Takes a line with a key that is wanted; one whose content cannot be read is passed over.

        Where too many would have to be taken apart, evaluations are counted still, and the rest is passed over.

        Args:
            line: what follows the token.
            key: its key.
            is_over: whether the run that counts has stopped before.
        """
        self._evaluation_lines += key in EVALUATION_KEYS
        with contextlib.suppress(MalformedLine, Spent):
            time_ms, _, value, metadata = parse_line(line, self._dialect, frozenset({key}), self._allowance)
            if key in EVALUATION_KEYS:
                self._take_evaluation(time_ms, key, value, metadata, is_over)
            elif key in _SPAN_KEYS:
                self._take_span(time_ms, is_start=key == "eval_start")
            else:
                self._take_setting(key, value)

    def take_known(self, line: bytes, time_ms: int, key: str, value: msgspec.Raw, *, is_over: bool) -> None:
        """Takes a well-formed line as :meth:`take` does, given its parts; parses no more of it than is needed.

        In some logs every rank says every setting: what is said again is not parsed again.
        """
        self._evaluation_lines += key in EVALUATION_KEYS
        if key in _SPAN_KEYS:
            self._take_span(float(time_ms), is_start=key == "eval_start")
        elif self._known.get(key) == (data := bytes(value)):
            self._repeats[key] += 1
        else:
            with contextlib.suppress(Spent):
                self._allowance.spend(lines=1, size=len(line))
                if key in EVALUATION_KEYS:
                    self._take_evaluation(float(time_ms), key, *value_and_metadata(line), is_over)
                    return
                self._take_setting(key, value_of(data))
                if key in self._settings:
                    self._known.setdefault(key, data)

    def details(self, log: RunLog) -> LogDetails:
        """What was collected, given what the log says about its run."""
        return LogDetails(
            evaluations=tuple(self._evaluations),
            evaluation_lines=self._evaluation_lines,
            settings=tuple(s._replace(lines=s.lines + self._repeats[key]) for key, s in self._settings.items()),
            evaluation_ms=self._evaluation_ms(log.run_start_ms, log.run_stop_ms),
        )

    def _take_evaluation(self, time_ms: float, key: str, value: object, metadata: object, is_over: bool) -> None:
        evaluation = evaluation_of(*evaluation_parts(value, metadata))
        self._evaluations.append(TimedEvaluation(self._evaluation_lines, time_ms, key, is_over, evaluation))

    def _take_setting(self, key: str, value: object) -> None:
        text = _setting_text(value)
        if text is None or len(key) > _LONGEST_KEY:
            return
        said = self._settings.get(key)
        if said is not None:
            self._settings[key] = said._replace(lines=said.lines + 1, differs=said.differs or said.value != text)
        elif len(self._settings) < _MOST_SETTINGS and (name := clean_text(key)):
            number = finite_number(value)
            self._settings[key] = LoggedSetting(name, text, None if number is None else float(number), 1, False)

    def _take_span(self, time_ms: float, *, is_start: bool) -> None:
        """An evaluation lasts from a start to the next stop: several ranks may log each of them."""
        if is_start and self._eval_start_ms is None:
            self._eval_start_ms = time_ms
        elif not is_start and self._eval_start_ms is not None:
            self._spans.append((self._eval_start_ms, time_ms))
            self._eval_start_ms = None

    def _evaluation_ms(self, run_start_ms: float | None, run_stop_ms: float | None) -> float | None:
        if not self._spans or run_start_ms is None or run_stop_ms is None:
            return None
        inside = ((max(start, run_start_ms), min(stop, run_stop_ms)) for start, stop in self._spans)
        return sum(stop - start for start, stop in inside if stop > start)


def _setting_text(value: object) -> str | None:
    """A scalar, or a list of numbers, as text; None for anything else."""
    if isinstance(value, str):
        text = clean_text(value)
    elif isinstance(value, list):
        parts = [_number_text(number) for number in value[:_LONGEST_TEXT]]
        text = None if None in parts else f"[{', '.join(filter(None, parts))}]"
    else:
        text = json.dumps(value) if isinstance(value, bool) else _number_text(value)
    return text if text is not None and len(text) <= _LONGEST_TEXT else None


def _number_text(value: object) -> str | None:
    if not isinstance(value, (int, float)) or finite_number(value) is None:
        return None
    is_long = isinstance(value, int) and abs(value) >= _LARGEST_INTEGER
    return None if is_long or isinstance(value, bool) else repr(value)
