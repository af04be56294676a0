"""Progress at convergence where logs count in another unit than the benchmark, as published rounds do."""

from __future__ import annotations

import pytest
from trees import import_tree, read, write_result

from mlperf_training_import.start.sample import START_MS, log_line, run_log, system_description, write_submission

#: Training samples of the data set of bert.
DATASET = 156_725_653


def bert_log(minutes: float, *after: int, epoch: float = 1, **metadata) -> str:
    """A log of bert with two evaluations, and ``train_samples`` after the last of them; ``metadata`` stands beside that."""
    stop_ms = START_MS + round(minutes * 60_000)
    text = run_log("bert", minutes, global_batch_size=448, evaluations=[(epoch, 0.7)])
    *lines, stop = text.splitlines()
    lines.append(log_line(stop_ms - 2, "eval_accuracy", 0.721, {"epoch_num": epoch, **metadata}))
    lines += [log_line(stop_ms - 1, "train_samples", samples) for samples in after]
    return "\n".join([*lines, stop]) + "\n"


def import_logs(root, benchmark: str, logs: list[str], version: str):
    write_submission(root, "Org", "sys", benchmark, logs, system_description("Org"))
    return import_tree(root, version)


def import_bert(root, *after: int, **more):
    return import_logs(root, "bert", [bert_log(3 + i / 10, *after, **more) for i in range(10)], "1.1")


# -- a placeholder in place of samples --------------------------------------------------------------------------------


def test_a_placeholder_gives_way_to_the_samples_after_it(tmp_path):
    imported = import_bert(tmp_path, 2_850_176)
    assert imported.only.entry["samples_to_converge"] == 2_850_176.0
    assert imported.what("progress-unit") == [
        "10 logs say that they converged in fewer samples than can be, result_0.txt after 1; "
        "the samples that they log beside it are taken"
    ]


def test_throughput_follows(tmp_path):
    imported = import_bert(tmp_path, 2_850_176)
    minutes = imported.only.minutes
    assert imported.only.entry["samples_per_second"] == pytest.approx(2_850_176 / (minutes * 60), rel=1e-6)


def test_samples_in_the_evaluation_come_first(tmp_path):
    imported = import_bert(tmp_path, 5, train_samples_since_beginning=111_308_800)
    assert imported.only.entry["samples_to_converge"] == 111_308_800.0


@pytest.mark.parametrize(
    "after",
    [(), (DATASET,), (447,), (2_850_176, 2_850_177)],
    ids=["none", "data-set", "less-than-a-batch", "several"],
)
def test_without_samples_there_is_no_figure(tmp_path, after):
    imported = import_bert(tmp_path, *after)
    assert "samples_to_converge" not in imported.only.entry
    assert "samples_per_second" not in imported.only.entry
    (what,) = imported.what("progress-unit")
    assert what.endswith("they do not say how many it were, and the figure is left out")


def test_train_samples_before_the_last_evaluation_or_after_the_stop_are_none(tmp_path):
    line = log_line(1, "train_samples", 2_850_176)
    logs = []
    for index in range(10):
        *lines, evaluation, stop = bert_log(3 + index / 10).splitlines()
        logs.append("\n".join([*lines, line, evaluation, stop, line]) + "\n")
    assert "samples_to_converge" not in import_logs(tmp_path, "bert", logs, "1.1").only.entry


def test_a_sound_figure_stands_whatever_train_samples_says(tmp_path):
    imported = import_bert(tmp_path, 2_850_176, epoch=448, train_samples_since_beginning=9)
    assert imported.only.entry["samples_to_converge"] == 448.0
    assert imported.what("progress-unit") == []


def test_only_bert_has_placeholders(tmp_path):
    write_result(tmp_path, benchmark="llama2_70b_lora", minutes=range(1, 11), evaluations=[(1, 0.9)])
    assert import_tree(tmp_path, "5.0").what("progress-unit") == []


def test_failed_runs_are_not_looked_at(tmp_path):
    logs = [bert_log(3 + i / 10, 2_850_176) for i in range(9)] + [
        run_log("bert", 9, status="aborted", evaluations=[(1, 0.1)])
    ]
    (what,) = import_logs(tmp_path, "bert", logs, "1.1").what("progress-unit")
    assert what.startswith("9 logs ")


# -- epochs in place of samples ---------------------------------------------------------------------------------------


def import_unet3d(root, version: str, epochs: float):
    logs = [run_log("unet3d", 3 + i / 10, global_batch_size=56, evaluations=[(epochs, 0.91)]) for i in range(40)]
    return import_logs(root, "unet3d", logs, version)


def test_epochs_of_unet3d_become_samples(tmp_path):
    imported = import_unet3d(tmp_path, "3.1", 2100)
    assert imported.only.entry["samples_to_converge"] == 2100 * 168
    assert imported.what("progress-unit") == [
        "40 logs say that they converged in fewer samples than can be, result_0.txt after 2100; "
        "these are epochs; 168 times as many are taken"
    ]


@pytest.mark.parametrize(
    ("version", "figure", "key"), [("3.1", 28_224, "samples_to_converge"), ("3.0", 2100, "epochs_to_converge")]
)
def test_samples_and_epochs_of_unet3d_in_their_own_rounds_stand(tmp_path, version, figure, key):
    imported = import_unet3d(tmp_path, version, figure)
    assert imported.only.entry[key] == figure
    assert imported.what("progress-unit") == []


# -- what the log reader keeps for it ---------------------------------------------------------------------------------


def test_samples_after_the_last_evaluation(tmp_path):
    assert read(tmp_path, bert_log(3, 7)).samples_after_evaluation == 7
    assert read(tmp_path, bert_log(3, 7, 7)).samples_after_evaluation == 7
    assert read(tmp_path, bert_log(3, 7, 8, 7)).samples_after_evaluation is None
    assert read(tmp_path, bert_log(3)).samples_after_evaluation is None


def test_an_evaluation_that_must_be_parsed_starts_anew_too(tmp_path):
    named = log_line(START_MS + 1, "eval_accuracy", 0.7, {"epoch_num": 1, "metric": "accuracy"})
    text = bert_log(3, 7)
    *lines, stop = text.splitlines()
    assert read(tmp_path, "\n".join([*lines, named, stop]) + "\n").samples_after_evaluation is None


def test_quality_in_the_nested_logs_of_0_6(tmp_path):
    value = '{"accuracy": {"BBOX": 0.378, "SEGM": 0.3428}}'
    text = (
        ':::MLL 1560822000.0 run_start: {"value": null, "metadata": {}}\n'
        f':::MLL 1560822060.0 eval_accuracy: {{"value": {value}, "metadata": {{"epoch_num": 13}}}}\n'
        ':::MLL 1560822120.0 run_stop: {"value": null, "metadata": {"status": "success"}}\n'
    )
    write_submission(tmp_path, "Org", "sys", "maskrcnn", [text] * 5, system_description("Org"))
    entry = import_tree(tmp_path, "0.6").only.entry
    assert (entry["quality_reached"], entry["second_quality_reached"]) == pytest.approx((0.378, 0.3428), rel=1e-12)


# -- the cases that users reported ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "version", "samples"),
    [("06a-bert-epoch-placeholder", "1.1", 2_850_176.0), ("06c-unet3d-epochs-in-sample-round", "3.1", 2100 * 168.0)],
)
def test_reported_cases(cases, case, version, samples):
    imported = import_tree(cases / case, version)
    assert imported.only.entry["samples_to_converge"] == samples
    assert len(imported.what("progress-unit")) == 1


# -- a real round -----------------------------------------------------------------------------------------------------


def test_quality_of_every_maskrcnn_result_of_0_6(published):
    results = [result for result in published("0.6").outcome.results if result.benchmark.key == "maskrcnn"]
    assert len(results) == 9  # six of NVIDIA, whose logs nest the two figures, and three of Google, whose logs list them
    for result in results:
        assert 0.377 <= result.entry["quality_reached"] < 0.39
        assert 0.339 <= result.entry["second_quality_reached"] < 0.35
