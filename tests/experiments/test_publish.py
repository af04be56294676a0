"""Publishing into repositories of a real Collective Mind: what is written, what is left alone, and what never gets out."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from unittest.mock import patch

import forked
import git
import msgspec
import pytest
from cmind.core import CM
from support import SCRIPT_TAGS, cache_round

from mlperf_training_import import pipeline
from mlperf_training_import.errors import PrivateRounds, PublishFailure
from mlperf_training_import.homes import home_of
from mlperf_training_import.options import options_from
from mlperf_training_import.pipeline import import_rounds
from mlperf_training_import.rounds.locate import locate_path
from mlperf_training_import.start.sample import make_repository, run_log, system_description, write_submission

OWN = "mlperf-training--5.1--closed--object-detection-light-weight"
OVER_ALL = "mlperf-training--all--closed--object-detection-light-weight"
HIDDEN = "s3cr3tT0k3n"


def home() -> Path:
    return Path(os.environ["CM_REPOS"])


def experiments_of(repository: Path | None = None) -> Path:
    return (repository or home() / "repos/local") / "experiment"


def result_file(name: str, repository: Path | None = None) -> Path:
    (file,) = (experiments_of(repository) / name).glob("*/cm-result.json")
    return file


def load(name: str, repository: Path | None = None) -> list:
    return json.loads(result_file(name, repository).read_bytes())


def change(name: str, function) -> Path:
    """Changes stored objects as a person would; returns the file."""
    file = result_file(name)
    objects = json.loads(file.read_bytes())
    file.write_text(json.dumps(function(objects) or objects))
    return file


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and time of every file and folder, but for the locks."""
    paths = [p for p in folder.rglob("*") if not p.is_symlink() and "script" not in p.parts and p.suffix != ".lock"]
    return {str(path): (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns) for path in paths}


def run(cm, tree: Path, label: str = "5.1", tell=lambda _: None, **flags):
    """Imports a tree in this process, as the clone of a round in the cache."""
    clone = msgspec.structs.replace(locate_path(tree, label), part="", remote="example.org/ours/results")
    with patch.object(pipeline, "locate", lambda *_: [clone]):
        return import_rounds(home_of(cm), options_from({"version": label, **flags}), tell)


@contextlib.contextmanager
def held(file: Path):
    """Holds a lock as another import does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def codes(outcome) -> list[str]:
    return [finding.code for finding in outcome.findings if finding.code != "run-not-counted"]


@pytest.fixture
def small(isolated, monkeypatch):
    """A Collective Mind without the scripts of its packages, whose index is made in no time."""
    monkeypatch.setenv("CM_CORE_SKIP_INTERNAL_REPOS", "yes")
    return CM()


@pytest.fixture
def repository(registered, tmp_path):
    """A CM repository under git that is registered in the test's home."""
    path = tmp_path / "results"
    path.mkdir()
    (path / "cmr.yaml").write_text("alias: my-results\nuid: 34095bcd9298484a\ngit: true\n")
    (home() / "repos.json").write_text(json.dumps([str(path)]))
    make_repository(path)
    return path


# A second import, and what people did in between


def test_a_second_import_changes_no_file(small, sample, isolated):
    assert all(run(small, sample).files.values())
    before = snapshot(home()), snapshot(isolated)
    assert any("cm-result.json" in name for name in before[0])
    outcome = run(CM(), sample)
    assert (snapshot(home()), snapshot(isolated)) == before
    assert len(outcome.files) == 4
    assert not any(outcome.files.values())
    Path("summary_results.json").write_bytes(b"x" * Path("summary_results.json").stat().st_size)
    assert [file.name for file, is_new in run(CM(), sample).files.items() if is_new] == ["summary_results.json"]
    assert snapshot(home()) == before[0]
    assert sum(experiment.changes.unchanged for experiment in outcome.experiments) == 14


def test_the_same_bytes_wherever_they_are_made(small, sample):
    run(small, sample)
    first = {name: load(name) for name in (OWN, OVER_ALL)}
    metas = [(experiments_of() / name / "_cm.json").read_bytes() for name in (OWN, OVER_ALL)]
    shutil.rmtree(experiments_of())
    run(CM(), sample)
    assert {name: load(name) for name in (OWN, OVER_ALL)} == first
    assert [(experiments_of() / name / "_cm.json").read_bytes() for name in (OWN, OVER_ALL)] == metas


def test_notes_of_people_survive_and_only_that_file_is_written(small, sample):
    run(small, sample)

    def annotate(objects):
        objects[0].update(acm_ctuning_repro_badge_available=True, Result=1.0, bert="", uid="my-link")

    change(OWN, annotate)
    before = snapshot(experiments_of())
    outcome = run(CM(), sample)
    changed = {name for name, state in snapshot(experiments_of()).items() if before.get(name) != state}
    assert {Path(name).name for name in changed if Path(name).is_file()} == {"cm-result.json"}
    assert {Path(name).parent.parent.name for name in changed if Path(name).is_file()} == {OWN, OVER_ALL}
    stored = load(OWN)[0]
    assert stored["acm_ctuning_repro_badge_available"] is True
    assert stored["uid"] == "my-link" == load(OVER_ALL)[0]["uid"]
    assert stored["Result"] > 80
    assert "bert" not in stored
    assert codes(outcome) == ["several-uids"]  # the one over all rounds had the derived uid
    assert codes(run(CM(), sample)) == []


def test_unrecognised_objects_survive(small, sample):
    run(small, sample)
    odd = [{"mine": 1}, [[{"nested": True}]], "text"]
    change(OWN, lambda objects: odd + objects)
    outcome = run(CM(), sample, prune=True)
    assert [item for item in load(OWN) if item in odd] == odd
    assert codes(outcome) == ["unrecognised-entry"] * 3
    before = snapshot(home())
    run(CM(), sample)
    assert snapshot(home()) == before


def test_a_result_that_is_gone_is_kept_until_prune(small, sample):
    run(small, sample)
    before = load(OWN)
    shutil.rmtree(sample / "Borealis/results/tower_x4/retinanet")
    outcome = run(CM(), sample)
    assert [entry["uid"] for entry in load(OWN)] == [entry["uid"] for entry in before]
    (kept,) = (entry for entry in load(OWN) if entry["submitter_folder"] == "Borealis")
    assert kept in before
    assert codes(outcome) == ["kept-result", "kept-result", "no-logs"] or codes(outcome) == ["kept-result"] * 2
    assert {e.name: e.changes.kept for e in outcome.experiments if e.changes.kept} == {OWN: 1, OVER_ALL: 1}
    run(CM(), sample, prune=True)
    assert load(OWN) == load(OVER_ALL)
    assert [e["uid"] for e in load(OWN)] == [e["uid"] for e in before if e["submitter_folder"] != "Borealis"]


@pytest.mark.parametrize("flag", [{"submitter": "Aurora"}, {"benchmark": "llama31_8b"}, {"division": "open"}])
def test_prune_with_a_filter_removes_nothing_that_was_not_asked_for(small, sample, flag):
    run(small, sample)
    shutil.rmtree(sample / "Borealis/results/tower_x4/retinanet")
    before = {entry["uid"] for entry in load(OWN)}
    run(CM(), sample, prune=True, **flag)
    assert {entry["uid"] for entry in load(OWN)} == {entry["uid"] for entry in load(OVER_ALL)} == before


def stored_with_a_note() -> dict[str, object]:
    """Notes by submitter folder, in the experiments of both divisions, of the round and of all."""
    return {
        f"{name.split('--')[1]} {name.split('--')[2]} {item['submitter_folder']}": item["note"]
        for name in sorted(folder.name for folder in experiments_of().glob("mlperf-training--*--object-detection*"))
        for item in load(name)
        if "note" in item
    }


@pytest.fixture
def noted(small, sample):
    """An import with a note at the result of Borealis, in both experiments that hold it."""
    run(small, sample)
    for name in (OWN, OVER_ALL):
        change(name, lambda objects: [item | {"note": item["submitter_folder"]} for item in objects])
    return sample


LOGS = "Borealis/results/tower_x4/retinanet/result_*.txt"
NOTES = {f"{scope} closed {submitter}": submitter for scope in ("5.1", "all") for submitter in ("Aurora", "Borealis")}


def to_open(sample: Path) -> None:
    description = sample / "Borealis/systems/tower_x4.json"
    description.write_text(json.dumps(json.loads(description.read_text()) | {"division": "open"}))


@pytest.mark.parametrize(
    ("prepare", "flags"),
    [
        (to_open, {"division": "closed"}),
        (lambda sample: [os.truncate(log, 3 << 20) for log in sample.glob(LOGS)], {"max_log_mb": 1}),
        (lambda sample: [log.write_text("") for log in sample.glob(LOGS)], {}),
        (lambda sample: [log.unlink() for log in sample.glob(LOGS)], {}),
        (lambda sample: (sample / "Borealis/results/tower_x4/retinanet/scaling.json").write_text("{}"), {}),
        (lambda sample: moved_and_linked(sample, "Borealis"), {}),
        (lambda sample: moved_and_linked(sample, "Borealis/results/tower_x4"), {}),
        (lambda sample: moved_and_linked(sample, "Borealis/results/tower_x4/retinanet"), {}),
    ],
    ids=["filtered", "too large", "no score", "no logs", "scaling", "submitter", "system", "benchmark"],
)  # fmt: skip
def test_prune_keeps_what_was_not_read_or_scored_this_time(noted, prepare, flags):
    prepare(noted)
    run(CM(), noted, prune=True, **flags)
    assert stored_with_a_note() == NOTES


def moved_and_linked(sample: Path, place: str) -> None:
    """The folder is there, and is not read: a link leads to it from outside."""
    (sample / place).rename(sample.parent / "moved")
    (sample / place).symlink_to(sample.parent / "moved")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("place", ["Borealis", "Borealis/results", "Borealis/results/tower_x4/retinanet"])
def test_prune_keeps_what_must_not_be_read(noted, place):
    (noted / place).chmod(0)
    try:
        run(CM(), noted, prune=True)
        assert stored_with_a_note() == NOTES
    finally:
        (noted / place).chmod(0o755)


@pytest.mark.parametrize("flags", [{}, {"prune": True}, {"prune": True, "division": "open"}])
def test_a_note_goes_with_a_result_that_moves(noted, flags):
    to_open(noted)
    run(CM(), noted, **flags)
    assert stored_with_a_note() == {
        "5.1 closed Aurora": "Aurora",
        "5.1 open Borealis": "Borealis",
        "all closed Aurora": "Aurora",
        "all open Borealis": "Borealis",
    }


def test_prune_leaves_other_labels_of_the_round_alone(noted):
    run(CM(), noted, label="5.1-rerun")
    own = OWN.replace("5.1", "5.1-rerun")
    before = load(own)
    shutil.rmtree(noted / "Borealis")
    run(CM(), noted, prune=True)
    assert load(own) == before
    assert list(stored_with_a_note()) == ["5.1 closed Aurora", "all closed Aurora"]


def test_a_dry_run_names_what_prune_would_remove(noted):
    shutil.rmtree(noted / "Borealis/results/tower_x4/retinanet")
    before = snapshot(home())
    said = run(CM(), noted, prune=True, dry_run=True)
    assert snapshot(home()) == before
    expected = {
        str(result_file(name)): "5.1 / Borealis / tower_x4 / retinanet is not in the clone" for name in (OWN, OVER_ALL)
    }
    assert {f.where: f.what for f in said.findings if f.code == "pruned-result"} == expected
    done = shown_dry_run(noted)
    assert all(f"would remove: {where}: {what}" in done for where, what in expected.items())


def shown_dry_run(sample: Path) -> str:
    """What the screen says of a dry run with --prune."""
    from io import StringIO

    from mlperf_training_import.show.screen import Screen

    out = StringIO()
    with contextlib.redirect_stdout(out):
        Screen().show(run(CM(), sample, prune=True, dry_run=True))
    return out.getvalue()


def test_prune_leaves_other_rounds_alone(small, sample, tmp_path):
    run(small, sample)
    other = tmp_path / "other"
    logs = [run_log("retinanet", 10 + i) for i in range(5)]
    write_submission(other, "Aurora", "node_x8", "retinanet", logs, system_description("Aurora"))
    run(CM(), other, label="4.0", prune=True)
    assert sorted({entry["version"] for entry in load(OVER_ALL)}) == ["4.0", "5.1"]
    assert len(load(OVER_ALL)) == 3


def test_an_experiment_that_the_round_has_nothing_for_is_not_even_reformatted(small, sample, tmp_path):
    run(small, sample)
    file = change(OVER_ALL, lambda objects: objects.reverse())
    before = file.read_bytes()
    logs = [run_log("bert", 10 + i) for i in range(5)]
    write_submission(tmp_path / "other", "Acme", "x8", "bert", logs, system_description("Acme"))
    outcome = run(CM(), tmp_path / "other", label="4.0")
    assert file.read_bytes() == before
    assert {e.name.split("--")[3] for e in outcome.experiments} == {"language-processing"}


# What is wrong with the store


@pytest.mark.parametrize("text", ["[{", '{"a": 1}'])
def test_a_broken_file_stops_that_experiment_only(registered, sample, text, cmr):
    run(registered, sample)
    cache_round(registered, sample, "5.1")
    file = result_file(OWN)
    file.write_text(text)
    change(OVER_ALL, lambda objects: objects[:1])
    done = cmr(SCRIPT_TAGS)
    assert done.returncode == 1
    assert "CM error: not everything could be stored, the rest was:" in done.stderr
    assert f"{file}: " in " ".join(done.stderr.split())
    assert "; nothing was written to it" in " ".join(done.stderr.split())
    assert file.read_text() == text
    assert [path.name for path in file.parent.iterdir()] == ["cm-result.json"]
    assert len(load(OVER_ALL)) == 2


def test_a_broken_description_stops_that_experiment_only(small, sample):
    run(small, sample)
    meta = experiments_of() / OWN / "_cm.json"
    meta.write_text("<<<<<<< HEAD\n")
    change(OWN, lambda objects: objects[:1])
    change(OVER_ALL, lambda objects: objects[:1])
    outcome = run(CM(), sample)
    assert [(finding.code, finding.where) for finding in outcome.failures] == [("invalid-store", str(meta))]
    assert meta.read_text() == "<<<<<<< HEAD\n"
    assert (len(load(OWN)), len(load(OVER_ALL))) == (1, 2)


def test_a_foreign_experiment_with_a_broken_description_does_not_matter(registered, sample):
    other = experiments_of() / "a-stranger"
    other.mkdir(parents=True)
    (other / "_cm.json").write_text("{")
    assert codes(run(CM(), sample)) == []
    assert len(load(OWN)) == 2


def test_of_several_date_folders_the_newest_is_used(small, sample):
    run(small, sample)
    newer = experiments_of() / OWN / "2099-01-01.00-00-00.000000"
    shutil.copytree(result_file(OWN).parent, newer)
    older = next(path for path in newer.parent.iterdir() if path.is_dir() and path != newer)
    (newer / "cm-result.json").write_text("[]")
    before = (older / "cm-result.json").read_bytes()
    outcome = run(CM(), sample)
    assert len(json.loads((newer / "cm-result.json").read_bytes())) == 2
    assert (older / "cm-result.json").read_bytes() == before
    assert [(f.code, f.where) for f in outcome.findings if f.code == "extra-date-folder"] == [
        ("extra-date-folder", str(older))
    ]


@pytest.mark.parametrize("state", ["no description", "half a description", "no results", "empty date folder", "leftover"])
def test_a_half_made_experiment_is_completed(small, sample, state):
    run(small, sample)
    file, meta = result_file(OWN), experiments_of() / OWN / "_cm.json"
    expected, description = file.read_bytes(), meta.read_bytes()
    if state == "leftover":
        (file.parent / ".cm-result.json.4711.tmp").write_bytes(expected[:10])
    elif state == "empty date folder":
        file.unlink()
    else:
        shutil.rmtree(file.parent)
    if state == "no description":
        meta.unlink()
    elif state == "half a description":
        meta.write_bytes(description[:20])
    outcome = run(CM(), sample)
    assert codes(outcome) == []
    assert result_file(OWN).read_bytes() == expected
    assert meta.read_bytes() == description
    assert sorted(path.name for path in meta.parent.rglob("*") if path.is_file()) == ["_cm.json", "cm-result.json"]


def test_results_without_a_description_are_not_lost(registered, sample):
    run(registered, sample)
    change(OWN, lambda objects: objects[0].update(note="mine"))
    (experiments_of() / OWN / "_cm.json").unlink()
    run(CM(), sample)
    assert load(OWN)[0]["note"] == "mine"
    assert CM().access({"action": "find", "automation": "experiment", "artifact": OWN})["list"][0].path == str(
        experiments_of() / OWN
    )


def test_descriptions_are_those_of_collective_mind(registered, sample):
    run(registered, sample)
    ours = (experiments_of() / OWN / "_cm.json").read_bytes()
    shutil.rmtree(experiments_of() / OWN)
    uid, tags = json.loads(ours)["uid"], json.loads(ours)["tags"]
    automation = "experiment,a0a2d123ef064bcb"
    added = CM().access({"action": "add", "automation": automation, "artifact": f"{OWN},{uid}", "tags": tags})
    assert (Path(added["path"]) / "_cm.json").read_bytes() == ours


def test_a_store_that_cannot_be_written_is_an_error(small, sample, monkeypatch):
    def refuse(*_):
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PublishFailure, match="Permission denied"):
        run(small, sample)


# The index of Collective Mind


def indexed() -> set[str]:
    """Experiments as CM finds them through its index."""
    found = CM().access({"action": "find", "automation": "experiment,a0a2d123ef064bcb"})
    return {artifact.meta["alias"] for artifact in found["list"]}


@pytest.mark.slow
@pytest.mark.parametrize("index", ["gone", "cut off", "begun anew"])
def test_an_index_that_is_not_whole_is_made_anew(registered, sample, index):
    run(registered, sample)
    cache_round(registered, sample, "5.1")
    file = home() / "index.json"
    whole = json.loads(file.read_text())
    other = experiments_of() / "mine"
    other.mkdir()
    meta = {"alias": "mine", "uid": "0123456789abcdef", "automation_alias": "experiment"}
    (other / "_cm.json").write_text(json.dumps(meta | {"automation_uid": "a0a2d123ef064bcb", "tags": []}))
    if index == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    if index == "begun anew":
        CM().access({"action": "find", "automation": "experiment,a0a2d123ef064bcb", "artifact": OWN})
        assert indexed() == {OWN}  # CM looks no further
    assert len(import_rounds(home_of(CM()), options_from({}), pytest.fail).rounds) == 1
    assert indexed() == {folder.name for folder in experiments_of().iterdir()}
    assert json.loads(file.read_text()).keys() == whole.keys()


def test_experiments_that_came_with_git_are_indexed(registered, sample):
    run(registered, sample)
    index = home() / "index.json"
    content = json.loads(index.read_text())
    del content["experiment"], content["a0a2d123ef064bcb"]
    index.write_text(json.dumps(content))
    run(CM(), sample)
    assert indexed() == {folder.name for folder in experiments_of().iterdir()}


def test_an_import_does_not_undo_what_others_added_to_the_index(registered, sample):
    early = CM()
    early.access({"action": "find", "automation": "repo"})
    run(registered, sample)
    clone = cache_round(CM(), sample, "4.1")
    run(early, sample, label="5.0")
    assert str(clone.parent) in (home() / "index.json").read_text()
    assert indexed() == {folder.name for folder in experiments_of().iterdir()}


def test_a_cached_round_whose_folder_is_gone_is_reported(registered, sample):
    cache_round(registered, sample, "5.1")
    shutil.rmtree(cache_round(CM(), sample, "5.0").parent)
    outcome = import_rounds(home_of(CM()), options_from({}), pytest.fail)
    assert [(f.code, f.round) for f in outcome.findings if f.code != "run-not-counted"] == [("clone-missing", "5.0")]


# Locks


def test_an_import_waits_for_another_one_and_says_so(small, sample):
    messages = []
    with held(home() / "mlperf-training-import.lock"):
        importing = threading.Thread(target=run, args=(small, sample), kwargs={"tell": messages.append})
        importing.start()
        while not messages and importing.is_alive():
            time.sleep(0.01)
        assert not experiments_of().exists()
    importing.join(60)
    assert len(load(OWN)) == 2
    assert messages == [f"waiting for another import to finish (lock: {home() / 'mlperf-training-import.lock'})"]


def test_two_homes_share_the_lock_of_a_repository(repository, sample):
    messages = []
    with held(repository / ".git/mlperf-training-import.lock"):
        importing = threading.Thread(
            target=run, args=(CM(), sample), kwargs={"tell": messages.append, "target_repo": "my-results"}
        )
        importing.start()
        while not messages and importing.is_alive():
            time.sleep(0.01)
        assert not experiments_of(repository).exists()
    importing.join(60)
    assert len(load(OWN, repository)) == 2
    assert "waiting for another import" in messages[0]


def test_a_lock_that_is_a_link_is_not_followed(repository, sample, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    (repository / ".git/mlperf-training-import.lock").symlink_to(elsewhere)
    with pytest.raises(PublishFailure, match="cannot be written"):
        run(CM(), sample, target_repo="my-results")
    assert elsewhere.read_text() == "precious"
    assert not experiments_of(repository).exists()


def test_nothing_but_experiments_shows_in_a_repository_under_git(repository, sample):
    run(CM(), sample, target_repo="my-results")
    status = subprocess.run(
        ["git", "-C", str(repository), "status", "--porcelain"], capture_output=True, text=True, check=True
    )
    assert status.stdout.splitlines() == ["?? experiment/"]
    assert not experiments_of().exists()
    assert sorted(path.name for path in repository.iterdir()) == [".git", "cmr.yaml", "experiment"]


# Dry runs


def test_a_dry_run_writes_nothing(repository, sample, isolated, cmr):
    cmr(SCRIPT_TAGS)  # CM adds a default configuration to a home when it first runs a script there
    before = snapshot(home()), snapshot(repository), snapshot(isolated)
    done = cmr(SCRIPT_TAGS, f"--path={sample}", "--version=5.1", "--target_repo=my-results", "--dry_run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (snapshot(home()), snapshot(repository), snapshot(isolated)) == before
    rows = [line.split() for line in done.stdout.splitlines() if line.strip().startswith("mlperf-training--")]
    assert ["mlperf-training--5.1--closed--llm-finetuning", "3", "0", "0", "0", "0"] in rows
    assert len(rows) == 8
    assert "dry run: nothing was written" in done.stdout


def test_a_dry_run_says_what_an_import_then_does(small, sample):
    run(small, sample)
    shutil.rmtree(sample / "Borealis/results/tower_x4/retinanet")
    shutil.rmtree(sample / "Aurora/results/node_x64/llama31_8b")
    change(OWN, lambda objects: objects[0].update(Result=1.0))
    (result_file(OWN).parent / ".cm-result.json.4711.tmp").touch()
    index = home() / "index.json"
    content = json.loads(index.read_text())
    del content["experiment"], content["a0a2d123ef064bcb"]
    index.write_text(json.dumps(content))
    for flags in ({}, {"prune": True}):
        before = snapshot(home())
        said = run(CM(), sample, dry_run=True, **flags)
        assert snapshot(home()) == before
        assert said.files == {}
        done = run(CM(), sample, **flags)
        assert [(e.name, e.uid, e.changes) for e in said.experiments] == [
            (e.name, e.uid, e.changes) for e in done.experiments
        ]
        assert said.findings == done.findings
        kept, removed = (sum(getattr(e.changes, key) for e in done.experiments) for key in ("kept", "removed"))
        assert (kept, removed) == ((0, 4) if flags else (4, 0))


def test_cms_index_is_not_written_by_looking_something_up(registered, sample):
    cache_round(registered, sample, "5.1")
    index = home() / "index.json"
    content = json.loads(index.read_text())
    del content["cache"], content["541d6f712a6b464e"]
    index.write_text(json.dumps(content))
    before = snapshot(home())
    assert len(import_rounds(home_of(CM()), options_from({"dry_run": True}), pytest.fail).rounds) == 1
    assert snapshot(home()) == before


def test_a_dry_run_waits_for_nobody(small, sample):
    with held(home() / "mlperf-training-import.lock"):
        run(small, sample, tell=pytest.fail, dry_run=True)


# Rounds under embargo


@pytest.mark.parametrize("label", ["5.1-private", "5.1-review-private", "5.1-Private-2", "5.1-embargo"])
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_private_round_needs_a_target(registered, sample, isolated, label, dry_run):
    before = snapshot(home()), snapshot(isolated)
    with pytest.raises(PrivateRounds) as error:
        run(registered, sample, label=label, dry_run=dry_run)
    assert str(error.value) == (
        f"{label}: not published yet, and must not reach a public repository by accident; say which CM repository is to get "
        "it: --target_repo=<repository>, or say that everybody may see it: --public"
    )
    assert (snapshot(home()), snapshot(isolated)) == before


@pytest.mark.slow
def test_a_private_round_among_others_stops_the_run(registered, sample, isolated, cmr):
    for label, remote in (
        ("5.0", "git@github.com:o/a"),
        ("5.1-private", "git@github.com:o/b"),
        ("5.1", "git@github.com:o/c"),
    ):
        cache_round(registered, sample, label, remote)
    done = cmr(SCRIPT_TAGS)
    assert done.returncode == 1
    assert "5.1-private: not published yet" in done.stderr
    assert "or import the others only: --version=5.0,5.1" in done.stderr
    assert not experiments_of().exists()
    assert list(isolated.iterdir()) == []
    assert cmr(SCRIPT_TAGS, "--version=5.0,5.1").returncode == 0
    assert not any("private" in folder.name for folder in experiments_of().iterdir())


def test_a_private_round_stays_out_of_the_experiments_over_all_rounds(repository, sample):
    run(CM(), sample, label="5.1-private", target_repo="my-results")
    assert {folder.name.split("--")[1] for folder in experiments_of(repository).iterdir()} == {"5.1-private"}
    assert not experiments_of().exists()
    run(CM(), sample, label="5.1", target_repo="my-results")
    before = snapshot(experiments_of(repository))
    run(CM(), sample, label="5.1-private", target_repo="my-results")
    assert snapshot(experiments_of(repository)) == before
    assert {entry["version"] for entry in load(OVER_ALL, repository)} == {"5.1"}


def test_a_round_that_is_declared_public_is_one(small, sample):
    outcome = run(small, sample, label="5.1-review", public=True)
    assert {experiment.label for experiment in outcome.experiments} == {"5.1-review", "all"}


def test_a_label_of_ones_own_needs_no_target_and_stays_out_of_the_experiments_over_all_rounds(small, sample):
    outcome = run(small, sample, label="5.1-rerun")
    assert {experiment.label for experiment in outcome.experiments} == {"5.1-rerun"}


def test_what_an_older_import_put_among_all_rounds_is_taken_back(small, sample):
    run(small, sample, label="5.1-rerun", public=True)
    change(OVER_ALL, lambda objects: [item | {"note": 1} for item in objects])
    outcome = run(CM(), sample, label="5.1-rerun")
    assert "moved-result" in codes(outcome)
    assert load(OVER_ALL) == []
    assert {item["note"] for item in load(OWN.replace("5.1", "5.1-rerun"))} == {1}


def test_a_clone_of_submissions_is_private_whatever_its_label(registered, sample):
    cache_round(registered, sample, "5.1", "https://github.com/mlcommons/submissions_training_v5.1")
    with pytest.raises(PrivateRounds, match=r"5\.1: not published yet"):
        import_rounds(home_of(CM()), options_from({}), pytest.fail)
    assert not experiments_of().exists()


# Links and credentials

#: Remotes of a clone, with a secret in every place where one can be, and the page that they mean.
REMOTES = {
    "1.0": (f"https://user:{HIDDEN}@github.com/org/a.git", "https://github.com/org/a"),
    "1.1": (f"https://{HIDDEN}@github.com/org/b", "https://github.com/org/b"),
    "2.0": (f"ssh://git:{HIDDEN}@github.com:2222/org/c.git", "https://github.com/org/c"),
    "2.1": (f"user:{HIDDEN}@github.com:org/d.git", "https://github.com/org/d"),
    "3.0": ("git@github.com:org/e.git", "https://github.com/org/e"),
    "3.1": (f"http://oauth2:{HIDDEN}@git.example.org:8080/org/f.git/", "http://git.example.org:8080/org/f"),
    "4.0": (f"https://user:{HIDDEN}/{HIDDEN}@github.com/org/g", None),
    "4.1": (f"https://user:1/{HIDDEN}@github.com/org/h", None),
    "5.0": (f"user:{HIDDEN}@github.com/org/i", None),
    "5.1": (f"https://github.com/org/j?private_token={HIDDEN}#{HIDDEN}", "https://github.com/org/j"),
}


@pytest.mark.slow
def test_credentials_get_nowhere_and_links_are_those_of_the_page(registered, sample, isolated):
    for label, (remote, _) in REMOTES.items():
        cache_round(registered, sample, label, remote)
    done = forked.cmr(SCRIPT_TAGS)
    assert done.returncode == 0, done.stdout + done.stderr
    listed = forked.run_py("list")
    written = [path for place in (isolated, experiments_of()) for path in place.rglob("*") if path.is_file()]
    written += [home() / "index.json", home() / "repos.json"]
    assert len(written) > 80
    for path in written:
        assert HIDDEN.encode() not in path.read_bytes(), path
    for text in (done.stdout, done.stderr, listed.stdout, listed.stderr):
        assert HIDDEN not in text
    commit = git.Repo(sample).head.commit.hexsha
    pages = {}
    for entry in json.loads((isolated / "summary_results.json").read_text()):
        page = pages.setdefault(entry["version"], entry.get("git_url"))
        assert entry["git_commit"] == commit
        links = {key: entry[key] for key in ("details_url", "code_url", "url") if key in entry}
        folder, system, benchmark = entry["submitter_folder"], entry["system_file"], entry["Model_ID"]
        assert links == (
            {
                "details_url": f"{page}/blob/main/{folder}/systems/{system}.json",
                "code_url": f"{page}/blob/main/{folder}/benchmarks",
                "url": f"{page}/tree/main/{folder}/results/{system}/{benchmark}",
            }
            if page
            else {}
        )
    assert pages == {label: page for label, (_, page) in REMOTES.items()}


@pytest.mark.parametrize("head", ["feature/x", "detached"])
def test_links_use_the_branch_or_the_commit_where_none_is_checked_out(registered, sample, head):
    clone = cache_round(registered, sample, "5.1", "https://github.com/org/a")
    commit = git.Repo(clone).head.commit.hexsha
    git.Repo(clone).git.checkout(*(["--detach"] if head == "detached" else ["-b", head]))
    import_rounds(home_of(registered), options_from({}), pytest.fail)
    revision = commit if head == "detached" else head
    assert load(OWN)[0]["details_url"] == f"https://github.com/org/a/blob/{revision}/Aurora/systems/node_x8.json"


def test_links_are_encoded(registered, tmp_path):
    tree = tmp_path / "tree"
    logs = [run_log("retinanet", 10 + i) for i in range(5)]
    write_submission(tree, "A+B & C", "x 8#1%20ü", "retinanet", logs, system_description("A"))
    make_repository(tree)
    clone = cache_round(registered, tree, "5.1", "https://github.com/org/a")
    git.Repo(clone).git.checkout("-b", "a#b")
    import_rounds(home_of(registered), options_from({}), pytest.fail)
    (entry,) = load(OWN)
    base, place = "https://github.com/org/a", "A%2BB%20%26%20C"
    assert entry["details_url"] == f"{base}/blob/a%23b/{place}/systems/x%208%231%2520%C3%BC.json"
    assert entry["code_url"] == f"{base}/blob/a%23b/{place}/benchmarks"
    assert entry["url"] == f"{base}/tree/a%23b/{place}/results/x%208%231%2520%C3%BC/retinanet"
    before = snapshot(experiments_of())
    import_rounds(home_of(CM()), options_from({}), pytest.fail)
    assert snapshot(experiments_of()) == before


def test_a_tree_without_git_has_no_links(small, sample):
    shutil.rmtree(sample / ".git")
    run(small, sample)
    assert not [key for entry in load(OWN) for key in entry if "url" in key or "git" in key]
