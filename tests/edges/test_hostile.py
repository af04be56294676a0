"""Trees that somebody made to do harm; ``docs/hostile.md`` has the table of all cases and what the user sees."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from support import PROJECT
from trees import import_tree, judged, read, write_files, write_result

from mlperf_training_import.edge import explained
from mlperf_training_import.errors import BadInput
from mlperf_training_import.experiments.files import load_experiment
from mlperf_training_import.findings import Finding
from mlperf_training_import.logs import cache as log_cache
from mlperf_training_import.logs import log as log_module
from mlperf_training_import.logs.line import MalformedLine, parse_line
from mlperf_training_import.logs.log import WANTED_KEYS
from mlperf_training_import.logs.power import read_power_log
from mlperf_training_import.model import Round
from mlperf_training_import.options import options_from
from mlperf_training_import.outcome import Outcome
from mlperf_training_import.rounds.clone import read_clone, web_address
from mlperf_training_import.rounds.description import read_description
from mlperf_training_import.rounds.locate import iter_doubts
from mlperf_training_import.show.report import report_of
from mlperf_training_import.show.screen import Screen
from mlperf_training_import.show.summaries import write_summaries
from mlperf_training_import.start.sample import log_line, make_repository, run_log, write_sample
from mlperf_training_import.tables.rules import benchmark_of, dialect_of, rules_of
from mlperf_training_import.values import clean_text, is_clean, printable

LOG = run_log("resnet", 3.0)
LOGGED = "Org/results/sys/resnet"
ODD_VALUES = ["[]", "{}", "null", "true", '"x"', "-1", "1e308", "9" * 300, "9" * 5000, "NaN", "Infinity", "1e400"]
ODD_VALUES += ['"\\ud800\\u0000"', "[" * 900 + "]" * 900, "[" * 100_000, '{"a":1,"a":[]}', '"' + "9" * 5000 + '"']


# Limits


@pytest.mark.parametrize("field", ["time_ms", "key", "value", "metadata"])
@pytest.mark.parametrize("odd", ODD_VALUES, ids=lambda value: value[:12])
def test_any_value_in_any_field_of_any_line_that_is_read(tmp_path, field, odd):
    for key in sorted(log_module.WANTED_KEYS):
        text = log_line(1, key, 1, {"status": "success", "epoch_num": 1})
        record = json.loads(text[8:]) | {field: "HERE"}
        line = ":::MLLOG " + json.dumps(record).replace('"HERE"', odd)
        run = judged(tmp_path, LOG + line + "\n")
        assert run.minutes == 3.0 or run.reason


@pytest.mark.parametrize("odd", ODD_VALUES, ids=lambda value: value[:12])
def test_any_value_in_any_field_of_a_description(tmp_path, odd):
    folder = write_result(tmp_path, description={"hw_notes": "n"})
    file = folder.parents[2] / "systems/sys.json"
    for key, value in json.loads(file.read_text()).items():
        text = json.dumps(json.loads(file.read_text()) | {key: "HERE"}).replace('"HERE"', odd)
        (tmp_path / "one.json").write_text(text)
        try:
            record = read_description(tmp_path / "one.json").record
        except ValueError as error:
            assert str(error), value
        else:
            assert record.accelerators_count is None or 0 <= record.accelerators_count <= 10**16


@pytest.mark.parametrize("odd", ODD_VALUES, ids=lambda value: value[:12])
def test_any_value_as_scaling_factor(tmp_path, odd):
    write_files(write_result(tmp_path), {"scaling.json": f'{{"scaling_factor": {odd}}}'})
    imported = import_tree(tmp_path)
    assert imported.minutes == {}
    assert imported.places == {("invalid-scaling-file", f"{LOGGED}/scaling.json")}


@pytest.mark.parametrize("minutes", [1e-12, 1e290])
def test_times_with_which_nothing_can_be_computed(tmp_path, minutes):
    stop = json.loads(LOG.splitlines()[-1][8:])
    lines = [line for line in LOG.splitlines() if '"run_st' not in line and '"init_' not in line]
    write_result(tmp_path)
    for number in range(5):
        log = [*lines, log_line(0, "run_start"), log_line(minutes * 6e4, "run_stop", None, stop["metadata"])]
        write_files(tmp_path, {f"{LOGGED}/result_{number}.txt": "\n".join(log)})
    imported = import_tree(tmp_path)
    assert imported.minutes == {}
    (what,) = imported.what("run-not-counted")
    assert what == "5 of 5 runs do not count, 1 may; each: no run can have this duration"  # one for all


def test_values_that_yaml_repeats_without_end_are_not_written_out(tmp_path):
    """The "billion laughs": ten lists, each nine times the one before."""
    bomb = "&a0 [x]" + "".join(f", &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10))
    lines = [f":::MLL 1.0 {key}: {{'value': [{bomb}], 'metadata': {{}}}}" for key in ("submission_benchmark", "run_stop")]
    began = time.monotonic()
    assert judged(tmp_path, "\n".join(lines) + "\n", "0.6").reason
    huge = "!!int 0x" + "f" * 20_000
    assert judged(tmp_path, f":::MLL 1.0 submission_division: {{'value': {huge}, 'metadata': {{}}}}\n", "0.6").reason
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("value", ["[&a [x], *a]", "0x" + "f" * 2_000, "0b" + "1" * 2_000])
def test_what_yaml_can_make_large_is_malformed(value):
    line = ":::MLL 1.0 run_stop: {'value': %s, 'metadata': {}}"
    dialect = rules_of("0.6").dialect
    assert parse_line((line % "[x, 0xff]").encode(), dialect, WANTED_KEYS)[2] == ["x", 255]
    with pytest.raises(MalformedLine):
        parse_line((line % value).encode(), dialect, WANTED_KEYS)


def test_a_long_line_that_is_no_json_is_not_tried_as_yaml(tmp_path):
    began = time.monotonic()
    judged(tmp_path, ":::MLL 1.0 run_stop: {'value': [" + "a, " * 1_000_000 + "]}\n", "0.6")
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("version", ["0.5", "0.6", "3.0"])
@pytest.mark.parametrize("text", ["a" * 300_000, " " * 300_000 + "a", "(x:1) " * 50_000, "x : " * 80_000])
def test_no_line_takes_long(tmp_path, version, text):
    token = {"0.5": ":::MLPv0.5.0 ", "0.6": ":::MLL ", "3.0": ":::MLLOG "}[version]
    began = time.monotonic()
    judged(tmp_path, f"{token}resnet 1.0 ({text}\n{token}{text}\n", version)
    assert time.monotonic() - began < 2


def test_a_line_over_1_mb(tmp_path):
    run = judged(tmp_path, b":::MLLOG " + b"x" * (2 << 20) + b"\n" + LOG.encode())
    assert re.match(r"malformed line 1: ", run.reason)


@pytest.mark.parametrize(
    ("version", "line", "reason"),
    [
        ("3.0", log_line(1, "run_start", None), "more than 150,000 lines to take apart; not read further"),
        ("3.0", ":::MLLOG x", "more than 150,000 lines to take apart; not read further"),
        ("3.0", f":::MLLOG {'y' * 2000}", "more than 16 MB of lines to take apart; not read further"),
        ("0.6", ":::MLL 1.0 run_stop: {'value': x}", "more than 32 kB of lines that are no JSON; not read further"),
        (
            "3.0",
            log_line(1, "eval_accuracy", 0.5, {"metric": "x"}),
            "more than 10,000 evaluations that name a metric; not read further",
        ),
    ],
    ids=["lines", "malformed lines", "bytes", "YAML", "evaluations"],
)
def test_a_log_that_takes_too_much(tmp_path, version, line, reason):
    """Limits are in lines and bytes, so that a result does not depend on the machine."""
    began = time.process_time()
    assert judged(tmp_path, f"{line}\n" * 160_000, version).reason == reason
    assert time.process_time() - began < 30


def test_a_text_of_an_evaluation_is_cut(tmp_path):
    values = {"long": "y" * 5000} | {f"figure{number}": number for number in range(100)}
    lines = [
        log_line(1, "run_start"),
        log_line(2, "eval_accuracy", values),
        log_line(3, "eval_error", "z" * 5000, {"metric": "m" * 300}),
    ]
    named, unnamed = read(tmp_path, "\n".join(lines)).evaluations
    assert (len(named.metric), len(named.value)) == (200, 200)
    assert (len(unnamed.value), len(unnamed.value["long"])) == (20, 200)


@pytest.mark.parametrize(
    "text",
    ["{'value': 0.5, 'metadata': {'file': 'a b.py', 'n': 1}}", '{"value": 0.5, "metadata": {\'file\': "a b.py", \'n\': 1}}'],
)
def test_python_quotes_are_read_without_yaml(text, monkeypatch):
    monkeypatch.setattr("yaml.load", pytest.fail)
    assert parse_line(f":::MLL 1.0 run_stop: {text}".encode(), rules_of("0.6").dialect, WANTED_KEYS)[2:] == (
        0.5,
        {"file": "a b.py", "n": 1},
    )


@pytest.mark.parametrize(
    "text", ["""{'value': '","b":"'}""", """{"value": "it's"}""", "{'value': 'a\\\\'}", "{'value': 'a''b'}"]
)
def test_quotes_within_quotes_are_left_to_yaml(text):
    import yaml

    found = parse_line(f":::MLL 1.0 run_stop: {text}".encode(), rules_of("0.6").dialect, WANTED_KEYS)[2]
    assert found == yaml.safe_load(text)["value"]


@pytest.mark.parametrize("place", ["result_0.txt", "../../../systems/sys.json", "scaling.json", "power/result_1/node_0.txt"])
@pytest.mark.parametrize("form", ["pipe", "folder", "device"])
def test_what_is_no_regular_file_is_not_opened(tmp_path, place, form):
    folder = write_result(tmp_path)
    write_files(folder, {"scaling.json": {"scaling_factor": 1.0}, "power/result_1/node_0.txt": ""})
    file = folder / place
    file.unlink()
    {"pipe": lambda: os.mkfifo(file), "folder": file.mkdir, "device": lambda: file.symlink_to("/dev/zero")}[form]()
    began = time.monotonic()
    assert import_tree(tmp_path).findings
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("reading", ["log", "power log", "description"])
def test_a_pipe_that_takes_the_place_of_a_file_after_the_walk_is_not_waited_for(tmp_path, reading):
    os.mkfifo(tmp_path / "pipe")
    if reading == "log":
        assert log_module.read_log(tmp_path / "pipe", dialect_of("mllog"), "pipe").trouble == "not a regular file"
        return
    if reading == "power log":
        log = read_power_log(tmp_path / "pipe", dialect_of("mllog"))
        assert log.trouble == "logs that cannot be read (not a regular file)"
        return
    with pytest.raises(OSError, match="not a regular file"):
        read_description(tmp_path / "pipe")


def test_a_log_over_the_size_that_the_user_set(tmp_path):
    folder = write_result(tmp_path)
    with (folder / "result_0.txt").open("ab") as stream:
        stream.truncate(3 << 20)
    imported = import_tree(tmp_path, largest_mb=2)
    assert imported.what("run-not-counted") == ["larger than 2 MB (--max_log_mb)"]
    assert import_tree(tmp_path, largest_mb=3).what("run-not-counted") == []


@pytest.mark.parametrize("content", [b"x\n" * (1 << 16), b"x" * (1 << 17)], ids=["lines", "one line"])
def test_a_log_that_grows_while_it_is_read(tmp_path, monkeypatch, content):
    """Its size is 0 when it is opened, and it never ends."""

    class Endless(io.BytesIO):
        place = 0

        def read(self, size):
            self.place += size
            return content[:size]

        def tell(self):
            return self.place

        def fileno(self):
            return os.open(os.devnull, os.O_RDONLY)

    monkeypatch.setattr(log_module, "open_regular", lambda _: Endless())
    log = log_module.read_log(tmp_path / "any", dialect_of("mllog"), "any", largest_mb=1)
    assert log.trouble == "larger than 1 MB (--max_log_mb)"


def test_a_log_that_vanishes_between_walk_and_reading(tmp_path, monkeypatch):
    folder = write_result(tmp_path)
    real = log_cache.iter_runs

    def too_late(*arguments, **named):
        (folder / "result_0.txt").unlink(missing_ok=True)
        return real(*arguments, **named)

    monkeypatch.setattr(log_cache, "iter_runs", too_late)
    imported = import_tree(tmp_path)
    assert imported.what("run-not-counted") == ["No such file or directory"]
    assert len(imported.minutes) == 1


def test_a_power_log_over_the_size_that_the_user_set(tmp_path):
    folder = write_result(tmp_path)
    write_files(folder, {f"power/result_{n}/node_0.txt": "x" * (2 << 20) for n in range(5)})
    imported = import_tree(tmp_path, largest_mb=1)
    assert len(imported.minutes) == 1
    assert any("larger than 1 MB" in what for what in imported.what("unknown-energy"))


@pytest.mark.parametrize("name", ["Org/systems/sys.json", f"{LOGGED}/scaling.json"])
def test_a_description_or_scaling_file_over_1_mb(tmp_path, name):
    write_result(tmp_path)
    write_files(tmp_path, {name: '{"a": "' + "x" * (1 << 20) + '"}'})
    (finding,) = [f for f in import_tree(tmp_path).findings if f.where == name]
    assert finding.what == "larger than 1 MB"


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "9" * 20])
def test_a_size_that_is_none(text):
    with pytest.raises(BadInput, match="--max_log_mb="):
        options_from({"max_log_mb": text})


def test_stored_objects_that_cannot_be_written_again(tmp_path):
    text = "[" + '{"a":' * 95 + "1" + "}" * 95 + "]"
    found = []
    for shape in (text, "[" * 990 + "]" * 990, '[{"a": ' + "9" * 5000 + "}]", "[" * 100_000):
        file = tmp_path / "2024-01-01.00-00-00" / "cm-result.json"
        write_files(tmp_path, {str(file.relative_to(tmp_path)): shape})
        experiment = load_experiment("mlperf-training--all--closed--x", tmp_path, lambda *a: found.append(a))
        assert experiment.usable == (shape is text)
    assert len(found) == 3


# Paths


def test_links_inside_the_clone_are_followed(tmp_path):
    folder = write_result(tmp_path)
    (folder / "result_0.txt").rename(tmp_path / "kept.txt")
    (folder / "result_0.txt").symlink_to(tmp_path / "kept.txt")
    (folder.parent / "bert").symlink_to("resnet")
    (tmp_path / "Org/systems/sys.json").rename(tmp_path / "Org/systems/other.json")
    (tmp_path / "Org/systems/sys.json").symlink_to("other.json")
    imported = import_tree(tmp_path)
    assert imported.minutes == {LOGGED: 3.0, "Org/results/sys/bert": 3.0}
    assert imported.results[LOGGED].submission.system_record.submitter == "Org"
    assert not {code for code, _ in imported.places} & {"unsafe-path", "no-system-description"}


@pytest.mark.parametrize("target", ["outside", ".git/logs", "nothing"])
@pytest.mark.parametrize(
    "place",
    ["Org", "Org/results", "Org/results/sys", LOGGED, f"{LOGGED}/result_0.txt", "Org/systems", "Org/systems/sys.json"],
)
def test_links_out_of_the_clone_are_not_followed(tmp_path, place, target):
    root, outside = tmp_path / "round", tmp_path / "outside"
    write_result(root)
    write_result(root, submitter="Good")
    (root / ".git").mkdir()
    outside = {"outside": tmp_path / "roundabout", ".git/logs": root / ".git/logs", "nothing": root / "nothing"}[target]
    (root / place).rename(tmp_path / "moved")
    if target != "nothing":
        (tmp_path / "moved").rename(outside)
    (root / place).symlink_to(outside)
    imported = import_tree(root)
    unsafe = {where for code, where in imported.places if code == "unsafe-path"}
    assert place in unsafe or (place, target) == ("Org/systems/sys.json", "nothing")
    assert unsafe <= {place, "Org/systems/sys.json"}
    assert imported.minutes["Good/results/sys/resnet"] == 3.0
    if place.startswith("Org/systems"):
        assert imported.results[LOGGED].submission.system_record.nodes is None
    else:
        assert imported.minutes.get(LOGGED) == (3.5 if place.endswith(".txt") else None)


@pytest.mark.parametrize("version", ["0.5", "3.0"])
def test_loops_of_links_end(tmp_path, version):
    write_result(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for place, target in {
        "a/x": "../b",
        "b/y": "../a",
        "a/self": "self",
        "Org/up": "..",
        f"{LOGGED}/power": "../..",
    }.items():
        (tmp_path / place).symlink_to(target)
    imported = import_tree(tmp_path, version)
    assert any("a folder that it lies in" in what for what in imported.what("unsafe-path"))


def test_links_to_links_do_not_multiply(tmp_path, monkeypatch):
    monkeypatch.setattr("mlperf_training_import.rounds.walk._MOST_LINKS", 100)
    for depth in range(30):
        (tmp_path / f"d{depth}").mkdir()
        for name in "ab":
            (tmp_path / f"d{depth}" / name).symlink_to(f"../d{depth + 1}")
    (tmp_path / "d30").mkdir()
    assert "more than 100 links; not followed" in import_tree(tmp_path, "0.5").what("unsafe-path")


@pytest.fixture
def deep_tree(tmp_path):
    """A tree with nearly as many folders in each other as an address on Linux may have; pytest could not remove it."""
    for depth in range(1901):
        (tmp_path / "/".join(["Org", *"d" * depth])).mkdir()
    yield tmp_path
    subprocess.run(["rm", "-rf", tmp_path / "Org"], check=True)


def test_a_tree_that_is_too_deep(deep_tree):
    tmp_path = deep_tree
    write_result(tmp_path)
    for version in ("0.5", "3.0"):
        imported = import_tree(tmp_path, version)
        assert ("too-deep" in {code for code, _ in imported.places}) == (version == "0.5")


@pytest.mark.parametrize("form", ["pipe", "folder"])
@pytest.mark.parametrize("name", ["result_9.txt", "scaling.json"])
def test_something_else_in_place_of_a_file_is_named(tmp_path, form, name):
    folder = write_result(tmp_path)
    os.mkfifo(folder / name) if form == "pipe" else (folder / name).mkdir()
    imported = import_tree(tmp_path)
    assert ("unsafe-path", f"{LOGGED}/{name}") in imported.places
    assert imported.minutes == ({} if name == "scaling.json" else {LOGGED: 3.0})


@pytest.mark.parametrize("start", "=+-@")
def test_no_cell_of_a_csv_file_is_a_formula(tmp_path, start):
    formula = f"{start}cmd|' /C calc'!A0"
    write_result(
        tmp_path / "round", submitter=formula.replace("/", ""), description={"hw_notes": formula, "submitter": formula}
    )
    imported = import_tree(tmp_path / "round")
    (tmp_path / "out").mkdir()
    write_summaries(Outcome(rounds=[imported.outcome]), tmp_path / "out")
    (file,) = (tmp_path / "out").glob("*.csv")
    cells = [cell for row in csv.reader(file.open(encoding="utf-8", newline="")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert f"'{formula}" in cells
    assert imported.only.entry["notes"] == formula


UNSAFE = [
    "new\nline",
    "tab\tstop",
    "esc\x1b[31m",
    "bell\a",
    "csi\x9b31m",
    "rtl\u202egnp",
    "zero\u200bwidth",
    "line\u2028end",
]


@pytest.mark.parametrize("name", UNSAFE, ids=ascii)
@pytest.mark.parametrize("part", ["submitter", "system", "benchmark"])
def test_names_with_control_or_bidirectional_characters(tmp_path, part, name):
    write_result(tmp_path, submitter="Good")
    write_result(tmp_path, **{"submitter": "Bad", part: name})
    imported = import_tree(tmp_path)
    assert imported.minutes == {"Good/results/sys/resnet": 3.0}
    (where,) = [where for code, where in imported.places if code == "unsafe-path"]
    assert where.isprintable()


@pytest.mark.parametrize("name", UNSAFE, ids=ascii)
def test_logs_with_such_names(tmp_path, name):
    write_files(write_result(tmp_path), {f"result_{name}.txt": LOG})
    imported = import_tree(tmp_path)
    assert imported.minutes == {LOGGED: 3.0}
    assert len(imported.what("unsafe-path")) == 1


NAMES = ["-rf", "--flag=1", "a,b", "a:b", "..a", "a..", "...", "a..b", "%2e%2e%2f", "x" * 200, "CON", "a\\b", "a b", "$(id)"]
NAMES += ["`id`", "'\"", "[red]x", "é", "e\u0301", "É"]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "..."])
def test_names_that_mean_something_elsewhere(tmp_path, name):
    write_result(tmp_path / "round", submitter=name, system=name, benchmark=name)
    imported = import_tree(tmp_path / "round", web_url="https://github.com/org/repo", branch="main")
    if name.startswith("."):
        assert imported.minutes == {}
        return
    entry = imported.only.entry
    assert (entry["submitter_folder"], entry["system_file"], entry["Model_ID"]) == (name, name, name)
    assert re.fullmatch(r"[a-z0-9_.]+(-[a-z0-9_.]+)*", entry["Task"])
    assert len(entry["Task"]) <= 60
    (tmp_path / "out").mkdir()
    assert write_summaries(Outcome(rounds=[imported.outcome]), tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "round", "work"]


def test_names_that_differ_in_case_or_unicode_form_only(tmp_path):
    names = ["krai", "Krai", "é", "e\u0301"]
    for name in names:
        write_result(tmp_path, submitter=name)
    results = import_tree(tmp_path).results.values()
    if len(list(tmp_path.iterdir())) - 1 < len(names):
        pytest.skip("this file system does not tell them apart")
    assert len({result.entry["uid"] for result in results}) == len(names)


@pytest.mark.parametrize("name", ["../../x", "a--b", "..", "--", "Ünï", "x" * 255, "a\nb", "all,mlperf"])
def test_tasks_are_of_a_fixed_alphabet(name):
    assert re.fullmatch(r"[a-z0-9_.]+(-[a-z0-9_.]+)*", benchmark_of(name, "5.1").task)


def test_texts_of_entries_have_no_control_characters(tmp_path):
    odd = "a\x1b[31mb\u202ec\x00d\u2028e\x9bf\tg"
    texts = ("submitter", "system_name", "status", "host_processor_model_name", "accelerator_model_name", "framework")
    write_result(tmp_path, description=dict.fromkeys((*texts, "hw_notes", "sw_notes", "division"), odd))
    entry = import_tree(tmp_path).only.entry
    assert entry["submitter"] == "a[31mbcd ef g"
    assert all(value.isprintable() for value in entry.values() if isinstance(value, str))


# Screen


def test_the_screen_gets_nothing_that_a_terminal_obeys(monkeypatch):
    odd = "a\x1b]0;title\a\nb\u202e\x9b\udcff"
    outcome = Outcome(findings=[Finding("no-logs", "5.1", odd, odd)], files={Path(odd): True})
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", out)
    shown = Screen()
    shown.show(outcome)
    shown.tell(odd)
    assert all(line.isprintable() for line in out.getvalue().splitlines())
    assert "a\\x1b]0;title\\x07 b\\u202e\\x9b\\udcff" in out.getvalue()
    assert json.loads(json.dumps(report_of(outcome)))["findings"][0]["where"] == odd


@pytest.mark.parametrize(
    "error", [OSError(13, "Permission denied", "a\x1b]0;x\x07"), OSError("a\x1b[2J"), BadInput("a\x1b[2J\u202e")]
)
def test_no_error_has_what_a_terminal_obeys(error):
    assert all(line.isprintable() for line in explained(error, "", "")[1].splitlines())


@pytest.mark.parametrize("code", range(0x20))
def test_every_control_character(code):
    assert not is_clean(chr(code))
    assert clean_text(f"a{chr(code)}b") in ("ab", "a b")
    assert printable(chr(code)).isprintable() or code == 10


# Clones


CONFIG = """[core]
\tfsmonitor = {run}
\tsshCommand = {run}
\thooksPath = {hooks}
\tpager = {run}
\teditor = {run}
\tattributesFile = {attributes}
[filter "x"]
\tclean = {run}
\tsmudge = {run}
\tprocess = {run}
\trequired = true
[diff "x"]
\ttextconv = {run}
\tcommand = {run}
[diff]
\texternal = {run}
[credential]
\thelper = "!{run}"
[alias]
\tstatus = "!{run}"
\tversion = "!{run}"
\trev-parse = "!{run}"
[include]
\tpath = {included}
[remote "origin"]
\turl = "ext::{run} %S"
\tuploadpack = {run}
"""


@pytest.mark.skipif(os.name != "posix", reason="the marker is written by a shell script")
@pytest.mark.parametrize("form", ["folder", "file", "link"])
def test_a_hostile_clone_runs_nothing(tmp_path, monkeypatch, form):
    root, marker = tmp_path / "round", tmp_path / "marker"
    write_sample(root)
    make_repository(root)
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\necho ran >> {marker}\n")
    script.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for folder in (hooks, root / ".git/hooks"):
        for name in ("post-checkout", "pre-commit", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
            folder.mkdir(exist_ok=True)
            (folder / name).write_bytes(script.read_bytes())
            (folder / name).chmod(0o755)
    included = tmp_path / "included"
    included.write_text(f'[core]\n\tfsmonitor = {script}\n[remote "origin"]\n\turl = https://github.com/somebody/else\n')
    attributes = tmp_path / "attributes"
    attributes.write_text("* filter=x diff=x\n")
    (root / ".gitattributes").write_text("* filter=x diff=x\n")
    facts = {"run": script, "hooks": hooks, "attributes": attributes, "included": included}
    with (root / ".git/config").open("a") as stream:
        stream.write(CONFIG.format(**facts))
    if form != "folder":
        (root / ".git").rename(tmp_path / "elsewhere")
        if form == "file":
            (root / ".git").write_text(f"gitdir: {tmp_path / 'elsewhere'}\n")
        else:
            (root / ".git").symlink_to(tmp_path / "elsewhere")
    if form == "folder":
        subprocess.run(["git", "-C", str(root), "diff", "HEAD"], capture_output=True, check=False)
        assert marker.exists()  # the traps work
        marker.unlink()
    monkeypatch.chdir(root)
    round_ = read_clone(root, "5.1", "5.1")
    imported = import_tree(root, "5.1")
    assert len(imported.minutes) == 7
    assert (round_.branch, round_.web_url) == ("main" if form == "folder" else None, None)
    assert not marker.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("place", ["", ".git"])
def test_a_clone_of_another_user_is_reported(tmp_path, place):
    (tmp_path / "round/.git").mkdir(parents=True)
    round_ = Round("5.1", "5.1", tmp_path / "round")
    assert list(iter_doubts([round_])) == []
    os.chown(tmp_path / "round" / place, 65534, 65534)
    (finding,) = iter_doubts([round_])
    assert (finding.code, finding.where) == ("foreign-clone", str(tmp_path / "round" / place).rstrip("/"))
    assert "belongs to user 65534" in finding.what


@pytest.mark.parametrize("address", ["https://host/a\u202eb", "https://host/a\x9bb", "https://host/a\u200bb"])
def test_an_address_with_control_characters_is_none(address):
    assert web_address(address) is None


def test_thousands_of_submitters(tmp_path):
    for number in range(2000):
        (tmp_path / f"s{number}/results/sys/bert").mkdir(parents=True)
        (tmp_path / f"s{number}/systems").mkdir()
    began = time.monotonic()
    assert len(import_tree(tmp_path).outcome.submissions) == 2000
    assert time.monotonic() - began < 15


# The table


def test_every_test_of_the_table_exists():
    text = (PROJECT / "docs/hostile.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", text)
    assert len(named) > 40
    for file, name in named:
        places = (PROJECT / "tests").glob(f"**/{file}")
        assert any(f"def {name}(" in place.read_text(encoding="utf-8") for place in places), (file, name)
    rows = [
        line for line in text.partition("\n## What costly")[0].splitlines() if line.startswith("| ") and "---" not in line
    ]
    assert all("::test_" in row for row in rows if not row.startswith(("| case", "| promise")))
    here = set(re.findall(r"^def (test_\w+)\(", Path(__file__).read_text(encoding="utf-8"), re.MULTILINE))
    assert here <= {name for _, name in named} | {"test_every_test_of_the_table_exists"}
