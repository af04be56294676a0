"""Loads the tables, which are YAML files in this folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
#: The parser in C, ten times as fast, where the library has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_table(path: Path) -> dict[str, Any]:
    """A table as it stands in its file."""
    with path.open(encoding="utf-8") as stream:
        table: dict[str, Any] = yaml.load(stream, Loader=_LOADER)  # noqa: S506 - both are safe loaders
    return table


def place_to_extend(path: Path, under: str | None = None, row: str | None = None) -> str:
    """File and line to extend, for a finding: ``mlperf_training_import/tables/rounds.yaml:58``.

    Args:
        path: one of the table files.
        under: the top-level key that a new row belongs to; the end of the file where None.
        row: the key whose own row is to be extended, below ``under`` or at the top where that is None; a new row where
            None, or where there is none yet.
    """
    text = path.read_text(encoding="utf-8")
    table = yaml.compose(text, Loader=_LOADER)
    rows = table.value if table else []
    line = text.count("\n")
    if under is not None:
        block = next(value for key, value in rows if key.value == under)
        rows, line = block.value, block.end_mark.line
    if row is not None:
        line = next((key.start_mark.line for key, _ in rows if key.value == row), line)
    return f"{FOLDER.parent.name}/{FOLDER.name}/{path.name}:{line + 1}"
