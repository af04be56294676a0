"""The home of MLCFlow as it is read from its files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from support import PROJECT

from mlperf_training_import.commands.home import open_cm_home, open_home
from mlperf_training_import.errors import BadInput, ImportFailure, UnknownTarget
from mlperf_training_import.homes import home_of
from mlperf_training_import.homes.home import BadDescription
from mlperf_training_import.homes.mlc import MlcHome
from mlperf_training_import.rounds.locate import locate
from mlperf_training_import.start.sample import make_repository

if TYPE_CHECKING:
    from mlperf_training_import.findings import Finding


@pytest.fixture
def root(tmp_path):
    """A home with the repositories ``local`` and ``mine``."""
    for number, name in enumerate(("local", "mine")):
        (tmp_path / "MLC" / name).mkdir(parents=True)
        (tmp_path / "MLC" / name / "meta.yaml").write_text(f"alias: {name}\nuid: '000000000000000{number}'\n")
    (tmp_path / "MLC/repos.json").write_text(json.dumps([str(tmp_path / "MLC/local"), str(tmp_path / "MLC/mine")]))
    return tmp_path / "MLC"


def add_entry(root: Path, name: str, *tags: str, age_days: float | None = None, clone: bool = True) -> Path:
    """A cache entry as ``get,git,repo`` makes it, that expired so many days ago."""
    folder = root / "local/cache" / name
    folder.mkdir(parents=True)
    meta = {"alias": None, "uid": name, "tags": ["get", "git", "repo", *tags]}
    if age_days is not None:
        meta["cache_expiration"] = time.time() - age_days * 86400
    (folder / "meta.json").write_text(json.dumps(meta))
    if clone:
        (folder / "repo").mkdir()
        (folder / "repo/README.md").write_text(name)
        make_repository(folder / "repo")
    return folder / "repo"


ROUND = ("mlperf-training-results", "version-5.1")


def located(root: Path) -> tuple[list[Path], list[Finding]]:
    findings: list[Finding] = []
    return [round_.path for round_ in locate(MlcHome(root), findings)], findings


def test_entries_with_rounds_are_found_and_others_are_not(root):
    clone = add_entry(root, "a", *ROUND, age_days=-4)
    add_entry(root, "b", "version-5.1")
    (root / "local/cache/c").mkdir()
    (root / "local/cache/c/meta.json").write_text('{"uid": "c", "tags": ["get", "repo", "mlperf-tr')
    (root / "local/cache/d").mkdir()
    (root / "local/cache/d/meta.json").write_text('{"uid": "d", "tags": "get,repo,mlperf-training-results"}')
    assert located(root) == ([clone], [])


def test_of_expired_entries_only_the_last_is_used_and_named(root):
    add_entry(root, "older", *ROUND, age_days=9)
    clone = add_entry(root, "old", *ROUND, age_days=3)
    (path,), (finding,) = located(root)
    assert path == clone
    assert (finding.code, finding.round, finding.where) == ("clone-expired", "5.1", str(clone))
    assert "to have the round of today: mlcr get,git,repo,_repo.https://" in finding.what


def test_an_expired_entry_beside_a_fresh_one_is_ignored(root):
    add_entry(root, "old", *ROUND, age_days=3)
    clone = add_entry(root, "new", *ROUND, age_days=-5)
    assert located(root) == ([clone], [])


@pytest.mark.parametrize("broken", [{"tags": ["tmp"]}, {"clone": False}])
def test_an_expired_entry_is_used_beside_one_that_was_not_fetched_to_its_end(root, broken):
    clone = add_entry(root, "old", *ROUND, age_days=3)
    add_entry(root, "new", *ROUND, *broken.get("tags", ()), clone=broken.get("clone", True))
    paths, findings = located(root)
    assert paths == [clone]
    assert "clone-expired" in {finding.code for finding in findings}


@pytest.mark.parametrize("odd", [-1e300, "soon", None, [], float("nan")])
def test_an_expiry_that_is_no_time_is_none(root, odd):
    clone = add_entry(root, "a", *ROUND)
    meta = root / "local/cache/a/meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"cache_expiration": odd}))
    assert located(root) == ([clone], [])


def test_an_entry_that_is_to_be_replaced_expires(root):
    add_entry(root, "a", *ROUND, age_days=-4)
    home = MlcHome(root)
    (entry,) = home.cached_entries()
    before = (root / "local/cache/a/meta.json").read_bytes()
    with pytest.raises(KeyError), home.being_replaced(entry):
        raise KeyError
    assert json.loads((root / "local/cache/a/meta.json").read_bytes()) == json.loads(before)
    with home.being_replaced(entry):
        pass
    (expired,) = home.cached_entries()
    assert entry.expired_on is None
    assert expired.expired_on is not None
    assert json.loads((root / "local/cache/a/meta.json").read_text())["tags"] == ["get", "git", "repo", *ROUND]


def test_a_folder_that_is_gone_is_known_from_the_index(root):
    rows = [{"uid": "a", "tags": ["get", "repo", *ROUND], "path": str(root / "nowhere"), "repo": {}}, "odd"]
    (root / "index_cache.json").write_text(json.dumps(rows))
    assert MlcHome(root).gone_entries() == [("5.1", root / "nowhere")]
    (root / "index_cache.json").write_text(json.dumps(rows)[:40])
    assert MlcHome(root).gone_entries() == []


@pytest.mark.parametrize("name", ["mine", "0000000000000001", "mine,0000000000000001"])
def test_repositories_are_found_by_alias_and_uid(root, name):
    repository = MlcHome(root).find_repository(name)
    assert (repository.alias, repository.path, repository.experiments) == ("mine", root / "mine", root / "mine/experiment")


def test_an_unknown_repository_is_an_error_with_what_there_is(root):
    with pytest.raises(UnknownTarget) as error:
        MlcHome(root).find_repository("other")
    assert str(error.value) == (
        'target_repo "other" is not an MLC repository; registered are: local, mine\n'
        "add it with one of:\n  mlc pull repo <name or address>\n  mlc add repo other"
    )


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("meta.json", '{"uid": "x"', "cannot be read (no YAML or JSON)"),
        ("meta.yaml", "uid: [", "cannot be read (no YAML or JSON)"),
        ("meta.yaml", "uid: 5\n", "it has no uid"),
        ("meta.yaml", "- a\n", "it has no uid"),
    ],
)
def test_a_bad_description_is_told_with_its_file(root, name, content, what):
    (root / name).write_text(content)
    with pytest.raises(BadDescription) as error:
        MlcHome(root).read_description(root)
    assert (error.value.place, error.value.what) == (root / name, what)


def test_a_description_that_is_no_regular_file_is_not_read(root):
    os.mkfifo(root / "meta.json")
    with pytest.raises(BadDescription, match="not a regular file"):
        MlcHome(root).read_description(root)


def test_the_index_of_a_running_mlcflow_is_read_again_after_an_import(root):
    action = SimpleNamespace(repos_path=str(root), _index="old", parent=SimpleNamespace(_index="old"))
    home = MlcHome(root, action)
    home.add_to_index([], home.find_repository("local"))
    assert (action._index, action.parent._index) == (None, None)


def test_what_has_no_home_is_refused():
    with pytest.raises(TypeError, match="no automation with a home"):
        home_of(SimpleNamespace())


def test_commands_that_look_take_the_home_of_mlcflow_and_others_do_not(root):
    assert open_home(root).repos_path == root.resolve()
    with pytest.raises(BadInput, match=r"a home of MLCFlow; use: mlcr import,mlperf,training,to-experiment"):
        open_cm_home(root)


def test_without_a_name_commands_look_into_the_home_of_collective_mind(root, monkeypatch):
    monkeypatch.setenv("MLC_REPOS", str(root))
    assert open_home(None).repos_path == Path(os.environ["CM_REPOS"])


def test_a_clone_in_the_folder_of_another_entry_belongs_to_the_one_that_is_finished(root):
    """As mlcflow 1.3.8 leaves it where a clone is fetched with ``--new``."""
    clone = add_entry(root, "a", *ROUND, "tmp")
    add_entry(root, "b", *ROUND, age_days=-5, clone=False)
    meta = root / "local/cache/b/meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"dependent_cached_path": str(clone)}))
    assert located(root) == ([clone], [])
    home = MlcHome(root)
    (entry,) = home.cached_entries()
    home.remove_entry(entry)
    assert list((root / "local/cache").iterdir()) == []


def test_a_clone_outside_of_the_cache_is_not_taken(root, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    clone = add_entry(root, "b", *ROUND, clone=False)
    meta = root / "local/cache/b/meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"dependent_cached_path": str(tmp_path / "elsewhere")}))
    (finding,) = located(root)[1]
    assert (finding.code, finding.where) == ("clone-missing", str(clone))


@pytest.mark.parametrize(
    "words", ["{cache}/../experiment", "{cache}/b/../../mine", "{cache}/c/repo", "{cache}/d/repo", "repo", ""]
)
def test_what_an_entry_says_names_no_path_that_is_deleted(root, words):
    """The experiments, another repository, an entry that is no clone, the clone of another round."""
    for folder in ("experiment/a", "mine/b", "cache/c/repo"):
        (root / "local" / folder).mkdir(parents=True)
        (root / "local" / folder / "kept").touch()
    (root / "local/cache/c/meta.json").write_text(json.dumps({"uid": "c", "tags": ["get", "dataset"]}))
    other = add_entry(root, "d", "mlperf-training-results", "version-4.1")
    add_entry(root, "b", *ROUND, clone=False)
    meta = root / "local/cache/b/meta.json"
    said = words.format(cache=root / "local/cache")
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"dependent_cached_path": said}))
    home = MlcHome(root)
    (entry,) = (entry for entry in home.cached_entries() if entry.labels == ("5.1",))
    home.remove_entry(entry)
    assert not meta.parent.exists()
    assert all((root / "local" / folder / "kept").is_file() for folder in ("experiment/a", "mine/b", "cache/c/repo"))
    assert (other / "README.md").is_file()


@pytest.mark.parametrize("form", ["entry", "cache", "local"])
def test_an_entry_to_which_a_link_leads_is_not_removed(root, tmp_path, form):
    """As in a home that was copied with its links, or with a cache that several share."""
    clone = add_entry(root, "a", *ROUND)
    linked = {"entry": clone.parent, "cache": root / "local/cache", "local": root / "local"}[form]
    linked.rename(tmp_path / "elsewhere")
    linked.symlink_to(tmp_path / "elsewhere")
    home = MlcHome(root)
    (entry,) = home.cached_entries()
    with pytest.raises(ImportFailure, match="lies outside of"):
        home.remove_entry(entry)
    assert clone.is_dir()


def test_an_entry_that_was_half_removed_is_not_there_and_goes_with_the_next_fetch(root, monkeypatch):
    add_entry(root, "a", *ROUND)
    home = MlcHome(root)

    def killed(folder):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shutil, "rmtree", killed)
        home.remove_entry(*home.cached_entries())
    assert home.cached_entries() == []
    assert list(home.cache.iterdir())
    home.end_removals()
    assert list(home.cache.iterdir()) == []


def test_neither_home_imports_the_other_automation(root):
    script = (
        "import sys; from pathlib import Path; from mlperf_training_import.homes.mlc import MlcHome;"
        "from mlperf_training_import import pipeline; from mlperf_training_import.options import options_from;"
        "\ntry: pipeline.import_rounds(MlcHome(Path(sys.argv[1])), options_from({}), print)"
        "\nexcept Exception as error: print(error)"
        "\nprint(sorted({'cmind', 'mlc'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script, root], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert "no MLPerf Training results in the MLC cache" in done.stdout
    assert done.stdout.endswith("[]\n")
