"""Logs where nobody reads: each is counted and named, and what only looks like one is not."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import resource
import zlib

import pytest
from trees import import_tree, write_files, write_result

from mlperf_training_import.model import Round
from mlperf_training_import.regular import open_regular
from mlperf_training_import.rounds.walk import walk
from mlperf_training_import.start.sample import run_log, system_description
from mlperf_training_import.tables.rules import rules_of

LOG = run_log("resnet", 3)
FOLDER = "Org/results/sys/resnet"


def unread(root, version: str = "3.0", only: str | None = None, code: str = "unread-logs") -> dict[str, str]:
    """Place and text of the findings of a code."""
    findings = []
    walk(Round(version, version, root, only=only), rules_of(version), findings)
    return {finding.where: finding.what for finding in findings if finding.code == code}


NAMES = [
    *(
        "result_1.log",
        "Result_1.txt",
        "RESULT_1.TXT",
        "result_2.TXT",
        "result8.txt",
        "result-3.txt",
        "results_1.txt",
        "result",
    ),
    *("result_7.txt.bak", "result_1.txt~", "result_1.out", "run_1.log", "train.txt", "1.LOG"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_log_of_another_name_beside_logs_that_are_read(tmp_path, name):
    write_result(tmp_path)
    write_files(tmp_path, {f"{FOLDER}/{name}": LOG})
    assert unread(tmp_path) == {FOLDER: f"1 log not named result_*.txt, so not read: {name}"}
    assert import_tree(tmp_path).only.score.minutes == 3.0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("result_5.txt.gz", gzip.compress(LOG.encode(), mtime=0)),
        ("result_5.txt.bz2", bz2.compress(LOG.encode())),
        ("result_5.txt.xz", lzma.compress(LOG.encode())),
        ("old.log.gz", gzip.compress(LOG.encode(), mtime=0)),
    ],
)
def test_a_packed_log(tmp_path, name, content):
    write_result(tmp_path)
    write_files(tmp_path, {f"{FOLDER}/{name}": content})
    assert name in unread(tmp_path)[FOLDER]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("result_1.log", "nothing of a log\n"),
        ("result_summary.json", LOG),
        ("result_1.csv", LOG),
        ("compliance_230507.out", LOG),
        ("correct_rename.sh", LOG),
        ("result_5.txt.gz", gzip.compress(LOG.encode(), mtime=0)[:60]),
        ("result_5.txt.gz", b"\x1f\x8bnot really packed"),
        ("result_5.txt.bz2", b"BZh9not really packed"),
        (".result_1.log", LOG),
    ],
)
def test_what_only_looks_like_a_log(tmp_path, name, content):
    write_result(tmp_path)
    write_files(tmp_path, {f"{FOLDER}/{name}": content})
    assert unread(tmp_path) == {}


def test_a_folder_in_which_no_log_is_read(tmp_path):
    """Files of any other name beside none that are read are named by the finding that there are none."""
    write_files(tmp_path, {"Org/systems/sys.json": system_description("Org")})
    write_files(tmp_path, {f"{FOLDER}/Result_{number}.txt": LOG for number in range(12)})
    write_files(tmp_path, {f"Org/results/sys/bert/{number}.log": LOG for number in range(5)})
    (text,) = unread(tmp_path).values()
    assert text.startswith("12 logs not named result_*.txt, so not read: Result_0.txt, Result_1.txt, ")
    assert text.endswith("Result_9.txt, and 2 more")
    assert ("no-logs", FOLDER) in import_tree(tmp_path).places


def test_logs_outside_a_benchmark_folder(tmp_path):
    write_result(tmp_path)
    write_files(tmp_path, {"Org/results/result_1.log": LOG, "Org/results/sys/Result_1.txt": LOG})
    assert set(unread(tmp_path)) == {"Org/results", "Org/results/sys"}


@pytest.mark.parametrize(
    ("folder", "where"),
    [
        *(
            ("closed/Acme/results", "closed"),
            ("Acme/closed/results", "Acme"),
            ("a/b/c/results", "a"),
            ("Acme/Results", "Acme"),
        ),
        *(("Acme/result", "Acme"), ("Acme/RESULTS", "Acme"), ("Org/Results", "Org/Results"), ("Org/result", "Org/result")),
        *(("Org/closed/results", "Org/closed/results"), ("Acme", "Acme"), ("Results/Acme", "Results")),
    ],
)
def test_a_folder_that_nobody_reads(tmp_path, folder, where):
    write_result(tmp_path)
    write_files(tmp_path, {f"{folder}/box/bert/result_{number}.txt": LOG for number in range(10)})
    first = f"{folder}/box/bert/result_0.txt"
    expected = "logs lie in <submitter>/results/<system>/<benchmark>/result_*.txt"
    assert unread(tmp_path) == {where: f"10 logs where none are read, first {first}; {expected}"}


def test_code_and_notes_beside_results_are_not_searched(tmp_path):
    write_result(tmp_path)
    paths = [
        "Org/benchmarks/bert/results/result_0.txt",
        "docs/example.txt",
        "docs/a/b.log",
        "Org/systems/results/result_0.txt",
    ]
    write_files(tmp_path, dict.fromkeys(paths, LOG))
    assert unread(tmp_path) == {}


def test_one_submitter_of_a_tree_is_all_that_is_looked_at(tmp_path):
    write_result(tmp_path)
    write_files(tmp_path, {"closed/Acme/results/box/bert/result_0.txt": LOG, "Other/Results/s/bert/result_0.txt": LOG})
    assert unread(tmp_path, only="Org") == {}
    assert set(unread(tmp_path)) == {"closed", "Other"}


# -- benchmark and system --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("benchmark", "described"),
    [("resnet", "sys"), ("resnet", "other"), ("ResNet", "other"), ("image_classification", "sys")],
)
def test_swapped_folders(tmp_path, benchmark, described):
    """The name of the upper folder tells, or the description of the lower one."""
    folder = f"Org/results/{benchmark}"
    write_files(tmp_path, {f"{folder}/sys/result_{number}.txt": run_log("resnet", number + 1) for number in range(5)})
    write_files(tmp_path, {f"Org/systems/{described}.json": system_description("Org")})
    right = f"Org/results/sys/{benchmark}/result_*.txt"
    assert unread(tmp_path) == {folder: f"5 logs in swapped folders of system and benchmark; expected {right}"}
    imported = import_tree(tmp_path)
    assert imported.minutes == {}
    assert {code for code, _ in imported.places} == {"unread-logs"}


def test_a_system_may_be_called_as_a_benchmark(tmp_path):
    write_result(tmp_path, system="bert", benchmark="resnet")
    assert unread(tmp_path) == {}
    assert import_tree(tmp_path).only.submission.system == "bert"


@pytest.mark.parametrize("name", ["ResNet-50", "RESNET", "image_classification"])
def test_a_folder_of_unknown_name_whose_logs_name_a_benchmark(tmp_path, name):
    write_result(tmp_path).rename(tmp_path / "Org/results/sys" / name)
    imported = import_tree(tmp_path)
    assert (imported.only.benchmark.key, imported.only.score.minutes) == ("resnet", 3.0)
    assert imported.what("misnamed-folder") == [f"{name} is not a benchmark; imported as resnet, which all logs name"]
    assert imported.what("unknown-benchmark") == imported.what("log-mismatch") == []


def test_logs_that_disagree_name_no_benchmark(tmp_path):
    folder = write_result(tmp_path)
    (folder / "result_0.txt").write_text(run_log("bert", 1))
    folder.rename(folder.parent / "unheard_of")
    imported = import_tree(tmp_path)
    assert imported.only.benchmark.key == "unheard_of"
    assert len(imported.what("unknown-benchmark")) == 1
    assert imported.what("log-mismatch")[0].startswith("5 of 5 logs name another benchmark than unheard_of")


def test_a_file_that_says_that_it_needs_gigabytes_to_unpack_is_no_log(tmp_path):
    """Where that much memory is not to be had."""
    data = bytearray(lzma.compress(LOG.encode()))
    end = 12 + 4 * (data[12] + 1)  # of the header of the first block, whose last four bytes are its checksum
    data[data.index(b"\x21\x01", 12) + 2] = 40  # a dictionary of 4 GB
    data[end - 4 : end] = zlib.crc32(data[12 : end - 4]).to_bytes(4, "little")
    write_result(tmp_path)
    (tmp_path / FOLDER / "result_9.txt.xz").write_bytes(data)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
            code = len(unread(tmp_path))
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    "place", [f"{FOLDER}/result_9.log", "Org/old/results/result_1.txt", "Org/results/sys/result_1.txt.gz"]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch, place):
    write_result(tmp_path)
    write_files(tmp_path, {place: gzip.compress(LOG.encode())})

    def broken(path, **options):
        if str(path).endswith(place):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return open_regular(path, **options)

    monkeypatch.setattr("mlperf_training_import.rounds.unread.open_regular", broken)
    assert unread(tmp_path, code="unreadable") == {place: "Input/output error; it may be a log"}
    assert unread(tmp_path) == {}


@pytest.mark.parametrize("packed", [b"\x1f\x8b", b"BZh", b"\xfd7zXZ"], ids=["gzip", "bz2", "xz"])
def test_a_packed_file_that_fails_while_it_is_read_is_named(tmp_path, monkeypatch, packed):
    """Not so one whose content is damaged, see above."""
    write_result(tmp_path)
    write_files(tmp_path, {f"{FOLDER}/result_9.log": packed * 3})

    class Failing(io.FileIO):
        def readinto(self, buffer):
            if self.tell():
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            buffer[:8] = (packed * 3)[:8].ljust(8)
            self.seek(8)
            return 8

    monkeypatch.setattr("mlperf_training_import.rounds.unread.open_regular", Failing)
    assert list(unread(tmp_path, code="unreadable")) == [f"{FOLDER}/result_9.log"]
