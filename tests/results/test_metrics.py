"""The figures to analyse: computed by hand for made-up results, and equal to the peer's columns for the real ones."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

import msgspec
import pytest
from support import PROJECT
from trees import is_made_up_submitter

from mlperf_training_import.model import Energy, Evaluation, Judged, Round, Run, RunLog, Submission, System
from mlperf_training_import.options import Filter
from mlperf_training_import.results.compare import compare, runs_digest
from mlperf_training_import.results.convergence import mean_like_numpy
from mlperf_training_import.results.entry import make_entry
from mlperf_training_import.results.metrics import metrics_of
from mlperf_training_import.results.score import mean_of_kept
from mlperf_training_import.results.score_round import Reading, read_round
from mlperf_training_import.rounds.walk import walk
from mlperf_training_import.start.sample import run_log, system_description, write_submission
from mlperf_training_import.tables.keys import entry_keys, owned_keys
from mlperf_training_import.tables.rules import benchmark_of, known_benchmarks, known_rounds, rules_of

DOCS = PROJECT / "docs"
#: How Python says the types of keys.yaml.
TYPES = {"text": str, "number": (int, float), "integer": int, "boolean": bool, "numbers": list, "texts": list}
FIGURES = [key for key in entry_keys().values() if key.figure]


def run(minutes: float, *evaluations: Evaluation, **log) -> Run:
    """A run that converged."""
    log = {"run_start_ms": 0, "run_stop_ms": minutes * 60_000, "succeeded": True, "global_batch_size": 32} | log
    return Run(RunLog("result.txt", 9, evaluations=evaluations, **log), minutes)


def failed_run() -> Run:
    return Run(RunLog("result.txt", 9, global_batch_size=32), reason="status of run_stop is aborted")


def result(benchmark: str, runs: list[Run], *, version="4.1", factor=None, energy=None, division="closed", accelerators=8):
    system = System(nodes=2, accelerators_per_node=None if accelerators is None else accelerators // 2)
    submission = Submission("Acme", "box", benchmark, f"Acme/results/box/{benchmark}", system, None, "", ())
    facts = (Round(version, version, Path()), rules_of(version), submission, benchmark_of(benchmark, version), division)
    score = mean_of_kept(runs, facts[3], factor)
    logs = tuple(run.log for run in runs)
    return Judged(*facts, logs, runs=tuple(runs), score=score, energy=energy, scaling_factor=factor)


def entry_of(judged: Judged) -> dict[str, object]:
    return make_entry(msgspec.structs.replace(judged, figures=metrics_of(judged)))


def figures(benchmark: str, runs: list[Run], *, version: str = "4.1", **more) -> dict[str, object]:
    return metrics_of(result(benchmark, runs, version=version, **more))


def lora(minutes: float, samples: float = 3072, **log) -> Run:
    return run(minutes, Evaluation(0.924, samples=samples), **log)


# -- runs and scale ---------------------------------------------------------------------------------------------------


def test_runs():
    found = figures("llama2_70b_lora", [lora(5), failed_run(), lora(2), lora(4), lora(3)], factor=1.5)
    assert found["runs_count"] == 5
    assert found["runs_counted"] == 4
    assert found["runs_minutes"] == [2, 3, 4, 5]
    assert (found["minutes_min"], found["minutes_max"]) == (2, 5)
    assert found["minutes_spread"] == 3 / 3.5  # (5 - 2) / median
    assert found["scaling_factor"] == 1.5
    # one run failed and is the slowest: the score is the mean of 3, 4 and 5 minutes, times 1.5; 8 accelerators
    assert found["accelerator_minutes"] == 6.0 * 8


def test_no_factor_is_no_key():
    assert "scaling_factor" not in figures("llama2_70b_lora", [lora(1), lora(2), lora(3)])


@pytest.mark.parametrize("accelerators", [0, None])
def test_a_system_without_accelerators_has_no_figures_per_accelerator(accelerators):
    runs, energy = [lora(1), lora(2), lora(3)], Energy(120.0, 120.0, (60.0, 120.0, 180.0))
    found = figures("llama2_70b_lora", runs, accelerators=accelerators, energy=energy)
    assert not [key for key in found if "per_accelerator" in key or key == "accelerator_minutes"]
    assert {"samples_per_second", "average_power_watts"} <= found.keys()


# -- convergence ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        # columns of round 3.0, dlrm_dcnv2; adding from left to right gives another last bit for each
        ([0.7] * 8, 0.7),
        ([0.7, 0.7, 0.75, 0.75, 0.75, 0.75, 0.75, 0.8], 0.7437499999999999),
        ([0.75, 0.75, 0.75, 0.75, 0.75, 0.75, 0.8, 0.85], 0.76875),
        # 4.1, dlrm_dcnv2
        ([0.7, 0.75, 0.75, 0.75, 0.75, 0.75, 0.8, 0.8], 0.7562500000000001),
        # fewer than eight, and a rest
        ([1.0, 2.0, 6.0], 3.0),
        ([1.0] * 8 + [10.0], 2.0),
    ],
)
def test_the_mean_has_the_bits_of_numpy(values, mean):
    assert mean_like_numpy(values) == mean


def test_convergence_leaves_out_the_best_and_the_worst_run():
    runs = [lora(1, 400), lora(2, 100), lora(3, 200), lora(4, 300), lora(5, 900)]
    found = figures("llama2_70b_lora", runs)
    assert found["samples_to_converge"] == 300.0  # of 200, 300, 400: sorted by samples, not by time
    assert found["global_batch_size"] == 32.0


def test_a_failed_run_is_the_worst():
    assert figures("llama2_70b_lora", [lora(1, 100), failed_run(), lora(3, 200), lora(4, 300)])["samples_to_converge"] == 250


def test_failed_runs_are_never_in_the_mean():
    # unet3d: four runs may fail; with three, one run at each end is not enough, so four are left out as for the score
    runs = [run(i, Evaluation(0.91, epoch=i * 100)) for i in range(1, 38)] + [failed_run()] * 3
    found = figures("unet3d", runs, version="3.0")
    # 40 points: 100 ... 3700 and three without; [4:36] is 500 ... 3600
    assert found["epochs_to_converge"] == (500 + 3600) / 2


def test_a_single_run_left_is_enough_and_none_is_not():
    assert figures("gpt3", [run(m, Evaluation(2.68, epoch=m * 2048)) for m in (1, 2, 3)])["tokens_to_converge"] == 4096
    assert "samples_to_converge" not in figures("no_such_benchmark", [lora(1), lora(2), lora(3)])


@pytest.mark.parametrize(
    ("benchmark", "version", "key"),
    [
        ("resnet", "3.0", "epochs_to_converge"),
        ("bert", "3.0", "samples_to_converge"),
        ("gpt3", "3.0", "tokens_to_converge"),
        ("unet3d", "3.0", "epochs_to_converge"),
        ("unet3d", "3.1", "samples_to_converge"),
        ("resnet", "0.7", None),
    ],
)
def test_the_key_names_what_epoch_num_counts(benchmark, version, key):
    runs = [run(minutes, Evaluation(0.9, epoch=40002.12345)) for minutes in range(1, 11)]
    found = figures(benchmark, runs, version=version)
    assert [name for name in found if name.endswith("_to_converge")] == ([key] if key else [])
    assert key is None or found[key] == 40002.123  # rounded as the peer rounds


def test_several_figures_converge_at_the_first_point_where_all_reach_their_targets():
    evaluations = [
        *(Evaluation(85.0, samples=100, metric="FID"), Evaluation(0.10, samples=100, metric="CLIP")),
        *(Evaluation(95.0, samples=200, metric="FID"), Evaluation(0.16, samples=200, metric="CLIP")),
        Evaluation(80.0, samples=250, metric="FID"),
        # out of order: CLIP first, and the later point before the earlier one
        *(Evaluation(0.20, samples=400, metric="CLIP"), Evaluation(70.0, samples=400, metric="FID")),
        *(Evaluation(0.15, samples=300, metric="CLIP"), Evaluation(90.0, samples=300, metric="FID")),
    ]
    found = figures("stable_diffusion", [run(minutes, *evaluations) for minutes in (1, 2, 3)])
    assert found["samples_to_converge"] == 300.0
    assert (found["quality_reached"], found["second_quality_reached"]) == (90.0, 0.15)


def test_steps_are_turned_into_samples_by_the_batch_size():
    pair = [Evaluation(80.0, step=500, metric="FID"), Evaluation(0.2, step=500, metric="CLIP")]
    found = figures("stable_diffusion", [run(2, *pair)] * 3, version="3.1")
    assert found["steps_to_converge"] == 500.0
    assert found["samples_per_second"] == 500 * 32 / 120


def test_a_batch_size_that_differs_or_is_no_number_is_left_out():
    assert "global_batch_size" not in figures("llama2_70b_lora", [lora(1), lora(2), lora(3, global_batch_size=64)])
    assert "global_batch_size" not in figures("llama2_70b_lora", [lora(m, global_batch_size=None) for m in (1, 2, 3)])


def test_a_log_that_does_not_say_its_progress_leaves_the_figure_out():
    found = figures("llama2_70b_lora", [lora(1), lora(2), run(3, Evaluation(0.92))])
    assert "samples_to_converge" not in found
    assert "samples_per_second" in found  # the run of the score says it
    found = figures("llama2_70b_lora", [lora(1), run(2), lora(3)])
    assert not found.keys() & {"samples_to_converge", "samples_per_second", "quality_reached"}


@pytest.mark.parametrize(
    ("benchmark", "value", "first", "second"),
    [
        ("resnet", 0.5, 50.0, None),  # the log has 0.5 for 50 %
        ("resnet", "0.5", 50.0, None),
        ("bert", 0.72, 0.72, None),
        ("maskrcnn", {"BBOX": 0.38, "SEGM": 0.34}, 0.38, 0.34),
        ("maskrcnn", [0.38, 0.34], 0.38, 0.34),
        ("maskrcnn", {"BBOX": 0.38}, 0.38, None),
        ("maskrcnn", [], None, None),
        ("resnet", "n/a", None, None),
        ("resnet", None, None, None),
        ("resnet", math.inf, None, None),
    ],
)
def test_quality_is_in_the_unit_of_the_rules(benchmark, value, first, second):
    found = figures(benchmark, [run(minutes, Evaluation(value, epoch=1)) for minutes in range(1, 4)], version="3.0")
    assert (found.get("quality_reached"), found.get("second_quality_reached")) == (first, second)


@pytest.mark.parametrize(
    ("benchmark", "version", "samples"),
    [
        ("resnet", "3.0", 64 * 1281167),
        ("rnnt", "3.0", 64 * 278016),  # as logged
        ("bert", "3.0", 64),
        ("gpt3", "3.0", 64 / 2048),
        ("maskrcnn", "3.0", 64 * 117266),
        ("ssd", "1.1", None),  # it is not known how many samples its epochs had
    ],
)
def test_throughput(benchmark, version, samples):
    runs = [run(minutes, Evaluation(0.5, epoch=64), train_samples=278016) for minutes in (1, 2, 3)]
    found = figures(benchmark, runs, version=version, factor=1.5)
    # the run of 2 minutes is kept; the factor changes the score, not what the machine did
    assert found.get("samples_per_second") == (None if samples is None else samples / 120)
    assert found.get("samples_per_second_per_accelerator") == (None if samples is None else samples / 120 / 8)


# -- comparison -------------------------------------------------------------------------------------------------------


def test_places_and_speedup_in_a_group():
    def of(minutes: float, accelerators: int | None = 8, start_ms: int = 0, **more) -> Judged:
        runs = [lora(minutes, run_start_ms=start_ms)] * 3
        return result("llama2_70b_lora", runs, accelerators=accelerators, **more)

    results = [
        *(of(10), of(20), of(10, start_ms=1), of(40, 2), of(5, None)),
        *(of(1, division="open"), of(2, version="5.0"), result("bert", [lora(7)] * 3)),
    ]
    found = compare([entry_of(one) for one in results])
    assert [f["rank"] for f in found] == [2, 4, 2, 5, 1, 1, 1, 1]
    assert [f["compared_results"] for f in found] == [5] * 5 + [1] * 3
    # accelerator minutes: 80, 160, 80, 80 and none; the median is 80
    assert [f.get("rank_per_accelerator") for f in found] == [1, 4, 1, 1, None, 1, 1, 1]
    assert [f.get("speedup_per_accelerator") for f in found] == [1.0, 0.5, 1.0, 1.0, None, 1.0, 1.0, 1.0]
    assert compare([]) == []


def test_results_of_the_same_runs_share_a_place_and_count_once():
    """One set of runs submitted by three, as in round 4.0, whatever the order of the logs; the factors may differ."""

    def of(minutes: tuple[float, ...], accelerators: int = 8) -> Judged:
        return result("llama2_70b_lora", [lora(number) for number in minutes], accelerators=accelerators)

    results = [of((10, 11, 12)), of((12, 10, 11)), of((11, 12, 10), 16), of((9, 10, 11)), of((20, 21, 22)), of((30, 30, 31))]
    found = compare([entry_of(one) for one in results])
    assert [figures["rank"] for figures in found] == [2, 2, 2, 1, 3, 4]
    assert [figures["rank_per_accelerator"] for figures in found] == [2, 2, 2, 1, 3, 4]
    assert {figures["compared_results"] for figures in found} == {4}
    # accelerator minutes of the four sets of runs: 88 (and 176 of the third result), 80, 168, 240; the median is 128
    assert [figures["speedup_per_accelerator"] for figures in found] == pytest.approx(
        [128 / 88, 128 / 88, 128 / 176, 128 / 80, 128 / 168, 128 / 240]
    )


def test_the_digest_tells_runs_apart_and_nothing_else():
    def digest(*logs: RunLog) -> str | None:
        return runs_digest(logs)

    first, second = lora(10).log, lora(11).log
    unfinished = msgspec.structs.replace(first, run_stop_ms=None)
    elsewhere = msgspec.structs.replace(first, path="elsewhere", status="x")
    assert digest(first, second) == digest(second, elsewhere, unfinished)
    assert re.fullmatch(r"[0-9a-f]{16}", digest(first) or "")
    assert len({digest(first), digest(second), digest(first, second)}) == 3
    assert digest(unfinished) is None


def test_places_do_not_depend_on_the_submitters_asked_for(tmp_path):
    for number, submitter in enumerate(("Acme", "Bolt", "Core")):
        logs = [run_log("llama2_70b_lora", (number + 1) * (1 + i / 100)) for i in range(10)]
        write_submission(tmp_path, submitter, "box", "llama2_70b_lora", logs, system_description(submitter))
    (tmp_path / "Core/results/box/llama2_70b_lora/result_0.txt").write_text(":::MLLOG {")
    round_ = Round("5.0", "5.0", tmp_path)
    submissions = walk(round_, rules_of("5.0"), [])
    entries = {r.identity: r.entry for r in read_round(round_, submissions, Reading()).results}
    outcome = read_round(round_, submissions, Reading(Filter(submitters=frozenset({"Bolt"}))))
    assert [r.entry for r in outcome.results] == [entries["5.0", "Bolt", "box", "llama2_70b_lora"]]
    assert [s.submitter for s in outcome.submissions] == ["Bolt"]
    assert outcome.results[0].entry["rank"] == 2
    assert all(map(is_made_up_submitter, outcome.findings))


# -- the table and the document ---------------------------------------------------------------------------------------


def test_every_known_benchmark_says_what_it_counts_from_1_0_on():
    for version in known_rounds("training"):
        for key in known_benchmarks():
            benchmark = benchmark_of(key, version)
            expected = benchmark.known and (version >= "1.0" or (key, version) == ("dlrm", "0.7")) and key != "minigo"
            assert (benchmark.progress is not None) == expected, (key, version)
            if benchmark.progress:
                assert f"{benchmark.progress.unit}_to_converge" in entry_keys()
                assert benchmark.progress.field in ("epoch_num", "samples_count", "step_num")


@pytest.mark.parametrize(("document", "blocks", "figures"), [("analysis.md", 4, 3), ("convergence.md", 1, 1)])
def test_the_code_of_the_document_is_that_of_the_script(document, blocks, figures):
    text, script = ((DOCS / name).read_text(encoding="utf-8") for name in (document, "make_figures.py"))
    code = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(code) == blocks
    assert all(block in script for block in code)
    shown = re.findall(r"\]\((figures/\S+)\)", text)
    assert len(shown) == figures
    assert all((DOCS / figure).is_file() for figure in shown)


# -- the real rounds --------------------------------------------------------------------------------------------------

#: Results whose figures differ from the peer's, and why.
DIFFERENCES = {
    # "division": "open" in the description; the peer computes nothing for the open division
    ("Intel", "16-nodes-SPR-pytorch-open", "bert"): {"GBS": (None, 3072.0), "samples_to_converge": (None, 1904256.0)},
    # three of 40 runs failed (result_22, 32 and 35: run_stop with "status": "aborted"); the peer takes 1e9 for each
    ("NVIDIA", "dgxh100_n54_ngc23.04_mxnet", "unet3d"): {"samples_to_converge": (52633944.7368421, 2502.5)},
}


def same(theirs: float | None, ours: float | None) -> bool:
    """Bit for bit; but the peer adds up power logs in the order in which a file system lists them."""
    return theirs == ours or (None not in (theirs, ours) and theirs > 1e7 and math.isclose(theirs, ours, rel_tol=1e-12))


@pytest.mark.parametrize(("version", "count"), [("3.0", 260), ("4.1", 153)])
def test_batch_size_and_convergence_equal_the_columns_of_the_peer(published, shared, version, count):
    theirs = {}
    with (shared / f"reference/summary_detailed-{version}.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            submitter, system = re.search(r"/blob/main/(.*)/systems/(.*)\.json", row["details_url"]).groups()
            for benchmark in (key.partition(":")[0] for key in row if key.endswith(":GBS")):
                theirs[submitter, system, benchmark] = {
                    column: float(text) if (text := row[f"{benchmark}:{column}"]) else None
                    for column in ("GBS", "samples_to_converge", "Energy")
                }
    entries = [result.entry for result in published(version).outcome.results]
    assert len(entries) == count
    differences = {}
    for entry in entries:
        identity = (entry["submitter"], entry["system_file"], entry["Model_ID"])
        (convergence,) = (entry[key] for key in entry if key.endswith("_to_converge"))
        ours = {
            "GBS": entry["global_batch_size"],
            "samples_to_converge": convergence,
            "Energy": entry.get("energy_joules"),
        }
        peer = theirs[identity]
        if odd := {c: (peer[c], ours[c]) for c in ours if not same(peer[c], ours[c])}:
            differences[identity] = odd
    assert differences == (DIFFERENCES if version == "3.0" else {})


@pytest.mark.parametrize("version", ["0.7", "3.0", "4.1"])
def test_numbers_are_finite_and_every_key_is_declared_and_has_its_type(published, version):
    for entry in (result.entry for result in published(version).outcome.results):
        json.dumps(entry, allow_nan=False)
        for name, value in entry.items():
            if name == entry["Model_ID"]:
                continue
            assert name in owned_keys(), name
            key = entry_keys().get(name) or entry_keys()[name.removeprefix("_")]
            assert isinstance(value, TYPES[key.type]), (name, value)
            assert not (key.figure and key.type == "number") or type(value) is float, (name, value)
