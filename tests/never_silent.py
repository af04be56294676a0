"""Results of which something must be known, whoever shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trees import write_files, write_result

from mlperf_training_import.start.sample import run_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def with_factor(root: Path) -> None:
    write_files(write_result(root), {"scaling.json": {"scaling_factor": 1.25}})


def too_fast(root: Path) -> None:
    write_result(root, benchmark="retinanet", evaluations=[(1.5, 0.1), (3.2, 0.35)])


def with_a_failed_run(root: Path) -> None:
    write_files(write_result(root), {"result_4.txt": run_log("resnet", 5, status="aborted")})


def one_run_twice(root: Path) -> None:
    write_files(write_result(root), {"result_4.txt": run_log("resnet", 4)})


def off_target(root: Path) -> None:
    write_result(root, evaluations=[(30, 0.3)])


def in_another_unit(root: Path) -> None:
    """Ten runs of bert that count their samples in batches, so that there is no figure of what they were trained on."""
    write_result(root, range(1, 11), benchmark="bert", evaluations=[(9, 0.72)], global_batch_size=448)


def too_few(root: Path) -> None:
    write_result(root, (1, 2, 3, 4))


def not_closed(root: Path) -> None:
    write_result(root, description={"division": "open"}, division="open")


class Case(NamedTuple):
    """A result, the key of its entry that says what must be known, and words of it for people."""

    write: Callable[[Path], None]
    key: str
    says: str
    version: str = "3.0"


CASES = {
    "factor": Case(with_factor, "scaling_factor", "1.25"),
    "verdict": Case(too_fast, "rcp_verdict", "fail", "5.0"),
    "runs that do not count": Case(with_a_failed_run, "runs_counted", "1 of 5 runs"),
    "repeated runs": Case(one_run_twice, "doubts", "repeated-runs"),
    "doubt": Case(off_target, "doubts", "target-missed"),
    "absent figure": Case(in_another_unit, "doubts", "progress-unit"),
    "runs that are missing": Case(too_few, "doubts", "run-count"),
    "open": Case(not_closed, "division", "open"),
    "preview": Case(write_result, "version", "3.0-mine", "3.0-mine"),
}
