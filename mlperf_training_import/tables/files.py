"""Loads the tables, which are YAML files in this folder: rows in, records out."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

from ..errors import BadInput
from .kept import content_of

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent

#: The types of fields in the tables: a text that is not empty, the label of a round, several texts.
Name = Annotated[str, msgspec.Meta(min_length=1)]
RoundLabel = Annotated[str, msgspec.Meta(pattern=r"^([a-z]+-)?\d{1,6}\.\d{1,6}$")]
Names = tuple[Name, ...]


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of a table, or a part of one: the types of its fields say what they may hold."""


_T = TypeVar("_T")
_R = TypeVar("_R", bound=Row)


def load_table(path: Path, type_: type[_T]) -> _T:
    """A table as records.

    Raises:
        BadInput: a row is not of the type; the message names the file, the row, its field and what is wrong there.
    """
    content = content_of(path, _parsed_yaml)
    try:
        return _to_records(content, type_)
    except msgspec.ValidationError as error:
        raise BadInput(f"{path.name}: {_explained(content, type_, str(error))}") from None


@functools.cache
def csv_rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a CSV table in this folder, by the names of its columns; lines with ``#`` are comments."""
    header, *rows = content_of(FOLDER / name, _parsed_csv)
    return tuple(dict(zip(header, row, strict=True)) for row in rows)


def table_in(name: str, type_: type[_T]) -> Callable[[], _T]:
    """A function that loads a table in this folder when it is first called."""
    return functools.cache(lambda: load_table(FOLDER / name, type_))


def named_rows(name: str, type_: type[_R]) -> Callable[[], dict[str, _R]]:
    """As :func:`table_in`, for a table of rows of one type by name; each row gets its name in the field ``name``."""
    return functools.cache(lambda: with_names(load_table(FOLDER / name, dict[str, type_])))  # type: ignore[valid-type]


def with_names(rows: dict[str, _R]) -> dict[str, _R]:
    """Rows by name, each with its name in the field ``name``."""
    return {name: msgspec.structs.replace(row, name=name) for name, row in rows.items()}


@functools.cache
def place_to_extend(name: str, under: str | None = None, row: str | None = None) -> str:
    """File and line to extend, for a finding: ``mlperf_training_import/tables/rounds.yaml:58``.

    Args:
        name: the name of one of the tables.
        under: the top-level key that a new row belongs to; the end of the file where None.
        row: the key of the row to extend, below ``under``, or at the top where that is None; a new row where ``row`` is
            None or not in the table yet.
    """
    import yaml  # only a finding needs the numbers of lines

    text = (FOLDER / name).read_text(encoding="utf-8")
    table = yaml.compose(text, Loader=_yaml_loader())
    rows = table.value if table else []
    line = text.count("\n")
    if under is not None:
        block = next(value for key, value in rows if key.value == under)
        rows, line = block.value, block.end_mark.line
    if row is not None:
        line = next((key.start_mark.line for key, _ in rows if key.value == row), line)
    return f"{FOLDER.parent.name}/{FOLDER.name}/{name}:{line + 1}"


def _parsed_yaml(path: Path) -> Any:
    import yaml

    with path.open(encoding="utf-8") as stream:
        return yaml.load(stream, Loader=_yaml_loader())  # noqa: S506 - both are safe loaders


def _yaml_loader() -> Any:
    """The parser in C, which is ten times as fast, if the library has it."""
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _parsed_csv(path: Path) -> list[list[str]]:
    import csv

    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(line for line in stream if not line.startswith("#")))


def _to_records(content: object, type_: type[_T]) -> _T:
    return msgspec.convert(content, type_, dec_hook=_compiled)


def _compiled(_: type, text: str) -> re.Pattern[str]:
    """Decodes a regular expression, the only type of field that YAML lacks."""
    try:
        return re.compile(text, re.ASCII)
    except re.error as error:
        raise ValueError(f"no regular expression ({error})") from None


def _explained(content: Any, type_: type, error: str) -> str:
    """The place of an error in a table and what is wrong there, from msgspec's message, which does not name keys.

    Leaves out rows until only the one with the error remains.
    """
    what, _, place = error.partition(" - at ")
    steps: list[str] = []
    here = content
    for step in re.findall(r"\[\.\.\.\]|[^$.`\[\]]+", place.removeprefix("`key` in ")):
        if step == "[...]":
            for step, row in list(here.items()):
                here.clear()
                here[step] = row
                if _error_of(content, type_) == error:
                    break
        here = here[int(step) if isinstance(here, list) else step]
        steps.append(str(step))
    return f"{': '.join(steps) or 'table'}: {what[:1].lower()}{what[1:]}"


def _error_of(content: object, type_: type) -> str | None:
    try:
        _to_records(content, type_)
    except msgspec.ValidationError as error:
        return str(error)
    return None
