"""The keys of system descriptions and their spellings, and what marks a description in a log."""

from __future__ import annotations

from .files import Names, table_in

DESCRIPTIONS_FILE = "descriptions.yaml"
#: The token before the system description in logs of round 4.0 and later.
SYSTEM_TOKEN = b":::SYSJSON "
#: How a value begins that nobody gave to the tool which wrote the description.
UNKNOWN = "UNKNOWN_"

#: The keys of a system description, by field of our record; the first spelling is the correct one.
description_keys = table_in(DESCRIPTIONS_FILE, dict[str, Names])


def field_of_key(key: str) -> str:
    """The field of our record that a key of the table fills."""
    return next(field for field, spellings in description_keys().items() if key in spellings)
