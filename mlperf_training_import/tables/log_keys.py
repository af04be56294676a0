"""The keys of log lines that are no setting of a run."""

from __future__ import annotations

import functools

from .files import FOLDER, Name, Names, Row, load_table


class _Group(Row, frozen=True):
    text: Name
    keys: Names


@functools.cache
def left_out_keys() -> dict[str, str]:
    """Why each key that is no setting is none."""
    return {
        key: group.text for group in load_table(FOLDER / "log_keys.yaml", dict[str, _Group]).values() for key in group.keys
    }
