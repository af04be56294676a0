"""What the stages have in common."""

import gc
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from mlperf_training_import import pipeline
from mlperf_training_import.options import Options


def test_collections_are_rare_only_while_an_import_runs(monkeypatch, tmp_path):
    before, seen = gc.get_threshold(), []

    def fail(*_):
        seen.append(gc.get_threshold())
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "find_target", fail)
    with pytest.raises(KeyboardInterrupt):
        pipeline.import_rounds(SimpleNamespace(repos_path=tmp_path, index_left_alone=nullcontext), Options(), print)
    assert seen[0][0] > 10 * before[0]
    assert gc.get_threshold() == before
