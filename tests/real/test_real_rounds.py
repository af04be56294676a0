"""The real rounds of Training, imported as a user does it: every published number, and nothing else."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from support import archive_of, extract

from mlperf_training_import.tables.keys import entry_keys

#: Minutes and accelerators of results whose logs give seconds in place of times, or are not called result_*.txt.
ALIBABA_0_7 = {
    ("Alibaba", "a100-8", "resnet"): (40.4953, 8),
    ("Alibaba", "v100-256", "resnet"): (3.9475, 256),
    ("Alibaba", "v100-512", "resnet"): (2.3512, 512),
    ("Alibaba", "v100-1280", "resnet"): (1.6911, 1280),
}
#: The result that the tool of round 3.0 leaves out and the rules import: every run succeeds, one other key is missing.
EXTRA_3_0 = ("Lenovo", "SR670v2-4xA100_SXM4_40GB_400W", "bert")


def stored(real_home: dict, scope: str) -> list[dict]:
    folder = Path(real_home["CM_REPOS"]) / "repos/local/experiment"
    files = folder.glob(f"mlperf-training--{scope}--*/*/cm-result.json")
    return [entry for file in files for entry in json.loads(file.read_text())]


def reference(shared: Path, version: str) -> dict[tuple[str, str, str], float]:
    """Minutes by submitter as displayed, system file and benchmark, from the summary of the round's tool."""
    numbers = {}
    with (shared / "reference" / f"summary-{version}.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            place = re.search(r"/blob/main/(.*)/systems/(.*)\.json", row["details_url"])
            for key in list(row)[list(row).index("private_id") + 1 : list(row).index("details_url")]:
                if row[key]:
                    numbers[place[1], place[2], key] = float(row[key])
    return numbers


@pytest.mark.parametrize(("version", "count", "extra"), [("3.0", 259, {EXTRA_3_0}), ("4.1", 153, set())])
def test_every_number_of_the_summary_and_no_other(real_home, shared, version, count, extra):
    expected = reference(shared, version)
    imported = {(e["submitter"], e["system_file"], e["Model_ID"]): e["Result"] for e in stored(real_home, version)}
    assert len(expected) == count
    assert imported.keys() - expected.keys() == extra
    assert {key: imported.get(key) for key in expected} == expected


def test_0_7_equals_the_reference(real_home, shared):
    with (shared / "reference/scores-0.7.csv").open(newline="") as stream:
        expected = {(r["folder"], r["system_file"], r["benchmark"]): float(r["minutes"]) for r in csv.DictReader(stream)}
    imported = {(e["submitter_folder"], e["system_file"], e["Model_ID"]): e["Result"] for e in stored(real_home, "0.7")}
    assert len(expected) == 126
    assert {identity: minutes for identity, minutes in imported.items() if identity not in ALIBABA_0_7} == expected


def test_0_7_has_the_four_results_that_do_not_lie_as_the_layout_says(real_home):
    entries = {(e["submitter_folder"], e["system_file"], e["Model_ID"]): e for e in stored(real_home, "0.7")}
    found = {
        identity: (round(e["Result"], 4), e["accelerators_count"]) for identity in ALIBABA_0_7 for e in [entries[identity]]
    }
    assert found == ALIBABA_0_7


def test_0_7_names_what_strays_from_the_layout(real_home):
    report = json.loads((Path(real_home["WORK"]) / "mlperf-training-report.json").read_text())
    places = {(f["code"], f["where"]) for f in report["findings"] if f["where"].startswith("Alibaba/")}
    assert places == {
        *(("stray-logs", f"Alibaba/results/{system}") for system in ("v100-256", "v100-512", "v100-1280")),
        *(("incomplete-system-description", f"Alibaba/systems/n{nodes}_pai_eflops.json") for nodes in (32, 64, 160)),
        ("run-not-counted", "Alibaba/results/v100-1280/result_1.txt"),
    }


def test_all_has_every_result_with_the_uid_of_its_round(real_home):
    everything = {e["uid"]: e for e in stored(real_home, "all")}
    rounds = [e for version in ("0.7", "3.0", "4.1") for e in stored(real_home, version)]
    assert len(rounds) == 130 + 260 + 153
    assert everything == {e["uid"]: e for e in rounds}


@pytest.mark.parametrize("benchmark", ["unet3d", "gpt3", "dlrm_dcnv2", "stable_diffusion", "llama2_70b_lora", "gnn"])
def test_benchmarks_that_the_older_script_lost(real_home, benchmark):
    assert any(e["Model_ID"] == benchmark for e in stored(real_home, "all"))


def test_every_folder_of_the_trees_is_in_the_report(real_home, real_round):
    report = json.loads((Path(real_home["WORK"]) / "mlperf-training-report.json").read_text())
    rounds = [round_ for round_ in report["rounds"] if round_["suite"] == "training"]
    assert len(rounds) == 3
    for round_ in rounds:
        clone = real_round(round_["version"])
        named = {folder["folder"] for folder in round_["folders"]} | {
            f["where"] for f in report["findings"] if f["round"] == round_["version"]
        }
        benchmarks = {p.relative_to(clone).as_posix() for p in clone.glob("*/results/*/*") if p.is_dir()}
        assert benchmarks <= named
        scored = [folder for folder in round_["folders"] if "minutes" in folder]
        assert len(scored) == round_["results"]
        assert all(("minutes" in folder) != folder.get("not_scored", False) for folder in round_["folders"])


def test_the_clones_are_unchanged(real_home, real_round, shared):
    command = ["git", "-C", str(real_round("hpc-0.7")), "status", "--porcelain"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""
    clone = real_round("4.1")
    command = ["tar", "--compare", "--verbose", "--file", archive_of(shared, "4.1")]
    same = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=True).stdout.splitlines()
    files = {path.relative_to(clone) for path in clone.rglob("*") if not path.is_dir()}
    assert {file.as_posix() for file in files if file.parts[0] != ".git"} == {line for line in same if line[-1] != "/"}


#: Results of the rounds at hand by accelerator; the others have none.
ACCELERATORS = {
    "0.7": {"V100": 47, "A100": 34, "TPU v4": 21, "TPU v3": 12, None: 7, "Ascend 910": 6, "V100S": 3},
    "3.0": {"H100": 118, "A100": 85, "A30": 21, "Gaudi 2": 10, "L40": 10, "A40": 5, None: 5, "L4": 4, "RTX A5000": 2},
    "4.1": {
        "H100": 86,
        "H200": 43,
        "TPU v5p": 7,
        "B200": 7,
        "TPU Trillium": 4,
        "A100": 2,
        "RTX A5000": 2,
        "RTX 4090": 1,
        "RX 7900 XTX": 1,
    },
}


@pytest.mark.parametrize("version", ACCELERATORS)
def test_every_result_with_accelerators_says_which(real_home, version):
    entries = stored(real_home, version)
    assert Counter(entry.get("accelerator") for entry in entries) == ACCELERATORS[version]
    for entry in entries:
        assert entry["is_processor_only"] == ("accelerator" not in entry) == (entry["accelerators_count"] == 0)
        assert entry["submitter_name"]
        assert entry["availability_category"]
        assert entry["edition"].startswith(entry["Model_ID"])  # no benchmark of these rounds was renamed


def test_the_tables_know_every_name_of_the_rounds_at_hand(real_home):
    report = json.loads((Path(real_home["WORK"]) / "mlperf-training-report.json").read_text())
    assert [f for f in report["findings"] if f["code"] in ("unknown-name", "new-edition")] == []


#: Keys of published entries whose values differ, and why.
ALLOWED_DIFFERENCES = {
    "code_url": "the branch is main, not master; the path has the submitter's folder",
    "details_url": "the path has the submitter's folder where the description names the submitter otherwise",
    "uid": "kept when the published entries are in the store; this import began with none",
}
#: Keys of published entries that are gone, and why.
ALLOWED_TO_GO = {
    "dlrm_dcnv2": "column of another benchmark",
    "gpt3": "column of another benchmark",
    "unet3d": "column of another benchmark",
    "notes": "an empty text is no value",
}


def published(shared: Path, into: Path) -> dict[str, tuple[dict, list[dict]]]:
    """Name -> description and entries of the published experiments."""
    extract(shared / "published/experiments-3.0.tar.xz", into)
    experiments = {}
    for folder in (into / "experiment").iterdir():
        (file,) = folder.glob("*/cm-result.json")
        experiments[folder.name] = (json.loads((folder / "_cm.json").read_text()), json.loads(file.read_text()))
    return experiments


def test_published_entries_are_reproduced(real_home, shared, tmp_path):
    local = Path(real_home["CM_REPOS"]) / "repos/local/experiment"
    differences, gone = set(), set()
    for name, (description, entries) in published(shared, tmp_path).items():
        assert json.loads((local / name / "_cm.json").read_text())["tags"] == description["tags"]
        (file,) = (local / name).glob("*/cm-result.json")
        ours = {(e["submitter"], e["system_file"], e["Model_ID"]): e for e in json.loads(file.read_text())}
        extra = {EXTRA_3_0} if name == "mlperf-training--3.0--closed--language-processing" else set()
        assert len(ours) == len(entries) + len(extra)
        for entry in entries:
            place = re.search(r"/blob/main/(.*)/systems/(.*)\.json", entry["details_url"])
            mine = ours[place[1], place[2], entry["Model_ID"]]
            for key, value in entry.items():
                if key not in mine:
                    gone.add(key)
                    assert value == "" or key != "notes", (name, key, value)
                elif mine[key] != value or type(mine[key]) is not type(value):
                    differences.add(key)
                    if key.endswith("_url"):
                        folder = value.replace("/master/", "/main/").replace(
                            f"/{place[1]}/", f"/{mine['submitter_folder']}/"
                        )
                        assert mine[key] == folder
            new = mine.keys() - entry.keys()
            assert {key.removeprefix("_") for key in new} <= entry_keys().keys()
    assert differences == ALLOWED_DIFFERENCES.keys()
    assert gone == ALLOWED_TO_GO.keys()
