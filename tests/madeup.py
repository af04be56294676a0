"""Entries that are made up, and a CM home with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlperf_training_import.experiments.identity import stored_identity
from mlperf_training_import.experiments.publish import find_target, publish
from mlperf_training_import.homes import home_of
from mlperf_training_import.results.entry import uid_of
from mlperf_training_import.rounds.presence import Presence

if TYPE_CHECKING:
    from pathlib import Path

#: Benchmark of each task.
TASKS = {
    "llm-finetuning": "llama2_70b_lora",
    "image-generation": "flux2",
    "text-to-image": "flux1",
    "language-processing": "bert",
}
HOSTILE = "<img src=x onerror=\"window.hacked = true\"></script><script>window.hacked = true</script> & {{script}} 'quoted'"


def make_entry(number: int, label: str = "5.0", task: str = "llm-finetuning", **changes) -> dict:
    """An entry as the importer makes them; the number tells entries of a round and task apart. None removes a key."""
    system, submitter, benchmark = f"machine-{number}", f"Submitter {number % 7}", TASKS[task]
    accelerators = 2 ** (number % 10)
    minutes = round(400 / accelerators**0.9 + number / 100, 3)
    base = f"https://example.org/training_results_v{label}"
    entry = {
        "Result": minutes,
        "Result_Units": "min.",
        "Task": task,
        "_Task": task,
        "Model_ID": benchmark,
        benchmark: minutes,
        "version": label,
        "division": "closed",
        "submitter": submitter,
        "Organization": submitter,
        "submitter_folder": submitter,
        "system": system,
        "system_file": system,
        "accelerators_count": accelerators,
        "accelerator_model_name": "Made-up A1",
        "availability": "available",
        "framework": "made up",
        "notes": f"note {number}",
        "uid": uid_of((label, submitter, system, benchmark)),
        "url": f"{base}/tree/main/{number}/results",
        "details_url": f"{base}/blob/main/{number}.json",
    } | changes
    return {key: value for key, value in entry.items() if value is not None}


def report_with(entry: dict, folder: str, *findings: dict) -> dict:
    """The report of an import in which a result of this entry lies in a folder."""
    names = {"submitter": "submitter_folder", "system": "system_file", "benchmark": "Model_ID", "metric": "metric"}
    place = {"folder": folder} | {name: entry.get(key) for name, key in names.items()}
    return {"rounds": [{"version": entry["version"], "folders": [place]}], "findings": list(findings)}


def store(home: Path, entries: list[dict], scope: str = "all"):
    """Publishes entries into the experiments over all rounds of a CM home, or of one round; returns its CM."""
    from cmind.core import CM

    cm = CM(str(home))
    groups: dict[str, dict] = {}
    for entry in entries:
        name = f"mlperf-training--{scope}--{entry['division']}--{entry['Task']}"
        groups.setdefault(name, {})[stored_identity(entry)] = entry
    labels = sorted({entry["version"] for entry in entries})
    opened = home_of(cm)
    with opened.index_left_alone():
        publish(find_target(opened, ""), groups, labels, [], presence=lambda *_: Presence.OUT_OF_SCOPE)
    return cm
