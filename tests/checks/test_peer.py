"""Compares what the rules say of damaged logs with what an installed mlperf_logging says."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from random import Random

import pytest
from checks.made_logs import damaged, passing_log

from docs import compare_checks
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
    judged = judge_log(read_lines(file, file.name, version, book.keys)[1], book)
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


def test_the_rows_of_the_table_are_those_of_the_installed_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = "import mlperf_logging; print(mlperf_logging.__path__[0])"
    found = subprocess.run([PEER_PYTHON, "-c", asked], capture_output=True, text=True, check=True, timeout=60)
    package = Path(found.stdout.strip())
    assert compare_checks.main([str(package)]) == 0
    assert capsys.readouterr().out == "no difference\n"
    copy = tmp_path / "compliance_checker/training_4.1.0"
    copy.mkdir(parents=True)
    for file in (package / "compliance_checker/training_4.1.0").iterdir():
        text = file.read_text(encoding="utf-8").replace("<= 0.925", "<= 0.924").replace("lora_alpha", "lora_beta")
        (copy / file.name).write_text(text, encoding="utf-8")
    assert compare_checks.main([str(tmp_path)]) == 1
    lines = capsys.readouterr().out
    assert "4.1 closed_llama2_70b_lora eval_accuracy: any is value <= 0.924" in lines
    assert "4.1 closed_llama2_70b_lora lora_alpha: no longer asked for" in lines
    assert "4.1 closed_llama2_70b_lora lora_beta: not in the table" in lines
