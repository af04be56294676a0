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
        "10 logs converged in fewer samples than is possible, result_0.txt after 1; "
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
    assert what.endswith("the number is missing, and the figure is left out")


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
        "40 logs converged in fewer samples than is possible, result_0.txt after 2100; "
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


# -- runs that go on from a checkpoint ----------------------------------------------------------------------------------


def import_points(root, points: list[float], version: str = "1.1"):
    evaluations = [(point, 0.5 if number < len(points) else 0.73) for number, point in enumerate(points, 1)]
    write_result(root, [100] * 10, benchmark="bert", global_batch_size=1000, evaluations=evaluations)
    return import_tree(root, version)


@pytest.mark.parametrize("first", [3010, 100_000])
def test_a_run_that_goes_on_from_a_checkpoint_is_as_fast_as_between_its_evaluations(tmp_path, first):
    """Four evaluations, one each 20 minutes; the first one has more than three times what 20 minutes make."""
    imported = import_points(tmp_path, [first, first + 1000, first + 2000, first + 3000])
    entry = imported.only.entry
    assert entry["samples_per_second"] == pytest.approx(3000 / (3 * 20 * 60))
    assert not {"samples_to_converge", "rcp_verdict"} & entry.keys()
    (what,) = imported.what("resumed-run")
    assert what.startswith("10 of 10 logs ")


@pytest.mark.parametrize("points", [[2990, 3990, 4990, 5990], [100_000, 101_000], [100_000, 100_000, 101_000, 101_000]])
def test_a_slow_beginning_or_few_evaluations_are_no_checkpoint(tmp_path, points):
    imported = import_points(tmp_path, points)
    assert imported.what("resumed-run") == []
    assert imported.only.entry["samples_per_second"] == pytest.approx(points[-1] / 6000)


def test_samples_beside_a_placeholder_tell_it_too(tmp_path):
    evaluations = [(1, 0.1)] * 3 + [(1, 0.73)]
    folder = write_result(tmp_path, [100] * 10, benchmark="bert", global_batch_size=1000, evaluations=evaluations)
    for log in folder.glob("result_*.txt"):
        head, *rest = log.read_text().split('"epoch_num": 1,')
        parts = [
            f'"epoch_num": 1, "train_samples_since_beginning": {100_000 + 1000 * n},{part}' for n, part in enumerate(rest)
        ]
        log.write_text(head + "".join(parts))
    assert import_tree(tmp_path, "1.1").only.entry["samples_per_second"] == pytest.approx(3000 / (3 * 20 * 60))


def test_dlrm_of_0_7_that_numbers_its_evaluations_has_no_epochs(tmp_path):
    for submitter, evaluations in (("Org", [(1, 0.7), (18, 0.81)]), ("Other", [(1.05, 0.7), (1.9, 0.81)])):
        write_result(tmp_path, submitter=submitter, benchmark="dlrm", evaluations=evaluations)
    imported = import_tree(tmp_path, "0.7")
    found = {result.submission.submitter: result.entry.get("epochs_to_converge") for result in imported.outcome.results}
    assert found == {"Org": None, "Other": 0.9}


# -- qualities that are none ---------------------------------------------------------------------------------------------


def mll_log(value: float) -> str:
    """A log of round 0.6."""
    lines = [
        ':::MLL 1560000000.0 run_start: {"value": null, "metadata": {}}',
        f':::MLL 1560000100.0 eval_accuracy: {{"value": {value}, "metadata": {{"epoch_num": 3}}}}',
        ':::MLL 1560000200.0 run_stop: {"value": null, "metadata": {"status": "success"}}',
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("benchmark", "version", "value", "is_odd"),
    [
        ("bert", "3.0", 72.1, True),
        ("bert", "3.0", 0.721, False),
        ("bert", "3.0", 1.01, False),
        ("rnnt", "3.0", 5.7, True),
        ("rnnt", "3.0", 0.057, False),
        ("llama2_70b_lora", "5.1", -0.1, True),
        ("llama2_70b_lora", "5.1", 0.0, False),
        ("gnmt", "0.6", 24.1, False),
        ("gnmt", "0.6", 0.241, True),
    ],
)
def test_a_quality_that_is_none_of_its_metric_is_left_out_and_named(tmp_path, benchmark, version, value, is_odd):
    if version == "0.6":
        logs = [mll_log(value)] * 10
    else:
        logs = [run_log(benchmark, number, evaluations=[(1, 0.9), (3, value)]) for number in range(1, 11)]
    imported = import_logs(tmp_path, benchmark, logs, version)
    assert len(imported.what("odd-quality")) == is_odd
    assert ("quality_reached" in imported.only.entry) is not is_odd
    assert imported.what("target-missed") == []
