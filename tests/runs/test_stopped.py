"""Copies of logs, and what is half made, go when the terminal closes or the process is ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from support import PROJECT, heed_signals

from mlperf_training_import.start.sample import run_log, system_description

_LONGEST_SECONDS = 60


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["score", "arrange"])
def test_nothing_stays_behind(tmp_path, number, command):
    copies = tmp_path / "copies"
    copies.mkdir()
    system = tmp_path / "box.json"
    system.write_text(json.dumps(system_description("Acme")))
    more = [] if command == "score" else ["--submitter=Acme", f"--system={system}", f"--into={tmp_path / 'made/tree'}"]
    process = subprocess.Popen(
        [sys.executable, str(PROJECT / "run.py"), command, "-", *more],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(copies)},
        preexec_fn=heed_signals,
    )
    process.stdin.write(run_log("bert", 1).encode() * 100)
    process.stdin.flush()
    until = time.monotonic() + _LONGEST_SECONDS
    while not any(path.is_file() for folder in (copies, tmp_path / "made") for path in folder.rglob("*")):
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(_LONGEST_SECONDS) == 128 + number
    assert b"interrupted" in process.stderr.read()
    process.stdin.close()
    process.stderr.close()
    assert list(copies.iterdir()) == []
    assert not (tmp_path / "made").exists()
