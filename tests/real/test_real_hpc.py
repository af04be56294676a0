"""The real rounds 0.7 and 2.0 of MLPerf HPC, imported with the command of the documentation."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path


def stored(home: dict, scope: str) -> list[dict]:
    files = (Path(home["CM_REPOS"]) / "repos/local/experiment").glob(f"mlperf-hpc--{scope}--*/*/cm-result.json")
    return [entry for file in files for entry in json.loads(file.read_text())]


def test_all_37_scores_are_stored_and_no_other(real_home, shared):
    with (shared / "reference/hpc-scores.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    kinds = {"strong": "time-to-train", "weak": "throughput"}
    expected = {
        (f"hpc-{r['round']}", r["folder"].partition("/")[0], r["system_file"], r["benchmark"], kinds[r["kind"]]): (
            float(r["value"]),
            r["unit"],
            r["division"],
        )
        for r in rows
    }
    assert len(expected) == len(rows) == 37
    for scopes in (("0.7", "2.0"), ("all",)):
        entries = [entry for scope in scopes for entry in stored(real_home, scope)]
        found = {
            (e["version"], e["submitter_folder"], e["system_file"], e["Model_ID"], e["metric"]): (
                *(e["Result"], e["Result_Units"], e["division"]),
            )
            for e in entries
        }
        assert len(entries) == 37
        assert found == expected


def test_at_most_a_handful_of_findings(real_home):
    report = json.loads((Path(real_home["WORK"]) / "mlperf-training-report.json").read_text())
    labels = [label for round_ in report["rounds"] if (label := round_["version"]).startswith("hpc-")]
    assert labels == ["hpc-0.7", "hpc-2.0"]
    found = Counter((finding["round"], finding["code"]) for finding in report["findings"] if finding["round"] in labels)
    assert found == {
        ("hpc-0.7", "division-conflict"): 1,
        ("hpc-0.7", "same-seed"): 1,
        ("hpc-0.7", "run-not-counted"): 3,
        ("hpc-2.0", "rcp-fail"): 1,
        ("hpc-2.0", "memory-conflict"): 1,
    }


def test_links_have_the_branch_and_the_folder_of_the_metric(real_home):
    (entry,) = (e for e in stored(real_home, "2.0") if e["system_file"] == "dgxa100_n256_pytorch")
    base = "https://github.com/mlcommons/hpc_results_v2.0"
    assert entry["url"] == f"{base}/tree/main/NVIDIA/results/dgxa100_n256_pytorch/strong/deepcam"
    assert entry["details_url"] == f"{base}/blob/main/NVIDIA/systems/dgxa100_n256_pytorch.json"
