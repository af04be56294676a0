"""Imports at once into one repository: eight through real ``cmr`` processes, and random ones; more of these by command::

CROWDS=1000 python -m pytest tests/slow/test_concurrent.py -k random
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from cmind.core import CM
from support import CMR, PROJECT, SCRIPT_TAGS, as_clone, in_every_process, run_cmr

from mlperf_training_import.errors import BadInput
from mlperf_training_import.homes import home_of
from mlperf_training_import.options import options_from
from mlperf_training_import.pipeline import import_rounds
from mlperf_training_import.start.sample import run_log, system_description, write_submission

ROUNDS = ("1.0", "1.1", "2.0", "2.1", "3.0", "3.1", "4.0", "4.1")
BENCHMARKS = ("bert", "resnet")
CROWDS = int(os.environ.get("CROWDS", "2"))


def test_eight_imports_at_once(registered, tmp_path, isolated):
    for label in ROUNDS:
        for system in ("x8", "x64"):
            for benchmark in BENCHMARKS:
                logs = [run_log(benchmark, 10 + number) for number in range(5)]
                description = system_description("Acme", system_name=system)
                write_submission(tmp_path / label, "Acme", system, benchmark, logs, description)
        as_clone(tmp_path / label)
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


#: Makes Collective Mind pause whenever it has begun a file of a new home, so that others come upon it while it is empty.
PAUSE = """
import os, time
from cmind import utils

def open_slowly(name, *mode, **named):
    is_made = not os.path.exists(name)
    file = open(name, *mode, **named)
    if is_made:
        time.sleep(1)
    return file

utils.open = open_slowly
"""


def test_first_uses_of_one_home_at_once(tmp_path, isolated, monkeypatch):
    """CM makes its files in place, and looks for scripts while another process indexes them."""
    monkeypatch.setenv("PYTHONPATH", in_every_process(tmp_path / "site", PAUSE))
    logs = [run_log("bert", 10 + number) for number in range(5)]
    write_submission(tmp_path / "tree", "Acme", "x8", "bert", logs, system_description("Acme"))
    command = [sys.executable, str(PROJECT / "run.py"), f"--path={tmp_path / 'tree'}", "--version=5.1"]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    uses = [subprocess.Popen(command, **pipes) for _ in range(3)]
    screens = [process.communicate(timeout=300)[0] for process in uses]
    assert [process.returncode for process in uses] == [0] * 3, screens


def write_random_round(root: Path, source: random.Random) -> int:
    """A tree of a few results in both divisions; returns how many."""
    places = source.sample([(submitter, benchmark) for submitter in ("A", "B", "C") for benchmark in BENCHMARKS], 3)
    for submitter, benchmark in places:
        logs = [run_log(benchmark, source.randrange(10, 99)) for _ in range(5)]
        system = f"{benchmark}-box"
        description = system_description(submitter, system_name=system, division=source.choice(("closed", "open")))
        write_submission(root, submitter, system, benchmark, logs, description)
    as_clone(root)
    return len(places)


def import_some(root: Path, label: str, flags: dict[str, str]) -> None:
    """Imports a part of a round."""
    options = options_from({"path": root / label, "version": label, "output_dir": root / f"output-{os.getpid()}", **flags})
    try:
        import_rounds(home_of(CM()), options, lambda _: None)
    except BadInput as error:  # the round has nothing of that name
        assert flags, error


def stored_objects() -> dict[str, list[dict]]:
    files = (Path(os.environ["CM_REPOS"]) / "repos/local/experiment").glob("*/*/cm-result.json")
    return {file.parts[-3]: json.loads(file.read_bytes()) for file in files}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("seed", range(CROWDS))
def test_random_imports_at_once(tmp_path, monkeypatch, seed):
    monkeypatch.setenv("CM_CORE_SKIP_INTERNAL_REPOS", "yes")  # a small index: all imports write it
    assert CM().access({"action": "find", "automation": "repo"})["return"] == 0  # makes the files of a home
    source = random.Random(seed)
    labels = source.sample(ROUNDS, 3)
    results = sum(write_random_round(tmp_path / label, source) for label in labels)
    flags = ({}, {"submitter": "A"}, {"benchmark": "bert"}, {"division": "closed"}, {"division": "open"})
    plans = [[(source.choice(labels), source.choice(flags)) for _ in range(3)] for _ in range(6)]
    children = []
    for plan in plans:
        if (child := os.fork()) == 0:
            try:
                for label, chosen in plan:
                    import_some(tmp_path, label, chosen)
            except BaseException:
                sys.__excepthook__(*sys.exc_info())
                os._exit(1)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(plans)
    early = {item["uid"]: item for items in stored_objects().values() for item in items}
    for label in labels:
        import_some(tmp_path, label, {})
    stored = stored_objects()
    over_all = [item for name, items in stored.items() if name.split("--")[1] == "all" for item in items]
    of_rounds = [item for name, items in stored.items() if name.split("--")[1] != "all" for item in items]
    assert len(over_all) == len(of_rounds) == results
    assert {item["uid"]: item for item in over_all} == {item["uid"]: item for item in of_rounds}
    assert early.keys() <= {item["uid"] for item in of_rounds}
    for label in labels:
        import_some(tmp_path, label, {})
    assert stored_objects() == stored
    monkeypatch.delenv("CM_CORE_SKIP_INTERNAL_REPOS")
    found = CM().access({"action": "find", "automation": "experiment,a0a2d123ef064bcb"})["list"]
    assert {artifact.meta["alias"] for artifact in found} == set(stored)
