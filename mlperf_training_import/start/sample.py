"""A small made-up round in the real format: what the demonstration imports, and what tests build their trees from."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..tables.files import load_table
from .fetch import need_git

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import git

    from ..values import JsonObject

#: Start of the first made-up run, in milliseconds since the epoch.
START_MS = 1_700_000_000_000
_MINUTE_MS = 60_000
_AUTHOR = ("MLPerf Training importer", "demo@example.org")
_DATE = "1704067200 +0000"

#: What ``epoch_num`` says when a run has converged, in a benchmark that counts samples or tokens; and in all others.
_CONVERGED = {"bert": 4_000_000, "unet3d": 1_000_000, "gpt3": 2_000_000_000}
_CONVERGED_EPOCHS = 100


@functools.cache
def _sample() -> JsonObject:
    """The content of ``sample.yaml``."""
    return load_table(Path(__file__).with_suffix(".yaml"), dict[str, Any])


def log_line(time_ms: float | str, key: str, value: object = None, metadata: Mapping[str, object] | None = None) -> str:
    """One line as the logging package of MLPerf writes it."""
    record = {
        "namespace": "",
        "time_ms": time_ms,
        "event_type": "POINT_IN_TIME",
        "key": key,
        "value": value,
        "metadata": dict(metadata or {}) | {"file": "train.py", "lineno": 1},
    }
    return f":::MLLOG {json.dumps(record)}"


def run_log(
    benchmark: str,
    minutes: float,
    *,
    status: str = "success",
    division: str = "closed",
    start_ms: int = START_MS,
    init_minutes: float = 5.0,
    global_batch_size: int = 256,
    evaluations: Sequence[tuple[float, float]] | None = None,
) -> str:
    """The text of a log of one run.

    Args:
        benchmark: what ``submission_benchmark`` says.
        minutes: time from ``run_start`` to ``run_stop``, rounded to milliseconds.
        status: what ``run_stop`` says.
        division: what ``submission_division`` says.
        start_ms: time of ``run_start``, milliseconds since the epoch.
        init_minutes: time from ``init_start`` to ``init_stop``, which is that of ``run_start``.
        global_batch_size: as logged.
        evaluations: epoch and quality of each evaluation, spread evenly over the run; without them there are two, the second
            one where the benchmark may converge.
    """
    evaluations = _evaluations(benchmark, 0.1) if evaluations is None else evaluations
    init_ms = start_ms - round(init_minutes * _MINUTE_MS)
    stop_ms = start_ms + round(minutes * _MINUTE_MS)
    step_ms = (stop_ms - start_ms) // (len(evaluations) + 1)
    lines = [
        log_line(init_ms, "init_start"),
        log_line(init_ms, "submission_benchmark", benchmark),
        log_line(init_ms, "submission_division", division),
        log_line(init_ms, "global_batch_size", global_batch_size),
        log_line(init_ms, "train_samples", 100_000),
        log_line(start_ms, "init_stop"),
        log_line(start_ms, "run_start"),
        "  3%|#         | 3/100 [00:01<00:40,  2.4it/s]",
    ]
    for number, (epoch, quality) in enumerate(evaluations, 1):
        lines.append(log_line(start_ms + number * step_ms, "eval_accuracy", quality, {"epoch_num": epoch}))
    lines.append(log_line(stop_ms, "run_stop", None, {"status": status}))
    return "\n".join(lines) + "\n"


def _evaluations(benchmark: str, first_quality: float) -> tuple[tuple[float, float], ...]:
    """Two evaluations, the second one where the benchmark may converge."""
    converged = _CONVERGED.get(benchmark, _CONVERGED_EPOCHS)
    return (converged / 2, first_quality), (converged, 0.9)


def system_description(submitter: str, **keys: object) -> JsonObject:
    """A system description with every key that the importer reads; ``keys`` replace the defaults."""
    return {**_sample()["description"], "submitter": submitter, **keys}


def write_submission(
    root: Path,
    submitter: str,
    system: str,
    benchmark: str,
    logs: Iterable[str],
    description: Mapping[str, object] | None = None,
) -> Path:
    """Writes one benchmark folder, and the system's description where it is given. Returns the benchmark folder."""
    folder = root / submitter / "results" / system / benchmark
    folder.mkdir(parents=True)
    (root / submitter / "systems").mkdir(exist_ok=True)
    if description is not None:
        file = root / submitter / "systems" / f"{system}.json"
        file.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    for number, text in enumerate(logs):
        (folder / f"result_{number}.txt").write_text(text, encoding="utf-8")
    return folder


def write_sample(root: Path) -> None:
    """Writes the sample round: three submitters, three benchmarks, one run that did not converge."""
    sample = _sample()
    for row in sample["systems"]:
        submitter = row["submitter"]
        description = system_description(submitter, **row["description"])
        for benchmark, fastest in row["results"].items():
            runs = sample["runs"][benchmark]
            logs = (
                run_log(
                    benchmark,
                    # a spread of a few percent, in an order that is not that of the file names
                    fastest * (1 + 0.004 * ((number * 7) % runs)),
                    status="aborted" if (submitter, number) == ("Borealis", 3) else "success",
                    division=description["division"],
                    start_ms=START_MS + number * 24 * 60 * _MINUTE_MS,
                    evaluations=_evaluations(benchmark, 0.1 + number / 1000),  # no two runs learn alike
                )
                for number in range(runs)
            )
            write_submission(root, submitter, row["system"], benchmark, logs, description)


def make_repository(root: Path) -> git.Repo:
    """Makes a folder a git repository with one commit of everything in it; the same content gives the same commit.

    Raises:
        MissingProgram: there is no git.
    """
    need_git()
    import git  # GitPython cannot be imported without the program

    repository = git.Repo.init(root, expand_vars=False, initial_branch="main")
    repository.git.add(all=True, force=True)
    author = git.Actor(*_AUTHOR)
    repository.index.commit("results", author=author, committer=author, author_date=_DATE, commit_date=_DATE)
    return repository
