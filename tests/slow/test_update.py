"""``--update`` that is killed at every change of the disk and in the middle of its fetch, and beside those who read."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from cmind.core import CM
from slow.test_kill import killed_at
from support import cache_round

from mlperf_training_import.dataset.write import Dataset
from mlperf_training_import.experiments.locks import fetching
from mlperf_training_import.homes import home_of
from mlperf_training_import.homes.cm import CmHome
from mlperf_training_import.options import options_from
from mlperf_training_import.pipeline import import_rounds, write_dataset
from mlperf_training_import.rounds.locate import locate
from mlperf_training_import.start.fetch import Fetcher
from mlperf_training_import.start.sample import make_repository, write_sample

EVERY = int(os.environ.get("EVERY", "12"))
LABEL = "5.1-local"
#: What stands in for ``cmr "get git repo"``: as slow as is asked for, and as Collective Mind in what it leaves.
FETCH = """set -e
entry=$1 source=$2 seconds=$3 begun=$4 done=$5
mkdir "$entry"
printf %s "$begun" > "$entry/_cm.json"
sleep "$seconds"
cp -R "$source" "$entry/repo"
printf %s "$done" > "$entry/_cm.json.new"
mv "$entry/_cm.json.new" "$entry/_cm.json"
"""


class QuickHome(CmHome):
    """A home into which a copy of a repository is put in place of a clone."""

    seconds = 0.0
    source = Path()

    def fetch_command(self, *_, **__):
        entry = self.cache / f"{time.time_ns() % 2**64:016x}"
        meta = json.loads(next(self.cache.glob("*/_cm.json")).read_text()) | {"uid": entry.name}
        texts = json.dumps(meta | {"tags": [*meta["tags"], "tmp"]}), json.dumps(meta)
        return ["sh", "-c", FETCH, "sh", str(entry), str(self.source), str(self.seconds), *texts]


@pytest.fixture
def old(cm, tmp_path, monkeypatch):
    """A cached round, whose repository has something new."""
    write_sample(tmp_path / "source")
    make_repository(tmp_path / "source")
    clone = cache_round(cm, tmp_path / "source", LABEL, "https://example.org/ours/results")
    (tmp_path / "source/new.txt").write_text("new\n")
    subprocess.run(["git", "-C", tmp_path / "source", "add", "-A"], check=True)
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "-C", tmp_path / "source", *who, "commit", "-qm", "new"], check=True)
    (tmp_path / "copy").mkdir()
    subprocess.run(["git", "clone", "-q", tmp_path / "source", tmp_path / "copy/repo"], check=True)
    remote = "https://example.org/ours/results"
    subprocess.run(["git", "-C", tmp_path / "copy/repo", "remote", "set-url", "origin", remote], check=True)
    monkeypatch.setattr(QuickHome, "source", tmp_path / "copy/repo")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))  # who is killed leaves a folder behind
    return clone


def open_quick() -> QuickHome:
    return QuickHome(Path(os.environ["CM_REPOS"]))


def rounds_in(home: CmHome) -> list[Path]:
    return [round_.path for round_ in locate(home, [], ())]


def one_whole_clone(old: Path) -> Path:
    """The only one, as those who read the home see it; and after the next fetch on the disk too."""
    home = open_quick()
    with fetching(home, lambda _: None):  # a fetch that outlives its parent is waited for
        pass
    (clone,) = rounds_in(home)
    assert clone == old or (clone / "new.txt").is_file()
    assert len(list(clone.glob("*/results/*/*/result_0.txt"))) > 2
    Fetcher(home, lambda _: None).remove_unfinished([])
    assert [path.name for path in home.cache.iterdir() if path.is_dir()] == [clone.parent.name]
    assert rounds_in(home) == [clone]
    return clone


def updated(step: int) -> bool:
    """Updates in a process that dies at a step; whether it came to its end."""
    home = open_quick()
    return not killed_at(step, lambda: Fetcher(home, lambda _: None).update([LABEL]))


def test_an_update_that_is_killed_at_any_change_of_the_disk(old):
    steps, ended = 0, False
    for step in itertools.count(1, EVERY):
        steps, ended = step, updated(step)
        old = one_whole_clone(old)
        if ended:
            break
    print(f"{steps} changes of the disk")
    assert steps > 2 * EVERY


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_update_that_is_killed_while_it_fetches(old, number, monkeypatch):
    monkeypatch.setattr(QuickHome, "seconds", 1.0)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with contextlib.suppress(BaseException):
            Fetcher(open_quick(), lambda _: None).update([LABEL])
        os._exit(0)
    while len(list(open_quick().cache.glob("*/_cm.json"))) < 2:
        time.sleep(0.01)
    os.kill(child, number)
    os.waitpid(child, 0)
    one_whole_clone(old)


def test_those_who_read_and_an_update_at_once(old, tmp_path):
    """Imports, data sets and lists of what is cached find one whole clone at any time."""
    stop, troubles = threading.Event(), []

    def read(number: int) -> None:
        while True:
            home = home_of(CM(os.environ["CM_REPOS"]))
            try:
                if number == 0:
                    given = {"output_dir": tmp_path / "out", "prune": "yes", "version": LABEL, "quiet": "yes"}
                    outcome = import_rounds(home, options_from(given), lambda _: None)
                    codes = {finding.code for finding in outcome.findings}
                    assert not codes & {"pruned-result", "kept-result", "clone-missing"}, codes
                elif number == 1:
                    write_dataset(home, [LABEL], Dataset(tmp_path / "data"), 100, lambda _: None)
                else:
                    assert [entry.labels for entry in home.cached_entries() if not entry.unfinished] == [(LABEL,)]
            except BaseException as error:
                troubles.append(error)
                raise
            if stop.wait(0.2):  # who reads without end lets nobody write
                return

    readers = [threading.Thread(target=read, args=(number,)) for number in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(3):
        Fetcher(open_quick(), lambda _: None).update([LABEL])
    stop.set()
    for reader in readers:
        reader.join()
    assert troubles == []
    one_whole_clone(old)
    stored = list(open_quick().repos_path.glob("repos/local/experiment/*5.1-local*/*/cm-result.json"))
    assert sum(len(json.loads(file.read_text())) for file in stored) == 7


def test_a_reader_of_clones_waits_for_a_fetch(old):
    home, said = open_quick(), []
    with fetching(home, lambda _: None):
        thread = threading.Thread(target=write_dataset, args=(home, [LABEL], Dataset(Path("data")), 100, said.append))
        thread.start()
        while not said:
            time.sleep(0.01)
        assert not Path("data/runs").exists()
    thread.join()
    assert said[0].startswith("waiting for another fetch to finish")
