"""What people see at the end of an import."""

from __future__ import annotations

import re

import pytest
from madeup import make_entry, store
from rich.console import Console
from trees import import_tree, write_result

from mlperf_training_import.homes import home_of
from mlperf_training_import.outcome import Outcome
from mlperf_training_import.show import screen
from mlperf_training_import.show.rows import Output, print_rows, rows
from mlperf_training_import.show.screen import Screen, show_imported
from mlperf_training_import.start.sample import run_log, system_description, write_submission
from mlperf_training_import.values import counted


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


def test_a_preview_of_throughputs_has_their_unit(tmp_path, capsys):
    for system, minutes in (("sys", 10), ("other", 20)):
        logs = [run_log("deepcam", minutes) for _ in range(5)]
        write_submission(tmp_path, "Org", system, "weak/deepcam", logs, system_description("Org"))
    lines = lines_of(capsys, Outcome([import_tree(tmp_path, "hpc-2.0").outcome], preview=True))
    assert ["Org/sys/deepcam/throughput", "0.500", "models/min.", "5", "of", "5"] in lines
    assert ["Org/other/deepcam/throughput", "0.250", "models/min.", "5", "of", "5"] in lines


def test_a_preview_without_results_has_no_empty_table(tmp_path, capsys):
    lines = lines_of(capsys, Outcome([import_tree(tmp_path, "5.0").outcome], preview=True))
    assert not [line for line in lines if "RCP" in line]


SSD = {"Task": "object-detection-light-weight", "_Task": "object-detection-light-weight", "llama2_70b_lora": None}
ON_COCO = SSD | {"Model_ID": "ssd", "edition": "ssd-0.6"}
ON_OPENIMAGES = SSD | {"Model_ID": "ssd", "edition": "ssd-2.0"}
RETINANET = SSD | {"Model_ID": "retinanet", "edition": "ssd-2.0"}


def listed(capsys, home, entries) -> list[list[str]]:
    cm = store(home, entries)
    capsys.readouterr()
    show_imported(home_of(cm), "")
    rows = [re.split(r"\s{2,}", line.strip()) for line in capsys.readouterr().out.splitlines()]
    return [row[-4:] for row in rows if len(row) in (4, 5) and row[-4] != "edition"]


@pytest.mark.slow
def test_the_fastest_is_never_across_two_editions(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(screen, "locate", lambda *_: [])
    names = {"submitter_name": "Acme", "accelerator_variant": "A100 SXM 80 GB", "accelerators_count": 8}
    entries = [
        make_entry(1, "1.1", **ON_COCO, **names, Result=2.0),
        make_entry(2, "2.1", **ON_OPENIMAGES, **names, Result=30.0),
        make_entry(3, "5.0", **RETINANET, **names, Result=20.0),
    ]
    assert listed(capsys, tmp_path / "CM", entries) == [
        ["ssd-0.6", "1", "2.00 min.", "Acme, 8 x A100 SXM 80 GB, 1.1"],
        ["ssd-2.0", "2", "20.00 min.", "Acme, 8 x A100 SXM 80 GB, 5.0"],
    ]


@pytest.mark.slow
def test_entries_of_an_older_import_have_the_editions_of_the_tables(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(screen, "locate", lambda *_: [])
    entries = [
        make_entry(1, "1.1", **ON_COCO | {"edition": None}, Result=2.0),
        make_entry(2, "5.0", **RETINANET | {"edition": None}, Result=20.0, accelerators_count=None),
    ]
    assert [row[:3] for row in listed(capsys, tmp_path / "CM", entries)] == [
        ["ssd-0.6", "1", "2.00 min."],
        ["ssd-2.0", "1", "20.00 min."],
    ]


LONG = "mlperf-training--5.1--closed--object-detection-light-weight"


@pytest.mark.parametrize("width", [40, 80, 160])
def test_nothing_is_cut_however_narrow_the_terminal_is(width, capsys):
    out = Console(width=width, highlight=False, markup=False)
    table = rows("experiment", "edition", "results", last="by")
    table.add_row(LONG, "ssd-2.0", "1", "Acme, 8 x A100 SXM 80 GB")
    table.add_row("", "ssd-0.6", "", "Borealis")
    print_rows(out, table)
    shown = " ".join(capsys.readouterr().out.split())
    for text in (LONG, "ssd-2.0", "Acme, 8 x A100 SXM 80 GB", "ssd-0.6", "Borealis"):
        assert text in shown
    assert ("results 1," in shown) is (width < 160)


def test_the_commit_and_the_day_are_whole_at_80_columns(outcome, capsys, monkeypatch):
    monkeypatch.setattr(screen, "standard_output", lambda: Output(width=80, highlight=False, markup=False))
    monkeypatch.setattr(screen, "_age", lambda _: ("7a78b76a69c7", "2026-11-30"))
    Screen().show(outcome)
    shown = capsys.readouterr().out
    assert "round 5.0\n  commit 7a78b76a69c7, fetched 2026-11-30, results 2, new 0," in shown


def test_one_is_not_many():
    assert (counted(1, "result"), counted(0, "result"), counted(2000, "run")) == ("1 result", "0 results", "2,000 runs")
