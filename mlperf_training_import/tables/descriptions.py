"""The keys of system descriptions and their spellings."""

from __future__ import annotations

import functools

from .files import FOLDER, load_table

DESCRIPTIONS_FILE = FOLDER / "descriptions.yaml"


@functools.cache
def description_keys() -> dict[str, tuple[str, ...]]:
    """The keys of a system description, by field of our record; the first spelling is the right one."""
    return {field: tuple(spellings) for field, spellings in load_table(DESCRIPTIONS_FILE).items()}


def field_of_key(key: str) -> str:
    """The field of our record that a key of the table fills."""
    return next(field for field, spellings in description_keys().items() if key in spellings)
