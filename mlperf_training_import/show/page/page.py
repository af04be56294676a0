"""Writes results as one HTML page that needs no server and no network: charts, filters and a table."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...errors import NothingToShow
from ...experiments.files import write_atomically
from ...tables.labels import parse_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FOLDER = Path(__file__).resolve().parent
_TEMPLATES = _FOLDER / "templates"
_LIBRARY = _FOLDER / "vendor" / "chart.js" / "chart.umd.min.js"

#: What the page knows of a result, and the key of the entry that it comes from.
_TEXTS = {
    "round": "version",
    "task": "Task",
    "benchmark": "Model_ID",
    "division": "division",
    "submitter": "submitter",
    "system": "system",
    "accelerator": "accelerator_model_name",
    "availability": "availability",
    "framework": "framework",
    "notes": "notes",
}
_NUMBERS = {"minutes": "Result", "accelerators": "accelerators_count", "energy": "energy_kwh"}
_ADDRESSES = {"logs": "url", "details": "details_url"}
_KEYS = (*_TEXTS, *_NUMBERS, *_ADDRESSES)


def write_page(entries: Iterable[dict[str, Any]], file: Path) -> int:
    """Writes the page and returns how many results are on it. The same entries make the same bytes.

    Raises:
        NothingToShow: there are no entries.
        PublishFailure: the file cannot be written.
    """
    rows = [_row(entry) for entry in entries]
    if not rows:
        raise NothingToShow("no MLPerf Training results to write a page of; import some first")
    write_atomically(file, make_page(rows).encode("utf-8"))
    return len(rows)


def make_page(rows: Sequence[dict[str, Any]]) -> str:
    """The page, from what it knows of each result."""
    style, script = (_read(_TEMPLATES / name) for name in ("page.css", "page.js"))
    library = re.sub(r"\n//# sourceMappingURL=\S*", "", _read(_LIBRARY))
    parts = {
        "style": style,
        "library": library,
        "script": script,
        "data": _embeddable(_data(rows)),
        "policy": "; ".join(
            (
                "default-src 'none'",
                f"script-src {_source_hash(library)} {_source_hash(script)}",
                f"style-src {_source_hash(style)}",
                "base-uri 'none'",
                "form-action 'none'",
            )
        ),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _read(_TEMPLATES / "page.html"))


def _data(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the page's script reads: the rows as lists, the values to choose from, and what to show at the start."""
    return {
        "keys": _KEYS,
        "rows": [[row[key] for key in _KEYS] for row in rows],
        "rounds": sorted({row["round"] for row in rows}, key=_order_of_round),
        "tasks": sorted({row["task"] for row in rows}),
        "divisions": sorted({row["division"] for row in rows}),
        "start": _start(rows),
    }


def _start(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Task and division with the most rounds, then the most results."""
    rounds: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        rounds.setdefault((row["task"], row["division"]), []).append(row["round"])
    task, division = max(rounds, key=lambda choice: (len(set(rounds[choice])), len(rounds[choice]), choice))
    return {"task": task, "division": division}


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    """A result as the page knows it: texts, which may be empty, and numbers and addresses, None where there are none."""
    return (
        {name: _text(entry.get(key)) for name, key in _TEXTS.items()}
        | {name: _number(entry.get(key)) for name, key in _NUMBERS.items()}
        | {name: _address(entry.get(key)) for name, key in _ADDRESSES.items()}
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _number(value: object) -> int | float | None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return value if math.isfinite(value) else None


def _address(value: object) -> str | None:
    """An address on the web; anything else, such as ``javascript:``, is no link."""
    if not isinstance(value, str):
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme in ("http", "https") and parts.netloc else None


def _order_of_round(label: str) -> tuple[Any, ...]:
    return (parse_version(label.partition("-")[0]) or (0, 0), label)


def _embeddable(value: object) -> str:
    """JSON that cannot end the element which it stands in, whatever its texts are."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _source_hash(source: str) -> str:
    """The hash by which the page's policy lets just this script or style work."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode('utf-8')).digest()).decode('ascii')}'"


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")
