"""What the command says of a submission: each mistake at its place, and nothing ends in a traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from checks.made_logs import Record, as_text, passing_log
from checks.made_submissions import FOLDER, SYSTEM, VERSION, as_line, changed, description, records, write_submission
from support import PROJECT
from trees import snapshot, write_files

from mlperf_training_import.checks.against import compare_with
from mlperf_training_import.checks.check import check
from mlperf_training_import.checks.remarks import DOUBT, remark_kinds
from mlperf_training_import.commands.line import main
from mlperf_training_import.findings import kinds_of_findings
from mlperf_training_import.results import checks, doubts, independence
from mlperf_training_import.show.checked import FORMATS, to_peer_json, to_peer_text
from mlperf_training_import.tables.checks import rulebook_of

if TYPE_CHECKING:
    from collections.abc import Callable

LAST = re.compile(r"would pass: (\d+) of (\d+) (results|logs), by the rules of mlperf_logging 4\.1\.68")


def said_of(root: Path) -> set[tuple[str, str]]:
    """Weight and rule of every remark, without the one that made-up submissions have no code."""
    checked = check(root, VERSION)
    return {(said.weight, said.rule) for said in checked.remarks} - {("note", "package.no-code")}


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit code and output of the command."""
    code = main(["check", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture(autouse=True)
def _no_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CM_REPOS", str(tmp_path_factory.getbasetemp() / "no-home"))


def test_a_sound_submission_passes_and_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_submission(tmp_path)
    before = snapshot(tmp_path)
    code, out, err = run(capsys, tmp_path, "--round", VERSION)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "would pass: 1 of 1 results, by the rules of mlperf_logging 4.1.68"
    assert said_of(tmp_path) == set()
    assert snapshot(tmp_path) == before


def _of_runs(change: Callable[..., list], **keys: object) -> Callable[[Path], object]:
    return lambda root: write_submission(root, change, **keys)


def _with(key: str, **fields: object) -> Callable[[Path], object]:
    return _of_runs(lambda _, made: changed(made, key, **fields))


def _twice(key: str) -> Callable[[Path], object]:
    def change(_: int, made: list) -> list:
        return [one for record in made for one in ([record, record] if record["key"] == key else [record])]

    return _of_runs(change)


#: What is broken, and what must be said of it, among other things: weight and rule.
MISTAKES: dict[str, tuple[Callable[[Path], object], tuple[str, str]]] = {
    "aborted": (_with("run_stop", metadata={"status": "aborted"}), ("objection", "run.aborted")),
    "twice": (_twice("run_start"), ("objection", "run.repeated")),
    "backwards": (_with("run_stop", time_ms=1), ("objection", "run.backwards")),
    "odd time": (_with("init_start", time_ms=float("nan")), ("objection", "run.odd-time")),
    "null": (_with("submission_org", value=None), ("objection", "ours.no_null.submission_org")),
    "fixed": (_with("lora_alpha", value=16), ("objection", "written.lora_fixed.lora_alpha")),
    "value": (_with("lora_rank", value=8), ("rejects", "closed_llama2_70b_lora.lora_rank")),
    "open": (_of_runs(lambda _, made: made, logged_division="open"), ("objection", "result.division-conflict")),
    "misspelt": (_with("submission_benchmark", value="llama2_70b"), ("rejects", "log.no-rules")),
    "another": (_with("submission_benchmark", value="rgat"), ("objection", "result.log-mismatch")),
    "one seed": (_with("seed", value=7), ("rejects", "package.seed-twice")),
    "seed of a list": (_with("seed", metadata={"file": [], "lineno": 1}), ("rejects", "package.seed-stops")),
    "no seed": (_with("seed", metadata={}), ("rejects", "package.seeds")),
    "fast": (
        _with("eval_accuracy", metadata={"samples_count": 384}),
        ("rejects", "package.reference-fast"),
    ),
    "early": (_with("eval_accuracy", metadata={"samples_count": 1152}), ("objection", "written.lora_first")),
    "organisation": (_with("submission_org", value="PLACEHOLDER"), ("objection", "written.submission-org")),
    "odd batch": (_with("global_batch_size", value=4096), ("rejects", "package.reference-missing")),
    "Closed": (None, ("objection", "system.division-spelt")),
    "empty": (None, ("objection", "system.empty")),
    "status": (None, ("rejects", "system.status")),
    "number": (None, ("rejects", "system.no-text")),
}
DESCRIPTIONS = {
    "Closed": {"division": "Closed"},
    "empty": {"cooling": ""},
    "status": {"status": "available on-premise"},
    "number": {"accelerators_per_node": 8},
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_said_with_its_weight(tmp_path: Path, name: str) -> None:
    make, expected = MISTAKES[name]
    if make is None:
        write_submission(tmp_path, **DESCRIPTIONS[name])
    else:
        make(tmp_path)
    assert expected in said_of(tmp_path)


def test_an_evaluation_outside_of_the_run_does_not_show_that_it_converged(tmp_path: Path) -> None:
    def early(_: int, made: list) -> list:
        reached = [record for record in made if record["key"] == "eval_accuracy"]
        return [made[0], *reached, *changed(made[1:], "eval_accuracy", value=0.99)]

    write_submission(tmp_path, early)
    assert ("objection", "run.target-outside") in said_of(tmp_path)


def test_a_token_without_its_blank_is_pointed_out(tmp_path: Path) -> None:
    write_submission(tmp_path)
    file = tmp_path / FOLDER / "result_3.txt"
    text = file.read_text()
    file.write_text(re.sub(r":::MLLOG (.*run_stop)", r":::MLLOG\1", text))
    checked = check(tmp_path, VERSION)
    (said,) = [said for said in checked.remarks if said.rule == "log.no-blank"]
    assert said.where == f"{FOLDER}/result_3.txt:{text.count(chr(10))}"


#: What may be in a submission that somebody made by hand; written over a sound one.
HOSTILE: dict[str, dict[str, object]] = {
    "no logs": {f"{FOLDER.rpartition('/')[0]}/rgat/readme.md": ""},
    "description no JSON": {SYSTEM: "{"},
    "description a list": {SYSTEM: "[1]"},
    "description a number": {SYSTEM: "5"},
    "description null": {SYSTEM: "null"},
    "description nested": {SYSTEM: "[" * 100_000},
    "description not UTF-8": {SYSTEM: b"\xff\xfe{}"},
    "description of numbers": {SYSTEM: dict.fromkeys(description(), 1)},
    "description of nulls": {SYSTEM: dict.fromkeys(description())},
    "description of lists": {SYSTEM: {key: [{}] for key in description()}},
    "no division": {SYSTEM: {key: "x" for key in description() if key != "division"}},
    "power a file": {f"{FOLDER}/power": "x"},
    "power empty": {f"{FOLDER}/power/x.txt": ""},
    "power names": {f"{FOLDER}/power/result_{number}/node_a.txt": "" for number in range(10)},
    "power no dot": {f"{FOLDER}/power/result_{number}/node": "" for number in range(10)},
    "power gaps": {f"{FOLDER}/power/result_{number}/node_{number}.txt": "" for number in range(10)},
    "empty log": {f"{FOLDER}/result_0.txt": ""},
    "binary log": {f"{FOLDER}/result_0.txt": bytes(range(256)) * 10},
    "numbers for texts": {f"{FOLDER}/result_0.txt": as_text([record | {"value": 5} for record in records()])},
    "texts for numbers": {f"{FOLDER}/result_0.txt": as_text([record | {"value": "x"} for record in records()])},
    "lists": {f"{FOLDER}/result_0.txt": as_text([record | {"value": [[]]} for record in records()])},
    "NaN times": {f"{FOLDER}/result_0.txt": as_text([record | {"time_ms": float("nan")} for record in records()])},
    "infinite times": {f"{FOLDER}/result_0.txt": as_text([record | {"time_ms": float("inf")} for record in records()])},
    "texts as metadata": {
        f"{FOLDER}/result_0.txt": as_text([record | {"metadata": "samples_count"} for record in records()])
    },
    "long integers": {f"{FOLDER}/result_0.txt": as_text([record | {"value": 10**4000} for record in records()])},
    "escapes": {f"{FOLDER}/result_0.txt": as_text(changed(records(), "lora_rank", value="\x1b[2J\x00\ud800"))},
    "seed of objects": {f"{FOLDER}/result_0.txt": as_text(changed(records(), "seed", value={}, metadata=[]))},
    "keys of objects": {f"{FOLDER}/result_0.txt": as_line(time_ms=1, key={}, value=1, metadata=1)},
    "batch of zero": {f"{FOLDER}/result_0.txt": as_text(changed(records(), "global_batch_size", value=0))},
    "odd names": {"Acme/results/box/llama2_70b_lora/re\nsult.txt": "", "Acme/ a.txt": "", "Acme/.x": ""},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_bad_input_is_a_remark_and_the_other_folders_are_still_checked(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_submission(tmp_path)
    for path, content in HOSTILE[name].items():
        (tmp_path / path).unlink(missing_ok=True)
        write_files(tmp_path, {path: content})
    other = "Other/results/box/llama2_70b_lora"
    files = {f"{other}/result_{number}.txt": as_text(records(number)) for number in range(10)}
    write_files(tmp_path, files | {"Other/systems/box.json": description()})
    before = snapshot(tmp_path)
    code, out, _ = run(capsys, tmp_path, "--round", VERSION)
    assert code in (0, 1)
    assert LAST.fullmatch(out.splitlines()[-1])
    checked = check(tmp_path, VERSION)
    assert len(checked.remarks) > 2
    assert [folder.passes for folder in checked.folders if folder.folder == other] == [True]
    as_peer = check(tmp_path, VERSION, as_peer=True)
    said = [write(checked) for write in FORMATS.values()] + [to_peer_text(as_peer), to_peer_json(as_peer)]
    assert not any("\x1b" in text for text in said)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("part", ["", "Acme", "Acme/results", "Acme/results/box", FOLDER, f"{FOLDER}/result_0.txt"])
def test_any_part_of_a_submission_can_be_checked(tmp_path: Path, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_submission(tmp_path, lambda _, made: changed(made, "lora_alpha", value=5))
    _, out, _ = run(capsys, tmp_path / part, "--round", VERSION)
    assert LAST.fullmatch(out.splitlines()[-1])
    assert "written.lora_fixed.lora_alpha" in out
    assert "result_0.txt" in out


def test_one_log_of_a_submission_is_judged_without_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_submission(tmp_path, lambda number, made: changed(made, "lora_rank", value=8) if number else made)
    code, out, _ = run(capsys, tmp_path / FOLDER / "result_0.txt", "--round", VERSION)
    assert (code, LAST.fullmatch(out.splitlines()[-1])[1]) == (0, "1")
    (said,) = check(tmp_path / FOLDER / "result_1.txt", VERSION).remarks
    assert (said.weight, said.place) == ("rejects", f"{FOLDER}/result_1.txt")


@pytest.mark.parametrize("place", [".", "..", "../..", "../../..", "../../../.."])
def test_a_submission_can_be_checked_from_within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    root = write_submission(tmp_path / "tree")
    monkeypatch.chdir(root / FOLDER)
    checked = check(Path(place), VERSION)
    assert (checked.passing, checked.results) == (1, 1)


@pytest.mark.parametrize("part", ["", "Acme", "Acme/results", "Acme/results/box", FOLDER])
@pytest.mark.parametrize("described", [True, False])
def test_a_folder_that_somebody_called_results_is_not_a_submitters(tmp_path: Path, part: str, *, described: bool) -> None:
    root = write_submission(tmp_path / "me/results/results")
    if not described:
        (root / SYSTEM).unlink()
    checked = check(root / part, VERSION)
    assert [package.submitter for package in checked.packages] == ["Acme"]
    assert (checked.passing, checked.results) == (int(described), 1)


@pytest.mark.parametrize("place", ["results", "results/mine", "results/mine/first"])
def test_logs_below_a_folder_that_somebody_called_results(tmp_path: Path, place: str) -> None:
    write_files(tmp_path / "me" / place, {"result_0.txt": as_text(records())})
    for path in (tmp_path / "me" / place, tmp_path / "me" / place / "result_0.txt"):
        checked = check(path, VERSION)
        assert [log.path for log in checked.logs] == ["result_0.txt"]
        assert (checked.passing, checked.results, checked.is_loose) == (1, 1, True)


def test_logs_outside_of_a_submission_are_checked_on_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_files(tmp_path, {"result_0.txt": as_text(records()), "result_1.txt": "nothing"})
    code, out, _ = run(capsys, tmp_path, "--round", VERSION)
    assert code == 1
    assert out.splitlines()[-1] == "would pass: 1 of 2 logs, by the rules of mlperf_logging 4.1.68"


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["nowhere"], 2, "no such file or folder"),
        ([".", "--round", "2.1"], 2, "no rules for it"),
        ([".", "--round", "5.l"], 2, "no rules for it"),
        ([".", "--format", "pdf"], 2, "invalid choice"),
        ([".", "--as-peer", "--format", "sarif"], 2, "--as_peer"),
        ([".", "--as-peer", "--against", "."], 2, "--as_peer"),
        (["."], 16, "no logs in it"),
        ([".", "--against", "nowhere"], 16, ""),
    ],
)
def test_what_cannot_be_done_has_its_exit_code(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        found, _, err = run(capsys, *words)
    except SystemExit as stop:
        found, err = stop.code, capsys.readouterr().err
    assert found == code
    assert text in err


def test_objections_count_where_they_are_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_submission(tmp_path, lambda _, made: changed(made, "lora_alpha", value=5))
    assert run(capsys, tmp_path, "--round", VERSION)[0] == 0
    assert run(capsys, tmp_path, "--round", VERSION, "--strict")[0] == 1


def test_one_failed_log_is_a_note_and_two_are_refused(tmp_path: Path) -> None:
    write_submission(tmp_path, lambda number, made: changed(made, "lora_rank", value=8) if number == 3 else made)
    said = said_of(tmp_path)
    assert {("note", "closed_llama2_70b_lora.lora_rank"), ("note", "package.failed-log-allowed")} <= said
    assert "rejects" not in {weight for weight, _ in said}
    write_submission(tmp_path, lambda number, made: changed(made, "lora_rank", value=8) if number > 7 else made)
    assert ("rejects", "package.failed-logs") in said_of(tmp_path)


@pytest.mark.parametrize(
    ("names", "weights", "verdict"),
    [
        (dict.fromkeys(range(10), "node_0.txt"), set(), "pass"),
        (dict.fromkeys(range(9), "node_0.txt"), {"note"}, "pass"),
        (dict.fromkeys(range(8), "node_0.txt"), {"rejects"}, "fail"),
        (dict.fromkeys(range(10), "node_-1.txt"), {"rejects"}, "fail"),
    ],
)
def test_one_run_may_lack_its_power_files(tmp_path: Path, names: dict[int, str], weights: set, verdict: str) -> None:
    write_submission(tmp_path)
    write_files(tmp_path, {f"{FOLDER}/power/result_{number}/{name}": "" for number, name in names.items()})
    checked = check(tmp_path, VERSION)
    assert {said.weight for said in checked.remarks if said.rule == "package.power"} == weights
    assert (checked.packages[0].verdict, checked.exit_code(strict=False)) == (verdict, int(verdict == "fail"))


def test_a_seed_that_cannot_be_compared_stops_the_seed_checker_of_closed_results_only(tmp_path: Path) -> None:
    for division, verdict in (("closed", "crash"), ("open", "pass")):
        root = write_submission(
            tmp_path / division,
            lambda _, made: changed(made, "seed", metadata={"file": {}, "lineno": 1}),
            logged_division=division,
            division=division,
        )
        assert check(root, VERSION).packages[0].verdict == verdict


@pytest.mark.parametrize("kind", ["folder", "link to nothing", "link to itself"])
def test_what_is_named_like_a_log_and_is_no_file_stops_the_package_checker(tmp_path: Path, kind: str) -> None:
    odd = write_submission(tmp_path) / FOLDER / "result_77.txt"
    if kind == "folder":
        odd.mkdir()
    else:
        odd.symlink_to("nowhere" if kind == "link to nothing" else odd)
    checked = check(tmp_path, VERSION)
    assert (checked.packages[0].verdict, checked.passing) == ("crash", 0)
    assert {("rejects", "package.run-count"), ("rejects", "package.stops")} <= said_of(tmp_path)


def test_a_name_that_is_no_text_has_a_place_in_every_format(tmp_path: Path) -> None:
    write_submission(tmp_path)
    try:
        (tmp_path / FOLDER / os.fsdecode(b"odd \xff")).touch()
    except OSError:
        pytest.skip("a file system that takes only text")
    shown = {form: show(check(tmp_path, VERSION)) for form, show in FORMATS.items()}
    assert f"{FOLDER}/odd%20%FF" in shown["sarif"]
    assert all("repository.name" in text for text in shown.values())


def test_every_remark_says_what_is_asked_for_and_how_to_mend_it() -> None:
    assert [name for name, kind in remark_kinds().items() if not (kind.asked and kind.mend)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"rcp-bypass", {("note", "package.reference-bypassed")}),
        (b"\xff\nrcp-bypass\n", {("lenient", "package.reference-fast"), ("lenient", "package.bypass-unseen")}),
        (b"other", {("rejects", "package.reference-fast")}),
    ],
)
def test_a_bypass_is_seen_where_the_checker_sees_it(tmp_path: Path, text: bytes, expected: set) -> None:
    write_submission(tmp_path, lambda _, made: changed(made, "eval_accuracy", metadata={"samples_count": 1536}))
    write_files(tmp_path, {f"{FOLDER}/package_checker_params": text})
    assert said_of(tmp_path) == expected


@pytest.mark.parametrize("large", [10**400, 1.7e308], ids=["integer", "float"])
@pytest.mark.parametrize("of", ["progress", "batch size"])
def test_a_number_too_large_to_compute_with_ends_nothing(tmp_path: Path, large: float, of: str) -> None:
    def odd(_: int, made: list[Record]) -> list[Record]:
        if of == "progress":
            return changed(made, "eval_accuracy", metadata={"samples_count": large})
        return changed(made, "global_batch_size", value=large)

    write_submission(tmp_path, odd)
    in_vain = {("rejects", "package.stops"), ("rejects", "package.reference-missing")}
    assert len(said_of(tmp_path) & in_vain) == 1


def test_the_verdicts_of_the_peer_are_objects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_submission(
        tmp_path, lambda number, made: changed(made, "lora_rank", value=8) if number > 7 else made, status="here"
    )
    (tmp_path / FOLDER / "notes.txt").write_text("x")
    code, out, _ = run(capsys, tmp_path, "--round", VERSION, "--as-peer", "--format", "json")
    said = json.loads(out)
    assert code == 1
    assert said["logs"][8] == {
        "log": f"{FOLDER}/result_8.txt",
        "verdict": "fail",
        "codes": {"errors": ["check:lora_rank@closed_llama2_70b_lora"], "warnings": []},
    }
    (folder,) = said["folders"]
    assert (folder["folder"], folder["errors"], folder["warnings"]) == (FOLDER, ["noncompliant:2"], [f"stray:{FOLDER}"])
    assert said["packages"] == [{"submitter": "Acme", "verdict": "fail", "errors": ["system:box:status-value:here"]}]
    assert said["descriptions"] == [{"file": SYSTEM, "verdict": "fail", "reasons": ["status-value:here"]}]


@pytest.mark.parametrize(
    ("files", "code", "expected"),
    [
        ({}, 0, ["Acme: pass"]),
        (
            {"Acme/systems/other.json": "no JSON"},
            1,
            ["Acme/systems/other.json: crash: the checker stops here", "Acme: crash"],
        ),
        ({"Acme/systems/other.json": "{}"}, 1, ["Acme/systems/other.json: fail: missing:submitter ", "Acme: fail"]),
        ({"Acme/results/box/resnet51/result_0.txt": as_text(records())}, 0, ["Acme: pass"]),  # it is passed over
        ({"Beta/systems/box.json": description(submitter="Beta")}, 1, ["Beta: crash the checker stops here: no results/"]),
    ],
)
def test_as_the_peer_a_submitter_passes_or_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict, code: int, expected: list[str]
) -> None:
    write_files(write_submission(tmp_path), files)
    found, out, _ = run(capsys, tmp_path, "--round", VERSION, "--as-peer")
    assert found == code
    assert all(any(line.startswith(text) for line in out.splitlines()) for text in expected), out
    results = 1 + any("resnet51" in name for name in files)
    passing = int("Acme: pass" in out.splitlines())
    assert out.splitlines()[-1] == f"would pass: {passing} of {results} results, by the rules of mlperf_logging 4.1.68"


def _timed(key: str, minutes: float) -> Callable[[int, list[Record]], list[Record]]:
    """A change of the time of the lines with a key, and of all that come after them."""

    def change(_: int, made: list[Record]) -> list[Record]:
        first = next(place for place, record in enumerate(made) if record["key"] == key)
        later = [record | {"time_ms": record["time_ms"] + round(60_000 * minutes)} for record in made[first:]]
        return [*made[:first], *later]

    return change


def _first(key: str) -> Callable[[int, list[Record]], list[Record]]:
    """A change that puts the lines with a key before all others."""
    return lambda _, made: sorted(made, key=lambda record: record["key"] != key)


def _without(*keys: str) -> Callable[[int, list[Record]], list[Record]]:
    return lambda _, made: [record for record in made if record["key"] not in keys]


def _metadata(key: str, **metadata: object) -> Callable[[int, list[Record]], list[Record]]:
    return lambda _, made: changed(made, key, metadata=metadata)


#: By rule: round, benchmark, and what is changed in its log; what is found, what is asked for, and part of the advice.
WORDS = {
    "common.init_stop.duration": (
        ("5.1", "llama2_70b_lora", _timed("init_stop", 41)),
        "init_stop after 41.3 minutes",
        "less than 30 minutes after the first init_start (open: 240)",
        "any longer initialisation counts as training",
    ),
    "common.run_stop": (
        ("5.1", "llama2_70b_lora", _first("run_stop")),
        "run_stop comes before run_start in the log, by its time 8.000 seconds later",
        "after run_start",
        "log run_start before run_stop",
    ),
    "common.init_stop.before_run_start": (
        ("5.1", "llama2_70b_lora", _first("run_start")),
        "init_stop comes after run_start in the log, by its time 1.000 seconds earlier",
        "before run_start",
        "do not touch training data before init_stop",
    ),
    "common.submission_org": (
        ("5.1", "llama2_70b_lora", _without("submission_org")),
        "submission_org is missing",
        "one line with the key submission_org: the name of your organisation",
        'add mllogger.event(key="submission_org", value=...) where the run begins; value: the name of your organisation',
    ),
    "closed_deepseekv3_671b.opt_name": (
        ("6.0", "deepseekv3_671b", _without("opt_name")),
        "opt_name is missing",
        "one line with the key opt_name: 'adamw'",
        'add mllogger.event(key="opt_name", value="adamw") where the run begins',
    ),
    "common.run_stop.status": (
        ("5.1", "llama2_70b_lora", _metadata("run_stop", more=1)),
        "run_stop without status in its metadata",
        "metadata with a status",
        "log run_stop with metadata=",
    ),
    "closed_deepseekv3_671b.eval_accuracy.first": (
        ("6.1", "deepseekv3_671b", _metadata("eval_accuracy", samples_count=5)),
        "eval_accuracy with samples_count 5",
        "samples_count = 704512 (global_batch_size * floor(42 + 24576 / global_batch_size))",
        "do it as the rules of the benchmark say, and log in the metadata of eval_accuracy what was done",
    ),
    "common.init_stop": (
        ("5.1", "llama2_70b_lora", _without("init_start")),
        "init_stop without an earlier init_start",
        "after an init_start",
        "log init_start when the process starts",
    ),
    "closed_deepseekv3_671b.opt_base_learning_rate": (
        ("6.0", "deepseekv3_671b", _without("opt_base_learning_rate")),
        "opt_base_learning_rate is missing",
        "one line with the key opt_base_learning_rate: 2.4e-05 * sqrt(global_batch_size / 16384), to within 1e-09",
        "where the run begins; value: 2.4e-05 * sqrt(global_batch_size / 16384), to within 1e-09",
    ),
    "closed_dlrmv4.eval_accuracy.target": (
        ("6.1", "dlrmv4", lambda _, made: changed(made, "eval_accuracy", value=0.5)),
        "no eval_accuracy reaches the target; the last is 0.5",
        "one eval_accuracy that is 0.75 (target_accuracy) or more",
        "train until the target is reached",
    ),
    "closed_stable_diffusion.aggregated_eval_accuracy.target": (
        ("4.1", "stable_diffusion", lambda _, made: changed(made, "eval_accuracy", value=0.1)),
        'no aggregated_eval_accuracy reaches the target; the last is {"samples_count": 2, "FID": 0.1, "CLIP": 0.1}',
        "one aggregated_eval_accuracy that has FID 0.0 or more and FID 90.0 or less and CLIP 0.15 or more and "
        "CLIP 1.0 or less",
        "train until the target is reached",
    ),
    "closed_stable_diffusion.aggregated_eval_accuracy": (
        ("4.1", "stable_diffusion", _without("eval_accuracy")),
        "aggregated_eval_accuracy is missing",
        "at least 2 lines with the key aggregated_eval_accuracy",
        "log eval_accuracy twice for each point",
    ),
    "common.epoch_start": (
        ("5.1", "llama2_70b_lora", _without("epoch_start", "block_start")),
        "epoch_start and block_start are missing",
        "at least one line with the key epoch_start or block_start",
        "log epoch_start or block_start",
    ),
    "closed_llama31_405b.opt_learning_rate_warmup_steps": (
        ("5.1", "llama31_405b", _without("global_batch_size")),
        "opt_learning_rate_warmup_steps is 16384, with which the test cannot be computed",
        "a value that can be computed with",
        "run with opt_learning_rate_warmup_steps as the rules of the benchmark say",
    ),
    "closed_deepseekv3_671b.eval_accuracy": (
        ("6.0", "deepseekv3_671b", _metadata("eval_accuracy", more=1)),
        "eval_accuracy without samples_count in its metadata",
        "samples_count in the metadata",
        "add samples_count to the metadata of eval_accuracy",
    ),
}


@pytest.mark.parametrize("rule", WORDS)
def test_a_remark_says_what_was_found_and_what_is_asked_for(tmp_path: Path, rule: str) -> None:
    (version, benchmark, change), found, asked, mend = WORDS[rule]
    book = rulebook_of(version)
    assert book is not None
    write_files(tmp_path, {"result_0.txt": as_text(change(0, passing_log(book, "closed", benchmark)))})
    said = {remark.rule: remark for remark in check(tmp_path, version).remarks}
    assert rule in said, list(said)
    assert (said[rule].found, said[rule].asked) == (found, asked)
    assert mend in said[rule].mend


def test_a_benchmark_of_other_rounds_is_named_as_such(tmp_path: Path) -> None:
    write_files(tmp_path, {"result_0.txt": as_text(changed(records(), "submission_benchmark", value="gpt3"))})
    (said,) = [remark.found for remark in check(tmp_path, VERSION).remarks if remark.rule == "log.no-rules"]
    assert said == '5.1 has no rules for "gpt3 (closed)"; it is a benchmark of 3.0, 3.1, 4.0, 4.1'


def test_a_folder_of_a_benchmark_of_other_rounds_is_named_as_such(tmp_path: Path) -> None:
    write_files(tmp_path, {f"{FOLDER.rpartition('/')[0]}/gpt3/result_0.txt": as_text(records())})
    (said,) = [remark for remark in check(tmp_path, VERSION).remarks if remark.rule == "package.unknown-benchmark"]
    assert said.found == "gpt3 is no benchmark of 5.1; it is a benchmark of 3.0, 3.1, 4.0, 4.1"


def test_the_advice_on_what_is_not_read_fits_the_reason(tmp_path: Path) -> None:
    write_submission(tmp_path)
    (tmp_path / FOLDER / "result_10.txt").symlink_to("/dev/null")
    (tmp_path / FOLDER / "old").mkdir()
    (tmp_path / FOLDER / "result_9.txt").rename(tmp_path / FOLDER / "old/result_9.txt")
    said = {remark.place.rpartition("/")[2]: remark for remark in check(tmp_path, VERSION).remarks}
    assert said["result_10.txt"].mend == kinds_of_findings()["unsafe-path"].advice
    assert said["old"].mend == kinds_of_findings()["nested-logs"].advice


def test_failed_logs_are_named(tmp_path: Path) -> None:
    write_submission(tmp_path, lambda number, made: changed(made, "lora_rank", value=8) if number in (3, 7) else made)
    (said,) = [remark.found for remark in check(tmp_path, VERSION).remarks if remark.rule == "package.failed-logs"]
    assert said == "2 of 10 logs fail (result_3, result_7); 1 may"


def test_a_failed_run_of_gpt3_counts_as_faster_than_the_others_as_the_checker_has_it(tmp_path: Path) -> None:
    """It takes a thousand million for the progress of a failed run; gpt3 needs more tokens."""
    book = rulebook_of("3.1")
    assert book is not None

    def factor_of(name: str, tokens: tuple[float, ...], status: str) -> float | None:
        for number, count in enumerate(tokens):
            made = changed(passing_log(book, "closed", "gpt3"), "global_batch_size", value=1536)
            made = changed(made, "eval_accuracy", metadata={"epoch_num": count})
            made = changed(made, "run_stop", metadata={"status": "success" if number else status})
            write_files(tmp_path / name, {f"Acme/results/box/gpt3/result_{number}.txt": as_text(made)})
        write_files(tmp_path / name, {SYSTEM: description()})
        (folder,) = check(tmp_path / name, "3.1", as_peer=True).folders
        assert folder.rcp is not None
        return folder.rcp[2]

    slower, slowest = 1.05e9, 1.06e9
    failed = factor_of("failed", (1.04e9, slower, slowest), "aborted")
    assert failed == factor_of("all", (slower, slower, slowest), "success")
    assert failed != factor_of("others", (slower, slowest, slowest), "success")


def test_too_few_runs_are_not_called_fast(tmp_path: Path) -> None:
    """The checker compares the mean of none, which is below that of the reference."""
    write_submission(tmp_path)
    for number in range(2, 10):
        (tmp_path / FOLDER / f"result_{number}.txt").unlink()
    checked = check(tmp_path, VERSION)
    said = {remark.rule: remark.found for remark in checked.remarks}
    assert said["package.reference-insufficient"] == "too few runs to compare: 2 logs"
    assert "package.reference-fast" not in said
    assert any(error.startswith("rcp:") for error in checked.folders[0].errors)


def test_a_submitter_without_logs_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_files(tmp_path, {SYSTEM: description()})
    (tmp_path / "Acme/results").mkdir()
    code, out, _ = run(capsys, tmp_path, "--round", VERSION)
    assert code == 16
    assert "objection: no benchmark folder with logs" in out
    assert check(tmp_path, VERSION, as_peer=True).packages[0].verdict == "pass"


def test_power_files_with_the_same_number_pass_with_an_objection(tmp_path: Path) -> None:
    write_submission(tmp_path)
    names = [f"{FOLDER}/power/result_{number}/{name}.txt" for number in range(10) for name in ("node_0", "node_00")]
    write_files(tmp_path, dict.fromkeys(names, ""))
    checked = check(tmp_path, VERSION)
    assert checked.packages[0].verdict == "pass"
    assert {(said.weight, said.found) for said in checked.remarks if said.rule == "package.power"} == {
        ("objection", "the numbers of node_*.txt repeat")
    }


def test_every_format_says_where_a_mistake_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_submission(tmp_path, lambda number, made: changed(made, "lora_rank", value="8\n%") if number > 7 else made)
    file = f"{FOLDER}/result_8.txt"
    line = 1 + next(i for i, record in enumerate(records(8)) if record["key"] == "lora_rank")

    def printed(form: str) -> str:
        return run(capsys, tmp_path, "--round", VERSION, "--format", form)[1]

    assert f"result_8.txt:{line}: lora_rank is" in printed("text")
    document = json.loads(printed("json"))
    assert document["schema_version"] == 1
    assert (file, line, "rejects") in {(said["file"], said["line"], said["weight"]) for said in document["remarks"]}
    (sarif,) = json.loads(printed("sarif"))["runs"]
    places = [result["locations"][0]["physicalLocation"] for result in sarif["results"]]
    assert {"artifactLocation": {"uri": file}, "region": {"startLine": line}} in places
    for result in sarif["results"]:
        assert sarif["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    suite = ElementTree.fromstring(printed("junit").encode())[0]
    failed = {f"{case.get('classname')}/{case.get('name')}" for case in suite if case.find("failure") is not None}
    assert file in failed
    assert suite.get("failures") == str(len(failed))
    assert f"::error file={file},line={line},title=closed_llama2_70b_lora.lora_rank::lora_rank is" in printed("github")
    assert "8\n%" not in printed("github")


def test_no_line_end_in_a_name_or_value_begins_a_line_of_its_own(tmp_path: Path) -> None:
    """GitHub obeys what a line begins with, whatever the format."""
    order = "\n::error::no\n\r::warning::no"
    write_submission(
        tmp_path, lambda number, made: changed(made, "submission_org", value=order) if number == 2 else made, status=order
    )
    folder = tmp_path / f"Acme/results/box/odd{order}"
    write_files(folder, {f"result_0{order}.txt": as_text(records()), f"more{order}.json": "{}"})
    checked = check(tmp_path, VERSION)
    written = {**{form: show(checked) for form, show in FORMATS.items()}, "peer": to_peer_text(checked)}
    for form, text in written.items():
        assert "::error::no" in text or "%3A%3Aerror" in text
        orders = [line for line in text.splitlines() if line.lstrip().startswith("::")]
        assert [line for line in orders if not re.match(r"::\w+ file=[^:]*,title=[^:]*::", line)] == []
        assert bool(orders) == (form == "github")
        assert all(line.isprintable() for line in text.split("\n"))


def test_logs_of_an_earlier_round_are_found_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    earlier, now = write_submission(tmp_path / "earlier"), tmp_path / "now"
    write_submission(
        now, lambda number, made: changed(made, "lora_alpha", value=5) if number == 3 else made, cooling="water"
    )
    code, out, _ = run(capsys, now, "--round", VERSION, "--against", earlier)
    assert f"9 logs also in the earlier {FOLDER}" in out
    assert f"result_3.txt: the run of the earlier {FOLDER}/result_3.txt; lora_alpha was 32 and is 5;" in out
    assert f'{SYSTEM}: cooling was "x" and is "water";' in out
    assert code == 0


@pytest.mark.parametrize("part", ["", "Acme", "Acme/results", "Acme/results/box", FOLDER])
def test_descriptions_are_compared_whatever_part_is_named_and_whatever_changed_in_the_logs(
    tmp_path: Path, part: str
) -> None:
    earlier, now = write_submission(tmp_path / "earlier"), tmp_path / "now"
    write_submission(now, lambda _, made: changed(made, "submission_org", value="B"), cooling="water")
    checked = check(now / "Acme", VERSION)
    compare_with(checked, earlier / part)
    said = {remark.rule: remark for remark in checked.remarks if remark.rule.startswith("against.")}
    assert said.keys() == {"against.changed-log", "against.changed-description"}
    assert (said["against.changed-description"].place, said["against.changed-description"].found) == (
        SYSTEM,
        'cooling was "x" and is "water"',
    )


def test_an_earlier_submission_without_logs_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_submission(tmp_path / "now")
    (tmp_path / "earlier").mkdir()
    code, _, err = run(capsys, tmp_path / "now", "--round", VERSION, "--against", tmp_path / "earlier")
    assert code == 2
    assert "no result_*.txt in it" in err


def test_paths_of_annotations_are_those_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_submission(tmp_path, lambda _, made: changed(made, "lora_rank", value=8))
    for folder in (root, root / "Acme", tmp_path.parent, root / "Acme/systems"):
        monkeypatch.chdir(folder)
        _, out, _ = run(capsys, root / "Acme", "--round", VERSION, "--format", "github")
        files = set(re.findall(r"^::error file=([^,]+),line=", out, re.MULTILINE))
        sarif = json.loads(run(capsys, root / "Acme", "--round", VERSION, "--format", "sarif")[1])
        places = [one["locations"][0]["physicalLocation"] for one in sarif["runs"][0]["results"]]
        assert files == {place["artifactLocation"]["uri"] for place in places if "region" in place}
        assert len(files) == 10
        if folder.name == "systems":  # none of them is below it
            assert files == {f"{FOLDER}/result_{number}.txt" for number in range(10)}
        else:
            assert all(Path(file).is_file() for file in files)


def test_links_are_not_followed_out_of_the_tree(tmp_path: Path) -> None:
    write_submission(tmp_path / "tree")
    secret = tmp_path / "secret.txt"
    secret.write_text(as_text(records()))
    (tmp_path / "tree" / FOLDER / "result_0.txt").unlink()
    (tmp_path / "tree" / FOLDER / "result_0.txt").symlink_to(secret)
    (tmp_path / "tree/Acme/broken").symlink_to("nowhere")
    said = said_of(tmp_path / "tree")
    assert {("rejects", "repository.link"), ("objection", "package.not-read"), ("rejects", "package.run-count")} <= said


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, {("objection", "package.code-missing")}),
        ({"llama2_70b_lora/README.md": "x"}, {("objection", "package.code-missing")}),
        ({"llama2_70b_lora/implementations/README.md": "x"}, {("objection", "package.code-missing")}),
        ({"llama2_70b_lora/implementations/pytorch/run.sh": "x"}, set()),
    ],
)
def test_code_is_asked_for_where_a_submitter_has_some(tmp_path: Path, files: dict[str, str], expected: set) -> None:
    write_submission(tmp_path)
    write_files(tmp_path, {f"Acme/benchmarks/{path}": text for path, text in {"README.md": "x", **files}.items()})
    assert said_of(tmp_path) == expected


@pytest.mark.parametrize("name", ["config.sh", "b/config.sh", "other.sh"])
def test_a_configuration_file_of_6_1_is_in_the_submission(tmp_path: Path, name: str) -> None:
    book = rulebook_of("6.1")
    assert book is not None
    made = changed(passing_log(book, "closed", "dlrmv4"), "config_filename", value=name)
    files = {"Acme/results/box/dlrmv4/result_0.txt": as_text(made), SYSTEM: description()}
    write_files(tmp_path, files | {"Acme/benchmarks/dlrmv4/implementations/a/config.sh": "x"})
    said = [said.where for said in check(tmp_path, "6.1").remarks if said.rule == "written.config-file"]
    assert said == (["Acme/results/box/dlrmv4/result_0.txt"] if name == "other.sh" else [])


def test_dlrmv4_of_6_1_is_a_benchmark_whose_folders_are_counted(tmp_path: Path) -> None:
    book = rulebook_of("6.1")
    assert book is not None
    made = changed(passing_log(book, "closed", "dlrmv4"), "global_batch_size", value=8192)
    folder = "Acme/results/box/dlrmv4"
    write_files(tmp_path, {f"{folder}/result_0.txt": as_text(made), SYSTEM: description()})
    ((checked,),) = [package.folders for package in check(tmp_path, "6.1").packages]
    assert not checked.is_skipped
    assert f"count:{folder}:1/10" in checked.errors


def test_sarif_has_what_its_schema_requires(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By hand, since the schema is not among the files of this project: what is required, and the words it allows."""
    write_submission(tmp_path, lambda _, made: changed(changed(made, "lora_rank", value=8), "lora_alpha", value=5))
    document = json.loads(run(capsys, tmp_path, "--round", VERSION, "--format", "sarif")[1])
    assert (set(document), document["version"]) == ({"$schema", "version", "runs"}, "2.1.0")
    (sarif,) = document["runs"]
    assert set(sarif) == {"tool", "columnKind", "results"}
    assert sarif["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    driver = sarif["tool"]["driver"]
    assert driver["name"]
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids))
    assert all(rule[part]["text"] for rule in driver["rules"] for part in ("shortDescription", "help"))
    assert {rule["defaultConfiguration"]["level"] for rule in driver["rules"]} <= {"none", "note", "warning", "error"}
    assert len(sarif["results"]) > 20
    for result in sarif["results"]:
        assert result["message"]["text"]
        assert result["level"] in ("none", "note", "warning", "error")
        place = result["locations"][0]["physicalLocation"]
        assert re.fullmatch(r"[\w./%~-]+", place["artifactLocation"]["uri"])
        assert place.get("region", {"startLine": 1})["startLine"] >= 1


def test_doubts_that_are_shown_are_looked_for() -> None:
    """Only those of a result as a whole are."""
    shown = {name.removeprefix(DOUBT) for name in remark_kinds() if name.startswith(DOUBT)}
    assert shown
    assert {doubts.code_of(check) for check in (*doubts._OF_RESULT, *independence.OF_SUBMISSION)} >= shown
    conflict = doubts.code_of(checks.description_conflict)
    assert conflict not in shown, "a check reads its logs without what this needs (is_compared)"


@pytest.mark.parametrize("number_of_another", [None, 7])
def test_runs_with_one_history_are_objected_to(tmp_path: Path, number_of_another: int | None) -> None:
    """Only where the first, middle and last evaluations are the same, all are compared."""

    def twice_evaluated(number: int, made: list[Record]) -> list[Record]:
        first = 0.93 if number == number_of_another else 0.94
        place = next(place for place, record in enumerate(made) if record["key"] == "eval_accuracy")
        said = {"metadata": {"samples_count": 1536}}
        return [*made[:place], made[place] | said | {"value": first}, *changed(made[place:], "eval_accuracy", **said)]

    write_submission(tmp_path, twice_evaluated)
    said = [remark.found for remark in check(tmp_path, VERSION).remarks if remark.rule == "result.one-history"]
    text = "all 10 runs have the same 2 quality figures to the last digit, at the same progress"
    assert said == ([text] if number_of_another is None else [])


def test_runs_of_long_before_the_round_are_objected_to(tmp_path: Path) -> None:
    year_ms = 366 * 86_400_000
    write_submission(tmp_path, lambda _, made: [record | {"time_ms": record["time_ms"] - year_ms} for record in made])
    (said,) = [remark.found for remark in check(tmp_path, VERSION).remarks if remark.weight == "objection"]
    assert said == "10 of 10 logs ran more than 2 years before their round was published, first result_0.txt"


#: Names what a command has loaded: modules, and those of ours that define dataclasses.
LOADED = """
import sys
from mlperf_training_import.commands.line import main
main(["check", sys.argv[1]])
ours = {name: module for name, module in sys.modules.items() if name.startswith("mlperf_training_import")}
print(*(name for name, module in ours.items() if hasattr(module, "dataclass")), sep=",")
print(*sys.modules, sep=",")
"""


@pytest.mark.slow
def test_the_start_loads_nothing_that_only_other_commands_need(tmp_path: Path) -> None:
    """Most of the time of a small submission is the start; a dataclass takes half a millisecond of it, a Struct nothing."""
    command = [sys.executable, "-c", LOADED, str(tmp_path)]
    place = {"cwd": PROJECT, "env": {**os.environ, "PYTHONPATH": str(PROJECT)}}
    done = subprocess.run(command, capture_output=True, text=True, check=True, **place)
    dataclasses, modules = done.stdout.splitlines()[-2:]
    assert dataclasses == ""
    ours = ("homes.home", "homes.mlc", "options", "pipeline", "flags")
    others = {"cmind", "git", "rich", *(f"mlperf_training_import.{name}" for name in ours)}
    assert others & {*modules.split(",")} == set()
