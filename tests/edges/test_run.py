"""``run.py``, the door for people who do not know Collective Mind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from forked import run_py
from support import PROJECT, cache_round

from mlperf_training_import.commands import line
from mlperf_training_import.show.playground.playground import missing_requirements
from mlperf_training_import.start.register import SCRIPTS
from mlperf_training_import.tables.rules import public_rounds

#: What shows the results: the playground needs packages that need not be there.
SHOWS = "report" if missing_requirements() else "playground"
RUN = [sys.executable, str(PROJECT / "run.py")]


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [*RUN, *arguments]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300, check=False)


@pytest.fixture
def command_line(monkeypatch, capfd):
    """Runs the command line in this process: arguments in; exit code, standard output and standard error out."""
    monkeypatch.setattr(sys, "argv", ["run.py"])
    monkeypatch.setattr(sys, "orig_argv", ["python", "run.py"])

    def run_line(*arguments: str) -> tuple[int, str, str]:
        try:
            code = line.main(arguments)
        except SystemExit as end:
            code = end.code
        return (code, *capfd.readouterr())

    return run_line


def test_demo_twice(isolated):
    first = run("--demo")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "time: sample" in first.stdout
    assert f"see it: {sys.executable} {PROJECT / 'run.py'} {SHOWS} --home=mlperf-training-demo\n" in first.stdout
    experiments = isolated / "mlperf-training-demo/CM/repos/local/experiment"
    assert f"experiments are in {experiments}\n" in first.stdout
    files = {file: file.stat().st_mtime_ns for file in experiments.glob("*/*/*")}
    assert len(files) == 4
    second = run_py("--demo", "--quiet")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert files == {file: file.stat().st_mtime_ns for file in experiments.glob("*/*/*")}
    assert not Path(os.environ["CM_REPOS"]).exists()  # the demonstration has a CM home of its own
    listed = run_py("list", "--home", "mlperf-training-demo")
    assert "mlperf-training--5.1-sample--closed--llm-finetuning" in listed.stdout
    page = run_py("report", "--home", "mlperf-training-demo")
    assert page.returncode == 0, page.stderr
    file = isolated / "mlperf-training-results.html"
    assert page.stdout.startswith(f"wrote {file.name} (")
    assert b"llm-finetuning" in file.read_bytes()
    assert run_py("report", "--home", "mlperf-training-demo/CM", "--output", "again.html").returncode == 0
    assert (isolated / "again.html").read_bytes() == file.read_bytes()


def test_import_of_what_is_cached(registered, sample):
    cache_round(registered, sample, "5.1")
    done = run_py()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "wrote mlperf-training-summary-5.1.json" in done.stdout
    assert f"see it: {sys.executable} {PROJECT / 'run.py'} {SHOWS}\n" in done.stdout
    listed = run_py("list")
    assert "mlperf-training--all--closed--llm-finetuning" in listed.stdout
    assert str(Path(os.environ["CM_REPOS"]) / "repos/local/experiment") in listed.stdout


def test_register_says_what_it_did_and_imports_nothing(registered, sample, isolated):
    cache_round(registered, sample, "5.1")
    done = run_py("register")
    assert done.returncode == 0, done.stderr
    link = Path(os.environ["CM_REPOS"]) / "repos/local/script" / SCRIPTS[0].alias
    assert f"{link} -> {PROJECT}\n" in done.stdout
    assert list(isolated.iterdir()) == []
    assert not (link.parents[1] / "experiment").exists()


def test_a_home_of_ones_own_for_every_command(registered, sample, isolated, monkeypatch):
    cache_round(registered, sample, "5.1")
    home = Path(os.environ["CM_REPOS"])
    monkeypatch.setenv("CM_REPOS", str(isolated / "other"))
    for command in (["register"], ["import", "--quiet"], ["list"], ["report"]):
        done = run_py(*command, f"--home={home}")
        assert done.returncode == 0, done.stdout + done.stderr
    assert not (isolated / "other").exists()
    assert (home / "repos/local/experiment/mlperf-training--5.1--closed--llm-finetuning").is_dir()


def test_list_in_an_empty_home(isolated):
    done = run("list")
    assert done.returncode == 0
    assert "fetch a round first" in done.stdout
    assert f"{PROJECT / 'run.py'} --round" in done.stdout
    assert "nothing is imported yet" in done.stdout


def test_a_tree_on_this_machine(registered, isolated, sample):
    done = run_py("--path", str(sample), "--round", "5.1", "--dry_run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(isolated.iterdir()) == []


def test_every_flag_of_the_script_is_one_of_import(command_line):
    contract = yaml.safe_load((PROJECT / "_cm.yaml").read_text(encoding="utf-8"))
    code, shown, _ = command_line("import", "--help")
    assert code == 0
    text = "".join(shown.split())  # lines are broken at blanks and hyphens
    for name, row in contract["input_description"].items():
        assert f"--{name}" in text
        assert "".join(row["desc"].split()) in text
    _, namespace = line.parse("run.py", [f"--{name.replace('_', '-')}=x" for name in contract["input_mapping"]])
    assert {name: getattr(namespace, name) for name in contract["input_mapping"]} == dict.fromkeys(
        contract["input_mapping"], "x"
    )


def test_help_lists_the_commands_and_their_modules_say_what_they_do(command_line):
    code, shown, _ = command_line("--help")
    assert code == 0
    assert "python run.py --round 3.0" in shown
    for name in line.COMMANDS:
        assert f"\n  {name} " in shown
        code, help_of_one, _ = command_line(name, "--help")
        assert code == 0
        assert f"usage: python run.py {name}" in help_of_one


def test_the_name_of_an_installed_command_is_used(command_line, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/mlperf-training"])
    _, shown, _ = command_line("--help")
    assert "mlperf-training --round 3.0" in shown
    assert "run.py" not in shown
    _, listed, _ = command_line("list")
    assert f"\n  mlperf-training --round {public_rounds('training')[-1]}\n" in listed


def test_missing_packages_are_named():
    done = subprocess.run([sys.executable, "-I", "-S", *RUN[1:], "list"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"-m pip install -r {PROJECT / 'requirements.txt'}" in done.stderr
