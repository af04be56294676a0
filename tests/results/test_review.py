"""Verdict and factor of results, and what they are reported as; equal to the peer's on real rounds."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pytest
from msgspec import structs
from trees import import_tree, write_result

from mlperf_training_import.results import review
from mlperf_training_import.start.sample import run_log, system_description, write_submission
from mlperf_training_import.tables import references


def import_retinanet(root, epochs: float, batch_size: int = 256, version: str = "5.0", scaling: float | None = None, **more):
    folder = write_result(
        root,
        benchmark="retinanet",
        global_batch_size=batch_size,
        evaluations=[(epochs / 2, 0.1), (epochs, 0.35)],
        **more,
    )
    if scaling is not None:
        (folder / "scaling.json").write_text(json.dumps({"scaling_factor": scaling}))
    return import_tree(root, version)


def rcp_of(imported) -> dict[str, object]:
    return {key: value for key, value in imported.only.entry.items() if key.startswith("rcp_")}


def test_as_fast_as_the_reference(tmp_path):
    imported = import_retinanet(tmp_path, 4.0)
    assert rcp_of(imported) == {
        "rcp_verdict": "pass",
        "rcp_factor": 1.0,
        "rcp_judged_mean": 4.0,
        "rcp_reference": "256",
        "rcp_mean": 4.0,
        "rcp_least_acceptable": 4.0,
    }
    assert not {"rcp-fail", "rcp-missing", "odd-scaling"} & {finding.code for finding in imported.findings}


def test_too_fast(tmp_path):
    imported = import_retinanet(tmp_path, 3.2)
    assert rcp_of(imported)["rcp_verdict"] == "fail"
    assert rcp_of(imported)["rcp_factor"] == pytest.approx(4 / 3.2, rel=1e-12)
    found = "converged with fewer epochs than the reference points allow (3.2, at least 4 at batch size 256)"
    assert imported.what("rcp-fail") == [f"{found}; the score was not multiplied by the factor 1.25"]


@pytest.mark.parametrize(("scaling", "is_applied", "was"), [(1.25, True, "was"), (1.2, False, "was not")])
def test_a_result_that_was_accepted_times_its_factor_says_so(tmp_path, scaling, is_applied, was):
    imported = import_retinanet(tmp_path, 3.2, scaling=scaling)
    assert rcp_of(imported)["rcp_factor_applied"] is is_applied
    assert imported.what("rcp-fail")[0].endswith(f"the score {was} multiplied by the factor 1.25")


def test_without_a_scaling_file_no_key_says_whether_the_factor_was_applied(tmp_path):
    assert "rcp_factor_applied" not in rcp_of(import_retinanet(tmp_path, 3.2))


def test_the_factor_is_not_part_of_the_score(tmp_path):
    assert import_retinanet(tmp_path, 3.2).only.minutes == 3.0  # of 1 to 5


def test_between_two_references(tmp_path):
    figures = rcp_of(import_retinanet(tmp_path, 4.2, 288))
    assert (figures["rcp_verdict"], figures["rcp_reference"]) == ("pass", "256 to 320, interpolated")
    assert figures["rcp_mean"] == pytest.approx((4 + 37 / 9) / 2, rel=1e-12)  # half-way


def test_larger_than_all(tmp_path):
    imported = import_retinanet(tmp_path, 9.0, 8192)
    assert rcp_of(imported) == {"rcp_verdict": "missing", "rcp_judged_mean": 9.0}
    assert imported.what("rcp-missing") == ["no reference for batch size 8192, which is larger than all"]


def test_smaller_than_all_and_slow_enough(tmp_path):
    imported = import_retinanet(tmp_path, 4.0, 64)
    assert (rcp_of(imported)["rcp_verdict"], rcp_of(imported)["rcp_reference"]) == ("pass", "256, the smallest")
    assert imported.what("rcp-missing") == []


def test_smaller_than_all_and_too_fast(tmp_path):
    imported = import_retinanet(tmp_path, 3.0, 64)
    assert (rcp_of(imported)["rcp_verdict"], "rcp_factor" in rcp_of(imported)) == ("missing", False)
    (what,) = imported.what("rcp-missing")
    assert what.endswith("smaller than all, and it converged faster than the smallest may")


def test_open_results_are_not_judged(tmp_path):
    assert rcp_of(import_retinanet(tmp_path, 3.2, description={"division": "open"})) == {}


@pytest.mark.parametrize(("benchmark", "version"), [("minigo", "2.0"), ("resnet", "0.7")])
def test_what_has_no_references_has_no_keys(tmp_path, benchmark, version):
    write_result(tmp_path, range(1, 11), benchmark=benchmark)
    assert rcp_of(import_tree(tmp_path, version)) == {}


def test_logs_that_disagree_on_the_batch_size_are_not_judged(tmp_path):
    folder = write_result(tmp_path, benchmark="retinanet")
    log = folder / "result_0.txt"
    log.write_text(log.read_text().replace('"value": 256', '"value": 512'))
    assert rcp_of(import_tree(tmp_path, "5.0")) == {}


def test_logs_that_do_not_say_when_they_converged_are_not_judged(tmp_path):
    folder = write_result(tmp_path, benchmark="retinanet")
    log = folder / "result_0.txt"
    log.write_text(log.read_text().replace('"epoch_num"', '"epoch"').replace('"epoch"', '"e"'))
    assert rcp_of(import_tree(tmp_path, "5.0")) == {}


def test_references_that_end_before_a_round_are_a_finding(tmp_path, monkeypatch):
    rows = [structs.replace(row, last_round="5.0") for row in references._rows() if row.benchmark == "retinanet"]
    monkeypatch.setattr(references, "_rows", lambda: rows)
    uncached = references.reference_runs.__wrapped__
    for module in (references, review):
        monkeypatch.setattr(module, "reference_runs", uncached)
    monkeypatch.setattr(review, "references_of", review.references_of.__wrapped__)
    imported = import_retinanet(tmp_path, 4.0, version="5.1")
    assert imported.what("rcp-missing") == ["the references of retinanet end before round 5.1"]
    assert rcp_of(imported) == {}


def test_a_local_label_is_judged_as_its_round(tmp_path):
    assert rcp_of(import_retinanet(tmp_path, 4.0, version="5.0-mylab"))["rcp_verdict"] == "pass"


# -- benchmarks that are counted, or judged, in a way of their own ------------------------------------------------------


def import_dlrm(root, epochs: float, version: str = "2.0", batch_size: int = 32768):
    write_result(root, benchmark="dlrm", global_batch_size=batch_size, evaluations=[(1.05, 0.7), (epochs, 0.81)])
    return import_tree(root, version)


def test_dlrm_is_judged_by_its_epochs_as_logged_and_trained_one_less(tmp_path):
    entry = import_dlrm(tmp_path, 1.75).only.entry
    assert (entry["rcp_verdict"], entry["rcp_judged_mean"], entry["rcp_mean"]) == ("pass", 1.75, 1.75625)
    assert entry["rcp_factor"] == 1.0035714285714286  # three scaling.json of 2.1
    assert entry["epochs_to_converge"] == 0.75
    assert entry["samples_per_second"] == pytest.approx(0.75 * 4_195_197_692 / 180, rel=1e-12)


def test_dlrm_fails_and_is_missing_as_other_benchmarks_are(tmp_path):
    fast = rcp_of(import_dlrm(tmp_path / "fast", 1.7, "1.0"))
    assert (fast["rcp_verdict"], round(fast["rcp_factor"], 4)) == ("fail", 1.0331)  # as four results of Intel in 1.0
    assert rcp_of(import_dlrm(tmp_path / "large", 2.0, batch_size=131_072))["rcp_verdict"] == "missing"


def test_the_mean_that_is_judged_of_unet3d_is_without_four_runs_at_each_end(tmp_path):
    folder = tmp_path / "Org/results/sys/unet3d"
    for number, epochs in enumerate([1000] * 4 + [2000] * 32 + [9000] * 4):
        write_result(tmp_path / str(number), [1 + number], benchmark="unet3d", evaluations=[(1, 0.1), (epochs, 0.91)])
        folder.mkdir(parents=True, exist_ok=True)
        (tmp_path / str(number) / "Org/results/sys/unet3d/result_0.txt").rename(folder / f"result_{number}.txt")
    (tmp_path / "0/Org/systems").rename(tmp_path / "Org/systems")
    entry = import_tree(tmp_path, "2.0", only="Org").only.entry
    assert entry["rcp_judged_mean"] == 2000
    assert entry["epochs_to_converge"] == pytest.approx((3 * 1000 + 32 * 2000 + 3 * 9000) / 38)


def import_hpc(root, benchmark: str, version: str, batch_size: int, points: list[float], **more):
    """Runs of MLPerf HPC, one for each number of epochs or samples at which it converged."""
    good = {"oc20": ("eval_error", 0.03), "openfold": ("eval_accuracy", 0.81), "cosmoflow": ("eval_error", 0.1)}
    key, quality = good[benchmark]
    logs = [
        run_log(benchmark, number, global_batch_size=batch_size, evaluations=[(1, 0.5), (point, quality)]).replace(
            "eval_accuracy", key
        )
        for number, point in enumerate(points, 1)
    ]
    folder = write_submission(root, "Org", "sys", more.pop("folder", f"strong/{benchmark}"), logs, system_description("Org"))
    if "scaling" in more:
        (folder / "scaling.json").write_text(json.dumps({"scaling_factor": more["scaling"]}))
    return import_tree(root, version)


def test_the_factors_of_hpc_3_0_to_the_last_digit(tmp_path):
    """The two scaling.json of that round; runs made up, with the means that they follow from."""
    oc20 = import_hpc(tmp_path / "a", "oc20", "hpc-3.0", 2048, [33, 32, 33, 33, 33], scaling=1.0063775510204083)
    assert rcp_of(oc20)["rcp_judged_mean"] == 33
    oc20 = import_hpc(tmp_path / "b", "oc20", "hpc-3.0", 2048, [30, 32, 33, 33, 34], scaling=1.0063775510204083)
    assert rcp_of(oc20)["rcp_factor"] == 1.0063775510204083
    assert (rcp_of(oc20)["rcp_verdict"], rcp_of(oc20)["rcp_factor_applied"]) == ("pass", True)
    openfold = import_hpc(tmp_path / "c", "openfold", "hpc-3.0", 144, [92160] * 10, scaling=1.0231481481481484)
    assert rcp_of(openfold)["rcp_factor"] == 1.0231481481481484
    assert rcp_of(openfold)["rcp_reference"] == "128 to 256, interpolated"
    assert [finding.code for finding in (*oc20.findings, *openfold.findings)] == []


def test_hpc_fails_too(tmp_path):
    imported = import_hpc(tmp_path, "cosmoflow", "hpc-2.0", 512, [21] * 10)
    assert rcp_of(imported)["rcp_verdict"] == "fail"


def test_throughputs_and_hpc_0_7_are_not_judged(tmp_path):
    assert rcp_of(import_hpc(tmp_path / "a", "oc20", "hpc-3.0", 2048, [20] * 5, folder="weak/oc20")) == {}
    assert rcp_of(import_hpc(tmp_path / "b", "cosmoflow", "hpc-0.7", 512, [5] * 10, folder="cosmoflow")) == {}


# -- scaling.json -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("epochs", "scaling"), [(3.2, 1.25), (3.2, 1.2509), (4.0, 1.0), (4.0, None)])
def test_a_factor_that_the_references_explain(tmp_path, epochs, scaling):
    assert import_retinanet(tmp_path, epochs, scaling=scaling).what("odd-scaling") == []


@pytest.mark.parametrize(
    ("epochs", "scaling", "expected"),
    [
        (4.0, 1.25, "scaling_factor is 1.25; by the reference convergence points it would be 1"),
        (3.2, 1.2, "scaling_factor is 1.2; by the reference convergence points it would be 1.25"),
    ],
)
def test_a_factor_that_they_do_not_explain(tmp_path, epochs, scaling, expected):
    imported = import_retinanet(tmp_path, epochs, scaling=scaling)
    assert imported.what("odd-scaling") == [expected]
    assert imported.only.minutes == pytest.approx(3.0 * scaling)


@pytest.mark.parametrize(("scaling", "count"), [(0.76484375 / 0.75, 0), (1.05, 1)])
def test_a_reference_that_came_after_the_review_of_3_0_explains_no_more_than_those_that_it_had(tmp_path, scaling, count):
    folder = write_result(
        tmp_path, range(1, 11), benchmark="dlrm_dcnv2", global_batch_size=55296, evaluations=[(0.4, 0.7), (0.75, 0.81)]
    )
    (folder / "scaling.json").write_text(json.dumps({"scaling_factor": scaling}))
    assert len(import_tree(tmp_path, "3.0").what("odd-scaling")) == count


def test_without_a_verdict_a_factor_above_one_is_not_odd(tmp_path):
    assert import_retinanet(tmp_path, 9.0, 8192, scaling=1.25).what("odd-scaling") == []


def test_without_a_verdict_a_factor_below_one_is_odd(tmp_path):
    imported = import_retinanet(tmp_path, 9.0, 8192, scaling=0.9)
    assert imported.what("odd-scaling") == ["scaling_factor is 0.9; no review makes a result faster"]


def test_the_reported_case(cases):
    imported = import_tree(cases / "03a-scaling-left-behind", "5.0")
    assert imported.only.minutes == 18.125
    assert imported.what("odd-scaling") == [
        "scaling_factor is 1.25; by the reference convergence points it would be 1.20721"
    ]


# -- real rounds ------------------------------------------------------------------------------------------------------

#: Folders that the peer and we do not both judge, and why.
NOT_BOTH = {
    # "division": "open" in the description, "closed" in the logs; the description counts
    "Intel/results/16-nodes-SPR-pytorch-open/bert",
    # no result: the peer stops with an error
    "JuniperNetworks/results/h100_n4_ngc23.09_merlin_hugectr/dlrm_dcnv2",
    "Clemson/results/7x8xH100-SXM5-80GB/llama2_70b_lora",
}
#: Findings, by round.
FINDINGS = {
    "3.0": {},
    "4.0": {"odd-scaling": 1},
    "4.1": {"rcp-missing": 1},
}


@pytest.mark.parametrize("version", FINDINGS)
def test_verdicts_and_factors_equal_those_of_the_peer(published, shared, version):
    with (shared / f"reference/rcp-{version}.csv").open(newline="") as stream:
        theirs = {row["folder"]: row for row in csv.DictReader(stream)}
    imported = published(version)
    ours = {folder: entry for folder, r in imported.results.items() if "rcp_verdict" in (entry := r.entry)}
    assert ours.keys() ^ theirs.keys() <= NOT_BOTH
    both = ours.keys() & theirs.keys()
    assert {folder: ours[folder]["rcp_verdict"] for folder in both} == {folder: theirs[folder]["verdict"] for folder in both}
    factors = {folder: ours[folder]["rcp_factor"] for folder in both if "rcp_factor" in ours[folder]}
    assert factors == pytest.approx({folder: float(theirs[folder]["factor"]) for folder in factors}, rel=0, abs=1e-9)
    codes = ("rcp-fail", "rcp-missing", "odd-scaling", "progress-unit")
    assert Counter(finding.code for finding in imported.findings if finding.code in codes) == FINDINGS[version]
