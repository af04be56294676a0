"""The excerpt of round 6.0: every number of the peer's summary, and no other."""

from __future__ import annotations

import csv
import re

import pytest


@pytest.fixture(scope="module")
def excerpt(round_6_0):
    """The results of the excerpt, by submitter as displayed, system file and benchmark."""
    return {(e["submitter"], e["system_file"], e["Model_ID"]): e for e in (r.entry for r in round_6_0.outcome.results)}


def columns_of(shared, column: str) -> dict[tuple[str, str, str], float]:
    """The numbers of the summary in one kind of column."""
    numbers = {}
    with (shared / "reference/summary_detailed-6.0-excerpt.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            place = re.search(r"/blob/main/(.*)/systems/(.*)\.json", row["details_url"])
            for key in row if place else ():  # the head stands in between too
                benchmark, _, kind = key.partition(":")
                if kind == column and row[key]:
                    numbers[place[1], place[2], benchmark] = float(row[key])
    return numbers


def test_minutes_batch_sizes_and_progress_are_those_of_the_peer(excerpt, shared):
    minutes = columns_of(shared, "time_to_train")
    assert len(minutes) == 11
    assert {benchmark for *_, benchmark in minutes} == {
        *("flux1", "llama2_70b_lora", "llama31_405b", "llama31_8b", "gpt_oss_20b", "deepseekv3_671b", "dlrm_dcnv2"),
    }
    assert {place: entry["Result"] for place, entry in excerpt.items()} == minutes
    batches = columns_of(shared, "GBS")
    assert {place: entry["global_batch_size"] for place, entry in excerpt.items()} == batches
    progress = columns_of(shared, "samples_to_converge")
    found = {place: entry.get("samples_to_converge", entry.get("epochs_to_converge")) for place, entry in excerpt.items()}
    assert found == progress


def test_tasks_with_two_benchmarks_are_ranked_apart(excerpt):
    by_task: dict[str, dict[str, list[dict]]] = {}
    for entry in excerpt.values():
        by_task.setdefault(entry["Task"], {}).setdefault(entry["Model_ID"], []).append(entry)
    assert by_task["llm-pretraining-small"].keys() == {"llama31_8b", "gpt_oss_20b"}
    assert by_task["llm-pretraining"].keys() == {"llama31_405b", "deepseekv3_671b"}
    for benchmarks in by_task.values():
        for entries in benchmarks.values():
            places = sorted(entry["rank"] for entry in entries)
            assert places == list(range(1, len(entries) + 1))
            assert {entry["compared_results"] for entry in entries} == {len(entries)}
            assert len({entry["edition"] for entry in entries}) == 1
