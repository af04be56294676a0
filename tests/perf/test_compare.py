"""The comparison of speeds works; what it measures is nobody's business here."""

import json
import subprocess
import sys

import pytest
from support import PROJECT

COMPARE = PROJECT / "tests/perf/compare.py"
LOG = "".join(
    f':::MLLOG {{"namespace": "", "time_ms": {time}, "key": "{key}", "value": null, "metadata": {{"status": "success"}}}}\n'
    for time, key in ((1_000, "init_start"), (2_000, "init_stop"), (2_000, "run_start"), (62_000, "run_stop"))
)


@pytest.fixture
def clone(tmp_path):
    """A round with one result."""
    git = pytest.importorskip("git")
    folder = tmp_path / "clone"
    results = folder / "Acme" / "results" / "box" / "bert"
    results.mkdir(parents=True)
    for number in range(10):
        (results / f"result_{number}.txt").write_text(LOG)
    (folder / "Acme" / "systems").mkdir()
    (folder / "Acme" / "systems" / "box.json").write_text('{"division": "closed"}')
    with git.Repo.init(folder) as repository:
        repository.index.add(["Acme"])
        author = git.Actor("test", "test@example.org")
        repository.index.commit("results", author=author, committer=author)
    return folder


@pytest.mark.slow
def test_compare(clone, tmp_path):
    file = tmp_path / "figures.json"
    command = [sys.executable, str(COMPARE), f"3.0={clone}", "--repeat", "2", "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(file.read_text())
    assert (figures["logs"], figures["results"]) == (10, 1)
    assert [row["what"] for row in figures["measured"]] == ["cat", "pipeline", "pipeline, inside"]
    assert all(len(row["seconds"]) == 2 and row["median_s"] > 0 for row in figures["measured"])
    assert figures["measured"][0]["times_cat"] == 1
    assert len(done.stdout.splitlines()) == 5
    assert "x cat" in done.stdout


@pytest.mark.slow
def test_publish():
    script = PROJECT / "tests/perf/publish.py"
    done = subprocess.run([sys.executable, str(script), "30", "60"], capture_output=True, text=True, check=True)
    head, *rows = (line.split() for line in done.stdout.splitlines())
    assert head[0] == "results"
    assert [row[0] for row in rows] == ["30", "60"]
    assert all(float(row[1]) > 0 for row in rows)
