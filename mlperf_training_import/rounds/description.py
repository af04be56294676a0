"""Reads system descriptions: a JSON file in, a :class:`~..model.System` out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from ..model import System
from ..tables.descriptions import description_keys
from ..values import clean_text, finite_number

if TYPE_CHECKING:
    from pathlib import Path

_COUNTS = ("nodes", "host_processors_per_node", "accelerators_per_node")
#: The longest published description has a few thousand bytes.
_LARGEST_FILE_BYTES = 1 << 20
#: No system has more of anything; a larger number is a mistake.
_LARGEST_COUNT = 10**8
#: How alike two spellings of one key are, from 0 to 1. Published misspellings have 0.9 and more; two keys that mean
#: different things (``host_processors_per_node``, ``accelerators_per_node``) have less than 0.8.
_ALIKE = 0.85


@dataclass(frozen=True, slots=True)
class Description:
    """A description as it was read.

    ``missing`` are the keys, in their right spelling, that it should have had and that say nothing in it. ``misspelt`` maps
    some of them to a key of the description that the table does not know and that looks like them.
    """

    record: System
    missing: tuple[str, ...]
    misspelt: dict[str, str]


def read_description(path: Path) -> Description:
    """Reads a description, and says what is missing in it.

    Raises:
        OSError, ValueError: as :func:`read_system`.
    """
    content = read_object(path)
    record = system_of(content)
    missing = tuple(names[0] for field, names in description_keys().items() if getattr(record, field) is None)
    known = {name for names in description_keys().values() for name in names}
    unknown = {_folded(key): key for key in content if key not in known}
    misspelt = {}
    for name in missing:
        for match in get_close_matches(_folded(name), unknown, n=1, cutoff=_ALIKE):
            misspelt[name] = unknown[match]
    return Description(record, missing, misspelt)


def read_system(path: Path) -> System:
    """Reads the record of a description.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file does not hold a JSON object; the message says where it goes wrong.
    """
    return system_of(read_object(path))


def system_of(description: dict[str, Any]) -> System:
    """The record of a description."""
    if isinstance(description.get("nodes"), list):
        return _from_entry(description)
    values = {field: _first(description, names) for field, names in description_keys().items()}
    read: dict[str, Any] = {field: (_count if field in _COUNTS else clean_text)(value) for field, value in values.items()}
    return System(
        **{field: value for field, value in read.items() if field != "division"},
        division=normal_division(values["division"]),
        notes=";".join(filter(None, (clean_text(description.get(key)) for key in ("hw_notes", "sw_notes")))) or None,
    )


def read_organisation(path: Path) -> str | None:
    """The ``org`` of a round 0.5 ``submission.json``; None where there is no such file, or it does not say.

    Raises:
        OSError, ValueError: as :func:`read_system`.
    """
    return clean_text(read_object(path).get("org")) if path.is_file() else None


def normal_division(value: object) -> str | None:
    """``closed`` or ``open`` for any spelling in use (``Closed``, ``close``), None for anything else."""
    text = value.strip().lower() if isinstance(value, str) else ""
    return {"closed": "closed", "close": "closed", "open": "open"}.get(text)


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a small file.

    Raises:
        OSError, ValueError: as :func:`read_system`.
    """
    with path.open("rb") as stream:
        data = stream.read(_LARGEST_FILE_BYTES + 1)
    if len(data) > _LARGEST_FILE_BYTES:
        raise ValueError(f"larger than {_LARGEST_FILE_BYTES >> 20} MB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
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


def _from_entry(entry: dict[str, Any]) -> System:
    """The form of round 0.5, with a list of kinds of nodes.

    Its ``num_accelerators`` is the number per node for some submitters and the total for others, so with more than one
    node the number of accelerators is not known.
    """
    nodes = [node for node in entry["nodes"] if isinstance(node, dict)]
    first = nodes[0] if len(nodes) == 1 else {}
    count = _count(first.get("num_nodes"))
    return System(
        submitter=clean_text(entry.get("org")),
        name=clean_text(entry.get("system_name")) or clean_text(entry.get("hardware")),
        division=normal_division(entry.get("division")),
        availability=clean_text(entry.get("status")),
        nodes=count,
        host_processor_model_name=clean_text(first.get("cpu")),
        host_processors_per_node=_count(first.get("num_cpus")),
        accelerator_model_name=clean_text(first.get("accelerator")),
        accelerators_per_node=_count(first.get("num_accelerators")) if count == 1 else None,
        framework=clean_text(entry.get("framework")),
        notes=clean_text(entry.get("notes")),
    )


def _first(description: dict[str, Any], names: tuple[str, ...]) -> object:
    return next((value for name in names if (value := description.get(name)) not in (None, "")), None)


def _folded(key: str) -> str:
    """A key without what spellings differ in most: case, blanks and hyphens."""
    return key.strip().lower().replace(" ", "_").replace("-", "_")


def _count(value: object) -> int | None:
    number = finite_number(value)
    if number is None or number != int(number) or not 0 <= number <= _LARGEST_COUNT:
        return None
    return int(number)
