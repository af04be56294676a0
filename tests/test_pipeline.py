"""What the stages have in common."""

import gc
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from trees import write_result

from mlperf_training_import import pipeline
from mlperf_training_import.model import Round
from mlperf_training_import.options import Options
from mlperf_training_import.start.sample import START_MS


def test_collections_are_rare_only_while_an_import_runs(monkeypatch, tmp_path):
    before, seen = gc.get_threshold(), []

    def fail(*_):
        seen.append(gc.get_threshold())
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "find_target", fail)
    with pytest.raises(KeyboardInterrupt):
        pipeline.import_rounds(SimpleNamespace(repos_path=tmp_path, index_left_alone=nullcontext), Options(), print)
    assert seen[0][0] > before[0]
    assert gc.get_threshold() == before


def test_runs_of_an_earlier_round_are_old_and_that_is_no_finding(tmp_path):
    """Of those that no earlier round has it is one."""
    for label in ("5.0", "6.0"):
        write_result(tmp_path / label, system="old")
    write_result(tmp_path / "6.0", system="new", start_ms=START_MS + 1)
    rounds = [Round(label, label, tmp_path / label) for label in ("5.0", "6.0")]
    done = list(pipeline._iter_read(rounds, Options(no_cache=True), [], pipeline.no_progress, None))
    assert [[finding.folder for finding in of_round.findings if finding.code == "odd-dates"] for of_round in done] == [
        [],
        ["Org/results/new/resnet"],
    ]
    assert [[result.is_repeat for result in of_round.results] for of_round in done] == [[False], [False, True]]
