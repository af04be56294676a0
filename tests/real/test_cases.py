"""Small made-up trees after what users reported, and published rounds: each doubt where it belongs, and nowhere else."""

from __future__ import annotations

from collections import Counter

import pytest
import yaml
from trees import import_tree

#: Case -> texts in its findings, by code; the code of ``cases.yaml`` is among them.
SAID = {
    "01c-append-both-succeed": {
        "several-runs": ["10 of 10 logs begin more than one run", "run_start 1 and run_stop 1 count", "result_9.txt"],
    },
    "01b-append-first-died-in-init": {"several-runs": ["initialisation began 2 times"]},
    "03a-scaling-left-behind": {"odd-scaling": [""]},
    "04a-success-below-target": {"target-missed": ["10 of 10 logs", "0.31, at least 0.72 is asked for"]},
    "04d-loss-above-target": {"target-missed": ["1.9, at most 0.925 is asked for"]},
    "05a-time-in-seconds": {"odd-times": ["in seconds it would be 2024-06-10"]},
    "06a-bert-epoch-placeholder": {"progress-unit": [""]},
    "06c-unet3d-epochs-in-sample-round": {"progress-unit": [""]},
    "08b-desc-closed-logs-open": {"division-conflict": ["10 of 10 logs", "the description says closed, which counts"]},
    "09a-results-benchmark-before-system": {
        "unread-logs": ["10 logs", "expected QuokkaLabs/results/wombat8/bert/result_*.txt"],
    },
    "09b2-closed-on-top-beside-a-good-one": {
        "unread-logs": ["10 logs", "closed/QuokkaLabs/results/wombat8/bert/result_0.txt"]
    },
    "09i-result-upper-ext": {
        "unread-logs": [
            *("7 logs", "Result_1.txt", "result-3.txt", "result8.txt", "result_2.TXT", "result_4.log", "result_5.txt.gz"),
            *("result_7.txt.bak", "result_6 (1).txt is read"),
        ],
    },
    "11a-seconds-dialect-as-5.0": {"run-not-counted": ["no :::MLLOG lines", "those of round 0.6 (:::MLL)"]},
    "12a-counts": {"incomplete-system-description": ["2+2", "0.5", "-1"]},
    "13b-two-records-on-one-line": {"run-not-counted": ["two records"]},
    "13j-lfs-pointer": {"run-not-counted": ["Git LFS pointer", "git lfs pull"]},
    "14a-one-log-copied-ten-times": {"repeated-runs": ["10 of 10 logs"]},
    "15a-bert-2-logs": {"too-few-runs": ["2 logs"], "run-count": ["2 logs, the round asks for 10"]},
    "16a-one-log-of-other-benchmark": {"log-mismatch": ["1 of 10 logs", "llama2_70b_lora, 300.00 minutes"]},
    "19c-gap-most-of-run": {"power-quality": ["more than 30 s pass between two readings", "cover less than 95%"]},
    "19d-kW": {"power-quality": ["mean power per accelerator outside 50 to 3000 W"]},
    "22-spellings": {},
}
#: The cases whose folders have no score: that is right too.
WITHOUT_SCORE = {
    *("09a-results-benchmark-before-system", "11a-seconds-dialect-as-5.0", "13b-two-records-on-one-line", "13j-lfs-pointer"),
    "15a-bert-2-logs",
}


def test_every_case_is_here(shared):
    rows = yaml.safe_load((shared / "cases/cases.yaml").read_text(encoding="utf-8"))
    assert {row["case"]: row["code"] for row in rows if row["code"]}.items() <= {
        (case, code) for case, codes in SAID.items() for code in codes
    }
    assert {row["case"] for row in rows} == SAID.keys()


@pytest.mark.parametrize("case", SAID)
def test_a_case(cases, shared, case):
    rows = yaml.safe_load((shared / "cases/cases.yaml").read_text(encoding="utf-8"))
    (version,) = (row["round"] for row in rows if row["case"] == case)
    imported = import_tree(cases / case, version)
    assert bool(imported.minutes) == (case not in WITHOUT_SCORE)
    for code, texts in SAID[case].items():
        said = "\n".join(imported.what(code))
        assert said, f"no {code}"
        for text in texts:
            assert text in said


def test_scores_are_those_of_the_rules_whatever_is_odd(cases):
    def minutes(case: str, version: str = "5.0") -> list[float]:
        return list(import_tree(cases / case, version).minutes.values())

    assert minutes("05a-time-in-seconds") == [pytest.approx(0.0145)]
    assert minutes("03a-scaling-left-behind") == [pytest.approx(18.125)]
    assert len(minutes("09i-result-upper-ext")) == len(minutes("01b-append-first-died-in-init")) == 1


def test_a_copy_that_is_not_read_leaves_the_good_one_alone(cases):
    imported = import_tree(cases / "09b2-closed-on-top-beside-a-good-one", "5.0")
    assert len(imported.minutes) == 1


def test_counts_with_something_around_them(cases):
    imported = import_tree(cases / "12a-counts", "5.0")
    counts = {
        result.submission.system: tuple(
            result.entry.get(key) for key in ("number_of_nodes", "accelerators_count", "host_processors_count")
        )
        for result in imported.outcome.results
    }
    assert counts["x-form"] == (1, 8, 2)
    assert counts["thousands"] == (1024, 4096, 2048)
    assert counts["words"] == (4, 32, 8)
    assert counts["cpus"] == (1, 8, 2)
    assert counts["sum"] == counts["half"] == counts["neg"] == counts["list"] == (None, None, None)
    assert counts["na"] == (1, None, 2)
    assert not any("without number_of_nodes" in text for text in imported.what("incomplete-system-description"))


#: Findings of published rounds by code, counted by result; every other of these codes has none.
DOUBTS = {
    "0.6": {},
    "0.7": {"odd-times": 2, "early-start": 2, "division-conflict": 1},
    "3.0": {"division-conflict": 1},
    "4.0": {"repeated-runs": 2, "power-quality": 16, "odd-scaling": 1},  # 14 have readings from outside of their runs
    "4.1": {"repeated-runs": 1},
}
CODES = {
    *("target-missed", "several-runs", "repeated-runs", "division-conflict", "odd-scaling", "odd-times", "early-start"),
    *("power-quality", "progress-unit", "unread-logs", "log-mismatch", "misnamed-folder", "no-results"),
}


@pytest.mark.parametrize("version", DOUBTS)
def test_doubts_about_a_published_round(published, version):
    found = Counter(finding.code for finding in published(version).findings)
    assert {code: count for code, count in found.items() if code in CODES} == DOUBTS[version]


def test_one_set_of_runs_that_three_submitted_has_one_place(published):
    """4.0: smc shares 6 of the 12 results that smc-ac-power and smc-dc-power have in common."""
    groups: dict[tuple, list] = {}
    for result in published("4.0").outcome.results:
        groups.setdefault((result.entry["runs_digest"], result.benchmark.key), []).append(result)
    repeated = [group for group in groups.values() if len(group) > 1]
    assert Counter(len(group) for group in repeated) == {3: 6, 2: 6}
    for group in repeated:
        assert len({result.entry["rank"] for result in group}) == 1
        assert {result.submission.submitter for result in group} <= {"smc", "smc-ac-power", "smc-dc-power"}


def test_the_share_of_runs_that_power_logs_cover(published):
    coverage = {
        result.submission.folder: result.entry["energy_coverage"]
        for result in published("4.0").outcome.results
        if "energy_coverage" in result.entry
    }
    assert len(coverage) == 24
    low = {folder: round(share, 3) for folder, share in coverage.items() if share < 0.95}
    place = "results/64xSMC-H100-SXM-80GB/llama2_70b_lora"
    assert low == {f"smc-ac-power/{place}": 0.651, f"smc-dc-power/{place}": 0.651}


def test_every_description_of_round_0_6_is_read(published):
    imported = published("0.6")
    assert imported.what("invalid-system-description") == []
    nvidia = [result.entry for result in imported.outcome.results if result.submission.submitter == "NVIDIA"]
    assert len(nvidia) == 32
    assert all(entry["accelerator_model_name"].startswith("Tesla V100") for entry in nvidia)
    assert {entry["system_file"]: entry["accelerators_count"] for entry in nvidia}["dgx2h_n96_ngc19.05_mxnet"] == 1536
