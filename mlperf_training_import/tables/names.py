"""The tables of names: how descriptions spell accelerators, submitters, availability, processors and frameworks.

``results/names.py`` applies them.
"""

from __future__ import annotations

import json
from typing import Annotated

import msgspec

from .files import Name, Names, Row, place_to_extend, table_in

ACCELERATORS_FILE = "accelerators.yaml"
SUBMITTERS_FILE = "submitters.yaml"
NAMES_FILE = "names.yaml"

_Gigabytes = tuple[int, ...]
_Expressions = dict[str, Name]
#: Vendor, name, expression.
_Processors = tuple[tuple[Name, Name, Name], ...]


class Vendor(Row, frozen=True):
    """A vendor of accelerators; the fields are those of the table."""

    words: Name
    source: Name


class AcceleratorRow(Row, frozen=True):
    """A model of accelerator; the fields are those of the table."""

    vendor: Name
    generation: Name
    colour: Annotated[str, msgspec.Meta(pattern="^#[0-9a-f]{6}$")]
    forms: dict[str, _Gigabytes] = msgspec.field(default_factory=dict)
    memory: _Gigabytes = ()
    spellings: Names = ()
    grades: _Expressions = msgspec.field(default_factory=dict)
    words: Name | None = None
    told_by: _Expressions = msgspec.field(default_factory=dict)
    power_limits: dict[Name, dict[int, Name]] = msgspec.field(default_factory=dict)


class Accelerators(Row, frozen=True):
    """Accelerators, their vendors and forms, and words that do not distinguish models."""

    by_system: Names
    words: Names
    forms: _Expressions
    vendors: dict[str, Vendor]
    accelerators: dict[str, AcceleratorRow]


class JointSubmission(Row, frozen=True):
    """A submission of several submitters that has a name of its own."""

    members: Names
    spellings: Names


class Submitters(Row, frozen=True):
    """Submitters, joint submissions, and words that are not part of a name."""

    legal_forms: frozenset[Name]
    submitters: dict[str, Names]
    joint: dict[str, JointSubmission]


class Spellings(Row, frozen=True):
    """Availability, processors, frameworks, and the spellings that mean no name."""

    nothing: dict[str, Names]
    availability: _Expressions
    processors: _Processors
    families: _Processors
    misprints: dict[str, Name]
    frameworks: _Expressions
    below: _Expressions


#: The table of accelerators.
accelerators_table = table_in(ACCELERATORS_FILE, Accelerators)


#: The table of submitters.
submitters_table = table_in(SUBMITTERS_FILE, Submitters)


#: The table of all other names.
names_table = table_in(NAMES_FILE, Spellings)


#: For each kind of name, where to add one, and the row to add.
_ROWS = {
    "accelerator": (
        ACCELERATORS_FILE,
        "accelerators",
        '{name}: {{vendor: VENDOR, generation: GENERATION, colour: "#RRGGBB", forms: {{FORM: [GB]}}}}',
    ),
    "submitter": (SUBMITTERS_FILE, "submitters", "{name}: []"),
    "availability": (NAMES_FILE, "availability", "CATEGORY: {name}"),
    "processor": (NAMES_FILE, "processors", "- [VENDOR, {name}, EXPRESSION]"),
    "framework": (NAMES_FILE, "frameworks", "FAMILY: {name}"),
}


def row_to_add(kind: str, name: str) -> tuple[str, str]:
    """Where to add a name (file and line), and its row, with capitals for what you fill in.

    Args:
        kind: ``accelerator``, ``submitter``, ``availability``, ``processor`` or ``framework``.
        name: the name as spelt in the description.
    """
    file, section, row = _ROWS[kind]
    return place_to_extend(file, section), row.format(name=json.dumps(name, ensure_ascii=False))
