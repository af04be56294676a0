"""The command line where the machine lacks something: a reader, a program, characters, a user."""

from __future__ import annotations

import os
import subprocess
import sys

import forked
import pytest
from support import PROJECT, cache_round

RUN = [sys.executable, str(PROJECT / "run.py")]


def one_error(done: subprocess.CompletedProcess) -> str:
    """The only line on standard error."""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert done.returncode == 1
    return line


@pytest.mark.parametrize("flag", ["--path", "--output_dir"])
def test_a_user_that_is_not_there(isolated, flag):
    done = forked.run_py("--version=5.1", f"{flag}=~nosuchuser/x")
    assert "no such user on this machine" in one_error(done)


@pytest.mark.parametrize("arguments", [["--demo"], ["--round=4.1"], ["dataset", "--round=4.1"], ["--update"]])
def test_a_machine_without_git(isolated, arguments):
    done = forked.run(*RUN[1:], *arguments, env={"PATH": str(isolated)})
    assert one_error(done) == "error: git is needed, and is not on the PATH; install it, then try again"


def test_a_reader_that_goes_away(registered, sample, isolated):
    cache_round(registered, sample, "5.1")
    read, write = os.pipe()
    process = subprocess.Popen([*RUN, "list"], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    os.close(read)
    _, errors = process.communicate(timeout=300)
    done = subprocess.CompletedProcess(RUN, process.returncode, "", errors)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_closed_output(registered, sample, isolated):
    cache_round(registered, sample, "5.1")
    command = subprocess.list2cmdline([*RUN, "list"]) + " >&-"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_that_cannot_show_a_name(isolated, tmp_path):
    from mlperf_training_import.start.sample import run_log, system_description, write_submission

    logs = [run_log("bert", 10 + number) for number in range(3)]  # too few, which is a finding with the name
    write_submission(tmp_path / "tree", "Müller", "x8", "bert", logs, system_description("Müller"))
    done = subprocess.run(
        [*RUN, f"--path={tmp_path / 'tree'}", "--version=5.1"],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "M\\xfcller" in done.stdout
