"""What reaches the automations when a round is fetched: they write it into shell scripts, between double quotes."""

from __future__ import annotations

import re

import pytest

from mlperf_training_import.errors import FetchFailure
from mlperf_training_import.homes.home import CacheEntry
from mlperf_training_import.start import fetch
from mlperf_training_import.tables.suites import Source, source_of

ADDRESS = "https://github.com/mlcommons/training_results_v5.1"
HOSTILE = ["$(id)", "`id`", '";id;"', "x\nid", "x y", "x&y", "x|y", "x\\y", "x'y", "--upload-pack=id", "", "é", "x\x1b[2J"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["address", "branch", "cache_tags"])
def test_what_a_shell_could_obey_reaches_no_automation(field, text):
    with pytest.raises(FetchFailure, match=f"^{field.replace('_', ' ')} .*not fetched") as failure:
        Source(**({"address": ADDRESS, "branch": "main", "cache_tags": "version-5.1"} | {field: text}))
    assert "\x1b" not in str(failure.value)


@pytest.mark.parametrize("address", ["ext::sh", "https://name:secret@host/$(id)", "fd::17/foo"])
def test_an_address_that_names_a_program_is_refused_and_no_secret_is_shown(address):
    with pytest.raises(FetchFailure) as failure:
        Source(address, "main", "version-5.1")
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(
    "address",
    [
        ADDRESS,
        "git@github.com:mlcommons/training_results_v5.1.git",
        "ssh://git@[::1]:2222/a",
        "https://name:secret@host/a%20b",
        "/srv/git/x",
    ],
)
def test_addresses_that_git_has(address):
    assert Source(address, "release/5.1_x", "mlperf-training-results,version-5.1-private").address == address


@pytest.mark.parametrize("label", ["5.1", "hpc-3.0", "6.0-private"])
def test_every_round_of_the_table_can_be_fetched(label):
    assert source_of(label).address


class NoHome:
    """A home whose automation must not be asked for anything."""

    def fetch_command(self, *_, **__):
        raise AssertionError("called")

    being_replaced = remove_entry = end_removals = afresh = cached_entries = fetch_command


@pytest.fixture
def entry(tmp_path):
    """A cache entry with a whole clone of round 5.1, whose default branch a test names."""
    git = tmp_path / "entry/repo/.git"
    git.mkdir(parents=True)
    (git / "index").touch()
    (git / "config").write_text(f'[remote "origin"]\nurl = {ADDRESS}\n')

    def of_branch(branch, *tags):
        (git / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
        (git / "packed-refs").write_text(f"{'0' * 40} refs/heads/{branch}\n")
        return CacheEntry(("mlperf-training-results", "version-5.1", *tags), git.parents[1], git.parent)

    return of_branch


@pytest.mark.parametrize("branch", ['x";id;"', "$(id)", "`id`", "x'y", "x;id", "é"])
def test_a_clone_with_a_hostile_branch_is_not_fetched_again(entry, branch):
    with pytest.raises(FetchFailure, match=re.escape("branch ")):
        fetch.Fetcher(NoHome(), print)._update(entry(branch), 0)


@pytest.mark.parametrize("tag", ["$(id)", "_repo.$(id)", "_repo.ext::sh"])
def test_a_clone_with_a_hostile_tag_is_not_fetched_again(entry, tag):
    with pytest.raises(FetchFailure, match="not fetched"):
        fetch.Fetcher(NoHome(), print)._update(entry("main", tag), 0)
