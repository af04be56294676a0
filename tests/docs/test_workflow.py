"""The workflows in the documentation: each step run as GitHub would, against made-up rounds, one new and one broken."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml
from support import PROJECT, copy_home
from trees import snapshot, write_result

from mlperf_training_import.start.sample import make_repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
WORKFLOWS = PROJECT / "docs/workflow"
#: What only GitHub has.
STAND_INS = {
    "gh": """case "$1 $2" in
        "api --paginate") cat "$GITHUB_NAMES";;
        "repo view") echo "$IS_PRIVATE";;
        *) echo "$@" >> "$GITHUB_CALLS";;
    esac""",
    "pip": 'echo "pip $@" >> "$GITHUB_CALLS"',
    "cm": f'exec "{sys.executable}" -m cmind.cli "$@"',
    "mlperf-training": f'exec "{sys.executable}" "{PROJECT}/run.py" "$@"',
}


def load(name: str) -> dict:
    return yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))


class Runner:
    """Runs steps in a folder, with what they leave to each other."""

    def __init__(self, folder: Path, workflow: str) -> None:
        self.folder, self.workflow, self.calls = folder, load(workflow), folder / "calls"
        tools = folder / "tools"
        tools.mkdir()
        for name, text in STAND_INS.items():
            (tools / name).write_text(f"#!/bin/bash\n{text}\n")
            (tools / name).chmod(0o755)
        self.names, self.left = folder / "names", folder / "env"
        self.left.write_text("")
        self.calls.write_text("")
        self.env = os.environ | {
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_ENV": str(self.left),
            "GITHUB_CALLS": str(self.calls),
            "GITHUB_NAMES": str(self.names),
            "GITHUB_REPOSITORY": "mlcommons/cm4mlperf-results",
            "IS_PRIVATE": "true",
            "TOKEN": "s3cr3t",
            "ROUND": self.workflow["env"].get("ROUND", ""),
        }

    def step(self, job: str, name: str) -> subprocess.CompletedProcess:
        (step,) = [step for step in self.workflow["jobs"][job]["steps"] if step.get("name") == name]
        shell = self.workflow["defaults"]["run"]["shell"].split()
        script = self.folder / "step.sh"
        script.write_text(step["run"])
        left = dict(line.split("=", 1) for line in self.left.read_text().splitlines())
        command = [*shell[:-1], str(script)]
        return subprocess.run(command, cwd=self.folder, env=self.env | left, capture_output=True, text=True, check=False)

    def do(self, job: str, *names: str) -> str:
        """Runs steps that must succeed; returns what they wrote."""
        written = ""
        for name in names:
            done = self.step(job, name)
            assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
            written += done.stdout + done.stderr
        return written


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def results(isolated, tmp_path, empty_home, monkeypatch):
    """The checkout of a repository with results of others, and a bare one that it pushes to."""
    monkeypatch.setenv("CM_REPOS", str(isolated / "CM"))
    copy_home(empty_home)
    folder = isolated / "results"
    (folder / "experiment/mlperf-inference--5.1--x").mkdir(parents=True)
    (folder / "experiment/mlperf-inference--5.1--x/cm-result.json").write_text("[]")
    (folder / "cmr.yaml").write_text("alias: cm4mlperf-results\nuid: 34095bcd9298484a\ngit: true\n")
    make_repository(folder)
    git(tmp_path, "clone", "--quiet", "--bare", str(folder), "origin.git")
    git(folder, "remote", "add", "origin", str(tmp_path / "origin.git"))
    return folder


def add_round(github, name: str, submitter: str = "Acme") -> Path:
    folder = github(name)
    write_result(folder, submitter=submitter, benchmark="bert")
    make_repository(folder)
    return folder


BEGIN = ("Install", "Register the repository")
LOOK = ("List public repositories", "Import what is new")
PULL = ("Refuse changes outside of our experiments", "Open the pull request")


def test_a_round_that_no_table_knows_becomes_a_pull_request(results, github, isolated, tmp_path):
    runner = Runner(isolated, "results.yml")
    add_round(github, "training_results_v5.1")
    add_round(github, "training_results_v99.0")
    runner.names.write_text("inference_results_v5.1\ntraining_results_v5.1\ntraining_results_v99.0\ntraining\n")
    runner.do("import", *BEGIN, *LOOK, *PULL)
    assert git(results, "rev-parse", "HEAD") == git(tmp_path / "origin.git", "rev-parse", "import-mlperf")
    changed = git(results, "diff", "--name-only", "main", "import-mlperf").split()
    assert {name.split("--")[1] for name in changed} == {"5.1", "99.0", "all"}
    text = (isolated / "out/mlperf-training-pull-request.md").read_text()
    assert "| 99.0 | [`" in text
    assert "round 99.0 is not in the table; imported by the last rules" in text
    title = "MLPerf results of 5.1, 99.0"
    assert f"pr create --head=import-mlperf --title={title} --body-file=../out/" in runner.calls.read_text()
    # the next morning, after the merge: nothing is new
    before, asked = snapshot(results), runner.calls.read_text()
    assert "nothing new: every commit is stored" in runner.do("import", *LOOK, *PULL)
    assert (snapshot(results), runner.calls.read_text()) == (before, asked)
    # and when there is a new commit, only its round is imported
    write_result(github("training_results_v5.1"), submitter="Later", benchmark="bert")
    git(github("training_results_v5.1"), "add", "--all")
    git(github("training_results_v5.1"), "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", "more")
    runner.do("import", *LOOK, *PULL)
    text = (isolated / "out/mlperf-training-pull-request.md").read_text()
    assert text.startswith("# MLPerf results of 5.1\n")
    # what was merged is published
    pytest.importorskip("pyarrow")
    runner.do("site", "Write the data set", "Write the site")
    assert {"index.html", "results.json", "new-in-99.0.html"} <= {file.name for file in (isolated / "site").iterdir()}
    assert list((isolated / "site/mlperf-training-dataset").rglob("*.parquet"))


def test_it_fails_with_the_reason(results, github, isolated):
    runner = Runner(isolated, "results.yml")
    runner.do("import", "Register the repository")
    broken = github("training_results_v5.1")
    (broken / "Acme").mkdir(parents=True)
    (broken / "Acme/README.md").write_text("soon\n")
    make_repository(broken)
    for names, reason in (
        ("training_results_v5.1\n", "no results in "),
        ("training_results_v5.0\n", "training_results_v5.0 cannot be asked for its newest commit: "),
        ("<html>\n", "names no repository of a round"),
    ):
        runner.names.write_text(names)
        runner.do("import", "List public repositories")
        done = runner.step("import", "Import what is new")
        assert done.returncode != 0
        assert reason in done.stderr
        assert not git(results, "status", "--porcelain")
    (results / "experiment/mlperf-inference--5.1--x/cm-result.json").write_text("[1]")
    done = runner.step("import", "Refuse changes outside of our experiments")
    assert done.returncode == 1
    assert "::error::changed, and not ours:  M experiment/mlperf-inference--5.1--x/cm-result.json" in done.stdout


def test_a_private_round_reaches_only_its_repository(results, github, isolated):
    runner = Runner(isolated, "private-results.yml")
    runner.do("import", "Refuse a public repository", *BEGIN, "Let git read the submissions")
    section = "url.https://x-access-token:s3cr3t@github.com/mlcommons/"
    assert git(isolated, "config", "--global", f"{section}.insteadOf").strip() == "https://github.com/mlcommons/"
    git(isolated, "config", "--global", "--remove-section", section)
    add_round(github, "submissions_training_v6.1", "Secret")
    runner.do("import", "Import the round", *PULL)
    changed = git(results, "diff", "--name-only", "main", "import-mlperf").split()
    assert {name.split("--")[1] for name in changed} == {"6.1-private"}
    runner.env["IS_PRIVATE"] = "false"
    assert runner.step("import", "Refuse a public repository").returncode == 1


def test_the_private_workflow_writes_nothing_public():
    workflow = load("private-results.yml")
    (job,) = workflow["jobs"].values()
    assert {step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step} == {
        "actions/checkout",
        "actions/setup-python",
    }
    assert job["steps"][0]["name"] == "Refuse a public repository"
    assert workflow["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert not [
        step for step in job["steps"] if "--public" in step.get("run", "") or "report" in step.get("run", "").split()
    ]
