"""Makes a submission that passes, so that tests can break one thing of it."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from checks.made_logs import Record, as_text, passing_log
from trees import Content, write_files

from mlperf_training_import.checks.descriptions import description_fields
from mlperf_training_import.tables.checks import rulebook_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VERSION = "5.1"
FOLDER = "Acme/results/box/llama2_70b_lora"
SYSTEM = "Acme/systems/box.json"
#: What the reference of llama2_70b_lora takes with the batch size of these logs.
_SAMPLES = (3072, 3456, 3840)
_FIXED = {
    "submission_org": "Acme",
    "opt_gradient_clip_norm": 0.3,
    "lora_alpha": 32,
    "opt_adamw_weight_decay": 0.0001,
    "opt_name": None,
}


def description(**changes: object) -> dict[str, object]:
    """A system description with all that is asked for."""
    texts = dict.fromkeys(description_fields(), "x")
    return (
        texts | {"submitter": "Acme", "division": "closed", "status": "Available on-premise", "system_name": "box"} | changes
    )


@functools.cache
def _passing_log(division: str) -> str:
    """The records of a log that passes, as JSON: to work them out takes longer than to check them."""
    book = rulebook_of(VERSION)
    assert book is not None
    return json.dumps(passing_log(book, division, "llama2_70b_lora"))


def records(number: int = 0, division: str = "closed") -> list[Record]:
    """The records of a run with a seed of its own."""
    made: list[Record] = json.loads(_passing_log(division))
    for record in made:
        record["time_ms"] += 1_000_000 * number
        if record["key"] == "global_batch_size":
            record["value"] = 8
        elif record["key"] in _FIXED:
            record["value"] = _FIXED[record["key"]]
        elif record["key"] == "eval_accuracy":
            record["metadata"] = record["metadata"] | {"samples_count": _SAMPLES[number % 3]}
    seed = {
        "time_ms": made[0]["time_ms"],
        "key": "seed",
        "value": 100 + number,
        "metadata": {"file": "train.py", "lineno": 1},
    }
    return [made[0], seed, *made[1:]]


def changed(made: list[Record], key: str, /, **fields: Any) -> list[Record]:
    """Records of which those with a key say something else."""
    return [record | fields if record["key"] == key else record for record in made]


def write_submission(
    root: Path,
    change: Callable[[int, list[Record]], list[Record]] = lambda _, made: made,
    logged_division: str = "closed",
    **keys: object,
) -> Path:
    """Writes a submission of ten runs under the rules of 5.1; ``change`` makes other records of those of each run."""
    files: dict[str, Content] = {SYSTEM: description(**keys)}
    for number in range(10):
        files[f"{FOLDER}/result_{number}.txt"] = as_text(change(number, records(number, logged_division)))
    write_files(root, files)
    return root


def as_line(**record: object) -> str:
    """One token line."""
    return f":::MLLOG {json.dumps(record)}\n"
