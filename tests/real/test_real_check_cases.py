"""Submissions and logs about which the checkers of mlperf_logging are wrong, or silent, or end in a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from trees import snapshot

from mlperf_training_import.checks.check import Checked, check

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "5.1"

#: For each case: the verdict of the peer, to the letter; whether something rejects it; what is said of it, as
#: ``weight rule``; and why that is right. All runs of the packages have the same times, which is said of each of them
#: (``result.repeated-runs``), and none has code (``package.no-code``).
CASES: dict[str, tuple[str, bool, tuple[str, ...], str]] = {
    "ok": ("pass", False, (), "nothing is wrong with it"),
    "405b-rate-as-written": (
        "fail",
        False,
        ("lenient closed_llama31_405b.opt_base_learning_rate",),
        "the written rules round the rate to 8 decimals, and so does the log",
    ),
    "405b-rate-exact": (
        "fail",
        False,
        ("lenient closed_llama31_405b.opt_base_learning_rate",),
        "the rate is computed as the rule says; only the checker's comparison without tolerance refuses it",
    ),
    "405b-right-order": ("pass", False, (), "the learning rate of this batch size has no rounding"),
    "405b-warmup-anything": (
        "pass",
        False,
        ("objection ours.405b_warmup",),
        "the warmup is another one than the reference's, and the checker never looks at it",
    ),
    "closed-flux1": ("pass", False, (), "the closed rules ask for the key that the reference logs"),
    "closed-llama31_8b": ("pass", False, (), "nothing is wrong with it"),
    "open-flux1": (
        "fail",
        False,
        ("lenient open_flux1.averaged_validation_loss",),
        "no reference logs the key that the open rules ask for",
    ),
    "nan-time": (
        "pass",
        False,
        ("objection run.odd-time",),
        "a time that is no number keeps the limit of 30 minutes from being tested",
    ),
    "no-metadata": ("crash", True, ("rejects log.stops",), "the line is named where the peer ends in a traceback"),
    "number-line": ("crash", True, ("rejects log.stops",), "the line is named where the peer ends in a traceback"),
    "status-aborted": ("pass", False, ("objection run.aborted",), "a run that was aborted did not converge"),
    "stop-before-start-in-time": ("pass", False, ("objection run.backwards",), "no run takes less than no time"),
    "target-before-start": (
        "pass",
        False,
        ("objection run.target-outside",),
        "what was reached before the run began was not reached in it",
    ),
    "token-without-blank": (
        "fail",
        True,
        ("rejects common.run_stop", "objection log.no-blank"),
        "the line is there, and the remark says why nobody sees it",
    ),
    "two-run-starts": (
        "pass",
        False,
        ("objection run.repeated", "note common.run_start"),
        "the two lines are 440 s apart, so that one of them is of another run",
    ),
    "unknown-benchmark": (
        "crash",
        True,
        ("rejects closed_common.submission_benchmark", "rejects log.no-rules"),
        "no rules have that name, and the remark says which was meant",
    ),
    "package-ok": ("pass", False, (), "nothing is wrong with it"),
    "package-closed-Closed": (
        "pass",
        False,
        (
            "objection system.division-spelt",
            "objection package.reference-fast",
            "objection package.same-seed",
            "objection package.seed-twice",
            "objection written.lora_first",
        ),
        "a capital letter must not switch off seeds and reference points",
    ),
    "package-division-conflict": (
        "fail",
        False,
        (
            "objection result.division-conflict",
            "lenient open_llama2_70b_lora.eval_accuracy",
            "lenient package.failed-logs",
        ),
        "the two divisions are the mistake; epoch_num is none",
    ),
    "package-empty-description": ("pass", False, ("objection system.empty",), "a description must describe something"),
    "package-empty-folder": (
        "crash",
        True,
        ("rejects package.no-logs", "rejects package.run-count"),
        "a folder without logs is no result",
    ),
    "package-exit-code": (
        "fail",
        True,
        ("rejects package.run-count",),
        "two runs too few, and the exit code says so",
    ),
    "package-no-description": ("crash", True, ("rejects system.no-description",), "a system needs its description"),
    "package-one-bad-log-no-metadata": (
        "crash",
        True,
        ("rejects log.stops", "rejects package.seeds"),
        "the line is named where the peer ends in a traceback; the seeds of that log cannot be read either",
    ),
    "package-open-lora": (
        "fail",
        False,
        ("lenient open_llama2_70b_lora.eval_accuracy", "lenient package.failed-logs"),
        "all else counts this benchmark in samples",
    ),
    "package-other-benchmark": (
        "pass",
        False,
        ("objection result.log-mismatch",),
        "the logs are not of the benchmark that the folder is called",
    ),
    "package-params-newline": (
        "fail",
        False,
        ("lenient package.bypass-unseen", "lenient package.reference-fast", "objection written.lora_first"),
        "the bypass is there; only the line end hides it; the runs evaluate before the rules allow it",
    ),
    "package-params-no-newline": (
        "pass",
        False,
        ("note package.reference-bypassed", "objection written.lora_first"),
        "the bypass is seen; the runs evaluate before the rules allow it",
    ),
    "package-scaling-removed": (
        "pass",
        False,
        ("note package.scaling-there", "objection result.odd-scaling"),
        "the file of the review stays, and its factor is not that of the logs",
    ),
    "package-scaling-written": (
        "pass",
        False,
        ("note package.reference-factor",),
        "the factor is said, and not written into the tree",
    ),
    "package-status-spelt": (
        "fail",
        True,
        ("rejects system.status", "rejects system.missing"),
        "both mistakes are said, so that one round of mending is enough",
    ),
    "power-empty": ("crash", True, ("rejects package.power",), "a power folder needs a folder for each log"),
}


@pytest.fixture(scope="module")
def handed(more: Path) -> Path:
    """The folder of the cases."""
    return more / "check"


def _peer_verdict(checked: Checked) -> str:
    return checked.packages[0].verdict if checked.packages else checked.logs[0].judged.verdict


def test_every_case_that_was_handed_over_is_here(handed: Path) -> None:
    assert {folder.name for folder in handed.iterdir()} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_case_gets_its_answer(handed: Path, name: str) -> None:
    verdict, is_rejected, expected, why = CASES[name]
    folder = handed / name
    before = snapshot(folder)
    checked = check(folder, VERSION)
    said = {f"{remark.weight} {remark.rule}" for remark in checked.remarks}
    of_all = {"objection result.repeated-runs", "note package.no-code"} if checked.packages else set()
    assert said - of_all == set(expected), why
    assert _peer_verdict(check(folder, VERSION, as_peer=True)) == verdict
    assert checked.exit_code(strict=False) == int(is_rejected)
    assert checked.passing == int(verdict == "pass")
    assert snapshot(folder) == before
