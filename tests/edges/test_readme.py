"""README cannot go stale."""

from __future__ import annotations

import subprocess

from support import PROJECT, fetch_lines

from mlperf_training_import.rounds.locate import fetch_command
from mlperf_training_import.tables.rules import public_rounds

README = (PROJECT / "README.md").read_text(encoding="utf-8")


def test_a_fetch_line_for_every_public_round():
    lines = set(fetch_lines())
    for version in public_rounds():
        command = fetch_command(version)
        assert any(line.startswith(command.split(" --branch")[0]) for line in lines), command


def test_ci_runs_the_test_command_of_readme():
    line = next(line for line in README.splitlines() if line.startswith("python3 -m venv") and "pytest" in line)
    script = (PROJECT / ".ci/run").read_text()
    start = script.index("command=$(")
    found = subprocess.run(
        ["bash", "-c", script[start : script.index("\n", start)] + '; echo "$command"'],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == line


def test_every_packages_file_is_pinned():
    for file in (
        "requirements.txt",
        "requirements-playground.txt",
        "requirements-dataset.txt",
        "tests/requirements.txt",
        "tests/requirements-browser.txt",
        "tests/requirements-mlc.txt",
    ):
        for line in (PROJECT / file).read_text().splitlines():
            assert not line or line.startswith(("#", "-r ")) or "==" in line, (file, line)
