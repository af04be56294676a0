"""Every finding about a result is shown beside it, wherever its round keeps it."""

from __future__ import annotations

import json
import re

import pytest
from trees import import_tree, write_files

from mlperf_training_import.errors import BadInput
from mlperf_training_import.outcome import Outcome
from mlperf_training_import.show.page.payload import make_payload
from mlperf_training_import.show.report import read_report, report_of, write_report
from mlperf_training_import.start.sample import run_log, system_description

#: Round, and the folder of a result there: as nested as in 0.5, and below a folder for its metric as in MLPerf HPC.
PLACES = {
    "0.5": "v0.5.0/google/cloud_v2.8/resnet-tpuv2-8/results/tpu/resnet",
    "3.0": "Org/results/sys/resnet",
    "hpc-2.0": "Org/results/sys/weak/deepcam",
}


def mlp_log(seconds: int) -> str:
    """A log of round 0.5, of a run that does not say that it succeeded where it takes no time."""
    lines = ((0, "run_start", ""), (seconds, "run_stop", f': {{"success": {"true" if seconds else "false"}}}'))
    return "\n".join(f":::MLPv0.5.0 resnet {1541674521 + at}.5 (a.py:1) {key}{value}" for at, key, value in lines) + "\n"


@pytest.mark.parametrize("version", PLACES)
def test_a_finding_about_a_result_is_on_the_page_beside_it(tmp_path, version):
    folder = PLACES[version]
    benchmark = folder.rpartition("/")[2]
    of_run = (
        mlp_log if version == "0.5" else lambda number: run_log(benchmark, number, status="success" if number else "aborted")
    )
    logs = {f"{folder}/result_{number}.txt": of_run(number * 60) for number in range(7)}
    write_files(tmp_path, {**logs, "Org/systems/sys.json": system_description("Org")})
    imported = import_tree(tmp_path, version)
    (result,) = imported.outcome.results
    about = [finding for finding in imported.findings if finding.folder == folder]
    assert {finding.where for finding in about} >= {f"{folder}/result_0.txt"}
    assert not [f for f in imported.findings if f.folder is None and f.where.startswith(folder)]
    report = json.loads(json.dumps(report_of(Outcome(rounds=[imported.outcome], findings=imported.findings))))
    payload = make_payload([result.entry], report, "1.0")
    (identity,) = payload["fields"]["identity"]
    shown = [(finding["code"], finding["what"]) for finding in payload["findings"][identity]]
    assert shown == [(finding.code, finding.what) for finding in about]


def test_a_report_carries_the_version_of_its_form(tmp_path):
    file, _ = write_report(Outcome([]), tmp_path)
    assert json.loads(file.read_text())["schema_version"] == 1
    assert read_report(file)["rounds"] == []


@pytest.mark.parametrize("version", [2, "x", None, True])
def test_a_report_of_a_newer_form_is_refused_and_an_older_one_is_read(tmp_path, version):
    file = tmp_path / "report.json"
    file.write_text(json.dumps({"rounds": [], "schema_version": version}))
    with pytest.raises(BadInput, match=re.escape(f"of a newer form ({version})")):
        read_report(file)
    file.write_text('{"rounds": []}')
    assert read_report(file) == {"rounds": []}


@pytest.mark.parametrize(
    "report", [{"rounds": 7}, {"rounds": [7, {"folders": [None, {}]}], "findings": [{"folder": []}, 3]}]
)
def test_a_report_of_another_form_shows_none(report):
    assert make_payload([{"version": "3.0"}], report, "1.0")["findings"] == {}
