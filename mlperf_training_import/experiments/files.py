"""Files of stored experiments, written whole or not at all, and read with care. Knows nothing of Collective Mind."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import PublishFailure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..findings import Report

RESULT_FILE = "cm-result.json"


_DATE_FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}\.\d{2}-\d{2}-\d{2}(\.\d+)?")


_SCALARS = frozenset({str, int, float, bool, type(None)})


#: Between the members of an object in a list, as ``json.dumps`` writes it with ``indent=2``. No text of JSON has a newline.
_SEPARATOR = ",\n    "


_encode_flat = json.JSONEncoder(sort_keys=True, separators=(_SEPARATOR, ": ")).encode


_encode_list = json.JSONEncoder(separators=(f"{_SEPARATOR}  ", ": ")).encode


@dataclass(slots=True)
class StoredExperiment:
    """An experiment's result file as it was found: its objects and bytes. ``file`` is None where there is none yet.

    ``moved_in`` are objects that other experiments hold and that belong here, ``moved_out`` counts those that left.
    """

    name: str
    folder: Path | None
    file: Path | None = None
    data: bytes = b""
    objects: list[Any] = field(default_factory=list)
    usable: bool = True
    moved_in: list[Any] = field(default_factory=list)
    moved_out: int = 0

    @property
    def is_over_all(self) -> bool:
        """Whether it is one of those over all rounds."""
        return self.name.split("--")[1] == "all"

    @property
    def division(self) -> str:
        """The division that the experiment's name says."""
        return self.name.split("--")[2]


def load_experiment(name: str, folder: Path | None, report: Report) -> StoredExperiment:
    """Reads the newest result file of an experiment.

    A file that is no JSON list is reported and makes the experiment unusable: it is left untouched.
    """
    stored = StoredExperiment(name, folder)
    if folder is None:
        return stored
    dated = sorted(path for path in folder.iterdir() if path.is_dir() and _DATE_FOLDER.fullmatch(path.name))
    full = [path for path in dated if (path / RESULT_FILE).is_file()]
    if not dated:
        return stored
    chosen = (full or dated)[-1]
    for path in full[:-1]:
        report("extra-date-folder", str(path), f"not used; the results are in {chosen.name}")
    stored.file = chosen / RESULT_FILE
    if not stored.file.is_file():
        return stored
    try:
        stored.data = stored.file.read_bytes()
        objects = json.loads(stored.data)
        if not isinstance(objects, list):
            raise ValueError("it holds no list")
        to_bytes([item for item in objects if not _is_flat(item)])  # fails where it is nested too deeply to be written
        stored.objects = objects
    except (ValueError, OSError, RecursionError) as error:
        report("invalid-store", str(stored.file), f"not a JSON list of results ({error}); nothing was written to it")
        stored.usable = False
    return stored


def to_bytes(objects: list[Any]) -> bytes:
    """The objects as Collective Mind's own ``utils.save_json`` writes them."""
    if not objects:
        return b"[]\n"
    return ("[\n  " + ",\n  ".join(map(_indented, objects)) + "\n]\n").encode("ascii")


def _indented(item: Any) -> str:
    """An object as ``json.dumps`` writes it with ``indent=2`` as part of a list.

    With an indent json leaves its encoder in C aside and takes several times as long. Results are flat, or have lists of
    numbers, and for these the separator can do what the indent does.
    """
    if item and _is_flat(item):
        return "{\n    " + _SEPARATOR.join(_iter_members(item)) + "\n  }"
    return json.dumps(item, indent=2, sort_keys=True).replace("\n", "\n  ")


def _iter_members(item: dict[str, Any]) -> Iterator[str]:
    """The members of an object of scalars and lists, by key, as they are written."""
    flat = {key: value for key, value in item.items() if type(value) in _SCALARS}
    members = iter(_encode_flat(flat)[1:-1].split(_SEPARATOR))
    for key in sorted(item):
        if key in flat:
            yield next(members)
        else:
            yield f"{json.dumps(key)}: [\n      {_encode_list(item[key])[1:-1]}\n    ]"


def _is_flat_list(value: object) -> bool:
    return type(value) is list and bool(value) and _SCALARS.issuperset(map(type, value))


def _is_flat(item: object) -> bool:
    """Whether it is an object of scalars and lists of scalars."""
    return (
        isinstance(item, dict)
        and {str}.issuperset(map(type, item))
        and all(type(value) in _SCALARS or _is_flat_list(value) for value in item.values())
    )


def write_atomically(file: Path, data: bytes) -> None:
    """Replaces a file as a whole: whoever reads it, also after a crash, sees the old bytes or the new ones.

    Raises:
        PublishFailure: the folder cannot be written, or the disk is full; the old file is as it was.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        try:
            temporary.unlink(missing_ok=True)
            with temporary.open("xb") as stream:  # never through a link that somebody put there
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(file.parent)
    except OSError as error:
        raise PublishFailure(f"{file}: cannot be written ({error.strerror}); what was stored before is unchanged") from error


def write_if_different(file: Path, data: bytes) -> bool:
    """Writes a file as :func:`write_atomically` does, unless it holds these bytes already; says whether it wrote."""
    if file.is_file() and file.stat().st_size == len(data) and file.read_bytes() == data:
        return False
    write_atomically(file, data)
    return True


def remove_leftovers(file: Path) -> None:
    """Removes the temporary files of writers of a file that were killed. No writer may be at work.

    Raises:
        PublishFailure: the folder cannot be written.
    """
    try:
        for leftover in file.parent.glob(f".{file.name}.*tmp"):
            leftover.unlink()
    except OSError as error:
        raise PublishFailure(f"{file.parent}: cannot be written ({error.strerror})") from error


def _sync_folder(folder: Path) -> None:
    """Makes a rename survive a power cut, on systems that can open folders."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
