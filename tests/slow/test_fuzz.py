"""What the fuzzer checks, checked with its corpus, and with a bounded run of the fuzzer where it can be installed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest
from slow.fuzz.targets import CORPUS, TARGETS
from support import PROJECT

SEEDS = sorted(path.relative_to(CORPUS).as_posix() for path in CORPUS.glob("*/*"))
#: Of each target, beside the corpus, which every run starts with; in one process, as the code is prepared for seconds.
EXECUTIONS = int(os.environ.get("EXECUTIONS", "150"))


@pytest.mark.parametrize("name", SEEDS)
def test_every_file_of_the_corpus_passes_its_check(name):
    TARGETS[name.partition("/")[0]]((CORPUS / name).read_bytes())


def test_every_target_has_a_corpus():
    assert {name.partition("/")[0] for name in SEEDS} == set(TARGETS)


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris is not installed: it has wheels for Linux on x86-64 with Python 3.11 to 3.14 only",
)
def test_a_short_run_finds_nothing(tmp_path):
    command = [sys.executable, PROJECT / "tests/slow/fuzz/run.py", *TARGETS, "--executions", str(EXECUTIONS), "--seed", "1"]
    done = subprocess.run(
        [*command, "--longest", "500", "--folder", tmp_path], capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stderr.count(f"Done {EXECUTIONS} runs") == len(TARGETS)
