"""Verdict and factor of results, and what they are reported as; equal to the peer's on real rounds."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pytest
from trees import import_tree, write_result


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
        "rcp_reference": "256",
        "rcp_mean": 4.0,
        "rcp_least_acceptable": 4.0,
    }
    assert not {"rcp-fail", "rcp-missing", "odd-scaling"} & {finding.code for finding in imported.findings}


def test_too_fast(tmp_path):
    imported = import_retinanet(tmp_path, 3.2)
    assert rcp_of(imported)["rcp_verdict"] == "fail"
    assert rcp_of(imported)["rcp_factor"] == pytest.approx(4 / 3.2, rel=1e-12)
    assert imported.what("rcp-fail") == ["converged in fewer than 4 epochs, the least at batch size 256"]


def test_the_factor_is_not_part_of_the_score(tmp_path):
    assert import_retinanet(tmp_path, 3.2).only.minutes == 3.0  # of 1 to 5


def test_between_two_references(tmp_path):
    figures = rcp_of(import_retinanet(tmp_path, 4.2, 288))
    assert (figures["rcp_verdict"], figures["rcp_reference"]) == ("pass", "256 to 320, interpolated")
    assert figures["rcp_mean"] == pytest.approx((4 + 37 / 9) / 2, rel=1e-12)  # half-way


def test_larger_than_all(tmp_path):
    imported = import_retinanet(tmp_path, 9.0, 8192)
    assert rcp_of(imported) == {"rcp_verdict": "missing"}
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


@pytest.mark.parametrize(("benchmark", "version"), [("dlrm", "2.0"), ("minigo", "2.0"), ("resnet", "0.7")])
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


def test_a_local_label_is_judged_as_its_round(tmp_path):
    assert rcp_of(import_retinanet(tmp_path, 4.0, version="5.0-mylab"))["rcp_verdict"] == "pass"


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
    "3.0": {"odd-scaling": 3},
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
