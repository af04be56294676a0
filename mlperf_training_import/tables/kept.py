"""Keeps what the tables say beside the byte code of the modules, as Python does with these: files in, their content out.

Loading PyYAML and parsing the tables would take a fifth of the time of a short command.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from ..regular import read_regular

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: A larger file is not kept.
_MOST_BYTES = 1 << 20


class _Kept(msgspec.Struct, array_like=True):
    """The content of a file that has had this size, and this time of its last change."""

    size: int
    changed_ns: int
    content: Any


def content_of(path: Path, parse: Callable[[Path], Any]) -> Any:
    """The content of a file of this package; dates are texts.

    Args:
        path: the file.
        parse: reads it, if what was kept is not of the file as it is. What this raises is raised.

    Raises:
        OSError: the file cannot be read.
    """
    about = path.stat()
    file = path.with_name("__pycache__") / f"{path.name}.kept"
    try:
        kept = msgspec.msgpack.decode(read_regular(file, _MOST_BYTES), type=_Kept)
    except (OSError, msgspec.DecodeError):
        kept = None
    if kept is None or (kept.size, kept.changed_ns) != (about.st_size, about.st_mtime_ns):
        data = msgspec.msgpack.encode(_Kept(about.st_size, about.st_mtime_ns, parse(path)))
        if not sys.dont_write_bytecode:
            _keep(file, data)
        kept = msgspec.msgpack.decode(data, type=_Kept)
    return kept.content


def _keep(file: Path, data: bytes) -> None:
    """Keeps what was read, unless the folder cannot be written: then the next command parses the file too."""
    from ..atomic import write_atomically
    from ..errors import PublishFailure

    with contextlib.suppress(OSError, PublishFailure):
        file.parent.mkdir(exist_ok=True)
        write_atomically(file, data)
