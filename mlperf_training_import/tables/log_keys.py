"""The keys of log lines that are no setting of a run."""

from __future__ import annotations

import functools

from .files import FOLDER, load_table


@functools.cache
def left_out_keys() -> dict[str, str]:
    """Why each key that is no setting is none."""
    return {key: group["text"] for group in load_table(FOLDER / "log_keys.yaml").values() for key in group["keys"]}
