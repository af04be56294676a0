"""Nothing vanishes: each file is a run, or there is a line that says what it is; whatever was put around its lines."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import sys
import threading
import time
import tracemalloc

import pytest
from trees import write_files

from mlperf_training_import.errors import NothingToScore
from mlperf_training_import.runs.score import score_logs
from mlperf_training_import.start.sample import START_MS, log_line, run_log

DAY_MS = 24 * 60 * 60 * 1000
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n"
INFERENCE = "\n".join(log_line(0.01, key, 1) for key in ("loadgen_version", "requested_scenario", "generated_query_count"))


def log(number: int = 0, minutes: float = 10.0, seed: int | None = None, **more) -> str:
    """A log of a run of its own: of another day, and with evaluations of its own."""
    start_ms = START_MS + number * DAY_MS
    text = run_log("retinanet", minutes, start_ms=start_ms, evaluations=[(1, 0.1), (2, 0.34 + number / 1000)], **more)
    return text if seed is None else log_line(start_ms - 1000, "seed", seed) + "\n" + text


def found(root, **more):
    """The minutes of all runs, and the lines about all other files."""
    groups, left = score_logs([root], **more)
    return sorted(run.minutes for group in groups for run in group.runs if run.minutes is not None), left


def without(text: str, key: str) -> str:
    """Lines of JSON without one of their keys."""
    lines = (json.loads(line.partition(":::MLLOG ")[2]) for line in text.splitlines() if ":::MLLOG " in line)
    return "".join(f":::MLLOG {json.dumps({k: v for k, v in line.items() if k != key})}\n" for line in lines)


NO_RUNS = {
    "no time_ms": ({"a.out": without(log(), "time_ms")}, "10 of 10 log lines are malformed (line 1: time_ms missing)"),
    "an empty result": ({"result_1.txt": ""}, "the file is empty"),
    "a result with blanks": ({"result_1.txt": "\n \n"}, "the file holds nothing but blanks"),
    "a Git LFS pointer": ({"a.log": POINTER}, "a Git LFS pointer in place of the log"),
    "packed otherwise": ({"a.log.xz": b"\xfd7zXZ\x00" + b"\0" * 40}, "compressed with xz; unpack it: unxz"),
    "Inference": ({"mlperf_log_detail.txt": INFERENCE}, "a log of MLPerf Inference (LoadGen)"),
    "Inference's summary": ({"mlperf_log_summary.txt": "=" * 48 + "\nMLPerf Results Summary\n"}, "a summary of MLPerf Inf"),
    "power": ({"node_0.txt": log_line(1, "power_reading", 3)}, "a power log, no run"),
    "no run in it": ({"a.log": log_line(1, "seed", 3)}, "neither run_start nor run_stop in its 1 log lines"),
    "hidden": ({".a.log": log()}, "a hidden file; name it to have it read"),
    "in a hidden folder": ({".a/b.log": log()}, "a hidden folder, not looked into"),
    "cut gzip": ({"a.gz": gzip.compress(log().encode(), mtime=0)[:-20]}, "not whole gzip"),
    "tar": ({"logs.tar": b"a.log".ljust(257, b"\0") + b"ustar" + log().encode()}, "a tar archive"),
    "packed often": ({"a.gz": gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"x"))))}, "packed more than 3 times"),
}


@pytest.mark.parametrize("case", NO_RUNS)
def test_what_is_no_run_is_named_alone_and_beside_a_run(tmp_path, case):
    files, why = NO_RUNS[case]
    write_files(tmp_path, files)
    with pytest.raises(NothingToScore) as nothing:
        score_logs([tmp_path])
    assert why in str(nothing.value)
    assert "log lines have one of" not in str(nothing.value)
    write_files(tmp_path, {"run.log": log()})
    minutes, (left,) = found(tmp_path)
    assert minutes == [10.0]
    assert why in left
    assert next(iter(files)).partition("/")[0] in left


@pytest.mark.parametrize("begins", [b"PK\x03\x04", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"])
def test_a_packed_file_is_mentioned_by_its_ending(tmp_path, begins):
    ending = {b"P": "zip", b"B": "bz2", b"\xfd": "xz", b"\x28": "zst"}[begins[:1]]
    write_files(tmp_path, {"run.log": log(), f"more.{ending}": begins + bytes(40), "model.pt": begins + bytes(40)})
    minutes, (left,) = found(tmp_path)
    assert minutes == [10.0]
    assert f"more.{ending}: " in left
    assert "; unpack it: " in left


@pytest.mark.parametrize("name", ["run.log", "retinanet/result_0.txt"])
def test_a_file_that_is_named_in_two_ways_is_read_once(tmp_path, monkeypatch, name):
    write_files(tmp_path, {name: log()})
    monkeypatch.chdir(tmp_path)
    groups, left = score_logs([f"./{name}", ".", tmp_path, name])
    assert [[run.file for run in group.runs] for group in groups] == [[f"./{name}"]]
    assert left == []


def test_links_pipes_and_a_file_that_was_named_are_mentioned(tmp_path):
    write_files(tmp_path, {"run.log": log(), "notes.md": "hello\n"})
    (tmp_path / "latest.log").symlink_to("run.log")
    (tmp_path / "latest").symlink_to(".")
    os.mkfifo(tmp_path / "pipe")
    minutes, left = found(tmp_path)
    assert minutes == [10.0]
    assert [line.rpartition("/")[2] for line in left] == [
        "latest: a link to a folder, not followed; name it to have it read",
        "latest.log: a link, not followed; name it to have it read",
        "pipe: not a regular file",
    ]
    _, left = score_logs([tmp_path / "run.log", tmp_path / "notes.md"])
    assert left == [f"{tmp_path}/notes.md: no log lines"]


def test_all_files_of_a_submission_count_and_others_beside_them_are_mentioned(tmp_path):
    folder = tmp_path / "Acme/results/box/retinanet"
    texts = [log(number) for number in range(3)]
    write_files(folder, {f"result_{number}.txt": text for number, text in enumerate([*texts, "", POINTER])})
    write_files(folder, {"other.log": log(7), "power/result_0/node_0.txt": log_line(1, "power_reading", 3)})
    groups, left = score_logs([tmp_path])
    assert [(run.minutes, run.reason) for run in groups[0].runs] == [
        (10.0, None),
        (10.0, None),
        (10.0, None),
        (None, "the file is empty"),
        (None, "a Git LFS pointer in place of the log; run in the clone: git lfs pull"),
    ]
    assert [line.removeprefix(f"{folder}/") for line in left] == [
        "power: power logs, no runs",
        "other.log: next to the result_*.txt of a submission, the only files that count there",
    ]


def test_a_log_of_a_submission_is_read_as_the_import_reads_it(tmp_path):
    folder = tmp_path / "Acme/results/box/retinanet"
    write_files(folder, {"result_0.txt": log(0) + log(1), "result_1.txt": log(2).replace("}\n", "} [0]\n")})
    (group,), _ = score_logs([tmp_path])
    assert [run.minutes for run in group.runs] == [10.0, None]
    assert group.runs[1].reason == "malformed line 1: not JSON (Extra data) (and 9 more)"


def test_a_run_that_logs_its_power_too_is_a_run(tmp_path):
    write_files(tmp_path, {"a.log": log_line(START_MS, "power_measurement_start") + "\n" + log()})
    assert found(tmp_path) == ([10.0], [])


def test_a_long_log_of_inference_is_read_to_its_end(tmp_path, monkeypatch):
    """Its times have fractions, and cost no more than those of a run."""
    monkeypatch.setattr("mlperf_training_import.logs.line._MOST_LINES", 10)
    write_files(tmp_path, {"detail.txt": INFERENCE + "\n" + (log_line(0.5, "loadgen_issue") + "\n") * 100})
    with pytest.raises(NothingToScore, match="a log of MLPerf Inference"):
        score_logs([tmp_path])


def test_a_log_beside_one_that_is_called_result_is_a_run(tmp_path):
    write_files(tmp_path, {"result_0.txt": log(0), "second.log": log(1, 11.0)})
    assert found(tmp_path) == ([10.0, 11.0], [])


def records(text: str, **around) -> str:
    return "".join(json.dumps(around | {"TEXT": line}) + "\n" for line in text.splitlines())


WRAPPINGS = {
    "log, last of the keys": lambda text: records(text, stream="stdout").replace('"TEXT"', '"log"'),
    "log, first of the keys": lambda text: records(text).replace('{"TEXT"', '{"log"').replace("}\n", ', "time": "12:00"}\n'),
    "message": lambda text: records(text, host={"name": "a"}).replace('"TEXT"', '"message"'),
    "MESSAGE": lambda text: records(text, _PID="12").replace('"TEXT"', '"MESSAGE"'),
    "MESSAGE as bytes": lambda text: "".join(
        json.dumps({"PRIORITY": "6", "MESSAGE": list(b"\x1b[32m" + line)}) + "\n" for line in text.encode().splitlines()
    ),
    "textPayload": lambda text: records(text, insertId="a").replace('"TEXT"', '"textPayload"'),
    "any other key": lambda text: records(text, a=[1, {"b": '"'}]).replace('"TEXT"', '"anything"'),
    "nested": lambda text: "".join(json.dumps({"jsonPayload": {"msg": line}}) + "\n" for line in text.splitlines()),
    "a container in a container": lambda text: "".join(
        json.dumps({"log": json.dumps({"message": line}) + "\n"}) + "\n" for line in text.splitlines()
    ),
    "a list of events": lambda text: json.dumps({"events": [{"message": line} for line in text.splitlines()]}),
    "an indented list": lambda text: json.dumps([{"textPayload": line} for line in text.splitlines()], indent=2),
    "logfmt": lambda text: "".join(f"level=info msg={json.dumps(line)} rank=0\n" for line in text.splitlines()),
    "after a time and a tag": lambda text: "".join(
        f"2026-11-01T00:00:00+00:00\tapp\t{json.dumps({'log': line})}\n" for line in text.splitlines()
    ),
    "quotes as code points": lambda text: records(text).replace('\\"', "\\u0022"),
    "CSV": lambda text: "time,message\n" + "".join('1,"{}"\n'.format(line.replace('"', '""')) for line in text.splitlines()),
    "CRI": lambda text: "".join(f"2026-11-01T00:00:00.1Z stdout F {line}\n" for line in text.splitlines()),
    "CRI, long lines cut": lambda text: "".join(
        f"2026-11-01T00:00:00.1Z stdout {flag} {part}\n"
        for line in text.splitlines()
        for flag, part in (("P", line[:50]), ("P", line[50:90]), ("F", line[90:]))
    ),
    "Fluent Bit, long lines cut": lambda text: "".join(
        json.dumps({"stream": "stdout", "logtag": flag, "log": part}) + "\n"
        for line in text.splitlines()
        for flag, part in (("P", line[:50]), ("F", line[50:]))
    ),
    "Docker, long lines cut": lambda text: "".join(
        json.dumps({"stream": "stdout", "log": part}) + "\n"
        for line in text.splitlines(keepends=True)
        for part in (line[:50], line[50:])
    ),
    "colours that are reset": lambda text: "".join(f"\x1b[34m{line}\x1b[0m\n" for line in text.splitlines()),
    "colours in a container": lambda text: records("".join(f"\x1b[34m{line}\x1b[0m\n" for line in text.splitlines())),
    "a coloured token": lambda text: text.replace(":::MLLOG", "\x1b[1;38;5;4m:::MLLOG\x1b[m"),
    "a rank before": lambda text: "".join(f"[1,0]<stdout>: {line}\n" for line in text.splitlines()),
    "a rank after": lambda text: "".join(f"{line} [rank 0]\n" for line in text.splitlines()),
    "a progress bar behind": lambda text: "".join(f"{line}  3%|#    | 3/100\n" for line in text.splitlines()),
    "a progress bar before": lambda text: text.replace(":::MLLOG", "3%|#  |\r4%|##  |" * 9000 + ":::MLLOG", 1),
    "two records on a line": lambda text: text.replace("\n", "", 1),
    "a tab behind the token": lambda text: text.replace(":::MLLOG ", ":::MLLOG\t"),
    "UTF-16 with a long beginning": lambda text: ("starting\n" * 2000 + text).encode("utf-16-le"),
    "UTF-32": lambda text: text.encode("utf-32"),
    "zeros at the beginning": lambda text: b"\0" * 5000 + text.encode(),
    "gzip in gzip": lambda text: gzip.compress(gzip.compress(text.encode(), mtime=0), mtime=0),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_what_is_put_around_lines_is_taken_off(tmp_path, wrapping):
    content = WRAPPINGS[wrapping](log())
    write_files(tmp_path, {"a.log": content})
    assert found(tmp_path) == ([10.0], [])
    (group,), _ = score_logs([tmp_path])
    assert (group.benchmark, group.division, group.runs[0].reason) == ("retinanet", "closed", None)


@pytest.mark.parametrize(
    "line", ["{} [0]", "{} <rank 3>", '{{"log": {json}, "stream": "stdout"}}', "\x1b[1m{}\x1b[0m", "0: {}"]
)
@pytest.mark.parametrize(
    ("benchmark", "text"),
    [
        (
            "ncf",
            ":::MLPv0.5.0 ncf 1541674521.0 (ncf.py:49) run_start\n"
            ':::MLPv0.5.0 ncf 1541674581.0 (ncf.py:50) eval_accuracy: {"epoch": 1, "value": 0.64}\n'
            ':::MLPv0.5.0 ncf 1541674581.0 (ncf.py:51) run_stop: {"success": true}\n',
        ),
        (
            "resnet",
            ':::MLL 1560822378.000 submission_benchmark: {"value": "resnet", "metadata": {}}\n'
            ':::MLL 1560822378.000 run_start: {"value": null, "metadata": {}}\n'
            ":::MLL 1560822438.000 run_stop: {'value': null, 'metadata': {'status': 'success'}}\n",
        ),
    ],
)
def test_old_lines_too(tmp_path, line, benchmark, text):
    wrapped = "".join(line.format(part, json=json.dumps(part + "\n")) + "\n" for part in text.splitlines())
    write_files(tmp_path, {"a.log": wrapped})
    assert found(tmp_path) == ([1.0], [])


def test_logs_of_several_rounds_in_one_file_are_runs_of_their_own(tmp_path):
    old = [
        ":::MLPv0.5.0 ncf 1541674521.0 (ncf.py:49) run_start\n:::MLPv0.5.0 ncf 1541674581.0 (ncf.py:51) run_stop\n",
        ":::MLPv0.5.0 gnmt 1541774521.0 (a.py:49) run_start\n:::MLPv0.5.0 gnmt 1541774641.0 (a.py:51) run_stop\n",
    ]
    write_files(tmp_path, {"a.log": "".join(old) + log()})
    assert found(tmp_path) == ([1.0, 2.0, 10.0], [])


COPIES = {
    "an appended file and the logs": {"all.out": log(0) + log(1), "0.log": log(0), "1.log": log(1)},
    "tee of the last run": {"all.out": log(0) + log(1), "train.log": "Launching\n" + log(1) + "done\n"},
    "another folder": {"0.log": log(0), "1.log": log(1), "z/copy.log": log(1)},
    "a folder with fewer": {"a/copy.log": log(1), "z/0.log": log(0), "z/1.log": log(1)},
    "a copy that was cut": {"0.log": log(0), "1.log": log(1), "1.tee": log(1).rpartition(":::MLLOG")[0]},
    "sixteen ranks": {"0.log": log(0, seed=1)}
    | {
        f"rank_{n}.log": log(1, seed=2).replace('time_ms": 17', f'time_ms": {17}').replace("000, ", f"{n:03}, ")
        for n in range(16)
    },
    "ranks one after the other": {"0.log": log(0), "1.log": log(1) * 4},
}


@pytest.mark.parametrize("case", COPIES)
def test_copies_of_one_run_are_one_run_and_that_is_said(tmp_path, case):
    write_files(tmp_path, COPIES[case])
    groups, left = score_logs([tmp_path])
    assert [len(group.runs) for group in groups] == [2]
    assert left
    assert all("the same run as in" in line for line in left)


def test_ranks_that_write_into_one_file_are_one_run_and_that_is_said(tmp_path):
    lines = log().splitlines(keepends=True)
    write_files(tmp_path, {"a.log": "".join(f"{rank}: {line}" for line in lines for rank in range(16))})
    minutes, (left,) = found(tmp_path)
    assert minutes == [10.0]
    assert left.endswith("a.log:1: one run; every rank or logger wrote each line")


def test_runs_that_only_look_alike_are_all_there(tmp_path):
    at_once = [log(0, 10.0, seed=1), log(0, 10.5, seed=1), log(0, 10.0, seed=2)]
    at_once.append(at_once[0].replace("0.34", "0.35"))
    later = run_log("retinanet", 10.0, start_ms=START_MS + 2000, evaluations=[(1, 0.1), (2, 0.34)])
    seed = log_line(START_MS, "seed", 1) + "\n"
    write_files(tmp_path, {f"{number}.log": text for number, text in enumerate([*at_once, seed + later])})
    assert found(tmp_path) == ([10.0, 10.0, 10.0, 10.0, 10.5], [])


def test_more_runs_in_one_file_than_files_may_be_open(tmp_path):
    import resource

    few = "".join(
        log_line(START_MS + n * DAY_MS, "run_start") + "\n" + log_line(START_MS + n * DAY_MS + n, "run_stop") + "\n"
        for n in range(1, 500)
    )
    write_files(tmp_path, {"a.log": few})
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, before[1]))
    try:
        groups, _ = score_logs([tmp_path])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert [len(group.runs) for group in groups] == [499]


def packed(content: bytes, times: int) -> bytes:
    for _ in range(times):
        content = gzip.compress(content, mtime=0)
    return content


def letters(size: int) -> bytes:
    """Records of a letter each, with as much beside it as Docker has."""
    beside = {"stream": "stdout", "time": "2026-11-30T00:00:00.000000000Z"}
    first, later = (json.dumps({"log": letter, **beside}).encode() + b"\n" for letter in ("a\n", "a"))
    return first + later * (size // len(later) + 1)


TOO_LARGE = {
    "one line": lambda: b":::MLLOG " + b"x" * (3 << 20),
    "one line of progress": lambda: (b"3%|" + b"#" * 60 + b"\r") * (1 << 15),
    "gzip": lambda: packed(b"y" * (16 << 20), 1),
    "gzip in gzip": lambda: packed(b"y" * (32 << 20), 2),
    "UTF-16 without an end": lambda: ("\ufeff" + "z" * (2 << 20)).encode("utf-16-le"),
    "Docker, a letter each": lambda: letters(9 << 17),
    "Docker without an end": lambda: json.dumps({"log": "a" * (3 << 20)}).encode(),
    "a random file": lambda: base64.b64encode(os.urandom(3 << 20)),
}


@pytest.mark.parametrize("case", TOO_LARGE)
def test_no_more_is_read_than_was_allowed_and_memory_does_not_grow_with_it(tmp_path, case, monkeypatch):
    from mlperf_training_import.runs import texts

    taken = []
    read = texts._Bounded.readinto
    monkeypatch.setattr(texts._Bounded, "readinto", lambda self, buffer: taken.append(read(self, buffer)) or taken[-1])
    write_files(tmp_path, {"large.log": TOO_LARGE[case](), "run.log": log()})
    tracemalloc.start()
    minutes, left = found(tmp_path, largest_mb=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert minutes == [10.0]
    assert [line.rpartition("/")[2] for line in left] == ["large.log: larger than 1 MB (--max_log_mb)"]
    assert 1 << 20 < sum(taken) < 4 << 20
    assert peak < 30 << 20


def test_standard_input_is_bounded_too(monkeypatch):
    written = []

    def write_without_end(number):
        with contextlib.suppress(BrokenPipeError):
            while True:
                written.append(os.write(number, b"x" * 10_000))

    ours, others = os.pipe()
    with os.fdopen(ours) as stream:
        threading.Thread(target=write_without_end, args=[others], daemon=True).start()
        monkeypatch.setattr(sys, "stdin", stream)
        with pytest.raises(NothingToScore, match="standard input: larger than 2 MB"):
            score_logs(["-"], largest_mb=2)
    assert 2 << 20 < sum(written) < 3 << 20


def test_what_takes_long_to_read_is_given_up_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr("mlperf_training_import.logs.line._MOST_YAML", 1 << 10)
    odd = ":::MLL 1560822378.000 eval_accuracy: {a: [b, c], d: e}\n" * 500
    braces = ":::SYSJSON {" * 9_000 + "\n:::MLLOG {" * 5_000
    write_files(tmp_path, {"odd.log": odd, "run.log": log(), "braces.log": braces})
    minutes, left = found(tmp_path)
    assert minutes == [10.0]
    assert sorted(line.rpartition("/")[2][:60] for line in left) == [
        "braces.log: no run_start that can be read; 5000 of 5000 log ",
        "odd.log: more than 1 kB of lines that are no JSON; not read ",
    ]


@pytest.mark.slow  # quick, but its time tells nothing while it is traced
@pytest.mark.parametrize(
    "text", ["\\", "\\u001", "\\u001b[1;", '\\"', '"', '""', '{""a', ": {", " (a)", " ", "{", "\x1b[", "\r"], ids=repr
)
def test_no_text_that_is_repeated_takes_long(tmp_path, text):
    """Before, in and after a record, or as it is nested in strings of JSON."""
    repeated = text * (50_000 // len(text))
    lines = [
        f"{repeated}:::MLLOG {{}}",
        f":::MLLOG {repeated}",
        f':::MLLOG {{"key": "{repeated}"}}',
        f":::MLPv0.5.0 a {repeated}",
    ]
    write_files(tmp_path, {"odd.log": "\n".join(lines) + "\n" + log()})
    began = time.process_time()
    assert found(tmp_path)[0] == [10.0]
    assert time.process_time() - began < 2


def test_no_line_end_in_a_name_begins_a_line_of_its_own(tmp_path):
    """Neither where nothing is found, nor among what is left out."""
    order = "\n::error::no"
    write_files(tmp_path, {f"a{order}.log": ":::MLLOG {\n", f"result_1{order}.txt": "", f"odd{order}/result_0.txt": "x"})
    with pytest.raises(NothingToScore) as nothing:
        score_logs([tmp_path])
    write_files(tmp_path, {"run.log": log()})
    for lines in (str(nothing.value).splitlines(), found(tmp_path)[1]):
        assert sum("::error::no" in line for line in lines) >= 2
        assert not any(line.lstrip().startswith("::") or "\n" in line for line in lines)
