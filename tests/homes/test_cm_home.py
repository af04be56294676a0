"""The cache of a home of Collective Mind: what is found in it, and what is removed from it."""

import json
import shutil
from pathlib import Path

import pytest
from support import cache_round

from mlperf_training_import.errors import ImportFailure, UnknownTarget
from mlperf_training_import.homes import home_of
from mlperf_training_import.homes.cm import CmHome
from mlperf_training_import.start.sample import make_repository


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "round").mkdir()
    (tmp_path / "round/README.md").write_text("a round\n")
    make_repository(tmp_path / "round")
    return tmp_path / "round"


def index_of(home: CmHome) -> dict:
    return json.loads((home.repos_path / "index.json").read_text()).get("cache", {})


def test_an_entry_is_removed_from_the_disk_and_the_index(cm, repository):
    clone = cache_round(cm, repository, "5.1")
    kept = cache_round(cm, repository, "5.0")
    home = home_of(cm)
    (entry,) = (entry for entry in home.cached_entries() if entry.clone == clone)
    home.remove_entry(entry)
    assert not clone.parent.exists()
    assert kept.is_dir()
    assert [*index_of(home)] == [kept.parent.name]


def test_a_copied_home_leaves_the_clone_of_the_original_alone(cm, repository, tmp_path):
    """Its lists of repositories and artifacts name the folders of the original one."""
    original = home_of(cm)
    clone = cache_round(cm, repository, "5.1")
    shutil.copytree(original.repos_path, tmp_path / "copy", symlinks=True)
    home = CmHome(tmp_path / "copy")
    (entry,) = home.cached_entries()
    assert entry.clone == tmp_path / "copy" / clone.relative_to(original.repos_path)
    home.remove_entry(entry)
    assert not entry.folder.exists()
    assert [entry.clone for entry in original.afresh().cached_entries()] == [clone]


@pytest.mark.parametrize("uid", ["*", "?" * 16, "../../experiment", "/", "0000000000000000"])
def test_what_an_entry_says_names_nothing_that_is_removed(cm, repository, uid):
    clone, other = (cache_round(cm, repository, label) for label in ("5.1", "5.0"))
    meta = clone.parent / "_cm.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"uid": uid}))
    home = home_of(cm)
    experiment = home.repos_path / "repos/local/experiment/mine"
    experiment.mkdir(parents=True)
    (entry,) = (entry for entry in home.cached_entries() if entry.clone == clone)
    home.remove_entry(entry)
    assert not clone.parent.exists()
    assert other.is_dir()
    assert experiment.is_dir()


@pytest.mark.parametrize("form", ["entry", "cache", "local"])
def test_an_entry_to_which_a_link_leads_is_not_removed(cm, repository, tmp_path, form):
    clone = cache_round(cm, repository, "5.1")
    linked = {"entry": clone.parent, "cache": clone.parents[1], "local": clone.parents[2]}[form]
    linked.rename(tmp_path / "elsewhere")
    linked.symlink_to(tmp_path / "elsewhere")
    home = home_of(cm).afresh()
    (entry,) = home.cached_entries()
    with pytest.raises(ImportFailure, match="lies outside of"):
        home.remove_entry(entry)
    assert clone.is_dir()


def test_an_entry_that_is_replaced_counts_until_there_is_another(cm, repository):
    old = cache_round(cm, repository, "5.1")
    home = home_of(cm)
    (entry,) = home.cached_entries()
    with home.being_replaced(entry):
        assert [entry.clone for entry in home.cached_entries()] == [old]
        new = cache_round(cm, repository, "5.1")
    assert [entry.clone for entry in home.cached_entries()] == [new]
    home.end_removals()
    assert not Path(old).parent.exists()
    assert new.is_dir()


def test_an_entry_that_was_not_replaced_counts_as_before(cm, repository):
    old = cache_round(cm, repository, "5.1")
    home = home_of(cm)
    (entry,) = home.cached_entries()
    with pytest.raises(KeyboardInterrupt), home.being_replaced(entry):
        raise KeyboardInterrupt
    assert home.cached_entries() == [entry]
    assert sorted(path.name for path in old.parent.iterdir()) == ["_cm.json", "repo"]


@pytest.mark.parametrize("form", [str.upper, str.lower])
def test_a_repository_is_found_by_its_names_in_any_case(cm, form):
    """As Collective Mind finds it."""
    added = cm.access(
        {"action": "init", "automation": "repo", "artifact": "Some@Results", "path": f"{cm.repos_path}/repos/some"}
    )
    home = CmHome(Path(cm.repos_path))
    uid = added["meta"]["uid"]
    for name in ("Some@Results", uid, f"Some@Results,{uid}"):
        assert home.find_repository(form(name)).alias == "Some@Results"


def test_names_of_digits_are_texts(cm):
    folder = Path(cm.repos_path, "repos/digits")
    cm.access({"action": "init", "automation": "repo", "artifact": "digits", "path": str(folder)})
    (folder / "cmr.yaml").write_text("alias: 2024\nuid: 1234567812345678\ngit: false\n")
    home = CmHome(Path(cm.repos_path))
    assert home.find_repository("2024").uid == "1234567812345678"
    with pytest.raises(UnknownTarget, match="2024"):
        home.find_repository("nowhere")
