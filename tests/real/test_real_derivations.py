"""Every derived figure of every entry of the real rounds, computed again from nothing but other keys of the entry."""

from __future__ import annotations

import re
import statistics
from collections import defaultdict

import pytest
from support import PROJECT

from mlperf_training_import.tables.rules import benchmark_of

ANALYSIS = PROJECT / "docs/analysis.md"
#: All that are at hand, and the excerpt of 6.0.
ROUNDS = ["0.6", "0.7", "3.0", "4.0", "4.1", "6.0", "hpc-0.7", "hpc-2.0"]


@pytest.fixture(params=ROUNDS)
def entries(request):
    label = request.param
    imported = request.getfixturevalue("round_6_0") if label == "6.0" else request.getfixturevalue("published")(label)
    return [result.entry for result in imported.outcome.results]


def close(value):
    return pytest.approx(value, rel=1e-12)


def kept(entry: dict, key: str = "runs_minutes") -> list[float]:
    """The runs of the score: without the fastest and the slowest, of which those that do not count are some."""
    values, failed = entry[key], entry["runs_count"] - entry["runs_counted"]
    if entry["metric"] == "throughput":
        return values
    drop = benchmark_of(entry["Model_ID"], entry["version"]).drop
    return values[drop : len(values) - (drop - failed)]


def minutes_for_each_model(entry: dict) -> float:
    if entry["metric"] == "throughput":
        return entry["minutes_to_train_all"] / entry["models_trained"]
    return entry["Result"]


def test_the_score(entries):
    for entry in entries:
        if entry["metric"] == "throughput":
            assert entry["Result"] == close(entry["models_trained"] / entry["minutes_to_train_all"])
        else:
            assert entry["Result"] == close(statistics.fmean(kept(entry)) * entry.get("scaling_factor", 1))
        assert (entry["minutes_min"], entry["minutes_max"]) == (entry["runs_minutes"][0], entry["runs_minutes"][-1])
        spread = entry["minutes_max"] - entry["minutes_min"]
        assert entry["minutes_spread"] == close(spread / statistics.median(entry["runs_minutes"]))


def test_samples(entries):
    for entry in entries:
        if "samples_per_second" in entry:
            seconds = statistics.fmean(kept(entry)) * 60
            if entry["metric"] == "throughput":
                seconds = minutes_for_each_model(entry) * 60
            assert entry["samples_per_second"] == close(entry["samples_trained"] / seconds)
        assert ("samples_trained" in entry) == ("samples_per_second" in entry)
        if "samples_trained" in entry and "samples_per_epoch" in entry:
            epochs = entry["samples_trained"] / entry["samples_per_epoch"]
            # made of the runs that are kept by their time, where the other is made of those that are kept by their progress
            assert entry["epochs_to_converge"] == pytest.approx(epochs, rel=0.25)


def test_figures_for_each_accelerator(entries):
    for entry in entries:
        count = entry.get("accelerators_count")
        assert ("accelerator_minutes" in entry) == bool(count)
        if count:
            assert entry["accelerator_minutes"] == close(minutes_for_each_model(entry) * count)
            for key in ("samples_per_second", "average_power_watts"):
                if key in entry:
                    assert entry[f"{key}_per_accelerator"] == close(entry[key] / count)


def test_places(entries):
    """Results with the same runs have one place, that of the best of them, and count once."""
    groups = defaultdict(list)
    for number, entry in enumerate(entries):
        digest = entry.get("runs_digest", number)  # a log of 0.6 that gives the duration has no times
        groups[entry["division"], entry["Model_ID"], entry["metric"]].append((digest, entry))
    for (*_, metric), group in groups.items():
        sign = -1 if metric == "throughput" else 1
        best = best_of((digest, sign * entry["Result"]) for digest, entry in group)
        fewest = best_of((digest, entry["accelerator_minutes"]) for digest, entry in group if "accelerator_minutes" in entry)
        for digest, entry in group:
            assert entry["compared_results"] == len(best)
            assert entry["rank"] == sorted(best.values()).index(best[digest]) + 1
            assert ("rank_per_accelerator" in entry) == ("accelerator_minutes" in entry)
            if digest in fewest:
                assert entry["rank_per_accelerator"] == sorted(fewest.values()).index(fewest[digest]) + 1
                median = statistics.median(fewest.values())
                assert entry["speedup_per_accelerator"] == close(median / entry["accelerator_minutes"])


def test_the_table_of_the_documentation_has_the_figures_of_4_1(published):
    """``analysis.md``: the system that gets most out of an accelerator, for each benchmark."""
    rows = re.findall(r"^\| (\w+) \| (Nyx [^|]+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \|$", ANALYSIS.read_text(), re.MULTILINE)
    best = {
        entry["Model_ID"]: (entry["system"], entry["accelerators_count"], entry["accelerator_minutes"], entry)
        for entry in (result.entry for result in published("4.1").outcome.results)
        if entry["division"] == "closed" and entry.get("rank_per_accelerator") == 1
    }
    assert [row[0] for row in rows] == sorted(best)
    for benchmark, system, count, minutes, speed_up in rows:
        found, accelerators, fewest, entry = best[benchmark]
        assert (system, int(count)) == (found, accelerators)
        assert (minutes, speed_up) == (f"{fewest:.1f}", f"{entry['speedup_per_accelerator']:.2f}")


def best_of(figures):
    best = {}
    for digest, figure in figures:
        best[digest] = min(figure, best.get(digest, figure))
    return best


def test_verdicts(entries):
    for entry in entries:
        if "rcp_factor" in entry:
            assert entry["rcp_factor"] == close(max(1, entry["rcp_mean"] / entry["rcp_judged_mean"]))
            passes = entry["rcp_judged_mean"] >= entry["rcp_least_acceptable"]
            assert entry["rcp_verdict"] == ("pass" if passes else "fail")
        if "rcp_factor_applied" in entry:
            is_same = abs(entry["scaling_factor"] - entry["rcp_factor"]) <= 1e-3
            assert entry["rcp_factor_applied"] is is_same
        assert ("rcp_factor_applied" in entry) == ("scaling_factor" in entry and "rcp_factor" in entry)


def test_energy(entries):
    for entry in entries:
        if "energy_joules" not in entry:
            continue
        joules = entry["energy_joules"]
        mean = statistics.fmean(kept(entry, "energy_runs_joules"))
        assert joules == close(mean * entry.get("scaling_factor", 1))
        assert entry["energy_kwh"] == close(joules / 3.6e6)
        assert entry["average_power_watts"] == close(joules / (entry["Result"] * 60))
        assert entry["performance_per_watt"] == close(3600 / joules)
        assert entry["energy_joules_per_accelerator"] == close(joules / entry["accelerators_count"])
        assert 0 < entry["energy_coverage"] <= 1
