"""What a result says of itself that cannot be, and what is odd about it among the others of its round."""

from __future__ import annotations

import json

import pytest
from trees import import_tree, write_result

from mlperf_training_import.start.sample import START_MS, log_line, run_log, system_description, write_submission

DAY_MS = 24 * 60 * 60_000
CODES = ("one-history", "same-seed", "description-conflict", "memory-conflict", "odd-dates", "shared-runs", "odd-speed")


def write_runs(root, seeds, evaluations, benchmark="retinanet", *, starts=None, before="", **more):
    """A result with a log for each seed (None: no line) and list of evaluations, one each day if no starts are given."""
    logs = []
    for number, (seed, figures) in enumerate(zip(seeds, evaluations, strict=True)):
        start_ms = START_MS + (number * DAY_MS if starts is None else starts[number])
        text = run_log(benchmark, 100 + number, evaluations=figures, start_ms=start_ms)
        line = "" if seed is None else log_line(start_ms, "seed", seed) + "\n"
        logs.append(before + line + text)
    description = system_description("Org", **more)
    return write_submission(root, "Org", more.get("system", "sys"), benchmark, logs, description)


def found(imported) -> set[str]:
    return {finding.code for finding in imported.findings if finding.code in CODES}


SAME = [[(1, 0.1), (4, 0.35)]] * 5
OWN = [[(1, 0.1 + number / 1000), (4, 0.35)] for number in range(5)]


@pytest.mark.parametrize(
    ("evaluations", "starts", "codes"),
    [
        (SAME, None, {"one-history"}),
        (OWN, None, set()),
        ([*SAME[:4], OWN[1]], None, set()),
        ([[(4, 0.35)]] * 5, None, set()),  # a single figure may well be the same
        (SAME, [0, 100, 200, 300, 999], set()),  # ranks of one run
        (SAME, [0, 0, 0, 0, 0], set()),
        (SAME, [0, 1001, 2002, 3003, 4004], {"one-history"}),
    ],
)
def test_runs_with_one_history(tmp_path, evaluations, starts, codes):
    write_runs(tmp_path, range(5), evaluations, starts=starts)
    imported = import_tree(tmp_path, "5.0")
    assert found(imported) == codes
    assert imported.only.entry.get("doubts", []) == [*codes] or starts is not None


def test_a_result_that_repeats_another_is_not_asked_what_that_one_was(tmp_path):
    for system in ("a", "b"):
        write_runs(tmp_path, [7] * 5, SAME, system=system, accelerator_memory_capacity="40 GB")
    imported = import_tree(tmp_path, "5.0")
    odd = {(finding.code, finding.folder) for finding in imported.findings if finding.code in CODES}
    assert odd == {(code, "Org/results/a/retinanet") for code in ("one-history", "same-seed", "memory-conflict")}


@pytest.mark.parametrize(
    ("benchmark", "seeds", "codes"),
    [
        ("retinanet", [7] * 5, {"same-seed"}),
        ("retinanet", [7, 7, 7, 7, 8], set()),
        ("retinanet", [None] * 5, set()),
        ("retinanet", [7, 7, 7, 7, None], set()),
        ("minigo", [0] * 5, set()),
    ],
)
def test_runs_with_one_seed(tmp_path, benchmark, seeds, codes):
    write_runs(tmp_path, seeds, OWN, benchmark)
    assert found(import_tree(tmp_path, "2.0" if benchmark == "minigo" else "5.0")) == codes


@pytest.mark.parametrize(
    ("logged", "what"),
    [
        ({}, None),
        ({"accelerator_model_name": "NVIDIA H100 80GB HBM3"}, None),  # the same by another name
        ({"accelerator_model_name": "NVIDIA B200"}, "the accelerator (H100, B200)"),
        ({"host_processor_model_name": "Neoverse-V2"}, "the processor (EPYC 9654, Neoverse V2)"),
        ({"host_processor_model_name": "wombat"}, None),
        ({"number_of_nodes": "2"}, "the number of nodes (1, 2)"),
        ({"accelerators_per_node": 4}, "accelerators per node (8, 4)"),
    ],
)
def test_a_log_that_describes_another_system(tmp_path, logged, what):
    line = f":::SYSJSON {json.dumps(system_description('Org') | logged)}\n"
    write_runs(tmp_path, [None] * 5, OWN, before=line)
    whats = import_tree(tmp_path, "5.0").what("description-conflict")
    assert whats == ([] if what is None else [f"the description and result_0.txt differ on {what}; the description counts"])


@pytest.mark.parametrize(
    ("name", "capacity", "is_odd"),
    [
        ("NVIDIA A100-SXM4-80GB", "40 GB", True),
        ("NVIDIA A100-SXM4-80GB", "80G", False),
        ("NVIDIA H100-SXM5-80GB", "81559 MiB", False),
        ("NVIDIA A100", "40 GB", False),
        ("NVIDIA GH200 480GB", "96 GB", False),  # that is the processor's memory
        ("NVIDIA A100-SXM4-80GB", "TODO", False),
    ],
)
def test_a_memory_that_is_not_that_of_the_name(tmp_path, name, capacity, is_odd):
    write_result(tmp_path, description={"accelerator_model_name": name, "accelerator_memory_capacity": capacity})
    assert len(import_tree(tmp_path).what("memory-conflict")) == is_odd


def at(text: str, shift_ms: int) -> str:
    """A log whose evaluations have times so much later."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if "eval_accuracy" in line:
            time_ms = line.partition('"time_ms": ')[2].partition(",")[0]
            lines[number] = line.replace(time_ms, str(int(time_ms) + shift_ms))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("version", "benchmark", "shift_minutes", "what"),
    [
        ("5.0", "retinanet", 0, None),
        ("6.0", "retinanet", 0, "5 of 5 logs ran more than 2 years before their round was published, first result_0.txt"),
        ("5.0", "retinanet", 9, "5 of 5 logs have no quality figure with a time between run_start and run_stop"),
        ("5.0", "retinanet", -4, "whose time is more than a minute before that of an earlier line"),
        ("5.0", "stable_diffusion", 9, None),
        ("5.0", "stable_diffusion", -4, None),
        ("2.0", "minigo", 9, None),
        ("2.0", "minigo", -4, "whose time is more than a minute before that of an earlier line"),
        ("99.0", "retinanet", 0, None),  # nobody knows when it is published
    ],
)
def test_dates(tmp_path, version, benchmark, shift_minutes, what):
    logs = [at(run_log(benchmark, 6 + number / 10), shift_minutes * 60_000) for number in range(5)]
    write_submission(tmp_path, "Org", "sys", benchmark, logs, system_description("Org"))
    whats = import_tree(tmp_path, version).what("odd-dates")
    assert len(whats) == (what is not None)
    assert all(what in each for each in whats)


def test_one_set_of_runs_on_two_systems(tmp_path):
    """A repeat on a system with the same parts is none."""
    for system, accelerator in (("a", "NVIDIA B200"), ("b", "NVIDIA B200"), ("c", "NVIDIA H200")):
        write_result(tmp_path, system=system, description={"accelerator_model_name": accelerator})
    imported = import_tree(tmp_path)
    assert [finding.where for finding in imported.findings if finding.code == "shared-runs"] == ["Org/results/c/resnet"]
    expected = "its runs are those of Org/results/a/resnet, which differs in the accelerator (B200, H200)"
    assert imported.what("shared-runs") == [expected]
    assert imported.results["Org/results/c/resnet"].entry["doubts"] == ["shared-runs"]


@pytest.mark.parametrize(("minutes", "others", "is_odd"), [(51, 3, True), (49, 3, False), (1.9, 3, True), (51, 2, False)])
def test_a_result_that_is_far_slower_or_faster_than_its_likes(tmp_path, minutes, others, is_odd):
    for number in range(others):
        write_result(tmp_path, [10 + number / 100] * 5, submitter=f"Org{number}")
    write_result(tmp_path, [minutes] * 5, submitter="Slow")
    write_result(tmp_path, [500] * 5, submitter="Small", description={"accelerators_per_node": 2})
    write_result(tmp_path, [500] * 5, submitter="Other", description={"accelerator_model_name": "NVIDIA L4"})
    imported = import_tree(tmp_path)
    assert {f.where for f in imported.findings if f.code == "odd-speed"} == (
        {"Slow/results/sys/resnet"} if is_odd else set()
    )


def test_runs_that_all_fail_for_one_reason_are_one_finding(tmp_path):
    write_result(tmp_path, status="aborted")
    imported = import_tree(tmp_path)
    assert imported.places == {("run-not-counted", "Org/results/sys/resnet")}
    expected = "5 of 5 runs do not count, 1 may; each: status of run_stop is aborted"
    assert imported.what("run-not-counted") == [expected]


def test_runs_that_do_not_count_for_one_reason_are_one_finding_of_their_folder(tmp_path):
    """Numbers in a reason make no other one; a run that does not count for another reason has a finding of its own."""
    folder = write_result(tmp_path, range(1, 41), benchmark="unet3d")
    for number, status in ((3, "aborted"), (17, "aborted"), (31, "error")):
        log = folder / f"result_{number}.txt"
        log.write_text(log.read_text().replace('"success"', f'"{status}"'))
    imported = import_tree(tmp_path)
    found = (finding for finding in imported.findings if finding.code == "run-not-counted")
    assert {finding.where.rpartition("/")[2]: finding.what for finding in found} == {
        "result_3.txt": "status of run_stop is aborted; also in result_17.txt",
        "result_31.txt": "status of run_stop is error",
    }
    assert "run-not-counted" not in imported.only.entry["doubts"]


def test_runs_that_need_not_converge_are_one_line_for_the_round(tmp_path):
    """Of ncf in 0.5 the first 50 that converge are scored."""
    for system in ("a", "b"):
        folder = tmp_path / "v0.5.0/Org/results" / system
        (folder / "ncf").mkdir(parents=True)
        (folder / "entry.json").write_text('{"division": "closed", "nodes": [{}]}')
        for number in range(100):
            says = "true" if number < 60 else "false"
            lines = (f"100{number}.5 (a.py:1) run_start", f'160{number}.5 (a.py:1) run_stop: {{"success": {says}}}')
            text = "".join(f":::MLPv0.5.0 ncf 15{line}\n" for line in lines)
            (folder / "ncf" / f"result_{number}.txt").write_text(text)
    imported = import_tree(tmp_path, "0.5")
    assert len(imported.results) == 2
    (what,) = imported.what("run-not-counted")
    assert what.startswith("status of run_stop is False; also in result_61.txt, ")
    assert what.endswith(", and 29 more; 2 like this one, as is usual in this round")
    (what,) = imported.what("incomplete-system-description")
    assert what.endswith("; 2 like this one, as is usual in this round")
