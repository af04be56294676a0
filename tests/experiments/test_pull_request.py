"""The command that imports into a repository and writes the text of a pull request: what it says, checks and refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import git
import pytest
from cmind.core import CM
from support import cache_round
from trees import snapshot, write_result

from mlperf_training_import import __version__
from mlperf_training_import.commands import publish as command
from mlperf_training_import.commands.line import main
from mlperf_training_import.experiments.difference import State, changed_outside, kinds_of_change
from mlperf_training_import.experiments.publish import find_target
from mlperf_training_import.homes import home_of
from mlperf_training_import.start.look import rounds_named
from mlperf_training_import.start.sample import make_repository

NAME = "mlperf-training--5.1--closed--image-classification"
TEXT = Path("out") / command.PULL_REQUEST_FILE
PUBLISH = ["publish", "--target_repo=my-results", "--output=out"]


@pytest.fixture
def repository(cm, tmp_path):
    """A registered repository with somebody's file, and a round 5.0 of one submitter in the cache."""
    path = tmp_path / "results"
    other = path / "experiment/mlperf-inference--5.1--x"
    other.mkdir(parents=True)
    (other / "cm-result.json").write_text('[{"Result":  1}]')
    (path / "cmr.yaml").write_text("alias: my-results\nuid: 34095bcd9298484a\ngit: true\n")
    make_repository(path)
    (Path(os.environ["CM_REPOS"]) / "repos.json").write_text(json.dumps([str(path)]))
    add_round(tmp_path, "5.0", "Org")
    return path


def add_round(tmp_path, label, *submitters, **more):
    """A round in the cache of the test's home; returns the clone."""
    tree = tmp_path / f"made-{label}"
    for submitter in submitters:
        write_result(tree, submitter=submitter, benchmark="bert", **more)
    make_repository(tree)
    return cache_round(CM(), tree, label, f"https://github.com/mlcommons/training_results_v{label}.git")


def rows(text, head):
    """The cells of the table that begins with a head."""
    lines = text.split(f"| {head}", 1)[1].split("\n\n")[0].split("\n")[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def result_files(repository):
    return sorted(repository.glob("experiment/mlperf-training--5.0--*/*/cm-result.json"))


def test_the_text_says_what_an_import_did(repository, capsys):
    assert main(PUBLISH) == 0
    text = TEXT.read_text()
    assert text.startswith("# MLPerf results of 5.0\n")
    assert f"mlperf-training-import {__version__}." in text
    ((label, commit, *counts),) = rows(text, "round |")
    assert (label, counts[:5]) == ("5.0", ["1", "0", "0", "0", "0"])
    assert commit.startswith("[`")
    assert "https://github.com/mlcommons/training_results_v5.0/tree/" in commit
    assert [row[0].partition("--")[2] for row in rows(text, "experiment |")] == [
        "5.0--closed--language-processing` (new)",
        "all--closed--language-processing` (new)",
    ]
    assert "No key of a stored result has another value." in text
    assert "- no file outside of our experiments changed (2 compared)" in text
    assert "mlperf-training-pull-request.md" in capsys.readouterr().out


def test_a_second_one_changes_nothing_and_says_so(repository):
    assert main(PUBLISH) == 0
    before = snapshot(repository)
    assert main(PUBLISH) == 0
    assert snapshot(repository) == before
    assert "## Experiments that change" not in TEXT.read_text()
    assert rows(TEXT.read_text(), "round |")[0][2:7] == ["0", "0", "1", "0", "0"]
    assert "- 1 of 1 uids are kept\n- 2 of 2 stored objects did not change\n" in TEXT.read_text()


def test_each_kind_of_change_has_its_reason_and_an_example(repository):
    assert main(PUBLISH) == 0
    (file,) = result_files(repository)
    (entry,) = json.loads(file.read_text())
    older = entry | {"code_url": "x|y`\n# z", "gpt3": "", "Result": 9.5, "note": "mine"}
    del older["rank"]
    file.write_text(json.dumps([older]))
    assert main(PUBLISH) == 0
    text = TEXT.read_text()
    found = {row[0]: row[1:] for row in rows(text, "key |")}
    assert found.keys() == {"`Result`", "`code_url`", "`gpt3`"}
    assert found["`gpt3`"][:3] == [
        "removed",
        "1",
        "a column about another benchmark, whose results have entries of their own",
    ]
    assert found["`code_url`"][2] == "the code of this benchmark, on the branch of the clone"
    assert found["`code_url`"][3].startswith(f'`{entry["uid"]}`: `"x\\|y\'\\n# z"` → `"https://')
    assert found["`Result`"] == ["changed", "1", "**none that this version knows**", f"`{entry['uid']}`: `9.5` → `3.0`"]
    assert next(iter(found)) == "`Result`"
    assert rows(text, "experiment |")[0] == ["`mlperf-training--5.0--closed--language-processing`", "0", "1", "0"]
    assert "**Look at the rows without a reason first**" in text
    assert [row[0] for row in rows(text, "new key |")] == ["`rank`"]
    assert json.loads(file.read_text())[0] == entry | {"note": "mine"}


def test_what_the_clone_no_longer_has_is_kept_or_removed(repository, tmp_path):
    assert main(PUBLISH) == 0
    (file,) = result_files(repository)
    (entry,) = json.loads(file.read_text())
    gone = entry | {"system_file": "gone", "uid": "abcdabcdabcdabcd"}
    file.write_text(json.dumps([gone, entry]))
    assert main(PUBLISH) == 0
    assert rows(TEXT.read_text(), "round |")[0][2:7] == ["0", "0", "1", "1", "0"]
    assert "2 of 2 uids are kept" in TEXT.read_text()
    assert main([*PUBLISH, "--prune"]) == 0
    assert rows(TEXT.read_text(), "round |")[0][2:7] == ["0", "0", "1", "0", "1"]
    assert "1 of 2 uids are kept; gone: `abcdabcdabcdabcd`" in TEXT.read_text()


def test_a_file_that_is_not_ours_and_changes_fails_it(repository, monkeypatch, capsys):
    other = repository / "experiment/mlperf-inference--5.1--x/cm-result.json"
    real = command.import_rounds

    def careless(*arguments):
        other.write_text("[]")
        return real(*arguments)

    monkeypatch.setattr(command, "import_rounds", careless)
    assert main(PUBLISH) == 1
    name = "experiment/mlperf-inference--5.1--x/cm-result.json"
    assert f"1 file outside of our experiments changed, first {name}; see out/" in capsys.readouterr().err
    assert f"**1 file outside of our experiments changed**: `{name}`" in TEXT.read_text()


@pytest.mark.parametrize("change", ["touched", "added", "removed", "made executable"])
def test_every_change_outside_is_seen(repository, cm, change):
    target = find_target(home_of(cm), "my-results")
    before, file = State.of(target), repository / "cmr.yaml"
    if change == "touched":
        os.utime(file, (1, 1))
    elif change == "added":
        (repository / "experiment/new").write_text("")
    elif change == "removed":
        file.unlink()
    else:
        file.chmod(0o755)
    changed = "experiment/new" if change == "added" else "cmr.yaml"
    assert changed_outside(before, State.of(target)) == [changed]
    assert kinds_of_change(before, State.of(target)) == []


def test_a_private_round_is_published_only_by_name(repository, tmp_path, capsys):
    add_round(tmp_path, "5.2-private", "Secret")
    assert main(PUBLISH) == 0
    assert "Secret" not in str(snapshot(repository))
    assert "Secret" not in str(snapshot(Path("out")))
    assert main([*PUBLISH, "--round=5.2-private"]) == 0
    assert rows(TEXT.read_text(), "round |")[0][0] == "5.2-private"
    assert {name.split("--")[1] for name in snapshot(repository) if "/mlperf-training--" in name} == {
        "5.0",
        "all",
        "5.2-private",
    }
    over_all = repository.glob("experiment/mlperf-training--all--*/*/cm-result.json")
    assert "Secret" not in "".join(file.read_text() for file in over_all)


def test_what_cannot_be_published_is_refused(repository, capsys):
    before = snapshot(repository)
    assert main(["publish", "--target_repo=my-results", f"--output={repository}/out"]) == 1
    assert "this is inside the repository" in capsys.readouterr().err
    assert main(["publish", "--target_repo=nobody"]) == 16
    with pytest.raises(SystemExit):
        main(["publish"])
    assert "--target_repo" in capsys.readouterr().err
    assert snapshot(repository) == before


def test_a_round_without_a_result_fails_with_the_reason(repository, tmp_path, capsys):
    clone = add_round(tmp_path, "4.1", "Broken")
    for log in clone.rglob("result_*.txt"):
        log.write_text("nothing\n")
    assert main([*PUBLISH, "--round=4.1"]) == 16
    assert "error: no results in " in capsys.readouterr().err
    assert rows(TEXT.read_text(), "round |")[0][0] == "4.1"
    assert rows(TEXT.read_text(), "finding |")


@pytest.mark.slow
def test_only_rounds_with_a_new_commit_are_asked_for(repository, github, capsys):
    """A round whose commit is stored is left alone; one that is cached but old is fetched again."""
    for name in ("training_results_v5.1", "hpc_results_v99.0"):
        write_result(github(name), benchmark="bert")
        make_repository(github(name))
    names = Path("names.txt")
    names.write_text("training_results_v5.1\nhpc_results_v99.0\nother\n")
    assert rounds_named(names.read_text().split()) == ["5.1", "hpc-99.0"]
    names.write_text("training_results_v5.1\n")
    assert main([*PUBLISH, f"--changed={names}"]) == 0
    assert TEXT.read_text().startswith("# MLPerf results of 5.1\n")
    TEXT.unlink()
    assert main([*PUBLISH, f"--changed={names}"]) == 0
    assert "nothing new: every commit is stored" in capsys.readouterr().out
    assert not TEXT.exists()
    clone = git.Repo(github("training_results_v5.1"))
    clone.index.commit("again", author=git.Actor("a", "a@b.c"), committer=git.Actor("a", "a@b.c"))
    assert main([*PUBLISH, f"--changed={names}"]) == 0
    assert f"[`{clone.head.commit.hexsha[:12]}`]" in TEXT.read_text()


@pytest.mark.parametrize(("text", "reason"), [("nothing\n", "names no repository of a round"), (None, "No such file")])
def test_a_list_that_names_no_round_is_refused(repository, capsys, text, reason):
    if text is not None:
        Path("names.txt").write_text(text)
    assert main([*PUBLISH, "--changed=names.txt"]) == 1
    assert reason in capsys.readouterr().err
    assert main([*PUBLISH, "--changed=names.txt", "--round=5.0"]) == 1
    assert "leave out --round" in capsys.readouterr().err
