"""A release: the list that `.ci/release` runs, in a copy of this checkout, and where the parts of others come from."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

#: In place of the tests of the wheel, which take a minute.
GOOD = 'import os, pathlib\ndef test_it(): assert pathlib.Path(os.environ["MLPERF_WHEEL"]).is_file()\n'


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A copy of what git has of this checkout, with tests of the wheel that pass, as a repository of its own."""
    folder = tmp_path / "checkout"
    for name in git(PROJECT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (PROJECT / name).is_file() and not name.startswith(("docs/figures/", "tests/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name, follow_symlinks=False)
    (folder / "tests/slow").mkdir(parents=True)
    (folder / "tests/slow/test_installed.py").write_text(GOOD)
    (folder / "changes/+a.added.md").write_text("A new thing.\n")
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@b.c")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=begin")
    return folder


def release(folder: Path, version: str) -> subprocess.CompletedProcess:
    command = ["bash", str(folder / ".ci/release"), version, sys.executable]
    return subprocess.run(
        command, env=os.environ | {"PYTEST_ADDOPTS": "-p no:cacheprovider"}, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_release_has_a_commit_a_tag_a_changelog_and_a_wheel_that_was_tested(checkout):
    pytest.importorskip("hatchling")
    done = release(checkout, "98.7.6")
    assert done.returncode == 0, done.stdout + done.stderr
    assert git(checkout, "describe", "--exact-match").strip() == "98.7.6"
    assert git(checkout, "log", "-1", "--format=%s").strip() == "Release 98.7.6"
    assert "## 98.7.6 (" in (checkout / "CHANGELOG.md").read_text()
    assert "A new thing." in (checkout / "CHANGELOG.md").read_text()
    assert not list((checkout / "changes").glob("+*"))
    assert sorted(file.name for file in (checkout / "dist").iterdir()) == [
        "mlperf_training_import-98.7.6-py3-none-any.whl",
        "mlperf_training_import-98.7.6.tar.gz",
    ]
    assert '__version__ = "98.7.6"' in (checkout / "mlperf_training_import/__init__.py").read_text()
    assert 'version: "98.7.6"' in (checkout / "collective_mind/cmr.yaml").read_text()


@pytest.mark.slow
def test_a_wheel_that_fails_its_tests_leaves_nothing(checkout):
    pytest.importorskip("hatchling")
    (checkout / "tests/slow/test_installed.py").write_text("def test_it(): assert False\n")
    git(checkout, "commit", "--all", "--quiet", "--message=bad")
    before = git(checkout, "rev-parse", "HEAD")
    done = release(checkout, "98.7.6")
    assert done.returncode != 0
    assert "taken back" in done.stderr
    assert (git(checkout, "rev-parse", "HEAD"), git(checkout, "tag"), git(checkout, "status", "--porcelain")) == (
        before,
        "",
        "",
    )
    assert not (checkout / "dist").exists()


def test_what_cannot_be_released_is_refused(checkout):
    def refusal(version: str = "98.7.6") -> str:
        done = release(checkout, version)
        assert done.returncode == 1
        return done.stderr

    assert "expected <number>.<number>.<number>" in refusal("98.7")
    (checkout / "new").write_text("")
    assert "commit or remove what git status shows" in refusal()
    (checkout / "new").unlink()
    git(checkout, "tag", "99.0.0")
    assert "there is 99.0.0 already" in refusal()
    git(checkout, "tag", "--delete", "99.0.0")
    git(checkout, "rm", "--quiet", "changes/+*")
    git(checkout, "commit", "--quiet", "--message=none")
    assert "changes/ has none" in refusal()


def test_the_bundle_is_the_one_whose_origin_is_documented():
    bundle = PROJECT / "mlperf_training_import/show/page/vendor/libraries.min.js"
    assert hashlib.sha256(bundle.read_bytes()).hexdigest() in (PROJECT / "docs/provenance.md").read_text()
