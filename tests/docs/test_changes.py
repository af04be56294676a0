"""The changelog: a fragment for what changed since the last release, in a form from which the next one can be made."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support import PROJECT

#: Changes that users notice are in these.
PRODUCT = ("mlperf_training_import", "customize.py", "_cm.yaml", "collective_mind", "script", "run.py")


def git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(PROJECT), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no history to look at: {done.stderr.strip()}")
    return done.stdout


def test_the_next_changelog_can_be_made_from_the_fragments():
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "9.9", "--date", "2030-01-01"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    fragments = [file for file in (PROJECT / "changes").iterdir() if file.name != "README.md"]
    for file in fragments:
        assert file.read_text(encoding="utf-8").split()[0] in done.stdout, f"{file.name} is in no section: wrong type?"


def test_a_change_of_the_product_has_a_fragment():
    released = git("log", "-1", "-G^## [0-9]", "--format=%H", "--", "CHANGELOG.md").strip()
    if git("rev-parse", "--is-shallow-repository").strip() == "true":
        pytest.skip("a shallow clone does not say when the changelog was made")
    changed = git("diff", "--name-only", released, "HEAD", "--", *PRODUCT).split()
    fragments = git("diff", "--name-only", "--diff-filter=A", released, "HEAD", "--", "changes/+*").split()
    assert fragments or not changed, f"add a file to changes/ that says what is new in {', '.join(changed[:3])}"
