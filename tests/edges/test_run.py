"""``run.py``, the door for people who do not know Collective Mind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support import PROJECT, cache_round


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(PROJECT / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300, check=False)


def test_demo_twice(isolated):
    first = run("--demo")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "mlperf-training--5.1-sample--closed--llm-finetuning" in first.stdout
    assert "time: sample" in first.stdout
    experiments = isolated / "mlperf-training-demo/CM/repos/local/experiment"
    files = {file: file.stat().st_mtime_ns for file in experiments.glob("*/*/*")}
    assert len(files) == 8
    second = run("--demo")
    assert second.returncode == 0, second.stdout + second.stderr
    assert files == {file: file.stat().st_mtime_ns for file in experiments.glob("*/*/*")}
    assert not Path(os.environ["CM_REPOS"]).exists()  # the demonstration has a CM home of its own


def test_demo_below_a_path_that_cm_cannot_work_in(isolated):
    done = run("--demo", "--home", "with blank")
    assert done.returncode == 1
    where = isolated / "with blank"
    assert (
        done.stderr == f"error: {where}: CM cannot work below a path with blanks, commas or quotes; choose another --home\n"
    )


def test_import_of_what_is_cached(cm, sample):
    cache_round(cm, sample, "5.1")
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "wrote mlperf-training-summary-5.1.json" in done.stdout
    listed = run("list")
    assert "mlperf-training--all--closed--llm-finetuning" in listed.stdout
    assert str(Path(os.environ["CM_REPOS"]) / "repos/local/experiment") in listed.stdout


def test_list_in_an_empty_home(isolated):
    done = run("list")
    assert done.returncode == 0
    assert "fetch a round first" in done.stdout
    assert "nothing is imported yet" in done.stdout


def test_a_round_that_cannot_be_fetched(isolated, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{isolated}/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
    done = run("--round", "4.1")
    assert done.returncode == 1
    assert done.stderr.endswith(
        "error: https://github.com/mlcommons/training_results_v4.1 could not be fetched; "
        "check address, network and disk space, then try again\n"
    )


def test_a_tree_on_this_machine(isolated, sample):
    done = run("--path", str(sample), "--round", "5.1", "--dry_run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(isolated.iterdir()) == []


def test_help_reads_well():
    done = run("--help")
    assert done.returncode == 0
    assert "python run.py --demo" in done.stdout


def test_missing_packages_are_named():
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(PROJECT / "run.py"), "list"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"-m pip install -r {PROJECT / 'requirements.txt'}" in done.stderr


def test_report_of_the_demo(isolated):
    assert run("--demo").returncode == 0
    done = run("report", "--home", "mlperf-training-demo")
    assert done.returncode == 0, done.stderr
    file = isolated / "mlperf-training-results.html"
    assert done.stdout.startswith(f"wrote {file.name} (")
    first = file.read_bytes()
    assert b"llm-finetuning" in first
    assert run("report", "--home", "mlperf-training-demo/CM", "--output", "again.html").returncode == 0
    assert (isolated / "again.html").read_bytes() == first


def test_report_without_results(isolated):
    done = run("report")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: no MLPerf Training results to write a page of; import some first\n"
    assert not list(isolated.glob("*.html"))


def test_a_home_that_is_none(isolated):
    done = run("report", "--home", "nowhere")
    assert done.returncode == 1
    assert done.stderr == "error: --home nowhere: no CM home, and no folder that the demo made\n"
