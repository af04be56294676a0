"""Fetching: from a server that stops, onto a full disk, without a network; and the same command again."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import forked
import git
import pytest
from support import CMR, PROJECT, SCRIPT_TAGS, cache_round, copy_home, heed_signals

from mlperf_training_import.start.sample import make_repository, write_sample

ADDRESS = "https://github.com/mlcommons/training_results_v3.0"
HALF_WAY = 100_000
RUN = [sys.executable, str(PROJECT / "run.py")]


class Server(socketserver.ThreadingTCPServer):
    """Serves the repositories of a folder by git's own protocol; ``most_bytes`` are sent of an answer, then ``stop``."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.folder = folder
        self.most_bytes: int | None = None
        self.hangs = False
        self.hanging = threading.Event()


class Connection(socketserver.BaseRequestHandler):
    """One conversation, through ``git daemon``."""

    def handle(self) -> None:
        server = self.server
        command = ["git", "daemon", "--inetd", "--export-all", f"--base-path={server.folder}", str(server.folder)]
        pipes = {"stdin": self.request.makefile("rb"), "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        daemon = subprocess.Popen(command, **pipes)
        sent = 0
        with daemon, contextlib.suppress(OSError):
            while data := daemon.stdout.read1(4096):
                if server.most_bytes is not None and sent + len(data) > server.most_bytes:
                    server.hanging.set()
                    if server.hangs:
                        self.request.settimeout(60)
                        self.request.recv(1)
                    self.request.shutdown(2)
                    daemon.kill()
                    return
                self.request.sendall(data)
                sent += len(data)


@contextlib.contextmanager
def serve(folder: Path, config: Path):
    """A server over a folder, to which a configuration of git leads instead of to GitHub."""
    with Server(folder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config.write_text(f'[url "git://127.0.0.1:{server.server_address[1]}/"]\ninsteadOf = https://github.com/\n')
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A folder with round 3.0 as GitHub has it, to be copied."""
    folder = tmp_path_factory.mktemp("served")
    root = folder / "mlcommons/training_results_v3.0"
    write_sample(root)
    (root / "large.bin").write_bytes(random.Random(0).randbytes(10 * HALF_WAY))  # no packing makes it smaller
    make_repository(root)
    return folder


@pytest.fixture
def server(served, tmp_path, monkeypatch):
    """A server in the place of GitHub, with round 3.0."""
    folder = shutil.copytree(served, tmp_path / "served", symlinks=True)
    with serve(folder, tmp_path / "gitconfig") as server:
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
        yield server


def home_after(registered_home: Path, served: Path, root: Path, most_bytes: int | None, *command: str) -> tuple[Path, int]:
    """A CM home, and what a command came to in it while the server sent so many bytes at most."""
    with serve(served, root / "gitconfig") as server, pytest.MonkeyPatch.context() as patch:
        server.most_bytes = most_bytes
        patch.setenv("CM_REPOS", str(root / "CM"))
        patch.setenv("GIT_CONFIG_GLOBAL", str(root / "gitconfig"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.chdir(root)
        copy_home(registered_home)
        return root / "CM", subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode


@pytest.fixture(scope="module")
def fetched_home(registered_home, served, tmp_path_factory):
    """A CM home into which round 3.0 was fetched, to be copied."""
    home, code = home_after(registered_home, served, tmp_path_factory.mktemp("fetched"), None, *RUN, "--round", "3.0")
    assert code == 0
    return home


@pytest.fixture(scope="module")
def half_fetched_home(registered_home, served, tmp_path_factory):
    """A CM home in which the variation of round 3.0 could not be fetched, to be copied."""
    root, command = tmp_path_factory.mktemp("half"), [*CMR, f"{SCRIPT_TAGS} _v3.0"]
    home, code = home_after(registered_home, served, root, HALF_WAY, *command)
    assert code != 0
    return home


@pytest.fixture
def fetched(fetched_home, server):
    return copy_home(fetched_home)


@pytest.fixture
def half_fetched(half_fetched_home, server):
    return copy_home(half_fetched_home)


def cache() -> Path:
    return Path(os.environ["CM_REPOS"]) / "repos/local/cache"


def entries() -> list[Path]:
    return sorted(path.parent for path in cache().glob("*/_cm.json"))


def imported() -> int:
    (file,) = cache().parent.glob("experiment/mlperf-training--3.0--closed--llm-finetuning/*/cm-result.json")
    return len(json.loads(file.read_text()))


def assert_nothing_is_left() -> None:
    assert [path for path in cache().glob("*") if path.is_dir()] == []
    index = json.loads((cache().parents[2] / "index.json").read_text())
    assert index.get("cache", {}) == {}


def assert_it_was_not_fetched(done: subprocess.CompletedProcess, *reasons: str) -> None:
    assert done.returncode == 1
    start = f"error: {ADDRESS} could not be fetched:\n"
    end = "\nnothing of it was kept; check address, network and disk space, then try again\n"
    assert done.stderr.startswith(start), done.stderr
    assert done.stderr.endswith(end), done.stderr
    for reason in reasons:
        assert reason in done.stderr
    assert_nothing_is_left()


def test_no_network_then_a_server_that_stops_half_way_and_the_same_again(registered, server, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        config = tmp_path / "off"
        config.write_text('[url "git://127.0.0.1:1/"]\ninsteadOf = https://github.com/\n')
        patch.setenv("GIT_CONFIG_GLOBAL", str(config))
        assert_it_was_not_fetched(forked.run_py("--round", "3.0"), "fatal: unable to connect")
    server.most_bytes = HALF_WAY
    assert_it_was_not_fetched(forked.run_py("--round", "3.0"), "fatal: ")
    server.most_bytes = None
    done = forked.run_py("--round", "3.0")
    assert done.returncode == 0, done.stdout + done.stderr
    commit = git.Repo(server.folder / "mlcommons/training_results_v3.0").head.commit.hexsha[:12]
    assert f"fetching {ADDRESS} ...\nfetched round 3.0 at commit {commit} in " in done.stdout
    assert imported() == 3
    assert not (entries()[0] / "repo/.gitmodules").exists()


def test_nothing_of_the_folder_in_which_a_round_is_fetched_runs(registered, server, isolated, tmp_path):
    """Neither modules nor what is called like the scripts that Collective Mind puts where it is started."""
    marker = tmp_path / "ran"
    for name in ("yaml", "cmind", "mlc", "json", "runpy", "requests", "sitecustomize", "mlperf_training_import"):
        (isolated / f"{name}.py").write_text(f"open({str(marker)!r}, 'a').write(__name__)\n")
    for name in ("tmp-run.sh", "tmp-run-env.sh", "git", "bash"):
        (isolated / name).write_text(f"#!/bin/sh\necho {name} >> {marker}\n")
        (isolated / name).chmod(0o755)
    command = [*RUN, "--round=3.0", f"--output_dir={tmp_path / 'output'}"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fetched round 3.0" in done.stdout
    assert not marker.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount")
def test_a_full_disk_and_the_same_again(registered, server):
    cache().mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(cache())], check=True)
    try:
        assert_it_was_not_fetched(forked.run_py("--round", "3.0"), "No space left on device")
        subprocess.run(["mount", "-o", "remount,size=64m", str(cache())], check=True)
        done = forked.run_py("--round", "3.0", "--quiet")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert imported() == 3
    finally:
        subprocess.run(["umount", "-l", str(cache())], check=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_fetch_that_is_stopped_leaves_no_entry_and_no_process(registered, server, number, tmp_path):
    server.most_bytes, server.hangs = HALF_WAY, True
    process = subprocess.Popen(
        [*RUN, "--round", "3.0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_signals,
    )
    assert server.hanging.wait(60)
    process.send_signal(number)
    _, written = process.communicate(timeout=60)
    assert process.returncode == 128 + number, written
    assert "interrupted" in written
    assert_nothing_is_left()
    time.sleep(0.5)
    of_git = subprocess.run(["pgrep", "-af", str(cache().parents[2])], capture_output=True, text=True, check=False)
    assert of_git.stdout == ""


def test_a_variation_that_cannot_be_fetched_is_named_by_the_next_import(half_fetched):
    (half,) = entries()
    done = forked.cmr(SCRIPT_TAGS)
    assert done.returncode == 16
    assert f"no result of round 3.0:\n  clone-incomplete: {half / 'repo'}: fetching it was interrupted" in done.stderr


@pytest.mark.parametrize(
    "again",
    [
        partial(forked.cmr, f"{SCRIPT_TAGS} _v3.0"),
        partial(forked.cmr, SCRIPT_TAGS, "--version=3.0", "--update"),
        partial(forked.run_py, "--round=3.0"),
    ],
    ids=["variation", "update", "run"],
)
def test_a_variation_that_could_not_be_fetched_is_fetched_anew(half_fetched, again):
    assert len(entries()) == 1
    done = again()
    assert done.returncode == 0, done.stdout + done.stderr
    assert imported() == 3
    assert len(entries()) == 1


@pytest.mark.parametrize("damage", ["cut off", "gone"])
def test_a_clone_that_is_not_whole_is_named_by_cmr_and_replaced_by_run(fetched, damage):
    (entry,) = entries()
    if damage == "gone":
        shutil.rmtree(entry / "repo")
    else:
        (entry / "repo/.git/index").unlink()
    done = forked.cmr(SCRIPT_TAGS, "--version=3.0")
    assert done.returncode == 16
    what = "the cache entry has no clone" if damage == "gone" else "the clone was cut off"
    assert f": {entry / 'repo'}: {what}" in done.stderr
    assert f"run: cm rm cache {entry.name} -f, then fetch the round again: cmr " in done.stderr
    done = forked.run_py("--version", "3.0")
    assert done.returncode == 16
    assert f"run: {sys.executable} {PROJECT / 'run.py'} --round 3.0\n" in done.stderr
    done = forked.run_py("--round", "3.0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"round 3.0: the clone in {entry} is not whole; it is replaced\n" in done.stdout
    assert len(entries()) == 1
    assert entries() != [entry]


@pytest.mark.parametrize("way", [forked.run_py, partial(forked.cmr, SCRIPT_TAGS)], ids=["run", "cmr"])
def test_a_clone_grows_old(fetched, server, way):
    repository = git.Repo(server.folder / "mlcommons/training_results_v3.0")
    old = repository.head.commit.hexsha[:12]
    repository.git.rm("-rq", "Borealis")
    repository.git.execute(["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "without one"])
    new = repository.head.commit.hexsha[:12]
    (before,) = entries()
    arguments = ["--version=3.0", "--update"]
    server.most_bytes = HALF_WAY
    done = way(*arguments)
    assert done.returncode == 1
    assert f"{ADDRESS} could not be fetched" in done.stderr
    assert entries() == [before]
    server.most_bytes = None
    done = way(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"round 3.0: from commit {old} to {new}\n" in done.stdout + done.stderr
    assert len(entries()) == 1
    assert entries() != [before]
    report = json.loads(Path("mlperf-training-report.json").read_text())
    assert report["rounds"][0]["git_commit"][:12] == new
    done = way(*arguments)
    assert f"round 3.0: nothing new, still at commit {new}\n" in done.stdout + done.stderr


def test_credentials_in_an_address_are_not_shown(registered, server, tmp_path):
    clone = cache_round(registered, server.folder / "mlcommons/training_results_v3.0", "3.0")
    git.Repo(clone).remotes.origin.set_url("https://me:secret@github.invalid/results")
    done = forked.run_py("--version=3.0", "--update")
    assert done.returncode == 1
    assert "https://github.invalid/results could not be fetched" in done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert clone.is_dir()
