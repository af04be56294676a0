"""The real round 3.0 imported over what the older script published of it, in a repository under git."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from real.test_real_rounds import published
from support import SCRIPT_TAGS, copy_home, run_cmr

from mlperf_training_import.start.sample import make_repository
from mlperf_training_import.tables.keys import owned_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTE = {"acm_ctuning_repro_badge_available": True, "derived": {"minutes_per_accelerator": 1.25}}


def git_lines(repository: Path, *arguments: str) -> list[str]:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def objects_of(folder: Path) -> list[dict]:
    return [entry for file in folder.glob("*/cm-result.json") for entry in json.loads(file.read_bytes())]


@pytest.fixture(scope="module")
def over_published(registered_home, real_round, shared, tmp_path_factory):
    """A repository with the published experiments, each tenth entry with a note, into which 3.0 was imported.

    Returns the repository, the published entries by experiment, and a function that imports again.
    """
    root = tmp_path_factory.mktemp("over")
    repository = root / "cm4mlperf-results"
    repository.mkdir()
    (repository / "cmr.yaml").write_text("alias: cm4mlperf-results\nuid: 34095bcd9298484a\ngit: true\n")
    before = {name: entries for name, (_, entries) in published(shared, repository).items()}
    for name, entries in before.items():
        for entry in entries[::10]:
            entry.update(NOTE)
        (file,) = (repository / "experiment" / name).glob("*/cm-result.json")
        file.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n")
    make_repository(repository)
    home = root / "CM"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CM_REPOS", str(home))
        cm = copy_home(registered_home)
        (home / "repos.json").write_text(json.dumps([str(repository)]))
        tags = "get,git,repo,mlperf-training-results,version-3.0"
        added = cm.access({"action": "add", "automation": "cache,541d6f712a6b464e", "artifact": "", "tags": tags})
    clone = real_round("3.0")
    (Path(added["path"]) / "repo").symlink_to(clone)
    for remembered in clone.parent.glob("mlperf-training-logs.*"):  # its logs have been read before
        shutil.copy2(remembered, added["path"])

    def import_again() -> None:
        done = run_cmr(SCRIPT_TAGS, "--target_repo=cm4mlperf-results", cwd=root, env={"CM_REPOS": str(home)})
        assert done.returncode == 0, done.stdout + done.stderr

    import_again()
    return repository, before, import_again


#: Keys whose values may differ, and when: published entry, our entry -> whether RULES explains it.
EXPLAINED = {
    "code_url": lambda old, new: new["code_url"].startswith(f"{new['git_url']}/blob/main/{new['submitter_folder']}/"),
    "details_url": lambda old, new: old["submitter"] != new["submitter_folder"],
}
#: Keys that may go, and when.
GONE = {
    "dlrm_dcnv2": lambda old: old["Model_ID"] != "dlrm_dcnv2",
    "gpt3": lambda old: old["Model_ID"] != "gpt3",
    "unet3d": lambda old: old["Model_ID"] != "unet3d",
    "notes": lambda old: old["notes"] == "",
}


def pairs(before: dict[str, list[dict]], experiments: Path) -> Iterator[tuple[dict, dict]]:
    """Each published entry with what it became."""
    for name, entries in before.items():
        after = {entry["uid"]: entry for entry in objects_of(experiments / name)}
        yield from ((old, after[old["uid"]]) for old in entries)


def test_import_over_the_published_entries(over_published):
    repository, before, _ = over_published
    experiments = repository / "experiment"
    uids = {entry["uid"] for entries in before.values() for entry in entries}
    assert len(uids) == 214
    for scope, count in (("3.0", 260), ("all", 260)):
        stored = [e for folder in experiments.glob(f"mlperf-training--{scope}--*") for e in objects_of(folder)]
        assert len(stored) == count
        counted = Counter(entry["uid"] for entry in stored)
        assert set(counted.values()) == {1}
        assert uids <= counted.keys()
        assert len({(e["submitter_folder"], e["system_file"], e["Model_ID"]) for e in stored}) == count
    for name, entries in before.items():
        stored = [entry["uid"] for entry in objects_of(experiments / name)]
        assert stored[: len(entries)] == [entry["uid"] for entry in entries]
        after = {entry["uid"]: entry for entry in objects_of(experiments / name)}
        for old in entries:
            new = after[old["uid"]]
            assert {key for key in old if key not in new and not GONE.get(key, lambda _: False)(old)} == set()
            assert new.keys() - old.keys() <= owned_keys()
            changed = {key for key in old.keys() & new.keys() if json.dumps(new[key]) != json.dumps(old[key])}
            assert {key for key in changed if not EXPLAINED.get(key, lambda *_: False)(old, new)} == set()
            assert {key: old[key] for key in NOTE if key in old} == {key: new[key] for key in NOTE if key in new}
    files = {f"experiment/{name}/" for name in before}
    modified = git_lines(repository, "diff", "--name-only")
    assert {line.rpartition("/")[0].rpartition("/")[0] + "/" for line in modified} == files
    assert all(line.endswith("/cm-result.json") for line in modified)
    deleted = sum(int(line.split("\t")[1]) for line in git_lines(repository, "diff", "--numstat"))
    assert deleted == sum(key not in new or new[key] != old[key] for old, new in pairs(before, experiments) for key in old)
    untracked = git_lines(repository, "ls-files", "--others", "--exclude-standard")
    assert {line.split("--")[1] for line in untracked} == {"3.0", "all"}
    assert not files & {f"experiment/{line.split('/')[1]}/" for line in untracked}


def test_a_second_import_of_the_real_round_changes_no_file(over_published):
    repository, _, import_again = over_published

    def snapshot() -> dict[Path, tuple[bytes, int]]:
        files = [path for path in repository.rglob("*") if path.is_file() and ".git" not in path.parts]
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}

    before = snapshot()
    assert len([path for path in before if "experiment" in path.parts]) == 2 * 18
    import_again()
    assert snapshot() == before
