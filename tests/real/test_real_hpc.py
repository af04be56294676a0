"""The real rounds 0.7 and 2.0 of MLPerf HPC, fetched and imported with the commands of the documentation."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest
from support import CMR, SCRIPT_TAGS, fetch_lines, run_cmr

REPOSITORIES = ("hpc_results_v0.7", "hpc_results_v2.0")


@pytest.fixture(scope="module")
def hpc_home(shared, tmp_path_factory):
    """The environment of a CM home with both rounds, and the folder in which they were imported."""
    root = tmp_path_factory.mktemp("hpc")
    command = ["bash", str(shared / "mirror.sh"), str(root / "mirror"), *REPOSITORIES]
    subprocess.run(command, check=True, capture_output=True)
    home = {"CM_REPOS": str(root / "CM"), "GIT_CONFIG_GLOBAL": str(root / "mirror/gitconfig"), "GIT_CONFIG_NOSYSTEM": "1"}
    (root / "work").mkdir()
    for line in fetch_lines():
        if any(f"/{repository}" in line for repository in REPOSITORIES):
            fetch = subprocess.list2cmdline(CMR) + line.removeprefix("cmr")
            place = {"cwd": root / "work", "env": {**os.environ, **home}}
            subprocess.run(fetch, shell=True, check=True, capture_output=True, **place)
    from mlperf_training_import.start.register import register

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CM_REPOS", home["CM_REPOS"])
        from cmind.core import CM

        register(CM())
    done = run_cmr(SCRIPT_TAGS, cwd=root / "work", env=home)
    assert done.returncode == 0, done.stdout + done.stderr
    return home, root / "work"


def stored(home: dict, scope: str) -> list[dict]:
    files = (Path(home["CM_REPOS"]) / "repos/local/experiment").glob(f"mlperf-hpc--{scope}--*/*/cm-result.json")
    return [entry for file in files for entry in json.loads(file.read_text())]


def test_all_37_scores_are_stored_and_no_other(hpc_home, shared):
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
        entries = [entry for scope in scopes for entry in stored(hpc_home[0], scope)]
        found = {
            (e["version"], e["submitter_folder"], e["system_file"], e["Model_ID"], e["metric"]): (
                *(e["Result"], e["Result_Units"], e["division"]),
            )
            for e in entries
        }
        assert len(entries) == 37
        assert found == expected


def test_at_most_a_handful_of_findings(hpc_home):
    report = json.loads((hpc_home[1] / "mlperf-training-report.json").read_text())
    assert [round_["version"] for round_ in report["rounds"]] == ["hpc-0.7", "hpc-2.0"]
    assert len(report["findings"]) <= 5


def test_links_have_the_branch_and_the_folder_of_the_metric(hpc_home):
    (entry,) = (e for e in stored(hpc_home[0], "2.0") if e["system_file"] == "dgxa100_n256_pytorch")
    base = "https://github.com/mlcommons/hpc_results_v2.0"
    assert entry["url"] == f"{base}/tree/main/NVIDIA/results/dgxa100_n256_pytorch/strong/deepcam"
    assert entry["details_url"] == f"{base}/blob/main/NVIDIA/systems/dgxa100_n256_pytorch.json"
