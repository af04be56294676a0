"""Files that should be logs and are something else: each is called what it is."""

from __future__ import annotations

import bz2
import gzip
import lzma

import pytest
from trees import judged, read

from mlperf_training_import.start.sample import START_MS, log_line, run_log

LOG = run_log("resnet", 3)
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 123456\n"
FILES = {
    "empty": (b"", "the file is empty"),
    "blank": (b"\n \n\t\n", "the file holds nothing but blanks"),
    "LFS": (POINTER, "a Git LFS pointer in place of the log; run in the clone: git lfs pull"),
    "gzip": (gzip.compress(LOG.encode()), "compressed with gzip; unpack it: gunzip"),
    "bzip2": (bz2.compress(LOG.encode()), "compressed with bzip2; unpack it: bunzip2"),
    "xz": (lzma.compress(LOG.encode()), "compressed with xz; unpack it: unxz"),
    "zip": (b"PK\x03\x04rest", "a zip archive; unpack it: unzip"),
    "page": ("\n<!DOCTYPE html>\n<html></html>", "a web page in place of the log; download the raw file"),
    "UTF-16": (LOG.encode("utf-16"), "the text is UTF-16, not UTF-8; convert it: iconv -f UTF-16 -t UTF-8"),
    "UTF-16 BE": (LOG.encode("utf-16-be"), "the text is UTF-16, not UTF-8; convert it: iconv -f UTF-16 -t UTF-8"),
    "0.6": (":::MLL 1560822378.320 run_start: {}\n", "no :::MLLOG lines; the lines are those of round 0.6 (:::MLL)"),
    "0.5": (
        ":::MLPv0.5.0 resnet 1541674521.8 (train.py:49) run_start\n",
        "no :::MLLOG lines; the lines are those of round 0.5 (:::MLPv0.5.0)",
    ),
    "no blank": (LOG.replace(":::MLLOG ", ":::MLLOG"), "no log lines: :::MLLOG stands without the blank that follows it"),
    "text": ("nothing of a log\n", "no log lines: no line has the token :::MLLOG"),
    "bytes": (bytes(range(256)) * 9, "no log lines: no line has the token :::MLLOG"),
}


@pytest.mark.parametrize(("content", "reason"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_log(tmp_path, content, reason):
    run = judged(tmp_path, content)
    assert (run.minutes, run.reason) == (None, reason)


def test_a_newer_log_in_an_old_round(tmp_path):
    reason = "no :::MLL lines; the lines are those of round 0.7 and later (:::MLLOG)"
    assert judged(tmp_path, LOG, "0.6").reason == reason


STOP = log_line(START_MS + 180_000, "run_stop", None, {"status": "success"})
OTHER = log_line(START_MS + 180_005, "tracked_stats", {"x": 1})
TWO = {
    "glued": f"{STOP}{OTHER}",
    "rank between": f"{STOP}[1,3]<stdout>:{OTHER}",
    "text between": f"{STOP} and {OTHER}",
    "third": f"{STOP}{OTHER}{OTHER}",
}


@pytest.mark.parametrize("line", TWO.values(), ids=TWO)
def test_two_records_on_a_line_are_named_with_the_line(tmp_path, line):
    lines = LOG.splitlines()
    reason = judged(tmp_path, "\n".join([*lines[:-1], line]) + "\n").reason
    assert reason.startswith(f"no run_stop after the run_start; line {len(lines)} holds two records, of which only the last")
    assert ("the first is run_stop" in reason) == (line is not TWO["third"])


def test_two_records_of_which_both_are_not_needed(tmp_path):
    """The run counts, and what was not read is known."""
    log = LOG.replace("\n", f"\n{OTHER}{OTHER}\n", 1)
    assert judged(tmp_path, log).minutes == 3.0
    assert (
        read(tmp_path, log).two_records
        == "line 2 holds two records, of which only the last is read; the first is tracked_stats"
    )


def test_two_records_without_a_second_token(tmp_path):
    reason = judged(tmp_path, LOG.replace(STOP, STOP + OTHER.removeprefix(":::MLLOG "))).reason
    assert reason == f"malformed line {LOG.count(chr(10))}: two records on one line"


def test_a_token_that_is_only_quoted_is_no_record(tmp_path):
    log = LOG.replace("\n", '\necho of ":::MLLOG {" and then ' + OTHER + "\n", 1)
    assert read(tmp_path, log).two_records is None
    assert judged(tmp_path, log).minutes == 3.0


def test_two_records_in_another_dialect(tmp_path):
    lines = [':::MLL 1.0 run_start: {"value": null} :::MLL 2.0 seed: {"value": 1}']
    reason = judged(tmp_path, "\n".join(lines), "0.6").reason
    assert reason == "no run_start; line 1 holds two records, of which only the last is read; the first is run_start"
