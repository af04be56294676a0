"""The questions in the page of the data set: asked of a made-up one, and drawn."""

from __future__ import annotations

import shutil

import pytest
from dataset.second_way import WAYS, assert_equal, read_tables, results_once, runs_once
from trees import import_tree, snapshot, write_result

from mlperf_training_import.dataset.write import Dataset
from mlperf_training_import.start.sample import START_MS, log_line
from mlperf_training_import.tables.references import reference_runs


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
    start_ms = START_MS + 3_600_000  # another time than that of the others: runs with the same times are the same runs
    bert = write_result(root / "tree", range(10, 20), benchmark="bert", start_ms=start_ms)
    spans = [log_line(start_ms + second * 1000, f"eval_{what}") for second, what in ((60, "start"), (120, "stop"))]
    add_lines(bert, log_line(start_ms, "opt_base_learning_rate", 0.001), *spans)
    imported = import_tree(root / "tree", "4.1", with_details=True)
    dataset = Dataset(root / "data")
    dataset.add(imported.outcome, imported.findings)
    dataset.finish()
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
    handed_in = [row for row in answers["dataset_batch_size"] if row[0] != "reference"]
    assert handed_in == [("round 4.1", 256.0, 4.0)] * 8
    references = [(size, samples) for source, size, samples in answers["dataset_batch_size"] if source == "reference"]
    expected = (
        (runs.global_batch_size, point / 1e6) for runs in reference_runs("training", "bert", "4.1") for point in runs.points
    )
    assert sorted(references) == pytest.approx(sorted(expected))
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


def test_a_run_that_was_handed_in_again_changes_no_answer(folder, figures, tmp_path):
    """The same tree as a later round: each of its runs and results is a repetition."""
    shutil.copytree(folder, tmp_path / "data")
    shutil.copytree(folder.parent / "tree", tmp_path / "tree")
    for label in ("4.1", "5.0"):
        imported = import_tree(tmp_path / "tree", label, with_details=True)
        dataset = Dataset(tmp_path / "data")
        dataset.add(imported.outcome, [])
    dataset.finish()
    asked = [sql for sql in figures.every_question().values() if "fastest" not in sql and "reference_points" not in sql]
    assert len(asked) == 9
    with figures.connect(folder) as once, figures.connect(tmp_path / "data") as twice:
        for sql in asked:
            assert twice.sql(sql).fetchall() == once.sql(sql).fetchall(), sql


def test_questions_without_a_figure(folder, figures):
    with figures.connect(folder) as connection:
        rows = {sql: connection.sql(sql).fetchall() for sql in figures.every_question().values()}
    (samples,) = (found for sql, found in rows.items() if "median(u.samples) as samples" in sql)
    assert ("bert-1.0", 256.0, "Org", 8, 4e6) in samples  # a submitter that the tables do not know
    (settings,) = (found for sql, found in rows.items() if "f.benchmark, h.key" in sql)
    assert ("4.1", "bert", "opt_base_learning_rate", "0.001") in settings
    (costs,) = (found for sql, found in rows.items() if "as cost" in sql)
    assert [round(cost, 9) for *_, cost in costs if _[0] == "bert-1.0"] == [1]


@pytest.mark.slow
def test_figures_are_drawn_with_the_same_bytes_each_time(folder, figures, tmp_path, monkeypatch):
    monkeypatch.setattr("docs.drawing.FIGURES", tmp_path / "figures")
    figures.main(folder)
    first = snapshot(tmp_path / "figures")
    assert set(first) == {f"{name}.svg" for name in figures.FIGURES_OF}
    figures.main(folder)
    assert snapshot(tmp_path / "figures") == first


def test_every_question_has_a_second_way(figures):
    assert list(WAYS) == list(figures.every_question())


@pytest.fixture(scope="module")
def asked(real_dataset, figures):
    """What asks the real rounds: a database, and tables of pandas."""
    with figures.connect(real_dataset) as connection:
        yield connection, read_tables(real_dataset)


@pytest.mark.parametrize("title", WAYS)
def test_the_answer_on_real_rounds_is_that_of_the_second_way(asked, figures, title):
    connection, tables = asked
    rows = connection.sql(figures.every_question()[title]).fetchall()
    assert rows
    assert_equal(rows, WAYS[title](tables))


def test_repeats_of_real_rounds_are_those_of_the_second_way(asked):
    connection, tables = asked
    for table, keys, once in (("runs", "round, log", runs_once), ("results", "uid", results_once)):
        left = connection.sql(f"select {keys} from {table} where repeat_of is null").fetchall()
        names = keys.split(", ")
        assert sorted(left) == sorted(once(tables)[names].itertuples(index=False, name=None))
        assert len(left) < len(tables[table])
