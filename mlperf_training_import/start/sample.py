"""A small made-up round in the real format: what the demonstration imports, and what tests build their trees from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import MissingProgram

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import git

#: Start of the first made-up run, in milliseconds since the epoch.
START_MS = 1_700_000_000_000
_MINUTE_MS = 60_000
_AUTHOR = ("MLPerf Training importer", "demo@example.org")
_DATE = "1704067200 +0000"

#: Submitter -> system -> what its description says beside the defaults.
_SYSTEMS: dict[str, dict[str, dict[str, Any]]] = {
    "Aurora": {
        "node_x8": {"system_name": "Aurora A8 (8x H100)", "number_of_nodes": "1", "accelerators_per_node": "8"},
        "node_x64": {"system_name": "Aurora A8 (64x H100)", "number_of_nodes": "8", "accelerators_per_node": "8"},
    },
    "Borealis": {
        "tower_x4": {"system_name": "Borealis Tower", "number_of_nodes": 1, "accelerators_per_node": 4},
    },
    "Cumulus": {
        "cpu_pod_x16": {
            "system_name": "Cumulus Pod",
            "division": "open",
            "status": "cloud",
            "number_of_nodes": "16",
            "accelerators_per_node": "0",
            "accelerator_model_name": "N/A",
        },
    },
}
#: Submitter, system, benchmark, minutes of its fastest run.
_RESULTS = (
    ("Aurora", "node_x8", "llama2_70b_lora", 28.1),
    ("Aurora", "node_x8", "retinanet", 84.5),
    ("Aurora", "node_x64", "llama2_70b_lora", 4.6),
    ("Aurora", "node_x64", "llama31_8b", 17.2),
    ("Borealis", "tower_x4", "llama2_70b_lora", 61.7),
    ("Borealis", "tower_x4", "retinanet", 201.9),
    ("Cumulus", "cpu_pod_x16", "retinanet", 511.3),
)
_RUNS = {"llama2_70b_lora": 10, "llama31_8b": 10, "retinanet": 5}
#: What ``epoch_num`` says when a run has converged, in a benchmark that counts samples or tokens; and in all others.
_CONVERGED = {"bert": 4_000_000, "unet3d": 1_000_000, "gpt3": 2_000_000_000}
_CONVERGED_EPOCHS = 100


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
    if evaluations is None:
        converged = _CONVERGED.get(benchmark, _CONVERGED_EPOCHS)
        evaluations = ((converged / 2, 0.1), (converged, 0.9))
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


def system_description(submitter: str, **keys: object) -> dict[str, object]:
    """A system description with every key that the importer reads; ``keys`` replace the defaults."""
    return {
        "division": "closed",
        "submitter": submitter,
        "status": "onprem",
        "system_name": "Made-up system",
        "number_of_nodes": "1",
        "host_processors_per_node": "2",
        "host_processor_model_name": "AMD EPYC 9654",
        "host_processor_core_count": "64",
        "accelerators_per_node": "8",
        "accelerator_model_name": "NVIDIA H100-SXM5-80GB",
        "framework": "PyTorch 2.8",
        "hw_notes": "",
        "sw_notes": "",
    } | keys


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
    for submitter, system, benchmark, fastest in _RESULTS:
        keys = _SYSTEMS[submitter][system]
        logs = []
        for number in range(_RUNS[benchmark]):
            aborted = (submitter, number) == ("Borealis", 3)
            logs.append(
                run_log(
                    benchmark,
                    # a spread of a few percent, in an order that is not that of the file names
                    fastest * (1 + 0.004 * ((number * 7) % _RUNS[benchmark])),
                    status="aborted" if aborted else "success",
                    division=str(keys.get("division", "closed")),
                    start_ms=START_MS + number * 24 * 60 * _MINUTE_MS,
                )
            )
        write_submission(root, submitter, system, benchmark, logs, system_description(submitter, **keys))


def make_repository(root: Path) -> git.Repo:
    """Makes a folder a git repository with one commit of everything in it; the same content gives the same commit.

    Raises:
        MissingProgram: there is no git.
    """
    try:
        import git
    except ImportError as error:  # GitPython cannot be imported without it
        raise MissingProgram("git is needed, and is not on the PATH; install it, then try again") from error
    repository = git.Repo.init(root, initial_branch="main")
    repository.git.add(all=True, force=True)
    author = git.Actor(*_AUTHOR)
    repository.index.commit("results", author=author, committer=author, author_date=_DATE, commit_date=_DATE)
    return repository
