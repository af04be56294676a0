"""Checks system descriptions: JSON files in, verdicts and remarks out."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

import msgspec

from ..regular import read_regular
from ..rounds.description import normal_division
from ..tables.files import csv_rows
from .remarks import Remark, remark, short

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..tables.labels import Label
    from ..values import JsonObject

#: From this round of Training on, a status must be one of four texts; in this round only the checker demands it.
_STATUS_ASKED_FROM = (4, 0)
_STATUSES = frozenset({"Available on-premise", "Available cloud", "Preview", "Research, Development, or Internal (RDI)"})
#: Values that the checker joins into a line of a table; only texts can be joined.
_JOINED = (
    *("submitter", "system_name", "host_processor_model_name", "host_processor_core_count"),
    *("accelerator_model_name", "accelerators_per_node", "framework"),
)
#: One of these two is enough; a preview may leave both and the processor empty.
_EITHER = ("host_processor_core_count", "host_processor_vcpu_count")
#: A longer file is not a description; the longest published one has a few thousand bytes.
_LARGEST_FILE_BYTES = 1 << 20


class CheckedDescription(msgspec.Struct):
    """A description as ``system_desc_checker`` judges it.

    ``division`` is its exact text; None where the package checker could not read it.
    """

    path: str
    verdict: str = "pass"
    reasons: list[str] = msgspec.field(default_factory=list)
    name: str = ""
    division: str | None = None
    submitter: str = ""
    remarks: list[Remark] = msgspec.field(default_factory=list)

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.path.rpartition("/")[2]

    @property
    def means_closed(self) -> bool:
        """Whether its division is closed, in any spelling."""
        return normal_division(self.division) == "closed"


def check_description(file: Path, path: str, label: Label) -> CheckedDescription:
    """Checks the description of one system by the rules of a round."""
    checked = CheckedDescription(path)
    try:
        content = json.loads(read_regular(file, _LARGEST_FILE_BYTES).decode("utf-8"))
    except OSError as error:
        return _stops(checked, "system.unreadable", f"cannot be read ({error.strerror})")
    except (ValueError, RecursionError) as error:
        return _stops(checked, "system.unreadable", f"cannot be read as JSON ({error})")
    if not isinstance(content, dict):
        return _stops(checked, "system.unreadable", f"holds {short(content)}, no object")
    missing = [key for key, (is_asked, _) in description_fields().items() if is_asked and key not in content]
    checked.reasons = [f"missing:{key}" for key in missing]
    if missing:
        checked.remarks.append(remark("system.missing", path, f"without {', '.join(missing)}"))
    checked.remarks += _remarks_on_values(content, path)
    status = content.get("status")
    is_status = "status" not in content or (isinstance(status, str) and status in _STATUSES)
    if label.suite == "training" and label.number >= _STATUS_ASKED_FROM and not is_status:
        checked.reasons = [f"status-value:{status}"]
        is_early = label.number == _STATUS_ASKED_FROM
        name = "system.status-before" if is_early else "system.status"
        checked.remarks.append(remark(name, path, f"status is {short(status)}"))
    checked.verdict = "fail" if checked.reasons else "pass"
    no_texts = [key for key in _JOINED if not isinstance(content.get(key, ""), str)]
    for key in no_texts:
        checked.remarks.append(remark("system.no-text", path, f"{key} is {short(content[key])}"))
    if no_texts:
        checked.verdict = "crash"
    checked.name = str(content.get("system_name", ""))
    checked.submitter = str(content.get("submitter", ""))
    if "division" not in content:
        checked.remarks.append(remark("system.no-division", path, "without a division"))
    else:
        checked.division = str(content["division"])
        if checked.division not in ("closed", "open"):
            checked.remarks.append(remark("system.division-spelt", path, f"division is {short(content['division'])}"))
    return checked


@functools.cache
def description_fields() -> dict[str, tuple[bool, bool]]:
    """For each key of a description: whether the checker requires it, and whether the written rules want a meaningful value.

    Source: ``check_description.csv``.
    """
    rows = csv_rows("check_description.csv")
    return {row["key"]: (row["asked"] == "yes", row["means"] == "yes") for row in rows}


def _stops(checked: CheckedDescription, name: str, what: str) -> CheckedDescription:
    checked.verdict = "crash"
    checked.remarks.append(remark(name, checked.path, what))
    return checked


def _remarks_on_values(content: JsonObject, path: str) -> Iterator[Remark]:
    """One remark on all empty values."""
    says = {key for key, value in content.items() if not isinstance(value, str) or value.strip()}
    is_preview = str(content.get("status", "")).lower() == "preview"
    open_keys = {*_EITHER} if is_preview or says.intersection(_EITHER) else set()
    if is_preview:
        open_keys.add("host_processor_model_name")
    empty = [
        key
        for key, (_, means) in description_fields().items()
        if means and key in content and key not in says and key not in open_keys
    ]
    if empty:
        yield remark("system.empty", path, f"empty: {', '.join(empty)}")
