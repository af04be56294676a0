"""A clone's git folder is data: what is read of it, and what is never followed, waited for or run."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from mlperf_training_import.model import Round
from mlperf_training_import.rounds.clone import NoClone, read_clone
from mlperf_training_import.rounds.locate import iter_doubts, locate_path

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
ADDRESS = "https://github.com/mlcommons/training_results_v5.1"
PRIVATE = (
    "private",
    "private-2",
    "private_",
    "PRIVATE",
    "x-private.1",
    "embargo",
    "pre.Embargo",
    "in-review",
    "confidential",
)
CONFIG = f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {ADDRESS}.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n'


@pytest.fixture
def clone(tmp_path):
    """The files of a clone that matter, without git."""
    root = tmp_path / "clone"
    write(root, "HEAD", "ref: refs/heads/main\n")
    write(root, "config", CONFIG)
    write(root, "index", "DIRC")
    write(root, "refs/heads/main", f"{COMMIT}\n")
    return root


def write(root: Path, name: str, text: str | bytes) -> None:
    file = root / ".git" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())


def facts(root: Path) -> tuple[str | None, ...]:
    round_ = read_clone(root, "5.1", "5.1")
    return round_.web_url, round_.branch, round_.commit, round_.git_trouble


def test_what_a_clone_says(clone):
    assert facts(clone) == (ADDRESS, "main", COMMIT, None)


def test_git_and_we_read_the_same(tmp_path):
    """A real repository, with its references loose and packed, and with a branch whose name has slashes."""
    root = tmp_path / "real"

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        return subprocess.run(
            ["git", "-C", root, *identity, *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()

    root.mkdir()
    git("init", "-b", "main")
    (root / "file").write_text("x")
    git("add", "file")
    git("commit", "-m", "x")
    git("checkout", "-b", "feature/x-1")
    git("commit", "--allow-empty", "-m", "y")
    git("remote", "add", "zeta", "https://example.org/z")
    git("remote", "add", "alpha", "git@github.com:mlcommons/training_results_v5.1.git")
    for change in ((), ("pack-refs", "--all"), ("checkout", "main"), ("checkout", "--detach")):
        if change:
            git(*change)
        branch = git("branch", "--show-current") or None
        assert facts(root) == (ADDRESS, branch, git("rev-parse", "HEAD"), None)


PACKED = f"# pack-refs with: peeled fully-peeled sorted \n{OTHER} refs/heads/other\n{COMMIT} refs/heads/main\n^{OTHER}\n"


@pytest.mark.parametrize("head", ["", "# pack-refs with: wonders\n", "#\n", "garbage\n\n\x00\n", "<<<<<<< ours\n"])
def test_packed_references_with_any_header(clone, head):
    (clone / ".git/refs/heads/main").unlink()
    write(clone, "packed-refs", head + PACKED)
    assert facts(clone) == (ADDRESS, "main", COMMIT, None)


@pytest.mark.parametrize(
    ("config", "address"),
    [
        ("", None),
        (CONFIG.replace("\n", "\r\n"), ADDRESS),
        (f"\ufeff{CONFIG}", ADDRESS),
        (f'[remote "origin"] url = "{ADDRESS}" ; why\n', ADDRESS),
        (f'[REMOTE "origin"]\nURL={ADDRESS}#x\n', ADDRESS),
        (f'[remote "b"]\nurl = https://example.org/b\n[remote "a"]\nurl = {ADDRESS}\n', ADDRESS),
        ('[remote "origin"]\nurl = https://github.com/mlcommons/\\\ntraining_results_v5.1\n', ADDRESS),
        (f'[remote "origin"]\nurl = {ADDRESS}\nurl = https://example.org/second\n', ADDRESS),
        (f'[branch "x"]\nurl = {ADDRESS}\n[url "x"]\ninsteadOf = y\n[remote]\nurl = {ADDRESS}\n', None),
        (f"[include]\npath = /dev/zero\n{CONFIG}[include]\npath = ../other\n", ADDRESS),
        (f'[includeIf "gitdir:/"]\npath = other\n{CONFIG}', ADDRESS),
        (f"\x00\x01 = \n{CONFIG}\xff\xfe", ADDRESS),
        ('[remote "origin"]\nurl = ext::sh -c id\n', None),
    ],
)  # fmt: skip
def test_configurations(clone, config, address):
    write(clone, "config", config.encode("latin-1" if "\xff" in config else "utf-8"))
    write(clone, "other", '[remote "origin"]\nurl = https://example.org/other\n')
    assert facts(clone) == (address, "main", COMMIT, None)


@pytest.mark.parametrize("name", ["HEAD", "config", "packed-refs", "refs/heads/main", "refs/heads", "refs"])
@pytest.mark.parametrize("form", ["pipe", "folder", "link", "device", "loop", "large"])
def test_what_is_no_plain_file_is_not_read(clone, tmp_path, name, form):
    """It is read as data or not at all: then there are no links, and a finding says why."""
    if name == "packed-refs":
        shutil.rmtree(clone / ".git/refs")
        write(clone, name, PACKED)
    place = clone / ".git" / name
    place.rename(tmp_path / "moved")
    {
        "pipe": lambda: os.mkfifo(place),
        "folder": place.mkdir,
        "link": lambda: place.symlink_to(tmp_path / "moved"),
        "device": lambda: place.symlink_to("/dev/zero"),
        "loop": lambda: place.symlink_to(place.name),
        "large": lambda: place.write_bytes(b"\n" * (17 << 20)),
    }[form]()
    began = time.monotonic()
    if form == "folder" and name in ("refs", "refs/heads"):
        with pytest.raises(NoClone, match="HEAD names no commit"):
            read_clone(clone, "5.1", "5.1")
        return
    round_ = read_clone(clone, "5.1", "5.1")
    assert time.monotonic() - began < 1
    assert (round_.web_url, round_.branch, round_.commit, round_.remote) == (None, None, None, None)
    (finding,) = iter_doubts([round_])
    assert (finding.code, finding.where) == ("clone-unreadable", str(clone / ".git"))
    assert finding.what.startswith(f"{place.name}: ")


@pytest.mark.parametrize("form", ["file", "link", "pipe"])
def test_the_repository_of_somebody_else_is_not_read(clone, tmp_path, form):
    """A submodule, a worktree or a trap: ``.git`` leads elsewhere."""
    (clone / ".git").rename(tmp_path / "elsewhere")
    {
        "file": lambda: (clone / ".git").write_text(f"gitdir: {tmp_path / 'elsewhere'}\n"),
        "link": lambda: (clone / ".git").symlink_to(tmp_path / "elsewhere"),
        "pipe": lambda: os.mkfifo(clone / ".git"),
    }[form]()
    assert facts(clone) == (None, None, None, ".git: not a folder of its own; not followed")


@pytest.mark.parametrize(
    "head",
    [
        *("", "main", "ref: ", "ref: refs/heads/../../../other", "ref: /etc/passwd", "ref: refs/heads/a b"),
        *("ref: refs/heads/.x", "ref: HEAD", "0123", "ref: refs/heads/gone", "ref: refs/heads/round"),
    ],
)
def test_a_head_that_names_no_commit(clone, head):
    write(clone, "refs/heads/round", "ref: refs/heads/round")
    write(clone, "HEAD", head)
    with pytest.raises(NoClone, match="HEAD names no commit"):
        read_clone(clone, "5.1", "5.1")


def test_a_tree_on_this_machine_is_imported_whatever_its_git_folder_is(clone):
    (clone / "Org/results").mkdir(parents=True)
    write(clone, "HEAD", "")
    assert locate_path(clone, "5.1-mine") == Round("5.1-mine", "5.1", clone, git_trouble="HEAD names no commit")
    shutil.rmtree(clone / ".git")
    assert locate_path(clone, "5.1-mine") == Round("5.1-mine", "5.1", clone)


@pytest.mark.parametrize(
    ("label", "address", "is_private", "is_shared"),
    [
        ("5.1", ADDRESS, False, True),
        ("5.1", "", False, False),
        *((f"5.1-{suffix}", ADDRESS, True, False) for suffix in PRIVATE),
        *((f"5.1-{suffix}", ADDRESS, False, False) for suffix in ("sample", "local", "2", "rerun_x")),
        ("5.1", "https://github.com/mlcommons/submissions_training_v5.1.git", True, False),
        ("5.1-x", "git@github.com:MLCommons/Submissions_Training_v5.1", True, False),
        ("5.1", "file:///srv/mirror/submissions_hpc_v5.1/", True, False),
        ("5.1", "file:///srv/mirror/submissions_hpc_v5.1/.git/", True, False),
        ("5.1", "https://github.com/mlcommons/submissions%5Ftraining_v5.1", True, False),
        ("5.1", "https://github.com/mlcommons/%2573ubmissions_training_v5.1", True, False),
        ("5.1", "C:\\\\work\\\\submissions_training_v5.1", True, False),
        ("5.1", "ssh://git@github.com:22/mlcommons/submissions_training_v5.1.git", True, False),
        ("5.1", "https://github.com/mlcommons/training_submissions_v5.1", True, False),
        ("5.1", "https://github.com/mlcommons/training-submissions-v5.1?x", True, False),
        ("5.1", "https://github.com/mlcommons/training_results_v5.1/submissions", False, True),
    ],
)  # fmt: skip
def test_who_may_see_a_round(clone, label, address, is_private, is_shared):
    write(clone, "config", f'[remote "origin"]\nurl = {address}\n')
    round_ = read_clone(clone, label, "5.1")
    assert (round_.is_private, round_.is_shared) == (is_private, is_shared)


def test_a_second_remote_counts_too(clone):
    write(clone, "config", f'{CONFIG}[remote "upstream"]\nurl = https://github.com/mlcommons/submissions_training_v5.1\n')
    assert read_clone(clone, "5.1", "5.1").is_private


@pytest.mark.parametrize(
    "config",
    [
        "[remote" + " " * 60_000 + "x",
        '[remote "origin"' + " " * 60_000 + "x",
        " " * 60_000 + "[remote",
        '[remote "origin"]\nurl' + " " * 60_000 + "x",
        '[remote "origin"]\nurl = ' + "\\" * 60_000 + "x",
        '[remote "' + '\\"' * 60_000,
        '[remote "origin"]\n' * 60_000,
    ],
)
def test_no_configuration_takes_long(clone, config):
    write(clone, "config", config)
    begin = time.process_time()
    with contextlib.suppress(NoClone):
        facts(clone)
    assert time.process_time() - begin < 1
