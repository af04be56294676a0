"""A tree that does not say where it is from: never among what is published, neither in its place nor beside it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from cmind.core import CM
from support import cache_round

from mlperf_training_import.homes import home_of
from mlperf_training_import.options import options_from
from mlperf_training_import.pipeline import import_rounds
from mlperf_training_import.start.sample import make_repository, write_sample

ADDRESS = "https://github.com/mlcommons/training_results_v5.1"


def run(**flags):
    return import_rounds(home_of(CM()), options_from(flags), lambda _: None)


def stored() -> dict[str, list[dict]]:
    """The objects of each experiment, by the name's part that is the round's."""
    found: dict[str, list[dict]] = {}
    for file in Path(os.environ["CM_REPOS"]).glob("repos/local/experiment/*/*/cm-result.json"):
        found.setdefault(file.parent.parent.name.split("--")[1], []).extend(json.loads(file.read_text()))
    return found


@pytest.fixture
def published(cm, tmp_path):
    """What round 5.1 of a repository on the web has stored, and a tree with other scores, without ``.git``."""
    write_sample(tmp_path / "source")
    make_repository(tmp_path / "source")
    cache_round(cm, tmp_path / "source", "5.1", ADDRESS)
    run(version="5.1")
    shutil.copytree(tmp_path / "source", tmp_path / "tree", ignore=shutil.ignore_patterns(".git"))
    for log in (tmp_path / "tree").glob("*/results/*/*/result_*.txt"):
        log.write_text(
            log.read_text().replace('"run_stop", "value": null, "time_ms": 1', '"run_stop", "value": null, "time_ms": 2')
        )
    return stored()


def worktree(tree: Path) -> None:
    (tree / ".git").write_text("gitdir: ../source/.git/worktrees/tree\n")


def parent(tree: Path) -> None:
    shutil.copytree(tree.parent / "source/.git", tree.parent / ".git")


def no_remote(tree: Path) -> None:
    make_repository(tree)


def link(tree: Path) -> None:
    (tree / ".git").symlink_to(tree.parent / "source/.git")


@pytest.mark.parametrize("form", [None, worktree, parent, no_remote, link], ids=lambda form: form and form.__name__)
def test_a_tree_of_unknown_origin_never_replaces_published_results(published, tmp_path, form):
    if form is not None:
        form(tmp_path / "tree")
    outcome = run(path=str(tmp_path / "tree"), version="5.1", output_dir=str(tmp_path / "out"))
    after = stored()
    assert {name: after[name] for name in published} == published
    assert after.keys() - published.keys() == {"5.1-local"}
    assert outcome.rounds[0].round.label == "5.1-local"
    assert outcome.rounds_without_results(["5.1"]) == []
    assert not any("url" in entry for entry in after["5.1-local"])


def test_a_folder_inside_a_clone_is_of_unknown_origin(published, tmp_path):
    shutil.copytree(tmp_path / "tree", tmp_path / "source/inner")
    run(path=str(tmp_path / "source/inner"), version="5.1")
    assert {name: objects for name, objects in stored().items() if name != "5.1-local"} == published


def test_declared_public_it_is_added_and_replaces_nothing(published, tmp_path):
    extra = tmp_path / "tree/Zeta"
    shutil.copytree(tmp_path / "tree/Borealis", extra)
    for file in extra.glob("systems/*.json"):
        file.write_text(file.read_text().replace("Borealis", "Zeta"))
    outcome = run(path=str(tmp_path / "tree"), version="5.1", public="yes")
    after = stored()
    for name, objects in published.items():
        assert [item for item in after[name] if item["submitter_folder"] != "Zeta"] == objects
        assert any(item["submitter_folder"] == "Zeta" for item in after[name])
    assert after.keys() == published.keys()
    assert {finding.code for finding in outcome.findings} >= {"kept-result"}


def test_what_was_published_later_takes_the_place_of_what_was_declared_public(cm, tmp_path):
    write_sample(tmp_path / "tree")
    run(path=str(tmp_path / "tree"), version="5.1", public="yes")
    assert not any("url" in item for item in stored()["5.1"])
    make_repository(tmp_path / "tree")
    cache_round(cm, tmp_path / "tree", "5.1", ADDRESS)
    run(version="5.1")
    assert all("url" in item for name in ("5.1", "all") for item in stored()[name])
