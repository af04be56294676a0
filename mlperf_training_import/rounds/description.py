"""Reads system descriptions: a JSON file in, a :class:`~..model.System` out."""

from __future__ import annotations

import ast
import codecs
import contextlib
import errno
import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from ..model import System
from ..regular import open_regular, read_regular
from ..tables.descriptions import SYSTEM_TOKEN, UNKNOWN, description_keys
from ..values import clean_text, finite_number

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..values import JsonObject

_COUNTS = ("nodes", "host_processors_per_node", "accelerators_per_node")
#: The longest published description has a few thousand bytes.
_LARGEST_FILE_BYTES = 1 << 20
#: A larger count is a mistake.
_LARGEST_COUNT = 10**8
#: How alike two spellings of one key are, from 0 to 1. Published misspellings have 0.9 and more; two keys that mean
#: different things (``host_processors_per_node``, ``accelerators_per_node``) have less than 0.8.
_ALIKE = 0.85
#: Longer text is not read as Python; NVIDIA's has some two thousand characters.
_LONGEST_PYTHON = 20_000
#: A finding shows at most this much of a value that cannot be read.
_LONGEST_SHOWN = 60
#: A number with a unit, a multiplication sign or a remark around it, and no other number outside of the remark.
_COUNT = re.compile(
    r"x? ?(?P<number>\d{1,3}(?:,\d{3})+|\d+)(?:\.0+)?(?: ?x(?! ?\d).*|(?: ?[a-z][a-z .-]*)?(?: ?\(.*\))?)",
    re.ASCII | re.IGNORECASE,
)
_MEMORY = re.compile(r"(?P<number>\d{1,7}(?:\.\d{1,3})?) ?(?P<unit>[MGmg])i?[Bb]?\b", re.ASCII)
_PROCESSORS = re.compile(r"(?:(?P<count>\d{1,4})x )?(?P<model>.+)", re.ASCII)
_TPU = re.compile(r"tpu ?v[23]-(?P<cores>\d{1,6})", re.ASCII | re.IGNORECASE)
_LINE = re.compile(rb"^(?P<key>\w+): (?P<payload>\{.*\})[ \r]*$", re.ASCII | re.MULTILINE)
#: A comma before a closing bracket, or a text, in which commas stay; a text without an end is the rest, so that
#: no quote is looked at twice.
_COMMA_OR_TEXT = re.compile(rb'(?P<text>"(?:[^"\\]|\\.)*(?:"|\Z))|,(?=\s*[}\]])', re.DOTALL)
_LOGGED = SYSTEM_TOKEN + b"{"


class Description(msgspec.Struct, frozen=True):
    """A description as it was read.

    ``missing`` are the keys, in their right spelling, that it should have had and that say nothing in it. ``misspelt`` maps
    some of them to a key of the description that the table does not know and that looks like them. ``not_read`` are the keys
    that say something which is no value of theirs, with what they say. ``has_commas`` says that it has commas before closing
    brackets, which JSON does not allow.
    """

    record: System
    missing: tuple[str, ...]
    misspelt: dict[str, str]
    not_read: dict[str, str]
    has_commas: bool = False


def read_description(path: Path, *, counts_per_node: bool = True) -> Description:
    """Reads a description of any form, and says what is missing in it.

    Args:
        path: the file.
        counts_per_node: whether a list of kinds of nodes counts what each node has; in round 0.5 some count all of them.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file holds no JSON object; the message says where the error is.
    """
    data = _read_file(path)
    try:
        return _described(_load_object(data), counts_per_node)
    except ValueError:
        if (logged := _from_lines(data)) is not None:
            return _described(logged)
        with contextlib.suppress(ValueError):
            content = _load_object(_COMMA_OR_TEXT.sub(rb"\g<text>", data))
            return msgspec.structs.replace(_described(content, counts_per_node), has_commas=True)
        raise


def read_logged_description(log: Path) -> Description | None:
    """The description that a log of round 4.0 or later has in a ``:::SYSJSON`` line near its beginning; None without one.

    Raises:
        OSError: the log cannot be read.
    """
    with open_regular(log) as stream:
        head = stream.read(_LARGEST_FILE_BYTES)
    for line in head.split(b"\n"):
        _, token, rest = line.rstrip(b" \r").partition(_LOGGED)
        if not token or not rest.endswith(b"}"):
            continue
        try:
            content = _load_object(b"{" + rest)
        except ValueError:
            continue
        return _described({key: value for key, value in content.items() if not str(value).startswith(UNKNOWN)})
    return None


def _described(content: JsonObject, counts_per_node: bool = True) -> Description:
    record = system_of(content, counts_per_node)
    unread = {field: names for field, names in description_keys().items() if getattr(record, field) is None}
    said = {names[0]: value for names in unread.values() if (value := _first(content, names)) is not None}
    not_read = {} if isinstance(content.get("nodes"), list) else {name: _short(value) for name, value in said.items()}
    missing = tuple(names[0] for names in unread.values() if names[0] not in not_read)
    return Description(record, missing, _misspelt(content, missing) if missing else {}, not_read)


def _misspelt(content: JsonObject, missing: Iterable[str]) -> dict[str, str]:
    """The keys among the missing ones that a description seems to have in another spelling, with that spelling."""
    from difflib import get_close_matches  # most descriptions lack no key

    known = {name for names in description_keys().values() for name in names}
    unknown = {_folded(key): key for key in content if key not in known}
    close = {name: get_close_matches(_folded(name), unknown, n=1, cutoff=_ALIKE) for name in missing}
    return {name: unknown[match] for name, matches in close.items() for match in matches}


def system_of(description: JsonObject, counts_per_node: bool = True) -> System:
    """The record of a description; the arguments are those of :func:`read_description`."""
    if isinstance(description.get("nodes"), list):
        description = _from_entry(description, counts_per_node) | description
    values = {field: _first(description, names) for field, names in description_keys().items()}
    read: dict[str, Any] = {field: (_count if field in _COUNTS else clean_text)(value) for field, value in values.items()}
    return System(
        **{field: value for field, value in read.items() if field != "division"},
        division=normal_division(values["division"]),
        accelerator_memory_gb=_gigabytes(description.get("accelerator_memory_capacity")),
        notes=";".join(filter(None, (clean_text(description.get(key)) for key in ("hw_notes", "sw_notes")))) or None,
    )


def normal_division(value: object) -> str | None:
    """``closed`` or ``open`` for any spelling in use (``Closed``, ``close``), None for anything else."""
    text = value.strip().lower() if isinstance(value, str) else ""
    return {"closed": "closed", "close": "closed", "open": "open"}.get(text)


def _from_lines(data: bytes) -> JsonObject | None:
    """NVIDIA's descriptions of round 0.6, lines of a log without token and time, in the form of round 0.5; None for others.

    ``entry: {"value": "<a Python dict as text>"}`` has a dict as text for its nodes in turn.
    """
    lines = {match["key"].decode("ascii"): match["payload"] for match in _LINE.finditer(data)}
    values: dict[str, Any] = {}
    for key, payload in lines.items():
        with contextlib.suppress(ValueError):
            values[key] = _load_object(payload).get("value")
    entry = _python_dict(values.get("entry"))
    if entry is None:
        return None
    node = _python_dict(entry.get("nodes")) or {}
    if (processors := _PROCESSORS.fullmatch(str(node.get("cpu", "")))) is not None:
        node |= {"cpu": processors["model"], "num_cpus": processors["count"]}
    said = {key: values.get(key) for key in ("org", "division", "status")}
    return said | {"system_name": values.get("platform"), "framework": entry.get("framework"), "nodes": [node]}


def _python_dict(text: object) -> JsonObject | None:
    """The Python dict that a text spells; None if it spells anything else."""
    if not isinstance(text, str) or len(text) > _LONGEST_PYTHON:
        return None
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return value if isinstance(value, dict) else None


def read_object(path: Path) -> JsonObject:
    """The JSON object in a small file.

    Raises:
        OSError, ValueError: as :func:`read_description`.
    """
    return _load_object(_read_file(path))


def _read_file(path: Path) -> bytes:
    try:
        return read_regular(path, _LARGEST_FILE_BYTES)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise ValueError(error.strerror) from None
        raise


def _load_object(data: bytes) -> JsonObject:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise ValueError("the text is UTF-16, not UTF-8; convert it: iconv -f UTF-16 -t UTF-8") from None
        text = data.decode("latin-1")
    try:
        content = json.loads(text)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} in line {error.lineno}") from None
    except ValueError:
        raise ValueError("not JSON: a number is too long") from None
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    return content


def _from_entry(entry: JsonObject, counts_per_node: bool) -> JsonObject:
    """The form of round 0.5, with a list of kinds of nodes, in the keys of later rounds, which some of 0.6 have beside it.

    Where ``num_accelerators`` may be that of all nodes, and there is more than one, the number is not known; but for TPUs,
    whose names have the total, and for none.
    """
    nodes = [node for node in entry["nodes"] if isinstance(node, dict)]
    first = nodes[0] if len(nodes) == 1 else {}
    count = _count(first.get("num_nodes"))
    tpu = _TPU.fullmatch(str(first.get("accelerator", "")).strip())
    per_node = _count(first.get("num_accelerators"))
    if count != 1 and per_node and not counts_per_node:
        per_node = None
    processors = _PROCESSORS.fullmatch(str(first.get("cpu", "")))
    if tpu is not None:  # later rounds count chips; each has two cores, and round 0.5 counts these
        chips, odd = divmod(int(tpu["cores"]), 2)
        per_node = None if odd or not count or chips % count else chips // count
    return {
        "submitter": entry.get("org"),
        "division": entry.get("division"),
        "status": entry.get("status"),
        "framework": entry.get("framework"),
        "system_name": clean_text(entry.get("system_name")) or entry.get("hardware"),
        "number_of_nodes": count,
        "host_processor_model_name": first.get("cpu"),
        "host_processors_per_node": first.get("num_cpus") or (processors and processors["count"]),
        "accelerator_model_name": first.get("accelerator"),
        "accelerators_per_node": per_node,
        "hw_notes": entry.get("notes"),
    }


def _first(description: JsonObject, names: tuple[str, ...]) -> object:
    return next((value for name in names if (value := description.get(name)) not in (None, "")), None)


def _folded(key: str) -> str:
    """A key without the usual differences in spelling: case, blanks and hyphens."""
    return key.strip().lower().replace(" ", "_").replace("-", "_")


def _count(value: object) -> int | None:
    """A count, perhaps with a unit or a remark: ``8x``, ``1,024``, ``4 nodes``."""
    if isinstance(value, str) and (match := _COUNT.fullmatch(value.strip())):
        value = match["number"].replace(",", "")
    number = finite_number(value)
    if number is None or number != int(number) or not 0 <= number <= _LARGEST_COUNT:
        return None
    return int(number)


def _gigabytes(value: object) -> float | None:
    """A memory size as descriptions spell it: ``80 GB``, ``80G``, ``81559 MiB``."""
    match = _MEMORY.match(value.strip()) if isinstance(value, str) else None
    return None if match is None else float(match["number"]) / (1024 if match["unit"] in "Mm" else 1)


def _short(value: object) -> str:
    """What a key says, short enough for a finding."""
    text = value if isinstance(value, str) else json.dumps(value)
    return f'"{(clean_text(text) or "")[:_LONGEST_SHOWN]}"'
