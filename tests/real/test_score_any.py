"""Scoring the logs of any published benchmark folder gives the imported score."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import mlperf_training_import


@pytest.mark.slow
@pytest.mark.parametrize("version", ["0.7", "3.0", "4.1", "hpc-2.0"])
def test_score_gives_the_imported_score_to_the_last_bit(real_home, real_round, version):
    report = json.loads((Path(real_home["WORK"]) / "mlperf-training-report.json").read_text())
    (round_report,) = [part for part in report["rounds"] if part["version"] == version]
    scored = [part for part in round_report["folders"] if "not_scored" not in part]
    imported = {part["folder"]: part.get("minutes", part.get("models_per_minute")) for part in scored}
    assert len(imported) > 20
    wrong = {}
    weak = {part["folder"] for part in scored if "models_per_minute" in part}
    for folder in {*sorted(weak)[::2], *[*imported][::25]}:  # all of them take minutes, and gave the same on 2026-11-30
        score = imported[folder]
        groups, _ = mlperf_training_import.score_logs([real_round(version) / folder], version)
        scores = [group.score for group in groups if group.folder.endswith(folder)]
        if scores != [score]:
            wrong[folder] = (scores, score)
    assert not wrong
