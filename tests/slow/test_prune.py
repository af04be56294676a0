"""Random changes of a tree, imported with random filters and ``--prune``: no note is lost but with a result that is gone.

Twelve histories in the gate; more by command::

    HISTORIES=1000 python -m pytest tests/slow/test_prune.py
"""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

import msgspec
import pytest
from cmind.core import CM

from mlperf_training_import import pipeline
from mlperf_training_import.errors import BadInput
from mlperf_training_import.homes import home_of
from mlperf_training_import.options import options_from
from mlperf_training_import.pipeline import import_rounds
from mlperf_training_import.rounds.locate import locate_path
from mlperf_training_import.start.sample import make_repository, run_log, system_description, write_submission

HISTORIES = int(os.environ.get("HISTORIES", "12"))
PLACES = [(submitter, benchmark) for submitter in ("A", "B", "C") for benchmark in ("bert", "resnet")]


def write(tree: Path, submitter: str, benchmark: str, division: str) -> None:
    shutil.rmtree(tree / submitter / "results/x8" / benchmark, ignore_errors=True)
    logs = [run_log(benchmark, 10 + number) for number in range(5)]
    write_submission(tree, submitter, "x8", benchmark, logs, system_description(submitter, division=division))


def notes() -> dict[tuple[str, str, str], object]:
    """Notes by scope, submitter and benchmark."""
    found = {}
    for file in (Path(os.environ["CM_REPOS"]) / "repos/local/experiment").glob("*/*/cm-result.json"):
        for item in json.loads(file.read_bytes()):
            key = (file.parts[-3].split("--")[1], item["submitter_folder"], item["Model_ID"])
            assert key not in found
            found[key] = item.get("note")
    return found


def add_notes() -> None:
    for file in (Path(os.environ["CM_REPOS"]) / "repos/local/experiment").glob("*/*/cm-result.json"):
        items = [{"note": item["uid"]} | item for item in json.loads(file.read_bytes())]
        file.write_text(json.dumps(items))


def change(tree: Path, source: random.Random) -> None:
    """Removes, restores, moves or damages one result."""
    submitter, benchmark = source.choice(PLACES)
    folder = tree / submitter / "results/x8" / benchmark
    kind = source.choice(("remove", "restore", "open", "closed", "damage"))
    if kind == "remove":
        shutil.rmtree(folder, ignore_errors=True)
    elif kind == "damage":
        for log in folder.glob("*.txt"):
            log.write_text("")
    else:
        write(tree, submitter, benchmark, kind if kind in ("open", "closed") else "closed")


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_no_note_is_lost_but_with_a_result_that_is_gone(tmp_path, monkeypatch, seed):
    monkeypatch.setenv("CM_CORE_SKIP_INTERNAL_REPOS", "yes")  # a small index, which has no cache: each import writes it
    source, tree = random.Random(seed), tmp_path / "tree"
    for submitter, benchmark in PLACES:
        write(tree, submitter, benchmark, source.choice(("open", "closed")))
    make_repository(tree)
    monkeypatch.setattr(pipeline, "locate", lambda *_: [msgspec.structs.replace(locate_path(tree, "5.1"), part="")])
    import_rounds(home_of(CM()), options_from({"version": "5.1"}), lambda _: None)
    add_notes()
    pruned = False
    for _ in range(6):
        change(tree, source)
        flags = source.choice(({}, {"submitter": "A"}, {"benchmark": "bert"}, {"division": "closed"}, {"division": "open"}))
        before = notes()
        try:
            import_rounds(home_of(CM()), options_from({"version": "5.1", "prune": True, **flags}), lambda _: None)
        except BadInput as error:  # nothing of that name is left
            assert next(iter(flags)) in str(error)
            assert notes() == before
            continue
        pruned = True
        after = notes()
        for key, note in before.items():
            is_there = (tree / key[1] / "results/x8" / key[2]).is_dir()
            if is_there:
                assert after.get(key) == note, (key, flags)
            elif key in after:
                assert after[key] == note
                assert flags, key  # what is gone goes, where nothing was filtered out
        add_notes()
    assert pruned
