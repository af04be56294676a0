"""The questions in the page of the data set: asked of a made-up one, and drawn."""

from __future__ import annotations

import pytest
from trees import import_tree, snapshot, write_result

from mlperf_training_import.dataset.write import Dataset
from mlperf_training_import.start.sample import START_MS, log_line


def add_lines(folder, *lines: str) -> None:
    """Writes lines before the stop of every run of a folder."""
    for log in folder.glob("result_*.txt"):
        *before, stop = log.read_text().splitlines()
        log.write_text("\n".join((*before, *lines, stop)) + "\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data set of one round with a result of each benchmark that is asked for."""
    root = tmp_path_factory.mktemp("questions")
    for name, minutes in (("fast", range(10, 20)), ("slow", range(20, 30))):
        write_result(root / "tree", minutes, system=name, benchmark="llama2_70b_lora")
    bert = write_result(root / "tree", range(10, 20), benchmark="bert")
    spans = [log_line(START_MS + second * 1000, f"eval_{what}") for second, what in ((60, "start"), (120, "stop"))]
    add_lines(bert, log_line(START_MS, "opt_base_learning_rate", 0.001), *spans)
    imported = import_tree(root / "tree", "4.1", with_details=True)
    dataset = Dataset(root / "data")
    dataset.add(imported.outcome, imported.findings)
    return root / "data"


@pytest.fixture(scope="module")
def figures():
    """What asks and draws. It loads matplotlib, which takes a second: not where other tests are collected."""
    from docs import make_dataset_figures

    return make_dataset_figures


@pytest.fixture(scope="module")
def answers(folder, figures):
    with figures.connect(folder) as connection:
        return {name: connection.sql(sql).fetchall() for name, sql in figures.questions().items()}


def test_every_question_has_its_figure_and_what_draws_it(figures):
    from docs import drawing

    assert list(figures.questions()) == list(figures.FIGURES_OF)
    assert len(figures.questions()) == 5
    assert all((drawing.FIGURES / f"{name}.svg").is_file() for name in figures.questions())


def test_learning_curves_are_those_of_the_kept_runs_of_the_fastest_result(answers):
    rows = answers["dataset_learning_curves"]
    assert {accelerator for accelerator, *_ in rows} == {"H100"}
    logs = {log for _, log, *_ in rows}
    assert len(logs) == 8  # without the fastest and the slowest
    assert all(log.startswith("Org/results/fast/") for log in logs)
    assert [minutes for _, log, minutes, _ in rows if log.endswith("result_5.txt")] == pytest.approx([5, 10])


def test_batch_size_against_samples_and_learning_rate(answers):
    assert answers["dataset_batch_size"] == [("4.1", 256.0, 4.0)] * 8
    assert answers["dataset_learning_rate"] == [(256.0, 0.001, 1)]


def test_spread_is_in_percent_of_the_median_run(answers):
    rows = [(edition, pytest.approx(spread), pytest.approx(middle)) for edition, spread, middle in answers["dataset_spread"]]
    of_bert, of_lora = 900 / 14.5, [900 / 24.5, 900 / 14.5]
    assert rows == [
        ("bert-1.0", of_bert, of_bert),
        *(("llama2_70b_lora-4.0", spread, sum(of_lora) / 2) for spread in of_lora),
    ]


def test_the_time_of_evaluation_is_in_percent_of_the_run(answers):
    ((edition, percent),) = answers["dataset_evaluation"]
    assert edition == "bert-1.0"
    assert percent[2] == pytest.approx((100 / 14 + 100 / 15) / 2)


@pytest.mark.slow
def test_figures_are_drawn_with_the_same_bytes_each_time(folder, figures, tmp_path, monkeypatch):
    monkeypatch.setattr("docs.drawing.FIGURES", tmp_path / "figures")
    figures.main(folder)
    first = snapshot(tmp_path / "figures")
    assert set(first) == {f"{name}.svg" for name in figures.FIGURES_OF}
    figures.main(folder)
    assert snapshot(tmp_path / "figures") == first
