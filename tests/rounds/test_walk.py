"""Where things lie in a round; the layouts that were published are in ``test_anomalies.py`` and ``test_old_rounds.py``."""

from __future__ import annotations

import os

import pytest
from trees import write_files, write_result

from mlperf_training_import.model import Round, System
from mlperf_training_import.rounds.walk import walk
from mlperf_training_import.start.sample import system_description
from mlperf_training_import.tables.rules import rules_of


def walked(root, version: str = "3.0"):
    findings = []
    return walk(Round(version, version, root), rules_of(version), findings), findings


def test_a_submission(tmp_path):
    folder = write_result(tmp_path, benchmark="bert")
    write_files(folder, {"scaling.json": {}, "power/result_0/node_0.txt": "w", "power/result_0/sw_0.txt": "", "other/x": ""})
    (submission,), findings = walked(tmp_path)
    assert findings == []
    assert (submission.submitter, submission.system, submission.benchmark) == ("Org", "sys", "bert")
    assert submission.folder == "Org/results/sys/bert"
    assert submission.description == "Org/systems/sys.json"
    assert submission.code == "Org/benchmarks"
    assert submission.scaling == "Org/results/sys/bert/scaling.json"
    assert submission.not_read == ("Org/results/sys/bert/other",)
    power = [(log.path, log.name, log.size) for log in submission.power["result_0"]]
    assert list(submission.power) == ["result_0"]
    assert power == [
        ("Org/results/sys/bert/power/result_0/node_0.txt", "node_0.txt", 1),
        ("Org/results/sys/bert/power/result_0/sw_0.txt", "sw_0.txt", 0),
    ]
    about = (tmp_path / power[0][0]).stat()
    node = submission.power["result_0"][0]
    assert (node.mtime_ns, node.ctime_ns, node.inode) == (about.st_mtime_ns, about.st_ctime_ns, about.st_ino)
    assert node.device == about.st_dev
    assert [log.name for log in submission.logs] == [f"result_{number}.txt" for number in range(5)]
    assert submission.logs[0].path == "Org/results/sys/bert/result_0.txt"
    assert submission.logs[0].size == (folder / "result_0.txt").stat().st_size
    assert submission.system_record.nodes == 1


def test_what_is_not_there_is_none(tmp_path):
    write_files(tmp_path, {"Org/results/sys/bert/result_0.txt": "", "Org/systems/other.json": {}})
    (submission,), _ = walked(tmp_path)
    assert (submission.description, submission.scaling, submission.power, submission.not_read) == (None, None, None, ())
    assert submission.system_record == System()


def test_submissions_are_ordered_by_their_folders(tmp_path):
    for submitter, system, benchmark in (("b", "x", "bert"), ("a", "z", "ssd"), ("a", "y", "ssd"), ("a", "y", "bert")):
        write_result(tmp_path, submitter=submitter, system=system, benchmark=benchmark)
    submissions, _ = walked(tmp_path)
    folders = [submission.folder for submission in submissions]
    assert folders == ["a/results/y/bert", "a/results/y/ssd", "a/results/z/ssd", "b/results/x/bert"]


def test_a_folder_without_logs_is_a_submission_too_so_that_the_report_has_it(tmp_path):
    write_files(tmp_path, {"Org/results/sys/bert/README.md": "#", "Org/systems/sys.json": system_description("Org")})
    (submission,), (finding,) = walked(tmp_path)
    assert submission.logs == ()
    assert (finding.code, finding.where, finding.what) == (
        "no-logs",
        "Org/results/sys/bert",
        "no result_*.txt, only README.md",
    )


def test_a_description_is_reported_once_however_many_benchmarks_its_system_has(tmp_path):
    for benchmark in ("bert", "ssd", "resnet"):
        write_result(tmp_path, benchmark=benchmark, description={"framework": ""})
    submissions, findings = walked(tmp_path)
    assert len(submissions) == 3
    assert [finding.where for finding in findings] == ["Org/systems/sys.json"]


@pytest.mark.parametrize("name", ["results", "systems"])
def test_a_file_of_that_name_is_no_folder(tmp_path, name):
    write_result(tmp_path)
    write_files(tmp_path, {f"Other/{name}": "", "Other/benchmarks/README.md": ""})
    submissions, findings = walked(tmp_path)
    assert len(submissions) == 1
    assert findings == []


def test_an_empty_tree_has_nothing(tmp_path):
    assert walked(tmp_path) == ([], [])
    assert walked(tmp_path, "0.5") == ([], [])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_must_not_be_read_is_reported(tmp_path):
    folder = write_result(tmp_path)
    folder.chmod(0)
    try:
        (submission,), findings = walked(tmp_path)
    finally:
        folder.chmod(0o700)
    assert submission.logs == ()
    assert ("unreadable", "Org/results/sys/resnet") in {(finding.code, finding.where) for finding in findings}


def test_a_system_folder_with_stray_logs_and_benchmarks_gives_both(tmp_path):
    write_result(tmp_path, benchmark="bert")
    write_files(tmp_path, {"Org/results/sys/result_0.txt": ""})
    submissions, findings = walked(tmp_path)
    assert [(submission.folder, submission.benchmark) for submission in submissions] == [
        ("Org/results/sys", None),
        ("Org/results/sys/bert", "bert"),
    ]
    assert [finding.code for finding in findings] == ["stray-logs"]


def test_aliases_are_those_of_the_round(tmp_path):
    write_result(tmp_path, benchmark="mask")
    assert [walked(tmp_path, version)[0][0].benchmark for version in ("0.6", "0.7")] == ["maskrcnn", "mask"]
