"""The tables of names: how descriptions spell accelerators, submitters, availability, processors and frameworks.

What they mean is worked out in ``results/names.py``.
"""

from __future__ import annotations

import functools
from typing import Any

from .files import FOLDER, load_table

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
