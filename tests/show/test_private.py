"""Private results: left out of pages and comparisons unless they are asked for, and named wherever they are shown."""

from __future__ import annotations

import json

import pytest
from madeup import make_entry, store
from trees import write_files

from mlperf_training_import.commands.line import main
from mlperf_training_import.experiments.collect import Collected, split_private
from mlperf_training_import.start.sample import START_MS, run_log
from mlperf_training_import.tables.suites import split_experiment

OF_ROUND, OVER_ALL = (split_experiment(f"mlperf-training--{scope}--closed--llm-finetuning") for scope in ("5.0", "all"))
SUBMISSIONS = "https://github.com/mlcommons/submissions_training_v6.0"


@pytest.mark.parametrize(
    ("changes", "is_private"),
    [
        ({}, False),
        ({"git_url": "https://github.com/mlcommons/training_results_v5.0"}, False),
        ({"git_url": SUBMISSIONS}, True),
        ({"version": "5.0-local"}, True),
        ({"version": "hpc-3.0-mylab"}, True),
        ({"version": "6.0-private"}, True),
        ({"version": "anything under embargo"}, True),
        ({"version": "5.1-sample"}, False),
        ({"version": 5}, False),
    ],
)
def test_what_is_private(changes, is_private):
    entry = make_entry(0, **changes)
    assert split_private([Collected(OF_ROUND, (entry,))]) == (([], [entry]) if is_private else ([entry], []))


def test_what_was_declared_public_is_among_all_rounds():
    entry = make_entry(0, "5.0-mylab", git_url=SUBMISSIONS)
    assert split_private([Collected(OF_ROUND, (entry,)), Collected(OVER_ALL, (dict(entry),))]).private == []


@pytest.fixture
def home(cm, tmp_path):
    """A home with two public results, and two private ones that are faster."""
    store(tmp_path / "CM", [make_entry(3), make_entry(4)])
    store(tmp_path / "CM", [make_entry(3, "5.0-local", Result=1.0, system="secret")], "5.0-local")
    store(tmp_path / "CM", [make_entry(4, "6.0", Result=1.0, system="secret", git_url=SUBMISSIONS)], "6.0")
    return ["--home", str(tmp_path / "CM")]


@pytest.mark.parametrize("output", ["page.html", "site"])
def test_a_page_has_private_results_only_where_they_are_asked_for(home, tmp_path, monkeypatch, capsys, output):
    monkeypatch.chdir(tmp_path)

    def written() -> str:
        files = [file for file in tmp_path.glob(f"{output}/**/*") if file.is_file()] or [tmp_path / output]
        return "".join(file.read_text(encoding="utf-8") for file in files)

    assert main(["report", *home, "--output", output, "--private"]) == 0
    asked = capsys.readouterr().out
    assert f"{output} contains 2 private results (5.0-local, 6.0): do not publish it\n" in asked
    assert "(4 results)" in asked
    assert "secret" in written()
    assert main(["report", *home, "--output", output]) == 0
    usual = capsys.readouterr().out
    assert "left out 2 private results (5.0-local, 6.0); --private shows them\n" in usual
    assert "(2 results)" in usual
    assert "secret" not in written()
    assert "5.0-local" not in written()


def test_nothing_is_said_of_private_results_where_there_are_none(cm, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store(tmp_path / "CM", [make_entry(0)])
    for more in ([], ["--private"]):
        assert main(["report", "--home", "CM", *more]) == 0
    assert "private" not in capsys.readouterr().out


def test_a_home_with_private_results_only_has_no_page_until_they_are_asked_for(cm, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store(tmp_path / "CM", [make_entry(0, "5.0-local")], "5.0-local")
    assert main(["report", "--home", "CM"]) != 0
    assert "only 1 private result (5.0-local) to write a page of; --private shows them" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.html"))
    assert main(["report", "--home", "CM", "--private"]) == 0


def test_scored_runs_are_compared_with_private_results_only_where_that_is_asked_for(home, tmp_path, capsys):
    write_files(
        tmp_path / "logs",
        {f"{n}.log": run_log("llama2_70b_lora", 28 + n / 10, start_ms=START_MS + n * 86_400_000) for n in range(10)},
    )
    command = ["score", str(tmp_path / "logs"), *home, "--accelerators=8", "--round=5.0"]
    assert main(command) == 0
    usual = capsys.readouterr().out
    assert "published, nearest to 8 accelerators:\n  5.0 " in usual
    assert "not compared with 2 private results (5.0-local, 6.0); --private shows them\n" in usual
    assert "secret" not in usual
    assert main([*command, "--private"]) == 0
    asked = capsys.readouterr().out
    assert "imported, nearest to 8 accelerators:\n" in asked
    assert sum(line.endswith("(private)") for line in asked.splitlines()) == 2
    assert "not compared" not in asked
    assert main([*command, "--json"]) == 0
    assert "5.0-local" not in json.dumps(json.loads(capsys.readouterr().out))
