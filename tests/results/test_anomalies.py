"""What the published trees really contain, kind by kind, with small made-up files.

The groups follow the survey of rounds 0.5 to 5.1: log lines (1), status and target (2), counts and names of logs (3), system
descriptions (4), scaling files (5), layout (7), folder against log (8). Power logs (6) are in ``test_power.py``, what is
peculiar to rounds 0.5 and 0.6 (9) in ``test_old_rounds.py``.

Unless a test says otherwise its log is a run of 3 minutes, and its result five runs of 1, 2, 3, 4 and 5 minutes, which score
(2 + 3 + 4) / 3 = 3.0.
"""

from __future__ import annotations

import json
import os
import random
import re
from typing import TYPE_CHECKING

import pytest
from trees import import_tree, judged, read, snapshot, write_files, write_result

from mlperf_training_import.outcome import Outcome
from mlperf_training_import.rounds.description import read_description
from mlperf_training_import.show.summaries import write_summaries
from mlperf_training_import.start.sample import START_MS, log_line, run_log, system_description

if TYPE_CHECKING:
    from mlperf_training_import.model import System

TOKEN = ":::MLLOG "
LOG = run_log("resnet", 3.0)


def change_line(log: str, key: str, change) -> str:
    """The log with one line replaced: ``change`` gets the line of ``key`` (its first)."""
    lines = log.split("\n")
    number = next(number for number, line in enumerate(lines) if f'"key": "{key}"' in line)
    lines[number] = change(lines[number])
    return "\n".join(lines)


def change_record(log: str, key: str, **fields) -> str:
    """The log with fields of the line of ``key`` replaced."""
    return change_line(log, key, lambda line: TOKEN + json.dumps(json.loads(line[len(TOKEN) :]) | fields))


def drop_lines(log: str, *keys: str) -> str:
    """The log without the lines of some keys."""
    return "".join(line for line in log.splitlines(keepends=True) if not any(f'"key": "{key}"' in line for key in keys))


# 1. Log lines: prefixes, bytes, malformed lines, fields, times, run_start and run_stop

PREFIXES = {
    "rank": "0: ",
    "rank after a blank": " 12: ",
    "rank in brackets": "[3] ",
    "mpirun": "[1,0]<stdout>:",
    "progress bar": " 45%|####5     | 45/100 [00:12<00:15,  3.60it/s]",
    "progress bars overwritten by carriage returns": "\r  1%|\r  2%|\r",
    "ANSI cursor up": "\x1b[A",
    "ANSI typed out": "^[[A",
    "ANSI glued": "\x1b[I",
    "logger": "0: WARNING:mlperf_logging.mllog.mllog:",
    "text glued": "saving checkpoint ...",
    "an earlier token": 'echo of ":::MLLOG {" and then ',
    "blanks after the token": "",
}


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
def test_text_before_the_token_changes_nothing(tmp_path, prefix):
    prefixed = LOG.replace(TOKEN, prefix + TOKEN + ("  " if not prefix else ""))
    assert read(tmp_path, prefixed) == read(tmp_path, LOG)
    assert judged(tmp_path, prefixed).minutes == 3.0


@pytest.mark.parametrize("prefix", [b"\xe2\x96", "█████ é™ ".encode(), b"\xff\xfe", b"\x00"])
def test_bytes_before_the_token_that_are_no_ascii_change_nothing(tmp_path, prefix):
    prefixed = LOG.encode().replace(TOKEN.encode(), prefix + TOKEN.encode())
    assert read(tmp_path, prefixed) == read(tmp_path, LOG)


BYTES = {
    "CRLF": lambda log: log.replace(b"\n", b"\r\n"),
    "CRLF on every other line": lambda log: re.sub(rb"(.*)\n(.*)\n", rb"\1\r\n\2\n", log),
    "lone CR before the token": lambda log: log.replace(b":::MLLOG", b" 10%|#  |\r 20%|## |\r:::MLLOG"),
    "lone CR in a line of its own": lambda log: log.replace(b"\n", b"\n1/10\r2/10\r3/10\n"),
    "ANSI sequences": lambda log: log.replace(b"\n", b"\n\x1b[0m\x1b[1;32mdone\x1b[0m\n"),
    "cut block characters": lambda log: log.replace(b"\n", b"\n 12%|\xe2\x96\x88\xe2\x96| 3/25\n"),
    "Latin-1": lambda log: log.replace(b"\n", b"\nL\xfcbeck\n"),
    "no final newline": lambda log: log.rstrip(b"\n"),
    "blank lines": lambda log: log.replace(b"\n", b"\n\n"),
    "blanks after the JSON": lambda log: log.replace(b"}\n", b"} \t \n"),
}


@pytest.mark.parametrize("change", BYTES.values(), ids=BYTES)
def test_line_ends_and_odd_bytes_change_nothing(tmp_path, change):
    changed = change(LOG.encode())
    assert changed != LOG.encode()
    assert read(tmp_path, changed) == read(tmp_path, LOG)
    assert judged(tmp_path, changed).minutes == 3.0


def test_lines_out_of_time_order_change_nothing(tmp_path):
    lines = LOG.rstrip("\n").split("\n")
    middle = lines[1:6]
    random.Random(1).shuffle(middle)
    shuffled = "\n".join([*middle, lines[0], *lines[6:]]) + "\n"
    assert shuffled != LOG
    assert judged(tmp_path, shuffled).minutes == 3.0


MALFORMED = {
    "a stretch replaced, string and metadata": lambda line: line.replace(
        'null, "metadata": {"', 'nullLambdaorkspace/sd/callbacks.py", "'
    ),
    "a stretch replaced in a key": lambda line: line.replace('"value": null, "metadata": {', '"vLambda'),
    "Python quotes": lambda line: line.replace('"', "'"),
    "no quotes": lambda line: TOKEN + "cache_clear: {value: true, metadata: {lineno: 0, file: manual}}",
    "text after the JSON": lambda line: line + " done",
    "two objects": lambda line: line + line.removeprefix(TOKEN),
    "cut off": lambda line: line[:60],
    "broken across a newline": lambda line: line[:60] + "\n" + line[60:],
    "nothing after the token": lambda line: TOKEN,
    "no object": lambda line: TOKEN + "[1, 2]",
    "time_s for time_ms": lambda line: line.replace('"time_ms"', '"time_s"'),
    "without time_ms": lambda line: line.replace('"time_ms"', '"time"'),
    "without key": lambda line: line.replace('"key"', '"name"'),
    "without value": lambda line: line.replace('"value"', '"values"'),
    "without metadata": lambda line: line.replace('"metadata"', '"meta"'),
    "time_ms no number": lambda line: line.replace(f'"time_ms": {START_MS}', '"time_ms": "soon"'),
    "time_ms null": lambda line: line.replace(f'"time_ms": {START_MS}', '"time_ms": null'),
    "key no text": lambda line: re.sub(r'"key": "\w+"', '"key": ["run_stop"]', line),
}


@pytest.mark.parametrize("key", ["init_stop", "cache_clear"])
@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_one_malformed_token_line_makes_the_run_not_count(tmp_path, key, change):
    """Whether or not the line would matter: init_stop is read, cache_clear never is."""
    log = LOG.replace("\n", "\n" + log_line(START_MS, "cache_clear") + "\n", 1)
    bad = change_line(log, key, change)
    number = next(n for n, (old, new) in enumerate(zip(log.split("\n"), bad.split("\n"), strict=False), 1) if old != new)
    run = judged(tmp_path, bad)
    assert run.minutes is None
    assert run.reason.startswith(f"malformed line {number}: ")
    assert judged(tmp_path, log).minutes == 3.0


def test_malformed_lines_are_counted_and_the_first_is_named(tmp_path):
    bad = ("noise\n" + TOKEN + "{\n") * 3 + LOG
    assert judged(tmp_path, bad).reason.startswith("malformed line 2: not JSON")
    assert judged(tmp_path, bad).reason.endswith("(and 2 more)")


NEAR_MISSES = {
    "first colon lost": "u::MLLOG ",
    "no token": "",
    "no blank": ":::MLLOG",
    "lower case": ":::mllog ",
    "token of 0.6": ":::MLL ",
    "token of 0.5": ":::MLPv0.5.0 ",
}


@pytest.mark.parametrize("token", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_a_near_miss_of_the_token_is_no_token_line(tmp_path, token):
    """Neither read nor malformed: the line is lost, the run counts."""
    near_miss = token + log_line(START_MS + 1000, "run_stop", None, {"status": "aborted"}).removeprefix(TOKEN)
    lines = LOG.split("\n")
    lines.insert(8, near_miss)
    assert read(tmp_path, "\n".join(lines)) == read(tmp_path, LOG)


@pytest.mark.parametrize(
    "change",
    [
        lambda line: re.sub(r'"event_type": "\w+", ', "", line),
        lambda line: line.replace('"namespace": "", ', ""),
        lambda line: line.replace('"namespace": ""', '"namespace": 0'),
        lambda line: re.sub(r'"namespace": "", |"event_type": "\w+", ', "", line),
        lambda line: line.removesuffix("}") + ' , "x": 1 }',
        lambda line: line.replace(": ", ":"),
    ],
    ids=["no event_type", "no namespace", "namespace 0", "neither", "another layout", "no blanks"],
)
def test_fields_that_are_missing_or_odd_but_not_needed(tmp_path, change):
    changed = "\n".join(change(line) if line.startswith(TOKEN) else line for line in LOG.split("\n"))
    assert changed != LOG
    assert read(tmp_path, changed.replace(":::MLLOG{", ":::MLLOG {")) == read(tmp_path, LOG)


@pytest.mark.parametrize(
    ("start", "stop", "minutes"),
    [
        (1592878316890, 1592878496890, 3.0),
        (1592878316890.5, 1592878496890.5, 3.0),
        (1592878316890.0, "1592878496890", 3.0),
        ("1592878316890.25", 1592878496890.25, 3.0),
        # ten digits are milliseconds too: 180,000 of them, not seconds
        (1592990713, 1593170713, 3.0),
        (0, 180000, 3.0),
        (15928783168900, 15928783348900, 3.0),
    ],
)
def test_time_ms_is_milliseconds_whatever_its_form_and_number_of_digits(tmp_path, start, stop, minutes):
    log = change_record(drop_lines(LOG, "init_start", "init_stop"), "run_start", time_ms=start)
    assert judged(tmp_path, change_record(log, "run_stop", time_ms=stop)).minutes == minutes


@pytest.mark.parametrize("time_ms", [0, 123, 1592878316, 16655441572299, 1e3])
def test_hand_written_times_of_other_lines_do_not_matter(tmp_path, time_ms):
    log = change_record(LOG, "submission_benchmark", time_ms=time_ms)
    log = log_line(time_ms, "cache_clear", True) + "\n" + change_record(log, "train_samples", time_ms=time_ms)
    assert judged(tmp_path, log).minutes == 3.0


def test_a_hand_written_start_makes_one_slow_run_which_is_dropped(tmp_path):
    """Five runs of 0.5 minutes, the first with a start 15 hours early: (0.5 + 0.5 + 0.5) / 3."""
    folder = write_result(tmp_path, [0.5] * 5)
    file = folder / "result_0.txt"
    log = drop_lines(file.read_text(), "init_start", "init_stop")
    file.write_text(change_record(log, "run_start", time_ms=START_MS - 15 * 3_600_000))
    result = import_tree(tmp_path).only
    assert result.score.minutes == 0.5
    assert result.runs[0].minutes == 900.5


RUN_STOP_VALUES = [None, 0.759, "succuss", {"success": True}, {"status": "success"}, True, "aborted", {"success": False}]


@pytest.mark.parametrize("value", RUN_STOP_VALUES)
def test_the_value_of_run_stop_says_nothing(tmp_path, value):
    assert judged(tmp_path, change_record(LOG, "run_stop", value=value)).minutes == 3.0
    aborted = change_record(LOG, "run_stop", value=value, metadata={"status": "aborted"})
    assert judged(tmp_path, aborted).reason == "status of run_stop is aborted"


@pytest.mark.parametrize(
    ("metadata", "status"),
    [
        ({"status": "aborted"}, "aborted"),
        ({"status": "abort"}, "abort"),
        ({"status": "fail"}, "fail"),
        ({"status": "SUCCESS"}, "SUCCESS"),
        ({"status": True}, "True"),
        ({"status": None}, "missing"),
        ({}, "missing"),
        ("", "missing"),
        (None, "missing"),
        (["status", "success"], "missing"),
    ],
)
def test_only_the_status_success_counts(tmp_path, metadata, status):
    run = judged(tmp_path, change_record(LOG, "run_stop", metadata=metadata))
    assert (run.minutes, run.reason) == (None, f"status of run_stop is {status}")


def test_run_start_twice_takes_the_last_before_the_first_stop(tmp_path):
    later = log_line(START_MS + 60_000, "run_start")
    twice = change_line(LOG, "run_start", lambda line: f"{line}\n{later}")
    assert judged(tmp_path, twice).minutes == 2.0
    assert judged(tmp_path, LOG + later + "\n").minutes == 3.0


def test_run_stop_twice_takes_the_first(tmp_path):
    second = log_line(START_MS + 600_000, "run_stop", None, {"status": "aborted"})
    assert judged(tmp_path, LOG + second + "\n").minutes == 3.0
    first = log_line(START_MS + 60_000, "run_stop", None, {"status": "aborted"})
    assert judged(tmp_path, change_line(LOG, "run_stop", lambda line: f"{first}\n{line}")).minutes is None


def test_a_stop_before_the_start_is_not_its_stop(tmp_path):
    early = log_line(START_MS - 1000, "run_stop", None, {"status": "aborted"})
    assert judged(tmp_path, f"{early}\n{LOG}").minutes == 3.0


@pytest.mark.parametrize("stop_ms", [START_MS, START_MS - 1])
def test_a_clock_that_stands_or_runs_backwards_gives_no_minutes(tmp_path, stop_ms):
    assert judged(tmp_path, change_record(LOG, "run_stop", time_ms=stop_ms)).minutes is None


TRUNCATED = {
    "no run_stop": (drop_lines(LOG, "run_stop"), "no run_stop after the run_start"),
    "cut in the middle of a line": (LOG[: LOG.index("run_stop") + 3], "malformed line 11: "),
    "no run_start": (drop_lines(LOG, "run_start"), "no run_start"),
    "neither": (drop_lines(LOG, "run_start", "run_stop"), "no run_start"),
    "a sentence": ("Non compliant run allowed under olympic scoring rules\n", "no log lines"),
    "empty": ("", "the file is empty"),
}


@pytest.mark.parametrize(("content", "reason"), TRUNCATED.values(), ids=TRUNCATED)
def test_a_truncated_log_is_a_run_that_does_not_count(tmp_path, content, reason):
    """With 1, 2, 3 and 4 minutes and one run that failed, only the fastest is dropped: (2 + 3 + 4) / 3."""
    assert judged(tmp_path, content).reason.startswith(reason)
    folder = write_result(tmp_path / "round", [1, 2, 3, 4, 5])
    (folder / "result_4.txt").write_text(content)
    imported = import_tree(tmp_path / "round")
    assert imported.only.score.minutes == 3.0
    assert ("run-not-counted", "Org/results/sys/resnet/result_4.txt") in imported.places
    (folder / "result_3.txt").write_text(content)
    assert import_tree(tmp_path / "round").minutes == {}


# 2. Status and target


def test_success_counts_though_the_target_was_missed_and_no_status_does_not_though_it_was_met(tmp_path):
    missed = run_log("resnet", 3.0, evaluations=[(1.0, 0.1)])
    met = run_log("resnet", 3.0, evaluations=[(1.0, 0.99)])
    assert judged(tmp_path, missed).minutes == 3.0
    assert judged(tmp_path, drop_lines(met, "run_stop")).minutes is None


def test_ten_of_ten_aborted_runs_give_no_score_and_a_finding(tmp_path):
    write_result(tmp_path, range(1, 11), benchmark="bert", status="aborted")
    imported = import_tree(tmp_path)
    assert imported.minutes == {}
    (what,) = imported.what("run-not-counted")
    assert what == "10 of 10 runs do not count, 1 may; each: status of run_stop is aborted"


@pytest.mark.parametrize(
    ("failures", "minutes"),
    [({36, 37, 38, 39}, 20.5), ({0, 1, 2, 3}, 24.5), ({0, 1, 38, 39}, 22.5), ({36, 37, 38}, 20.5), ({0, 1, 2, 3, 4}, None)],
)
def test_unet3d_may_have_four_failed_runs(tmp_path, failures, minutes):
    """40 runs of 1 to 40 minutes; the fastest 4 that are left are dropped, and of the slowest as many as did not fail.

    The slowest 4 failed: the mean of 5 .. 36 is 20.5. The fastest 4: that of 9 .. 40 is 24.5. Two of each: 3 .. 38 are
    left, and that of 7 .. 38 is 22.5. The slowest 3: one more goes, 37, and 5 .. 36 is left.
    """
    folder = write_result(tmp_path, range(1, 41), benchmark="unet3d")
    for number in failures:
        file = folder / f"result_{number}.txt"
        file.write_text(change_record(file.read_text(), "run_stop", metadata={"status": "aborted"}))
    expected = {} if minutes is None else {"Org/results/sys/unet3d": minutes}
    assert import_tree(tmp_path).minutes == expected


# 3. Counts and names of logs

NAMES = {
    "from 0": "result_{0}.txt",
    "zero-padded": "result_{0:02}.txt",
    "numbers of 21 digits": "result_240930043022868987627_{0:02}.txt",
    "numbers of 27 digits": "result_240930043022868987627111{0:03}.txt",
    "job numbers": "result_5119-240510190348838227199_{0:02}.txt",
    "raw": "result_5119-240510190348838227199_{0:02}_raw_06.txt",
    "nodes and ranks": "result_{0}_1n8r_32k_1592676644.txt",
    "run": "result_run{0}.txt",
    "blanks": "result_ {0} .txt",
    "superscript": "result_{0}²3.txt",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_what_follows_result_is_an_opaque_name(tmp_path, name):
    folder = "Org/results/sys/resnet"
    logs = {f"{folder}/{name.format(number)}": run_log("resnet", number) for number in range(1, 6)}
    write_files(tmp_path, {**logs, "Org/systems/sys.json": system_description("Org")})
    imported = import_tree(tmp_path)
    assert imported.minutes == {folder: 3.0}
    assert len(imported.only.submission.logs) == 5
    assert imported.findings == []


def test_logs_are_ordered_as_people_count_and_without_regard_to_the_disk(tmp_path):
    names = ["result_2.txt", "result_10.txt", "result_1.txt", "result_01.txt", "result_run10.txt", "result_run9.txt"]
    expected = ["result_01.txt", "result_1.txt", "result_2.txt", "result_10.txt", "result_run9.txt", "result_run10.txt"]
    for order in (names, names[::-1]):
        root = tmp_path / order[0]
        write_files(root, {f"Org/results/sys/resnet/{name}": LOG for name in order})
        (submission,) = import_tree(root).outcome.submissions
        assert [log.name for log in submission.logs] == expected


@pytest.mark.parametrize(("count", "minutes"), [(7, 4.0), (5, 3.0), (3, 2.0)])
def test_another_number_of_logs_is_a_finding_and_no_reason_to_leave_the_result_out(tmp_path, count, minutes):
    """1 .. 7 without 1 and 7 is 4; 1 .. 3 without 1 and 3 is 2."""
    write_result(tmp_path, range(1, count + 1))
    imported = import_tree(tmp_path)
    assert imported.only.score.minutes == minutes
    assert imported.what("run-count") == ([] if count == 5 else [f"{count} logs, the round asks for 5"])


def test_two_logs_leave_nothing_to_score(tmp_path):
    write_result(tmp_path, [1, 2])
    imported = import_tree(tmp_path)
    assert imported.minutes == {}
    assert ("too-few-runs", "Org/results/sys/resnet") in imported.places


NOT_LOGS = [
    ".!65506!result_4.txt",
    ".result_9.txt",
    "result_9.txt.swp",
    "result_9.out",
    "result_9.txt.gz",
    "Result_9.txt",
    "xresult_9.txt",
    "intel_caffe_result_9.txt",
    "nvlog.json.1",
    "events.out.tfevents.1592676644",
    "package_checker_params",
    "run_and_time.sh",
    "maskrcnn_resubmit.tgz",
]
NOT_READ = ["raw_logs/result_9.txt", "processed_logs/result_9.txt", "logs/result_9.txt", "logs/deeper/result_9.txt"]


@pytest.mark.parametrize("name", [*NOT_LOGS, *NOT_READ])
def test_files_near_the_logs_are_not_runs(tmp_path, name):
    folder = write_result(tmp_path)
    write_files(folder, {name: run_log("resnet", 100.0)})
    imported = import_tree(tmp_path)
    assert imported.only.score.minutes == 3.0
    assert len(imported.only.submission.logs) == 5
    if name.count("/") == 1:
        assert imported.places == {("nested-logs", f"Org/results/sys/resnet/{name.split('/')[0]}")}


def test_a_copy_of_a_benchmark_nested_in_another_is_reported_and_not_counted(tmp_path):
    write_result(tmp_path, range(1, 11), benchmark="bert")
    folder = write_result(tmp_path, benchmark="resnet")
    write_files(folder, {f"bert/result_{number}.txt": run_log("bert", number) for number in range(1, 11)})
    imported = import_tree(tmp_path)
    # 1 .. 10 without 1 and 10 is 5.5
    assert imported.minutes == {"Org/results/sys/bert": 5.5, "Org/results/sys/resnet": 3.0}
    assert imported.places == {("nested-logs", "Org/results/sys/resnet/bert")}
    assert imported.results["Org/results/sys/resnet"].submission.not_read == ("Org/results/sys/resnet/bert",)


def test_logs_of_equal_content_count_as_often_as_they_are_there(tmp_path):
    """1, 1, 1, 1 and 5 minutes score 1; if the copies counted once, 1 and 5 would leave nothing."""
    write_result(tmp_path, [1, 1, 1, 1, 5])
    imported = import_tree(tmp_path)
    assert imported.only.score.minutes == 1.0
    assert len(imported.only.score.kept) == 3


def test_the_same_logs_in_three_folders_are_three_results(tmp_path):
    for submitter in ("smc", "smc-ac-power", "smc-dc-power"):
        write_result(tmp_path, submitter=submitter, description={"submitter": "Sustainable Metal Cloud"})
    results = import_tree(tmp_path).results.values()
    assert len({result.identity for result in results}) == 3
    assert len({result.entry["uid"] for result in results}) == 3
    assert {result.entry["submitter"] for result in results} == {"Sustainable Metal Cloud"}


# 4. System descriptions


def described(tmp_path, content) -> System:
    write_files(tmp_path, {"sys.json": content})
    return read_description(tmp_path / "sys.json").record


@pytest.mark.parametrize(
    "content",
    [
        'division: {"value": "closed", "metadata": {}}\nnodes: {"value": "{\'num_nodes\': \'1\'}"}\n',
        '{"division": "closed", "other_software_stack": {"cuda": "11",,}}',
        "",
        "[]",
        b"\xff\xfe{\x00}\x00",
        "{'division': 'closed'}",
        "[" * 100_000,
    ],
    ids=["lines of 0.6", "two commas", "empty", "no object", "UTF-16", "Python quotes", "nested deep"],
)
def test_an_invalid_description_costs_no_score(tmp_path, content):
    write_result(tmp_path)
    write_files(tmp_path, {"Org/systems/sys.json": content})
    imported = import_tree(tmp_path)
    entry = imported.only.entry
    assert (entry["Result"], entry["system"], entry["submitter"], entry["division"]) == (3.0, "sys", "Org", "closed")
    assert "accelerators_count" not in entry
    assert imported.places == {("invalid-system-description", "Org/systems/sys.json")}


def test_of_duplicate_keys_the_last_wins(tmp_path):
    text = '{"accelerator_model_name": "A100", "system_name": "s", "accelerator_model_name": "H200"}'
    assert described(tmp_path, text).accelerator_model_name == "H200"


def test_crlf_and_text_that_is_no_ascii(tmp_path):
    text = json.dumps({"system_name": "Größe™ München", "number_of_nodes": "4"}, ensure_ascii=False, indent=2)
    system = described(tmp_path, text.replace("\n", "\r\n"))
    assert (system.name, system.nodes) == ("Größe™ München", 4)
    assert described(tmp_path, b"\xef\xbb\xbf" + text.encode()) == system
    assert described(tmp_path, '{"system_name": "Lübeck"}'.encode("latin-1")).name == "Lübeck"


@pytest.mark.parametrize(
    ("key", "field", "value", "expected"),
    [
        ("divison", "division", "open", "open"),
        ("number of nodes", "nodes", "16", 16),
        ("sumitter", "submitter", "Intel", "Intel"),
    ],
)
def test_misspelt_keys_are_read_as_what_they_mean(tmp_path, key, field, value, expected):
    assert getattr(described(tmp_path, {key: value}), field) == expected


def test_the_right_spelling_goes_first_unless_it_says_nothing(tmp_path):
    assert described(tmp_path, {"number of nodes": "2", "number_of_nodes": "4"}).nodes == 4
    assert described(tmp_path, {"number of nodes": "2", "number_of_nodes": ""}).nodes == 2


@pytest.mark.parametrize("key", ["number_of_nodes", "host_processors_per_node", "accelerators_per_node"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [("8", 8), (8, 8), (1.0, 1), ("1.0", 1), (" 8 ", 8), ("0", 0), (0, 0)]
    + [(value, None) for value in ("", "-", "N/A", "1.5", 1.5, -1, "-8", True, None, [8], {"n": 8}, 10**12, 1e400)],
)
def test_counts_come_in_many_forms(tmp_path, key, value, expected):
    field = "nodes" if key == "number_of_nodes" else key
    assert getattr(described(tmp_path, {key: value}), field) == expected


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        *(("closed", "closed"), ("Closed", "closed"), ("close", "closed"), (" CLOSED ", "closed")),
        *(("open", "open"), ("Open", "open"), ("research", None), ("", None), (1, None), (None, None)),
    ],
)
def test_spellings_of_the_division(tmp_path, spelling, expected):
    assert described(tmp_path, {"division": spelling}).division == expected


@pytest.mark.parametrize(
    "key",
    [
        *("submitter", "system_name", "division", "status", "number_of_nodes", "host_processor_model_name"),
        *("host_processors_per_node", "accelerator_model_name", "accelerators_per_node", "framework"),
    ],
)
@pytest.mark.parametrize("absent", ["missing", "empty", "null"])
def test_a_key_without_a_value_is_left_out_and_reported(tmp_path, key, absent):
    write_result(tmp_path)
    description = system_description("Org")
    if absent == "missing":
        del description[key]
    else:
        description[key] = "" if absent == "empty" else None
    write_files(tmp_path, {"Org/systems/sys.json": description})
    imported = import_tree(tmp_path)
    assert imported.only.entry["Result"] == 3.0
    assert None not in imported.only.entry.values()
    assert "" not in imported.only.entry.values()
    assert imported.places == {("incomplete-system-description", "Org/systems/sys.json")}
    assert imported.what("incomplete-system-description") == [f"without {key}"]


def test_counts_are_per_node_times_nodes_and_unknown_where_one_is_unknown(tmp_path):
    write_result(tmp_path, description={"number_of_nodes": "4", "accelerators_per_node": 8, "host_processors_per_node": "2"})
    entry = import_tree(tmp_path).only.entry
    assert (entry["accelerators_count"], entry["host_processors_count"], entry["number_of_nodes"]) == (32, 8, 4)
    write_result(tmp_path / "b", description={"number_of_nodes": None})
    entry = import_tree(tmp_path / "b").only.entry
    assert not {"accelerators_count", "host_processors_count", "number_of_nodes"} & entry.keys()


def test_a_cpu_system_has_no_accelerators_which_is_a_number(tmp_path):
    write_result(tmp_path, description={"accelerators_per_node": "0", "accelerator_model_name": "N/A"})
    imported = import_tree(tmp_path)
    assert imported.only.entry["accelerators_count"] == 0
    assert imported.findings == []


def test_blanks_around_texts_go_and_notes_are_joined(tmp_path):
    system = described(
        tmp_path, {"host_processor_model_name": " Intel(R) Xeon(R)\n", "hw_notes": "400 W ", "sw_notes": "v1\tbeta"}
    )
    assert system.host_processor_model_name == "Intel(R) Xeon(R)"
    assert system.notes == "400 W;v1 beta"
    assert described(tmp_path, {"hw_notes": "", "sw_notes": "x"}).notes == "x"
    assert described(tmp_path, {"hw_notes": "", "sw_notes": ""}).notes is None


@pytest.mark.parametrize("stack", [{"cuda": "12"}, "cuda 12", ["cuda", "12"], ""])
def test_forms_of_keys_that_are_not_read_do_not_matter(tmp_path, stack):
    write_result(tmp_path, description={"other_software_stack": stack, "host_processor_core_count": "-", "system_type": 1})
    assert import_tree(tmp_path).findings == []


def test_submitter_and_system_name_are_for_display_and_folder_and_file_name_are_the_identity(tmp_path):
    """Three sizes of one system with one name, as copied descriptions have it, are three results."""
    for system in ("cray_n1", "cray_n2", "cray_n4"):
        write_result(tmp_path, submitter="Habana", system=system, description={"submitter": "HabanaLabs"})
    results = import_tree(tmp_path).results.values()
    assert {result.identity for result in results} == {
        ("3.0", "Habana", system, "resnet") for system in ("cray_n1", "cray_n2", "cray_n4")
    }
    assert {(r.entry["submitter"], r.entry["submitter_folder"], r.entry["system"]) for r in results} == {
        ("HabanaLabs", "Habana", "Made-up system")
    }
    assert len({result.entry["uid"] for result in results}) == 3


def test_files_in_systems_that_are_no_descriptions_do_not_matter(tmp_path):
    write_result(tmp_path)
    junk = {"README.md": "#", ".sys.json.swp": b"\x00\x01", "package_checker.log": "ok", "unused.json": "{broken"}
    write_files(tmp_path / "Org/systems", junk)
    imported = import_tree(tmp_path)
    assert imported.only.score.minutes == 3.0
    assert imported.findings == []


def test_a_spelling_that_the_table_does_not_know_is_named_with_the_line_to_extend(tmp_path):
    for system in ("a", "b"):
        write_result(tmp_path, system=system, description={"accelerator_per_node": "8"})
        file = tmp_path / f"Org/systems/{system}.json"
        description = json.loads(file.read_text())
        del description["accelerators_per_node"]
        file.write_text(json.dumps(description))
    imported = import_tree(tmp_path)
    assert "accelerators_count" not in imported.results["Org/results/a/resnet"].entry
    (finding,) = [finding for finding in imported.findings if finding.code == "unknown-key"]
    assert re.fullmatch(r"mlperf_training_import/tables/descriptions\.yaml:\d+", finding.where)
    assert finding.what == (
        "key accelerator_per_node is not in the table, but looks like accelerators_per_node; not read "
        "(first seen in Org/systems/a.json)"
    )
    assert len(imported.what("incomplete-system-description")) == 2


# 5. scaling.json


@pytest.mark.parametrize("factor", [1.00028, 1.0433, 1.1888, 2])
def test_the_published_factor_multiplies_the_score(tmp_path, factor):
    folder = write_result(tmp_path)
    write_files(folder, {"scaling.json": {"scaling_factor": factor}})
    result = import_tree(tmp_path).only
    assert result.score.minutes == 3.0 * factor
    assert result.scaling_factor == factor


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[1.04]", "1.04", "{broken"]
    + [json.dumps({"scaling_factor": value}) for value in (0, -1, "1.04", None, True, [1.04])]
    + ['{"scaling_factor": NaN}', '{"scaling_factor": 1e400}'],
)
def test_a_scaling_file_that_cannot_be_read_leaves_no_score_rather_than_a_wrong_one(tmp_path, content):
    folder = write_result(tmp_path)
    write_files(folder, {"scaling.json": content})
    imported = import_tree(tmp_path)
    assert imported.minutes == {}
    assert imported.places == {("invalid-scaling-file", "Org/results/sys/resnet/scaling.json")}


def test_nothing_in_the_tree_is_written(tmp_path):
    write_files(write_result(tmp_path), {"scaling.json": {"scaling_factor": 1.5}})
    write_result(tmp_path, benchmark="bert")
    before = snapshot(tmp_path)
    import_tree(tmp_path)
    assert snapshot(tmp_path) == before


# 7. Layout


def test_results_without_systems_are_scored_and_reported(tmp_path):
    write_files(
        tmp_path, {f"Org/results/sys/resnet/result_{number}.txt": run_log("resnet", number) for number in range(1, 6)}
    )
    imported = import_tree(tmp_path)
    assert imported.minutes == {"Org/results/sys/resnet": 3.0}
    assert imported.places == {("no-systems-folder", "Org")}
    assert imported.only.entry["system"] == "sys"
    assert imported.only.division == "closed"


def test_a_system_without_a_description_is_scored_and_named_after_its_folder(tmp_path):
    write_result(tmp_path, system="n1")
    (tmp_path / "Org/systems/n1.json").rename(tmp_path / "Org/systems/n1_A100.json")
    imported = import_tree(tmp_path)
    assert imported.only.entry["system"] == "n1"
    assert "details_url" not in imported.only.entry
    assert imported.places == {("no-system-description", "Org/results/n1")}
    assert imported.what("no-system-description") == ["Org/systems/n1.json does not exist"]


def test_logs_directly_in_the_folder_of_a_system_are_scored_by_what_they_name(tmp_path):
    write_files(tmp_path, {f"Org/results/v100-256/result_{number}.txt": run_log("resnet", number) for number in range(1, 6)})
    write_files(tmp_path, {"Org/systems/v100-256.json": system_description("Org")})
    imported = import_tree(tmp_path)
    assert imported.only.identity == ("3.0", "Org", "v100-256", "resnet")
    assert imported.minutes == {"Org/results/v100-256": 3.0}
    assert imported.places == {("stray-logs", "Org/results/v100-256")}


def in_seconds(text: str) -> str:
    """A log with the seconds since its start in place of times, as some of round 0.7 are."""
    start = int(re.search('"time_ms": ([0-9]+)', text)[1])
    return re.sub('"time_ms": ([0-9]+)', lambda match: f'"time_s": {(int(match[1]) - start) / 1000}', text)


def test_logs_that_give_seconds_are_read_and_their_clock_is_not_odd(tmp_path):
    logs = [in_seconds(run_log("resnet", minutes)) for minutes in (1, 2, 3.00001, 4, 5)]
    write_files(tmp_path, {f"Org/results/v100/result_{number}.txt": text for number, text in enumerate(logs)})
    write_files(tmp_path, {"Org/systems/v100.json": system_description("Org")})
    imported = import_tree(tmp_path, "0.7")
    assert imported.only.minutes == pytest.approx((2 + 3.00001 + 4) / 3, abs=1e-5)
    assert imported.only.entry["minutes_min"] == 1.0
    assert imported.places == {("stray-logs", "Org/results/v100")}


def test_stray_logs_that_cannot_be_scored_say_why(tmp_path):
    logs = {f"Org/results/v100/result_{number}.txt": LOG.replace("time_ms", "time") for number in range(5)}
    write_files(tmp_path, {**logs, "Org/systems/v100.json": system_description("Org")})
    imported = import_tree(tmp_path, "0.7")
    assert imported.minutes == {}
    assert {("stray-logs", "Org/results/v100"), ("no-logs", "Org/results/v100")} <= imported.places
    assert imported.what("run-not-counted") == []  # one cause, one finding
    assert "time_ms missing" in imported.what("no-logs")[0]


def test_stray_logs_of_a_benchmark_that_has_its_folder_do_not_replace_it(tmp_path):
    write_result(tmp_path)
    write_files(tmp_path, {f"Org/results/sys/result_{number}.txt": run_log("resnet", 50) for number in range(5)})
    imported = import_tree(tmp_path)
    assert len(imported.minutes) == 1
    assert any("is the same result as" in what for what in imported.what("stray-logs"))


def test_other_logs_than_result_txt_are_no_logs(tmp_path):
    logs = {f"Org/results/a100-8/resnet/tf_{number}_1.log": LOG for number in range(5)}
    write_files(tmp_path, {**logs, "Org/systems/a100-8.json": system_description("Org")})
    imported = import_tree(tmp_path)
    assert imported.minutes == {}
    assert imported.places == {("no-logs", "Org/results/a100-8/resnet")}
    assert imported.what("no-logs")[0].startswith("no result_*.txt, only tf_0_1.log, ")
    assert [submission.folder for submission in imported.outcome.submissions] == ["Org/results/a100-8/resnet"]


def test_files_in_results_and_beside_the_benchmarks_do_not_matter(tmp_path):
    write_result(tmp_path)
    write_files(
        tmp_path / "Org/results",
        {
            "README.md": "#",
            "checker-log.txt": LOG,
            ".gitkeep": "",
            "sys/.gitkeep": "",
            "sys/entry.json": {},
            "sys/x.log": LOG,
        },
    )
    imported = import_tree(tmp_path)
    assert imported.minutes == {"Org/results/sys/resnet": 3.0}
    assert imported.findings == []


def test_logs_directly_in_results_belong_to_no_system(tmp_path):
    write_result(tmp_path)
    write_files(tmp_path / "Org/results", {"result_0.txt": LOG, "result_1.txt": LOG})
    imported = import_tree(tmp_path)
    assert imported.minutes == {"Org/results/sys/resnet": 3.0}
    assert imported.what("stray-logs") == ["2 logs outside any system's folder; not read"]


def test_a_submitter_and_a_system_without_folders_are_reported(tmp_path):
    write_files(
        tmp_path, {"A/results/README.md": "", "A/systems/x.json": {}, "B/results/sys/notes.md": "", "B/systems/x": ""}
    )
    imported = import_tree(tmp_path)
    assert {("no-system-folder", "A/results"), ("no-logs", "B/results/sys")} <= imported.places


ODD_NAMES = [
    "Azure+NVIDIA",
    "IBM+CoreWeave+NVIDIA",
    "X660 G45_SXM4-80G-BPS_mxnet",
    "as-2124gq-nart+",
    "a.b-c_d",
    "100%",
    "é™",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_of_submitters_and_systems(tmp_path, name):
    write_result(tmp_path, submitter=name, system=name)
    imported = import_tree(tmp_path, web_url="https://github.com/org/repo", branch="main")
    entry = imported.only.entry
    assert imported.minutes == {f"{name}/results/{name}/resnet": 3.0}
    assert (entry["submitter_folder"], entry["system_file"]) == (name, name)
    assert not {" ", "é", "+"} & set(entry["details_url"])
    assert imported.findings == []


def test_a_name_that_is_no_utf_8_ends_nothing(tmp_path):
    """The name stands in the table of the round with an escape."""
    write_result(tmp_path / "round", system="renamed")
    results = tmp_path / "round/Org/results"
    try:
        (results / "renamed").rename(results / os.fsdecode(b"a\xff"))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    imported = import_tree(tmp_path / "round", web_url="https://github.com/org/repo", branch="main")
    assert imported.only.score.minutes == 3.0
    outcome = Outcome(rounds=[imported.outcome], findings=imported.findings)
    (tmp_path / "out").mkdir()
    csv_file = next(file for file in write_summaries(outcome, tmp_path / "out") if file.suffix == ".csv")
    assert "a\\udcff" in csv_file.read_text(encoding="utf-8")


@pytest.mark.parametrize("benchmark", ["Task", "Result", "Dataset", "system", "uid"])
def test_a_benchmark_named_like_a_key_of_an_entry_does_not_replace_it(tmp_path, benchmark):
    write_result(tmp_path / "a", benchmark=benchmark)
    write_result(tmp_path / "b", benchmark="other")
    odd, usual = (import_tree(tmp_path / name).only.entry for name in "ab")
    assert (odd["Result"], odd["Task"], odd["system"]) == (3.0, benchmark.lower(), usual["system"])
    assert len(odd["uid"]) == 16


def test_names_that_differ_in_case_only_are_two_submitters(tmp_path):
    for name in ("krai", "Krai"):
        write_result(tmp_path, submitter=name)
    assert len({result.identity for result in import_tree(tmp_path).results.values()}) == 2


@pytest.mark.parametrize(
    ("folders", "code"),
    [(["benchmarks"], "benchmarks"), (["benchmark"], "benchmark"), (["benchmark", "benchmarks"], "benchmarks"), ([], None)],
)
def test_the_link_to_the_code_follows_the_name_that_the_folder_has(tmp_path, folders, code):
    write_result(tmp_path)
    for folder in folders:
        write_files(tmp_path, {f"Org/{folder}/resnet/README.md": "#"})
    entry = import_tree(tmp_path, web_url="https://github.com/org/repo", branch="main").only.entry
    assert entry.get("code_url") == f"https://github.com/org/repo/blob/main/Org/{code or 'benchmarks'}"


def test_only_results_directly_under_a_submitter_count(tmp_path):
    write_result(tmp_path)
    elsewhere = "benchmark/maskrcnn/cocoapi/results/sys/resnet"
    write_files(tmp_path / "Org", {f"{elsewhere}/result_{number}.txt": LOG for number in range(5)})
    write_files(
        tmp_path, {"README.md": "#", "LICENSE.md": "", ".github/results/sys/resnet/result_0.txt": LOG, "a.pdf": b"%"}
    )
    write_files(tmp_path / "Org", {"package_checker.log": "", "summary.csv": "", "licensing/LICENSE": ""})
    imported = import_tree(tmp_path)
    assert imported.minutes == {"Org/results/sys/resnet": 3.0}
    assert imported.findings == []


def test_folders_below_a_benchmark_are_named_in_the_report_and_power_is_not_one_of_them(tmp_path):
    folder = write_result(tmp_path)
    write_files(folder, {"tfevents/train/events.out": "", "power/result_0/node_0.txt": "", "power/result_0/sw_0.txt": ""})
    submission = import_tree(tmp_path).only.submission
    assert submission.not_read == ("Org/results/sys/resnet/tfevents",)
    assert [log.name for log in submission.power["result_0"]] == ["node_0.txt", "sw_0.txt"]


# 8. Folder against log


def test_the_division_of_the_description_wins_and_the_log_s_counts_where_there_is_none(tmp_path):
    write_result(tmp_path / "a", description={"division": "open"}, division="closed")
    assert import_tree(tmp_path / "a").only.entry["division"] == "open"
    write_result(tmp_path / "b", description={"division": None}, division="open")
    assert import_tree(tmp_path / "b").only.entry["division"] == "open"


def test_a_division_that_nobody_names_is_unknown_and_reported(tmp_path):
    write_result(tmp_path, description={"division": None}, division="?")
    imported = import_tree(tmp_path)
    assert imported.only.division == "unknown"
    assert ("unknown-division", "Org/results/sys/resnet") in imported.places


def test_a_log_that_names_another_benchmark_is_reported_and_the_folder_is_taken(tmp_path):
    folder = write_result(tmp_path)
    file = folder / "result_2.txt"
    file.write_text(file.read_text().replace('"value": "resnet"', '"value": "bert"'))
    imported = import_tree(tmp_path)
    assert imported.only.benchmark.key == "resnet"
    assert imported.what("log-mismatch") == [
        "1 of 5 logs names another benchmark than resnet, which all count as: result_2.txt (bert, 3.00 minutes)"
    ]


def test_what_logs_say_about_submitter_and_status_is_not_used(tmp_path):
    folder = write_result(tmp_path, description={"status": "Available cloud"})
    junk = [
        log_line(START_MS, "submission_org", "SUBMISSION_ORG_PLACEHOLDER"),
        log_line(START_MS, "submission_status", "onprem"),
    ]
    for file in folder.iterdir():
        file.write_text("\n".join([*junk, file.read_text()]))
    entry = import_tree(tmp_path).only.entry
    assert (entry["submitter"], entry["availability"]) == ("Org", "Available cloud")


def test_submission_lines_that_repeat_change_nothing(tmp_path):
    again = "".join(line for line in LOG.splitlines(keepends=True) if "submission_" in line)
    once, twice = read(tmp_path, LOG), read(tmp_path, again + LOG)
    assert (twice.benchmark, twice.division, twice.lines) == (once.benchmark, once.division, once.lines + 2)
    assert judged(tmp_path, again + LOG).minutes == 3.0
