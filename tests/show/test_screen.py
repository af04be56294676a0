"""What people see at the end of an import."""

from __future__ import annotations

import pytest
from trees import import_tree, write_result

from mlperf_training_import.outcome import Outcome
from mlperf_training_import.show.screen import Screen


def lines_of(capsys, outcome) -> list[list[str]]:
    """The words of each line."""
    Screen().show(outcome)
    return [line.split() for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def outcome(tmp_path):
    folder = write_result(tmp_path, benchmark="retinanet", evaluations=[(1.5, 0.1), (3.2, 0.35)])
    (folder / "scaling.json").write_text('{"scaling_factor": 1.25}')
    write_result(tmp_path, system="other", benchmark="retinanet", description={"division": "open"})
    return Outcome([import_tree(tmp_path, "5.0").outcome])


def test_a_preview_has_verdict_and_factor_of_each_result(outcome, capsys):
    outcome.preview = True
    lines = lines_of(capsys, outcome)
    assert ["Org/sys/retinanet", "3.750", "5", "of", "5", "1.2500", "fail", "1.2500"] in lines
    assert ["Org/other/retinanet", "3.000", "5", "of", "5"] in lines  # open results are not judged


def test_an_import_of_published_rounds_has_not(outcome, capsys):
    assert not [line for line in lines_of(capsys, outcome) if "Org/sys/retinanet" in line]


def test_a_preview_without_results_has_no_empty_table(tmp_path, capsys):
    lines = lines_of(capsys, Outcome([import_tree(tmp_path, "5.0").outcome], preview=True))
    assert not [line for line in lines if "RCP" in line]
