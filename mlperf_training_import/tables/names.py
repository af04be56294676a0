"""The tables of names: how descriptions spell accelerators, submitters, availability, processors and frameworks.

What they mean is worked out in ``results/names.py``.
"""

from __future__ import annotations

import functools
import json
from typing import Any

from .files import FOLDER, load_table, place_to_extend

ACCELERATORS_FILE = FOLDER / "accelerators.yaml"
SUBMITTERS_FILE = FOLDER / "submitters.yaml"
NAMES_FILE = FOLDER / "names.yaml"


@functools.cache
def accelerators_table() -> dict[str, Any]:
    """Accelerators, their vendors and forms, and the words that say nothing about which it is."""
    return load_table(ACCELERATORS_FILE)


@functools.cache
def submitters_table() -> dict[str, Any]:
    """Submitters, joint submissions, and the words that are no part of a name."""
    return load_table(SUBMITTERS_FILE)


@functools.cache
def names_table() -> dict[str, Any]:
    """Availability, processors, frameworks, and the spellings that stand for no name."""
    return load_table(NAMES_FILE)


#: Where a name of each kind is added, and the row that does it.
_ROWS = {
    "accelerator": (
        ACCELERATORS_FILE,
        "accelerators",
        "{name}: {{vendor: VENDOR, generation: GENERATION, forms: {{FORM: [GB]}}}}",
    ),
    "submitter": (SUBMITTERS_FILE, "submitters", "{name}: []"),
    "availability": (NAMES_FILE, "availability", "CATEGORY: {name}"),
    "processor": (NAMES_FILE, "processors", "- [VENDOR, {name}, EXPRESSION]"),
    "framework": (NAMES_FILE, "frameworks", "FAMILY: {name}"),
}


def row_to_add(kind: str, name: str) -> tuple[str, str]:
    """Where a name is added (file and line), and its row, with words in capitals for what is to be filled in.

    Args:
        kind: ``accelerator``, ``submitter``, ``availability``, ``processor`` or ``framework``.
        name: as it is spelt.
    """
    file, section, row = _ROWS[kind]
    return _end_of(file.name, section), row.format(name=json.dumps(name, ensure_ascii=False))


@functools.cache
def _end_of(file: str, section: str) -> str:
    return place_to_extend(FOLDER / file, section)
