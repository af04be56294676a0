"""Eight imports of different rounds at once into one repository, through real ``cmr`` processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from cmind.core import CM
from support import CMR, PROJECT, SCRIPT_TAGS, run_cmr

from mlperf_training_import.start.sample import run_log, system_description, write_submission

ROUNDS = ("1.0", "1.1", "2.0", "2.1", "3.0", "3.1", "4.0", "4.1")
BENCHMARKS = ("bert", "resnet")


def test_eight_imports_at_once(registered, tmp_path, isolated):
    for label in ROUNDS:
        for system in ("x8", "x64"):
            for benchmark in BENCHMARKS:
                logs = [run_log(benchmark, 10 + number) for number in range(5)]
                description = system_description("Acme", system_name=system)
                write_submission(tmp_path / label, "Acme", system, benchmark, logs, description)
    assert run_cmr(SCRIPT_TAGS).returncode == 16  # CM adds a default configuration when it first runs a script in a home
    imports = [
        subprocess.Popen(
            [*CMR, SCRIPT_TAGS, f"--path={tmp_path / label}", f"--version={label}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for label in ROUNDS
    ]
    screens = [process.communicate(timeout=300)[0] for process in imports]
    assert [process.returncode for process in imports] == [0] * 8, screens
    experiments = Path(os.environ["CM_REPOS"]) / "repos/local/experiment"
    stored = {}
    for file in experiments.rglob("*.json"):
        content = json.loads(file.read_text())
        if file.name == "cm-result.json":
            name = file.parent.parent.name
            assert name not in stored
            stored[name] = content
    tasks = ("language-processing", "image-classification")
    assert stored.keys() == {f"mlperf-training--{scope}--closed--{task}" for scope in (*ROUNDS, "all") for task in tasks}
    over_all = [entry for task in tasks for entry in stored.pop(f"mlperf-training--all--closed--{task}")]
    of_rounds = [entry for entries in stored.values() for entry in entries]
    assert len(over_all) == len(ROUNDS) * 2 * len(BENCHMARKS)
    assert set(Counter(entry["uid"] for entry in over_all).values()) == {1}
    assert {entry["uid"]: entry for entry in over_all} == {entry["uid"]: entry for entry in of_rounds}
    found = CM().access({"action": "find", "automation": "experiment,a0a2d123ef064bcb"})["list"]
    assert {artifact.path for artifact in found} == {str(path) for path in experiments.iterdir()}
    written = {path.name for path in isolated.iterdir()}
    assert {f"mlperf-training-summary-{label}.json" for label in ROUNDS} < written
    assert not [name for name in written if name.endswith(".tmp")]


def test_eight_first_uses_of_one_home_at_once(tmp_path, isolated):
    """CM makes its files in place, and looks for scripts while another process indexes them."""
    logs = [run_log("bert", 10 + number) for number in range(5)]
    write_submission(tmp_path / "tree", "Acme", "x8", "bert", logs, system_description("Acme"))
    command = [sys.executable, str(PROJECT / "run.py"), f"--path={tmp_path / 'tree'}", "--version=5.1"]
    uses = [
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(8)
    ]
    screens = [process.communicate(timeout=300)[0] for process in uses]
    assert [process.returncode for process in uses] == [0] * 8, screens
