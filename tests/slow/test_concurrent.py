"""Imports at once into one repository: eight as ``cmr`` runs them, and random ones; more of these by command::

CROWDS=1000 python -m pytest tests/slow/test_concurrent.py -k random
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cmind.cli
import forked
import pytest
from cmind import utils
from cmind.core import CM
from support import SCRIPT_TAGS, as_clone

from mlperf_training_import.commands import line
from mlperf_training_import.errors import BadInput
from mlperf_training_import.homes import home_of
from mlperf_training_import.options import options_from
from mlperf_training_import.pipeline import import_rounds
from mlperf_training_import.start.sample import run_log, system_description, write_submission

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = ("1.0", "1.1", "2.0", "2.1", "3.0", "3.1", "4.0", "4.1")
BENCHMARKS = ("bert", "resnet")
CROWDS = int(os.environ.get("CROWDS", "2"))

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def at_once(works: list[Callable[[], object]], folder: Path) -> tuple[list[int], list[str]]:
    """Does each work in a process of its own; gives their exit codes and what they wrote."""
    children = []
    for number, work in enumerate(works):
        screen = folder / f"screen-{number}"
        with screen.open("wb") as file:
            children.append((forked.start(work, file, file), screen))
    codes = [forked.exit_code(child) for child, _ in children]
    return codes, [screen.read_text() for _, screen in children]


def test_eight_imports_at_once(registered, tmp_path, isolated):
    for label in ROUNDS:
        for system in ("x8", "x64"):
            for benchmark in BENCHMARKS:
                logs = [run_log(benchmark, 10 + number) for number in range(5)]
                description = system_description("Acme", system_name=system)
                write_submission(tmp_path / label, "Acme", system, benchmark, logs, description)
        as_clone(tmp_path / label)
    assert forked.cmr(SCRIPT_TAGS).returncode == 16  # CM adds a default configuration when it first runs a script in a home
    words = [["run", "script", SCRIPT_TAGS, f"--path={tmp_path / label}", f"--version={label}"] for label in ROUNDS]
    codes, screens = at_once([partial(cmind.cli.run, line) for line in words], tmp_path)
    assert codes == [0] * 8, screens
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


def pause_in_new_files() -> None:
    """Makes Collective Mind pause when it has begun a file of a new home, so that others find the file empty."""
    real_open = open

    def open_slowly(name, *mode, **named):
        is_made = not Path(name).exists()
        file = real_open(name, *mode, **named)
        if is_made:
            time.sleep(1)
        return file

    utils.open = open_slowly


def test_first_uses_of_one_home_at_once(tmp_path, isolated):
    """CM makes its files in place, and looks for scripts while another process indexes them."""
    logs = [run_log("bert", 10 + number) for number in range(5)]
    write_submission(tmp_path / "tree", "Acme", "x8", "bert", logs, system_description("Acme"))

    def use() -> int:
        pause_in_new_files()
        return line.main([f"--path={tmp_path / 'tree'}", "--version=5.1"])

    codes, screens = at_once([use] * 3, tmp_path)
    assert codes == [0] * 3, screens


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


@pytest.mark.parametrize("seed", range(CROWDS))
def test_random_imports_at_once(tmp_path, monkeypatch, seed):
    monkeypatch.setenv("CM_CORE_SKIP_INTERNAL_REPOS", "yes")  # a small index: all imports write it
    assert CM().access({"action": "find", "automation": "repo"})["return"] == 0  # makes the files of a home
    source = random.Random(seed)
    labels = source.sample(ROUNDS, 3)
    results = sum(write_random_round(tmp_path / label, source) for label in labels)
    flags = ({}, {"submitter": "A"}, {"benchmark": "bert"}, {"division": "closed"}, {"division": "open"})
    plans = [[(source.choice(labels), source.choice(flags)) for _ in range(3)] for _ in range(6)]

    def follow(plan) -> None:
        for label, chosen in plan:
            import_some(tmp_path, label, chosen)

    codes, screens = at_once([partial(follow, plan) for plan in plans], tmp_path)
    assert codes == [0] * len(plans), screens
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
