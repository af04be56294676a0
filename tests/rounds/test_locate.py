"""Finding rounds in the cache of Collective Mind, and in folders."""

from __future__ import annotations

import errno
import re
import shutil
from pathlib import Path

import git
import pytest
from support import CACHE_TAGS, cache_round
from trees import write_files, write_result

from mlperf_training_import.errors import AmbiguousRounds, BadInput, NothingToImport
from mlperf_training_import.homes import home_of
from mlperf_training_import.homes.cm import CmHome
from mlperf_training_import.model import Round
from mlperf_training_import.rounds.clone import read_clone, web_address
from mlperf_training_import.rounds.locate import fetch_command, locate, locate_path
from mlperf_training_import.start.sample import make_repository
from mlperf_training_import.tables.labels import split_label
from mlperf_training_import.tables.rules import public_rounds

GITHUB = "https://github.com/mlcommons"


@pytest.fixture
def cm(registered):
    """A Collective Mind whose index is made already."""
    return registered


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A repository with little in it, to be cloned."""
    root = tmp_path_factory.mktemp("little")
    write_files(root, {"Aurora/results/sys/bert/result_0.txt": ""})
    return Path(make_repository(root).working_tree_dir)


def located(cm, *labels):
    """Rounds, and code, round, place and text of each finding."""
    findings = []
    rounds = locate(home_of(cm), findings, labels)
    return rounds, [(finding.code, finding.round, finding.where, finding.what) for finding in findings]


def add_entry(cm, *tags: str) -> Path:
    """An empty cache entry."""
    added = cm.access(
        {
            "action": "add",
            "automation": "cache,541d6f712a6b464e",
            "artifact": "",
            "tags": f"get,git,repo,{CACHE_TAGS},{','.join(tags)}",
        }
    )
    return Path(added["path"])


def test_cached_rounds_oldest_first_with_what_their_clones_say(cm, sample):
    for label in ("10.0", "0.7", "4.1", "3.0-private", "3.0"):
        cache_round(cm, sample, label, f"{GITHUB}/training_results_v{label}.git")
    rounds, findings = located(cm)
    assert findings == []
    assert [(r.label, r.version) for r in rounds] == [
        ("0.7", "0.7"),
        ("3.0", "3.0"),
        ("3.0-private", "3.0"),
        ("4.1", "4.1"),
        ("10.0", "10.0"),
    ]
    assert [r.is_private for r in rounds] == [False, False, True, False, False]
    commit = git.Repo(sample).head.commit.hexsha
    assert {(r.web_url, r.branch, r.commit) for r in rounds} == {
        (f"{GITHUB}/training_results_v{r.label}", "main", commit) for r in rounds
    }
    assert all((r.path / "Aurora/results").is_dir() for r in rounds)


def test_only_the_rounds_that_are_asked_for(cm, sample):
    for label in ("3.0", "4.1", "5.1"):
        cache_round(cm, sample, label, f"{GITHUB}/v{label}")
    assert [r.label for r in located(cm, "5.1", "3.0")[0]] == ["3.0", "5.1"]


def test_an_empty_cache_names_the_command_that_fills_it(cm):
    with pytest.raises(NothingToImport) as caught:
        locate(home_of(cm), [])
    newest = public_rounds("training")[-1]
    assert str(caught.value) == (
        f"no MLPerf Training results in the CM cache; fetch a round first:\n  {fetch_command(newest)}"
    )
    assert caught.value.return_code == 16


def test_a_round_that_is_not_cached_is_named_with_the_command_and_what_there_is(cm, sample):
    cache_round(cm, sample, "4.1")
    cache_round(cm, sample, "3.0", f"{GITHUB}/v3.0")
    with pytest.raises(NothingToImport) as caught:
        locate(home_of(cm), [], ["4.1", "1.0", "2.0-private"])
    assert str(caught.value) == (
        "round 1.0, 2.0-private is not in the CM cache, which has 3.0, 4.1; fetch 1.0, 2.0-private first:\n"
        f'  cmr "get git repo _repo.{GITHUB}/training_results_v1.0" '
        "--extra_cache_tags=mlperf-training-results,version-1.0 --branch=master --submodules=\n"
        f'  cmr "get git repo _repo.{GITHUB}/submissions_training_v2.0" '
        "--extra_cache_tags=mlperf-training-results,version-2.0-private --branch=main --submodules="
    )


def test_other_cache_entries_are_none_of_our_business(cm, sample):
    cache_round(cm, sample, "4.1")
    cm.access({"action": "add", "automation": "cache,541d6f712a6b464e", "artifact": "", "tags": "get,git,repo,version-3.0"})
    rounds, findings = located(cm)
    assert ([r.label for r in rounds], findings) == (["4.1"], [])


# Two clones, one round; one repository, two rounds


def test_two_clones_with_one_label_are_an_error_that_names_both(cm, sample):
    clones = [cache_round(cm, sample, "3.0", f"{GITHUB}/v3.0-{number}") for number in range(2)]
    with pytest.raises(AmbiguousRounds, match=r"two clones are tagged version-3\.0") as caught:
        locate(home_of(cm), [])
    commit = git.Repo(sample).head.commit.hexsha[:12]
    assert all(f"\n  {clone} (commit {commit})\n" in str(caught.value) for clone in clones)
    assert caught.value.return_code == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{GITHUB}/results", f"{GITHUB}/results"),
        (f"{GITHUB}/results", f"{GITHUB}/results.git"),
        (f"{GITHUB}/results/", "git@github.com:mlcommons/results.git"),
        ("https://token@github.com/mlcommons/results", "ssh://git@github.com/mlcommons/results"),
        (f"{GITHUB}/results", "http://GitHub.com/MLCommons/Results.git"),
        ("/srv/git/results", "file:///srv/git/results.git/"),
        ("ftp://me:token@example.org/results", "ftp://me:token@example.org/results"),
    ],
)
def test_one_address_under_two_labels_is_an_error_that_names_both(cm, sample, one, other):
    clones = [cache_round(cm, sample, "3.0", one), cache_round(cm, sample, "4.1", other)]
    with pytest.raises(
        AmbiguousRounds, match=r"is cached as round 3\.0 and as round 4\.1|as round 4\.1 and as round 3\.0"
    ) as caught:
        locate(home_of(cm), [])
    assert all(f"\n  {clone} (commit " in str(caught.value) for clone in clones)
    assert "token" not in str(caught.value)


def test_a_public_and_a_private_round_are_two_repositories_and_fine_together(cm, sample):
    cache_round(cm, sample, "3.0", f"{GITHUB}/training_results_v3.0")
    cache_round(cm, sample, "3.0-private", f"{GITHUB}/submissions_training_v3.0")
    assert [r.label for r in located(cm)[0]] == ["3.0", "3.0-private"]


def test_ambiguous_rounds_that_were_not_asked_for_are_no_error(cm, sample):
    for label in ("3.0", "3.0", "4.1"):
        cache_round(cm, sample, label, f"{GITHUB}/v{label}")
    assert [r.label for r in located(cm, "4.1")[0]] == ["4.1"]


def test_an_entry_with_two_labels_is_an_error(cm, sample):
    cache_round(cm, sample, "3.0,version-4.1", f"{GITHUB}/v3.0")
    with pytest.raises(AmbiguousRounds, match=r"tagged as several rounds \(3\.0, 4\.1\); remove it \(cm rm cache \w+ -f\)"):
        locate(home_of(cm), [])


# Entries that cannot be used


def test_an_entry_without_a_version_tag_is_a_finding_that_says_what_to_run(cm, sample):
    cache_round(cm, sample, "4.1")
    clone = add_entry(cm, "some-tag") / "repo"
    rounds, findings = located(cm)
    assert [r.label for r in rounds] == ["4.1"]
    ((code, label, where, what),) = findings
    assert (code, label, where) == ("clone-untagged", "", str(clone))
    assert f"cm rm cache {clone.parent.name} -f" in what
    assert "--extra_cache_tags=mlperf-training-results,version-" in what


def test_a_clone_whose_description_cannot_be_read_is_named(cm, sample):
    cache_round(cm, sample, "4.1")
    description = add_entry(cm, "version-3.0") / "_cm.json"
    description.write_text('{"uid": "')
    description.with_name("repo").mkdir()
    add_entry(cm, "version-3.1").joinpath("_cm.json").write_text("")  # being made: it has no clone yet
    rounds, findings = located(cm)
    assert [r.label for r in rounds] == ["4.1"]
    ((code, label, where, what),) = findings
    assert (code, label, where) == ("clone-untagged", "", str(description))
    assert what.endswith(f": remove {description.parent}, and fetch that round again")
    with pytest.raises(NothingToImport, match=re.escape(f"{description}: ")):
        locate(home_of(cm), [], ["3.0"])


@pytest.mark.parametrize("has_clone", [True, None], ids=["clone", "nobody knows"])
def test_an_entry_into_which_nobody_may_look_is_named(cm, sample, monkeypatch, has_clone):
    cache_round(cm, sample, "4.1")
    folder = add_entry(cm, "version-3.0")

    def shut(_, place, really=CmHome._descriptions_in):
        if place == folder:
            raise PermissionError(errno.EACCES, "Permission denied")
        return really(_, place)

    def is_dir(place, really=Path.is_dir):
        if place == folder / "repo" and has_clone is None:
            raise PermissionError(errno.EACCES, "Permission denied")
        return really(place)

    (folder / "repo").mkdir()
    monkeypatch.setattr(CmHome, "_descriptions_in", shut)
    monkeypatch.setattr(Path, "is_dir", is_dir)
    rounds, findings = located(cm)
    assert [r.label for r in rounds] == ["4.1"]
    ((code, _, where, what),) = findings
    assert (code, where) == ("clone-untagged", str(folder))
    assert what.startswith("cannot be read (Permission denied); ")
    assert f": remove {folder}, " in what


@pytest.mark.parametrize("label", ["three", "3.0.1", "v3.0", "3.0-"])
def test_an_entry_whose_label_names_no_round_is_a_finding(cm, sample, label):
    cache_round(cm, sample, "4.1")
    cache_round(cm, sample, label, f"{GITHUB}/other")
    rounds, findings = located(cm)
    assert [r.label for r in rounds] == ["4.1"]
    assert [finding[0] for finding in findings] == ["clone-untagged"]
    assert f"the tag version-{label} names no round; expected version-<number>.<number>" in findings[0][3]


def test_an_entry_without_its_clone_is_a_finding_that_says_what_to_run(cm, sample):
    cache_round(cm, sample, "4.1")
    clone = cache_round(cm, sample, "3.0", f"{GITHUB}/v3.0")
    shutil.rmtree(clone)
    rounds, ((code, label, where, what),) = located(cm)
    assert [r.label for r in rounds] == ["4.1"]
    assert (code, label, where) == ("clone-missing", "3.0", str(clone))
    assert what == (
        f"the cache entry has no clone; run: cm rm cache {clone.parent.name} -f, then fetch the round again: "
        f"{fetch_command('3.0')}"
    )


def test_an_entry_whose_folder_is_gone_is_a_finding_that_says_what_to_run(cm, sample):
    """Collective Mind skips it in silence, but its index remembers."""
    cache_round(cm, sample, "4.1")
    folder = cache_round(cm, sample, "3.0", f"{GITHUB}/v3.0").parent
    shutil.rmtree(folder)
    rounds, ((code, label, where, what),) = located(cm)
    assert [r.label for r in rounds] == ["4.1"]
    assert (code, label, where) == ("clone-missing", "3.0", str(folder))
    assert what == f"the folder of the cache entry is gone; fetch the round again: {fetch_command('3.0')}"


def test_a_gone_folder_of_a_round_that_was_fetched_again_is_forgotten(cm, sample):
    shutil.rmtree(cache_round(cm, sample, "3.0").parent)
    cache_round(cm, sample, "3.0")
    assert located(cm)[1] == []


CUT_OFF = {
    "no git folder": lambda clone: shutil.rmtree(clone / ".git"),
    "no index yet": lambda clone: (clone / ".git/index").unlink(),
    "checkout was stopped": lambda clone: (clone / ".git/index.lock").write_bytes(b""),
    "no branch yet": lambda clone: [
        shutil.rmtree(clone / ".git/refs/heads"),
        (clone / ".git/packed-refs").unlink(missing_ok=True),
    ],
    "no HEAD": lambda clone: (clone / ".git/HEAD").unlink(),
    "no configuration": lambda clone: (clone / ".git/config").write_bytes(b"[core\n"),
}


@pytest.mark.parametrize("cut", CUT_OFF.values(), ids=CUT_OFF)
def test_an_interrupted_clone_is_a_finding_that_says_what_to_run(cm, sample, cut):
    cache_round(cm, sample, "4.1")
    clone = cache_round(cm, sample, "3.0", f"{GITHUB}/v3.0")
    cut(clone)
    rounds, ((code, label, where, what),) = located(cm)
    assert [r.label for r in rounds] == ["4.1"]
    assert (code, label, where) == ("clone-incomplete", "3.0", str(clone))
    assert what.endswith(f"run: cm rm cache {clone.parent.name} -f, then fetch the round again: {fetch_command('3.0')}")


def test_an_entry_that_cm_did_not_finish_is_a_finding_and_no_second_clone(cm, sample):
    """CM tags what it is still fetching with tmp."""
    cache_round(cm, sample, "3.0", f"{GITHUB}/v3.0")
    clone = cache_round(cm, sample, "3.0,tmp", f"{GITHUB}/v3.0")
    rounds, ((code, label, where, what),) = located(cm)
    assert [r.path.parent.name for r in rounds] != [clone.parent.name]
    assert (code, label, where) == ("clone-incomplete", "3.0", str(clone))
    assert what.startswith("fetching it was interrupted; run: cm rm cache ")


def test_a_clone_without_a_branch_or_an_address_is_fine(cm, sample):
    clone = git.Repo(cache_round(cm, sample, "3.0"))
    clone.git.checkout("--detach")
    (round_,), findings = located(cm)
    assert (round_.branch, round_.web_url, findings) == (None, None, [])
    assert round_.commit == clone.head.commit.hexsha
    clone.delete_remote(clone.remotes.origin)
    assert read_clone(Path(clone.working_tree_dir), "3.0", "3.0").web_url is None


# Labels and commands


@pytest.mark.parametrize(
    ("label", "version"),
    [("3.0", "3.0"), ("3.0-private", "3.0"), ("5.1-sample", "5.1"), ("12.3-rc.1_x", "12.3")]
    + [(label, None) for label in ("", "3", "3.0.1", "v3.0", "3.0-", "3.0-/x", "3.0--x", "../3.0", "3.0 ", "3.0\n", "٣.0")],
)
def test_labels(label, version):
    parts = split_label(label)
    assert (parts and parts.round) == version


@pytest.mark.parametrize(
    ("label", "repository", "branch"),
    [
        ("0.7", "training_results_v0.7", "master"),
        ("5.1", "training_results_v5.1", "main"),
        ("99.0", "training_results_v99.0", "main"),
        ("6.0-private", "submissions_training_v6.0", "main"),
    ],
)
def test_the_command_that_fetches_a_round(label, repository, branch):
    assert fetch_command(label) == (
        f'cmr "get git repo _repo.{GITHUB}/{repository}" '
        f"--extra_cache_tags=mlperf-training-results,version-{label} --branch={branch} --submodules="
    )


@pytest.mark.parametrize(
    ("label", "repository", "branch"),
    [
        ("hpc-0.7", "hpc_results_v0.7", "main"),
        ("hpc-1.0", "hpc_results_v1.0", "master"),
        ("hpc-3.0-private", "submissions_hpc_v3.0", "main"),
    ],
)
def test_the_command_that_fetches_a_round_of_hpc(label, repository, branch):
    assert fetch_command(label) == (
        f'cmr "get git repo _repo.{GITHUB}/{repository}" '
        f"--extra_cache_tags=mlperf-hpc-results,version-{label.removeprefix('hpc-')} --branch={branch} --submodules="
    )


def test_rounds_of_both_suites_with_one_number_are_two_rounds(cm, sample):
    cache_round(cm, sample, "3.0", f"{GITHUB}/training_results_v3.0")
    cache_round(cm, sample, "3.0", f"{GITHUB}/hpc_results_v3.0", cache_tag="mlperf-hpc-results")
    cache_round(cm, sample, "0.7", f"{GITHUB}/hpc_results_v0.7", cache_tag="mlperf-hpc-results")
    rounds, findings = located(cm)
    assert [(r.label, r.version, r.web_url.rpartition("/")[2]) for r in rounds] == [
        ("3.0", "3.0", "training_results_v3.0"),
        ("hpc-0.7", "hpc-0.7", "hpc_results_v0.7"),
        ("hpc-3.0", "hpc-3.0", "hpc_results_v3.0"),
    ]
    assert findings == []
    assert [r.label for r in located(cm, "hpc-3.0")[0]] == ["hpc-3.0"]
    assert [r.label for r in located(cm, "3.0")[0]] == ["3.0"]


# Addresses


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/org/repo", "https://github.com/org/repo"),
        ("https://github.com/org/repo.git", "https://github.com/org/repo"),
        ("https://github.com/org/repo.git/", "https://github.com/org/repo"),
        ("https://github.com/org/repo/", "https://github.com/org/repo"),
        (" https://github.com/org/repo\n", "https://github.com/org/repo"),
        ("http://example.org/a/b/c", "http://example.org/a/b/c"),
        ("https://example.org:8443/org/repo.git", "https://example.org:8443/org/repo"),
        ("https://user@github.com/org/repo", "https://github.com/org/repo"),
        ("https://user:ghp_secret@github.com/org/repo.git", "https://github.com/org/repo"),
        ("https://:p%40ss@github.com/org/repo", "https://github.com/org/repo"),
        ("https://github.com/org/repo?token=secret#x", "https://github.com/org/repo"),
        ("git@github.com:org/repo.git", "https://github.com/org/repo"),
        ("github.com:org/repo", "https://github.com/org/repo"),
        ("git@github.com:/org/repo.git", "https://github.com/org/repo"),
        ("ssh://git@github.com/org/repo.git", "https://github.com/org/repo"),
        ("ssh://git@github.com:2222/org/repo", "https://github.com/org/repo"),
        ("git+ssh://git@github.com/org/repo", "https://github.com/org/repo"),
        ("git://github.com/org/repo.git", "https://github.com/org/repo"),
        ("https://github.com/org/repo.github.io", "https://github.com/org/repo.github.io"),
    ],
)
def test_the_page_of_a_repository_without_credentials(remote, address):
    assert web_address(remote) == address


@pytest.mark.parametrize(
    "remote",
    [
        "",
        "file:///srv/git/repo.git",
        "/srv/git/repo.git",
        "../repo.git",
        "./a:b",
        "repo",
        "C:/git/repo",
        "C:\\git\\repo",
        "https://",
        "https://github.com",
        "https://github.com/",
        "https:///org/repo",
        "https://github.com:port/org/repo",
        "https://[::1/org/repo",
        "javascript://github.com/%0aalert(1)",
        "data:text/html,<script>",
        "https://github.com/org/<script>",
        "https://github.com/org/re po",
        'https://github.com/org/"onclick=',
        "https://git hub.com/org/repo",
        "ext::sh -c touch% /tmp/x",
    ],
)
def test_what_is_no_address_on_the_web(remote):
    assert web_address(remote) is None


# A local tree


def test_a_tree_on_this_machine_need_not_be_a_clone(tmp_path):
    write_result(tmp_path / "tree")
    round_ = locate_path(tmp_path / "tree", "5.1")
    assert round_ == Round("5.1", "5.1", tmp_path / "tree", part="tree")
    assert locate_path(tmp_path / "tree", "5.1-mine").part == ""


def test_a_clone_on_this_machine_keeps_its_address(tmp_path):
    write_result(tmp_path / "clone")
    make_repository(tmp_path / "clone").create_remote("upstream", f"{GITHUB}/training_results_v5.1.git")
    round_ = locate_path(tmp_path / "clone", "5.1")
    assert (round_.web_url, round_.branch) == (f"{GITHUB}/training_results_v5.1", "main")
    assert round_.part == ""


def test_the_folder_of_a_submitter_restricts_the_import_to_it(tmp_path):
    for submitter in ("A", "B"):
        write_result(tmp_path / "tree", submitter=submitter)
    round_ = locate_path(tmp_path / "tree/B", "5.1")
    assert (round_.path, round_.only, round_.part) == (tmp_path / "tree", "B", "B")


@pytest.mark.parametrize(("place", "only"), [("..", "Org"), ("../..", None), ("../../Org", "Org")])
def test_a_path_may_go_up(tmp_path, monkeypatch, place, only):
    folder = tmp_path / "Org/results"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    round_ = locate_path(Path(place), "5.1-local")
    assert (round_.path, round_.only) == (tmp_path, only)


def test_a_relative_path(tmp_path, monkeypatch):
    write_result(tmp_path / "tree")
    monkeypatch.chdir(tmp_path / "tree/Org")
    round_ = locate_path(Path(), "5.1")
    assert (round_.path, round_.only) == (tmp_path / "tree", "Org")


@pytest.mark.parametrize(
    ("path", "label", "message"),
    [
        ("gone", "5.1", "--path=.*gone: no such folder"),
        ("tree/README.md", "5.1", "--path=.*README.md: no such folder"),
    ],
)
def test_paths_and_labels_that_cannot_be_used(tmp_path, path, label, message):
    write_result(tmp_path / "tree")
    write_files(tmp_path, {"tree/README.md": "#"})
    with pytest.raises(BadInput, match=message):
        locate_path(tmp_path / path, label)
