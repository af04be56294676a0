"""What was merged is not merged again if nothing differs, and is if anything does; what is stored is the same either way."""

from __future__ import annotations

import dataclasses
import json
import resource
from typing import TYPE_CHECKING

import pytest
from cmind.core import CM
from madeup import make_entry

from mlperf_training_import.experiments import publish as publish_module
from mlperf_training_import.experiments import settled
from mlperf_training_import.experiments.identity import stored_identity
from mlperf_training_import.experiments.publish import find_target, publish
from mlperf_training_import.homes import home_of
from mlperf_training_import.logs import cache as cache_module
from mlperf_training_import.rounds.presence import Presence

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("mlperf-training--5.0--closed--llm-finetuning", "mlperf-training--all--closed--llm-finetuning")


class Store:
    """A repository with three results, each in two experiments, and how often something was merged into it."""

    def __init__(self, cm, monkeypatch) -> None:
        self.home, self.merged = home_of(cm), []
        self.target = find_target(self.home, "")
        self.record = self.home.repos_path / "mlperf-training-published.record"
        self.entries = [make_entry(number, "5.0") for number in range(3)]
        real = publish_module.load_experiment
        monkeypatch.setattr(
            publish_module, "load_experiment", lambda name, *more: self.merged.append(name) or real(name, *more)
        )

    def publish(self, *, remember=True, **more):
        """What publishing returns, and its findings."""
        groups = {name: {stored_identity(entry): dict(entry) for entry in self.entries} for name in NAMES}
        findings = []
        given = {"presence": lambda *_: Presence.GONE, "remember": remember} | more
        with self.home.index_left_alone():
            return publish(self.target, groups, ["5.0"], findings, **given), findings

    def again(self, **more) -> bool:
        """Publishes, checks that against a merge, and says whether it merged."""
        self.merged.clear()
        published, findings = self.publish(**more)
        is_merged, bytes_now = bool(self.merged), self.bytes()
        checked, _ = self.publish(remember=False, **more)
        assert self.bytes() == bytes_now
        if not is_merged:
            assert published == checked
            assert findings == []
        return is_merged

    def bytes(self) -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in self.target.experiments.rglob("*") if file.is_file()}

    def file(self, name: str = NAMES[0]) -> Path:
        (found,) = (self.target.experiments / name).glob("*/cm-result.json")
        return found


@pytest.fixture
def store(isolated, monkeypatch):
    monkeypatch.setenv("CM_CORE_SKIP_INTERNAL_REPOS", "yes")  # a small index: each test makes a home
    cm = CM()
    assert cm.access({"action": "find", "automation": "repo"})["return"] == 0
    made = Store(cm, monkeypatch)
    assert made.again()
    return made


def test_the_same_import_merges_nothing(store):
    assert not store.again()
    published, _ = store.publish()
    assert [(one.name, one.changes.unchanged) for one in published] == [(name, 3) for name in NAMES]


def change_entry(store):
    store.entries[1]["Result"] = 1.5


def change_stored_value(store):
    objects = json.loads(store.file().read_bytes())
    objects[0]["Result"] = 77.0
    store.file().write_text(json.dumps(objects))


def change_stored_order(store):
    store.file().write_text(json.dumps(json.loads(store.file().read_bytes())[::-1]))


def change_a_blank(store):
    store.file().write_bytes(store.file().read_bytes() + b" ")


def change_uid(store):
    store.file().write_bytes(store.file().read_bytes().replace(store.entries[0]["uid"].encode(), b"0123456789abcdef"))


def change_description(store):
    file = store.target.experiments / NAMES[0] / "_cm.json"
    file.write_text(json.dumps(json.loads(file.read_bytes()) | {"note": "mine"}))


def add_note(store):
    store.file().write_text(json.dumps([item | {"note": "mine"} for item in json.loads(store.file().read_bytes())]))


def add_entry(store):
    store.entries.append(make_entry(3, "5.0"))


def add_date_folder(store):
    folder = store.file().parent.with_name("2099-01-01.00-00-00")
    folder.mkdir()
    (folder / "cm-result.json").write_text("[]")


def add_experiment(store):
    (store.target.experiments / "mlperf-training--5.0--open--llm-finetuning").mkdir()


def remove_entry(store):
    del store.entries[1]


def remove_stored_entry(store):
    store.file().write_text(json.dumps(json.loads(store.file().read_bytes())[1:]))


def remove_file(store):
    store.file().unlink()


def remove_description(store):
    (store.target.experiments / NAMES[0] / "_cm.json").unlink()


KINDS = ("change", "add", "remove")
CHANGES = [value for name, value in list(globals().items()) if name.startswith(KINDS)]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_any_change_is_merged(store, change):
    change(store)
    assert store.again()


@pytest.mark.parametrize("given", [{"prune": True}, {"guests": ["5.0"]}], ids=str)
def test_how_it_is_asked_counts(store, given):
    assert store.again(**given)


def test_other_code_or_tables_count(store, monkeypatch):
    monkeypatch.setattr(settled, "fingerprint_of", lambda *_: b"another version")
    assert store.again()
    assert not store.again()


def test_another_repository_is_merged(store):
    target = store.target
    store.target = dataclasses.replace(target, path=target.path / "other", experiments=target.path / "other/experiment")
    store.target.path.mkdir()
    assert store.again()


def test_what_was_asked_about_or_found_is_asked_and_found_again(store):
    remove_entry(store)
    for _ in range(2):
        assert store.again()
        _, findings = store.publish()
        assert [finding.code for finding in findings] == ["kept-result", "kept-result"]


def test_without_leave_nothing_is_written(store):
    store.record.unlink()
    assert store.again(dry_run=True)
    store.publish(remember=False)
    assert not store.record.exists()
    assert store.again()
    assert not store.again(dry_run=True)


def test_what_is_missing_in_the_index_is_added_though_nothing_is_merged(store):
    index = store.home.repos_path / "index.json"
    before = index.read_bytes()
    content = json.loads(before)
    content["experiment,a0a2d123ef064bcb".partition(",")[2]] = {}
    index.write_text(json.dumps(content))
    assert not store.again()
    assert json.loads(index.read_bytes()) == json.loads(before)


@pytest.mark.parametrize("data", [b"", b"\0" * 99, b"damaged"])
def test_a_damaged_record_counts_as_none(store, data):
    store.record.write_bytes(data)
    assert store.again()
    assert not store.again()


def test_a_record_that_names_what_is_not_there_counts_as_none(store, monkeypatch):
    """Somebody may have written it who knows how it is made."""
    ((key, _),) = cache_module._read(store.record, dict[bytes, bytes], 1 << 20)[0].items()
    cache_module.KeptRecord(store.record, is_kept=True).keep(key, settled.msgspec.msgpack.encode({"elsewhere": 5}))
    assert store.again()


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_record_that_others_may_write_is_not_taken(store, mode):
    assert store.record.stat().st_mode & 0o777 == 0o600
    store.record.chmod(mode)
    assert store.again()


def test_an_experiment_with_a_link_in_it_is_merged(store):
    (store.target.experiments / NAMES[0] / "link").symlink_to("_cm.json")
    assert store.again()
    assert store.again()


def test_a_large_file_of_the_owner_fills_no_memory(store):
    with (store.target.experiments / NAMES[0] / "trace.bin").open("wb") as stream:
        stream.truncate(300 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(2):
        store.merged.clear()
        store.publish()
        assert store.merged == [*NAMES]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10


def test_files_of_the_owner_count_up_to_a_number(store, monkeypatch):
    (store.target.experiments / NAMES[0] / "notes.txt").write_text("mine")
    assert store.again()
    assert not store.again()
    monkeypatch.setattr(settled, "_MOST_STORED_FILES", 5)
    assert store.again()
    assert store.again()


def test_a_number_of_more_than_64_bits_is_not_remembered(store):
    store.entries[0]["seed"] = 1 << 80
    assert store.again()
    assert store.again()
