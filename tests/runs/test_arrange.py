"""Logs become a submission that the import takes, and nothing is overwritten."""

from __future__ import annotations

import gzip
import json

import pytest
from trees import import_tree, snapshot, write_files

from mlperf_training_import.errors import BadInput, NothingToScore
from mlperf_training_import.runs.arrange import arrange
from mlperf_training_import.start.sample import log_line, run_log, system_description


@pytest.fixture
def system(tmp_path):
    file = tmp_path / "box.json"
    file.write_text(json.dumps(system_description("Acme")))
    return file


def test_what_is_arranged_can_be_imported(tmp_path, system):
    texts = [run_log("retinanet", minutes) for minutes in (1, 2, 3, 4, 5)]
    write_files(tmp_path / "logs", {"a.gz": gzip.compress(texts[0].encode(), mtime=0), "b.out": "".join(texts[1:])})
    before = snapshot(tmp_path / "logs")
    made = arrange([str(tmp_path / "logs")], "Acme", system, tmp_path / "tree", "5.1")
    assert made == {tmp_path / "tree/Acme/results/box/retinanet": 5}
    assert import_tree(tmp_path / "tree", "5.1").minutes == {"Acme/results/box/retinanet": 3.0}
    assert snapshot(tmp_path / "logs") == before


def test_nothing_is_overwritten_or_half_made(tmp_path, system):
    write_files(tmp_path / "logs", {"a.log": run_log("retinanet", 1)})
    arrange([str(tmp_path / "logs")], "Acme", system, tmp_path / "tree")
    before = snapshot(tmp_path / "tree")
    with pytest.raises(BadInput, match="exists already; nothing is overwritten"):
        arrange([str(tmp_path / "logs")], "Acme", system, tmp_path / "tree")
    with pytest.raises(NothingToScore):
        arrange([str(system)], "Other", system, tmp_path / "tree")
    assert snapshot(tmp_path / "tree") == before


@pytest.mark.parametrize("name", ["", "..", "a/b", ".git", "a\x1bb"])
def test_names_stay_inside_the_folder(tmp_path, system, name):
    write_files(tmp_path / "logs", {"a.log": run_log("retinanet", 1)})
    with pytest.raises(BadInput, match="is no name for a folder"):
        arrange([str(tmp_path / "logs")], name, system, tmp_path / "tree")
    text = run_log("retinanet", 1).replace('"retinanet"', json.dumps(name or ".."))
    write_files(tmp_path / "odd", {"a.log": text + log_line(1, "x")})
    with pytest.raises(BadInput, match="is no name for a folder"):
        arrange([str(tmp_path / "odd")], "Acme", system, tmp_path / "tree")
    assert not (tmp_path / "tree/Acme/results/box").exists()
