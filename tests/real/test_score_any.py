"""Scoring the logs of any published benchmark folder gives the imported minutes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import mlperf_training_import


@pytest.mark.slow
@pytest.mark.parametrize("version", ["0.7", "3.0", "4.1"])
def test_score_gives_the_imported_minutes_to_the_last_bit(real_home, real_round, version):
    report = json.loads((Path(real_home["WORK"]) / "mlperf-training-report.json").read_text())
    (round_report,) = [part for part in report["rounds"] if part["version"] == version]
    imported = {part["folder"]: part["minutes"] for part in round_report["folders"] if "minutes" in part}
    assert len(imported) > 100
    wrong = {}
    for folder, minutes in list(imported.items())[::10]:  # all of them take minutes, and gave the same on 2026-11-25
        groups, _ = mlperf_training_import.score_logs([real_round(version) / folder], version)
        scores = [group.minutes for group in groups if group.folder.endswith(folder)]
        if scores != [minutes]:
            wrong[folder] = (scores, minutes)
    assert not wrong
