"""Compares what the rules say of damaged logs with what an installed mlperf_logging says."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from random import Random

import pytest
from checks.made_logs import damaged, passing_log

from mlperf_training_import.checks.log_rules import judge_log
from mlperf_training_import.checks.logs import read_lines
from mlperf_training_import.tables.checks import checked_rounds, rulebook_of
from mlperf_training_import.tables.labels import round_label

#: The Python of an environment with the release of mlperf_logging that the table names.
PEER_PYTHON = os.environ.get("MLPERF_LOGGING_PYTHON", "")
_COUNT = 1000

pytestmark = [pytest.mark.peer, pytest.mark.skipif(not PEER_PYTHON, reason="MLPERF_LOGGING_PYTHON names no Python")]


def _cases(folder: Path) -> list[tuple[Path, str]]:
    random = Random(4168)
    forms = []
    for version in checked_rounds():
        book = rulebook_of(version)
        for name in sorted(book.scopes):
            division, _, benchmark = name.partition("_")
            if benchmark not in ("", "common") and not benchmark.endswith(
                ("_lars", "_sgd", "_multistep", "_annealing", "_lamb")
            ):
                forms.append((version, passing_log(book, division, benchmark)))
    cases = []
    for number in range(_COUNT):
        version, records = forms[number % len(forms)]
        file = folder / f"{number}.txt"
        file.write_text(damaged(records, random), encoding="utf-8", newline="")
        cases.append((file, version))
    return cases


def _ours(file: Path, version: str) -> dict[str, object]:
    book = rulebook_of(version)
    judged = judge_log(read_lines(file, version, book.keys), book)
    overwritable = [
        code
        for code in judged.errors
        if code.split(":")[0] in ("check", "checkcrash", "codecrash", "once", "least1", "leastN")
    ]
    others = len(judged.errors) > len(overwritable)
    keys = sorted(code.split(":")[1].split("@")[0] for code in overwritable)
    warned = sorted({code.split(":")[1] for code in judged.warnings})
    return {"verdict": judged.verdict, "keys": keys, "warned": warned, "others": others}


def test_a_thousand_damaged_logs_get_the_verdict_and_the_keys_of_the_peer(tmp_path: Path) -> None:
    cases = _cases(tmp_path)
    asked = ""
    for file, version in cases:
        asked += json.dumps([str(file), round_label(version).suite, rulebook_of(version).ruleset]) + "\n"
    script = Path(__file__).with_name("peer_verdicts.py")
    answers = subprocess.run(
        [PEER_PYTHON, str(script)], input=asked, capture_output=True, text=True, check=True, timeout=600
    )
    theirs = [json.loads(line) for line in answers.stdout.splitlines()]
    different = [
        (file.name, version, ours, said)
        for (file, version), said in zip(cases, theirs, strict=True)
        if (ours := _ours(file, version)) != said
    ]
    assert different == []
    assert {said["verdict"] for said in theirs} == {"pass", "fail", "crash"}
