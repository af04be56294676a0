"""Merging entries into what is stored: who is who, what stays, what goes. No Collective Mind, and no round."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from urllib.parse import quote

import pytest

from mlperf_training_import.atomic import remove_leftovers, write_atomically, write_if_different
from mlperf_training_import.errors import PublishFailure
from mlperf_training_import.experiments.files import StoredExperiment, is_stored, load_experiment, rewritten, to_bytes
from mlperf_training_import.experiments.identity import IdentityIndex, stored_identity
from mlperf_training_import.experiments.merge import Merger, move_results, stored_uids
from mlperf_training_import.outcome import Changes
from mlperf_training_import.results.entry import uid_of
from mlperf_training_import.rounds.presence import Presence

NAME = "mlperf-training--3.0--closed--language-processing"
OVER_ALL = "mlperf-training--all--closed--language-processing"


def entry(folder="Acme", system="x8", benchmark="bert", label="3.0", minutes=1.5, submitter=None, **more):
    """An entry as this importer makes it, with the keys that matter here."""
    return {
        "version": label,
        "submitter_folder": folder,
        "system_file": system,
        "Model_ID": benchmark,
        "submitter": submitter or folder,
        "system": system,
        "division": "closed",
        "Result": minutes,
        "uid": uid_of((label, folder, system, benchmark)),
        benchmark: minutes,
        **more,
    }


def old_entry(submitter="Acme", system="x8", benchmark="bert", label="3.0", minutes=1.5, place=None, **more):
    """An entry as the older script made it: the identity is in the address only, other benchmarks have columns."""
    place = place or f"{submitter}/systems/{system}.json"
    return {
        "version": label,
        "Model_ID": benchmark,
        "submitter": submitter,
        "system": system,
        "division": "closed",
        "Result": minutes,
        "uid": "1111222233334444",
        "details_url": f"https://github.com/mlcommons/training_results_v{label}/blob/main/{place}",
        benchmark: minutes,
        "gpt3": "",
        "unet3d": 47.7,
        **more,
    }


def all_gone(identity, division):
    return Presence.GONE


def of_round_3(identity, division):
    return Presence.GONE if identity[0] == "3.0" else Presence.OUT_OF_SCOPE


def by_identity(entries):
    return {stored_identity(one): one for one in entries}


def run(stored, entries, *, name=NAME, prune=False, presence=all_gone, labels=("3.0",)):
    """Merges as publishing does. Returns the objects, the changes, and the findings as (code, what)."""
    findings = []
    experiment = StoredExperiment(name, None, None, b"", stored)
    group = by_identity(entries)
    index = IdentityIndex(group)
    uids = stored_uids([experiment], index, labels)
    merger = Merger(index, uids, presence, prune, lambda code, where, what: findings.append((code, what)))
    objects, changes = merger.merge(experiment, group)
    return objects, changes, findings


# Who is who


@pytest.mark.parametrize(
    ("folder", "submitter", "system", "place"),
    [
        ("Acme", "Acme", "x8", None),
        ("NVIDIA_CoreWeave", "NVIDIA+CoreWeave", "x8", None),
        ("NVIDIA_CoreWeave", "NVIDIA+CoreWeave", "x8", "NVIDIA%2BCoreWeave/systems/x8.json"),
        ("PCL", "PCL & PKU", "x8", None),
        ("PCL", "PCL & PKU", "x 8#1", f"{quote('PCL & PKU')}/systems/{quote('x 8#1')}.json"),
        ("PCL", "PCL & PKU", "x8", "PCL+%26+PKU/systems/x8.json"),
        ("Acme", "Acme", "50%25", "Acme/systems/50%25.json"),
        ("Acme", "Acme, Inc.", "x8", "Acme/systems/x8.json"),
        ("Acme", "A/B", "x8", None),
        ("Acme", "Acme", "x8", "Acme/systems/x8.json#L3"),
        ("Acme", "Acme", "x8", "feature/Acme/systems/x8.json"),
    ],
)
def test_an_entry_of_the_older_script_is_matched_by_submitter_and_system(folder, submitter, system, place):
    new = entry(folder, system, submitter=submitter)
    objects, changes, findings = run([old_entry(submitter, system, place=place)], [new])
    assert objects == [new | {"uid": "1111222233334444"}]
    assert (changes, findings) == (Changes(updated=1), [])


def test_the_submitter_as_displayed_comes_before_a_folder_of_that_name():
    a, b = entry("A", submitter="B"), entry("B", submitter="C")
    objects, _, _ = run([old_entry("B")], [a, b])
    assert {e["submitter_folder"]: e["uid"] for e in objects} == {"A": "1111222233334444", "B": b["uid"]}


def test_folders_that_share_a_submitter_are_told_apart_by_their_minutes():
    smc, ac = entry("smc", minutes=2.0, submitter="Metal"), entry("smc-ac", minutes=3.0, submitter="Metal")
    stored = [old_entry("Metal", minutes=3.0, uid="a" * 16), old_entry("Metal", minutes=2.0, uid="b" * 16)]
    objects, changes, findings = run(stored, [smc, ac])
    assert {e["submitter_folder"]: e["uid"] for e in objects} == {"smc": "b" * 16, "smc-ac": "a" * 16}
    assert (changes, findings) == (Changes(updated=2), [])


@pytest.mark.parametrize("minutes", [9.0, 2.0])
def test_what_could_be_none_or_several_of_some_folders_is_nobodys(minutes):
    entries = [entry("smc", minutes=2.0, submitter="Metal"), entry("smc-ac", minutes=2.0, submitter="Metal")]
    stored = old_entry("Metal", minutes=minutes)
    objects, changes, findings = run([stored], entries)
    assert stored in objects
    assert changes == Changes(added=2)
    assert [code for code, _ in findings] == ["unrecognised-entry"]


def test_results_of_other_rounds_are_never_taken_for_one():
    stored = [old_entry("Metal", label="4.0", minutes=2.0), old_entry("Metal", label="4.0", minutes=3.0)]
    objects, _, findings = run(stored, [entry()], name=OVER_ALL, presence=of_round_3)
    assert all(item in objects for item in stored)
    assert findings == []


@pytest.mark.parametrize(
    "change",
    [{"label": "3.1"}, {"folder": "Other"}, {"system": "x16"}, {"benchmark": "resnet"}],
    ids=lambda c: next(iter(c)),
)
def test_every_part_of_the_identity_counts(change):
    _, changes, _ = run([entry(), entry(**change)], [entry()], presence=lambda identity, division: Presence.OUT_OF_SCOPE)
    assert changes == Changes(unchanged=1)


# uids


def test_a_new_entry_has_a_uid_that_everybody_gets():
    assert uid_of(("3.0", "Acme", "x8", "bert")) == "5e24833b16776c13"
    objects, changes, _ = run([], [entry()])
    assert objects[0]["uid"] == "5e24833b16776c13"
    assert changes == Changes(added=1)


def test_a_stored_uid_stays_whatever_it_is():
    objects, _, findings = run([entry(uid="my-own")], [entry()])
    assert objects[0]["uid"] == "my-own"
    assert findings == []


def test_a_result_has_the_uid_of_its_other_experiment():
    index = IdentityIndex(by_identity([entry()]))
    own = StoredExperiment(NAME, None, objects=[old_entry()])
    over_all = StoredExperiment(OVER_ALL, None, objects=[entry(uid="9" * 16)])
    uids = stored_uids([over_all, own], index, ["3.0"])
    assert uids == {("3.0", "Acme", "x8", "bert"): "1111222233334444"}
    assert stored_uids([over_all], index, ["3.0"]) == {("3.0", "Acme", "x8", "bert"): "9" * 16}
    own.objects = [entry()]  # a derived uid gives way to one that people may link to
    assert stored_uids([over_all, own], index, ["3.0"]) == {("3.0", "Acme", "x8", "bert"): "9" * 16}


def test_a_uid_that_gives_way_is_noted():
    findings = []
    experiment = StoredExperiment(OVER_ALL, None, objects=[entry(uid="9" * 16)])
    identity = stored_identity(entry())
    index = IdentityIndex(by_identity([entry()]))
    merger = Merger(index, {identity: "1" * 16}, all_gone, False, lambda code, where, what: findings.append(code))
    objects, _ = merger.merge(experiment, {identity: entry()})
    assert objects == [entry(uid="1" * 16, uid_2="9" * 16)]
    assert findings == ["several-uids"]


@pytest.mark.parametrize("uid", [None, "", 7, ["x"]])
def test_an_entry_without_uid_gets_one_and_is_reported(uid):
    stored = old_entry(uid=uid, note="keep me")
    objects, _, findings = run([stored], [entry()])
    assert objects == [entry(note="keep me")]
    assert [code for code, _ in findings] == ["missing-uid"]


# What stays, what goes


def test_keys_of_people_stay_and_ours_are_brought_up_to_date():
    people = {"acm_ctuning_repro_badge_available": True, "derived": {"cost": [1, 2.5]}, "url_of_mine": "x", "Notes": ""}
    stored = old_entry(minutes=9.9, notes="written by the older script", **people)
    objects, changes, _ = run([stored], [entry()])
    assert objects == [entry(uid="1111222233334444", **people)]
    assert changes == Changes(updated=1)


def test_columns_of_other_benchmarks_go():
    objects, _, _ = run([old_entry(retinanet=3.0, bertha="is no benchmark")], [entry()])
    assert objects[0].keys() - entry().keys() == {"bertha"}


def test_the_column_of_a_benchmark_that_no_table_knows_is_ours():
    objects, changes, _ = run([entry(benchmark="new_one", minutes=3.0)], [entry(benchmark="new_one")])
    assert objects == [entry(benchmark="new_one")]
    assert changes == Changes(updated=1)


def test_a_value_that_is_written_differently_is_an_update():
    _, changes, _ = run([entry(accelerators_count=8.0)], [entry(accelerators_count=8)])
    assert changes == Changes(updated=1)


def test_what_the_clone_no_longer_holds_is_kept_and_reported():
    gone = old_entry(system="gone")
    objects, changes, findings = run([gone], [entry()])
    assert gone in objects
    assert changes == Changes(added=1, kept=1)
    assert findings == [("kept-result", "3.0 / Acme / gone / bert is not in the clone")]


def test_prune_removes_it_and_nothing_else():
    stored = [old_entry(system="gone"), old_entry(system="asked-for-by-nobody"), ["nested"], {"no": "identity"}]

    def presence(identity, division):
        return Presence.GONE if identity == ("3.0", "Acme", "gone", "bert") else Presence.OUT_OF_SCOPE

    objects, changes, findings = run(stored, [entry()], prune=True, presence=presence)
    assert changes == Changes(added=1, removed=1)
    assert [o for o in objects if o in stored] == stored[1:]
    assert ("pruned-result", "3.0 / Acme / gone / bert is not in the clone") in findings


def test_prune_keeps_what_the_clone_may_still_have():
    there = old_entry(system="there")
    objects, changes, findings = run([there], [entry()], prune=True, presence=lambda identity, division: Presence.PRESENT)
    assert (there in objects, changes) == (True, Changes(added=1, kept=1))
    assert findings == [("kept-result", "3.0 / Acme / there / bert was not scored this time, and may be in the clone")]


@pytest.mark.parametrize(
    "odd",
    [
        {key: value for key, value in old_entry(note=1).items() if key != "details_url"},
        old_entry(place="Acme/x8.json"),
        old_entry(details_url=["https://example.org"]),
        old_entry(version={"value": "3.0"}),
        {key: value for key, value in old_entry().items() if key != "Model_ID"},
        {"entries": [old_entry()]},
        [old_entry()],
        "text",
        None,
        7,
    ],
    ids=lambda odd: type(odd).__name__,
)
def test_an_object_that_nobody_can_place_is_kept_as_it_is_and_reported(odd):
    objects, changes, findings = run([json.loads(json.dumps(odd)), entry()], [entry()], prune=True)
    assert len(objects) == 2
    assert odd in objects
    assert changes == Changes(unchanged=1)
    assert [code for code, _ in findings] == ["unrecognised-entry"]


def test_two_objects_of_one_result_are_merged_and_nothing_is_lost():
    stored = [old_entry(badge="gold", cost=1), entry(cost=2, derived=[1], uid="f" * 16)]
    objects, changes, findings = run(stored, [entry()])
    assert objects == [entry(uid="1111222233334444", uid_2="f" * 16, badge="gold", cost=1, cost_2=2, derived=[1])]
    assert changes == Changes(updated=1)
    what = "two objects for 3.0 / Acme / x8 / bert; the second's values are kept as cost_2, uid_2"
    assert findings == [("merged-duplicates", what)]
    again, changes, findings = run(objects, [entry()])
    assert (again, changes, findings) == (objects, Changes(unchanged=1), [])


def test_of_two_uids_the_one_that_people_link_to_stays():
    objects, _, _ = run([entry(), old_entry()], [entry()])
    assert objects == [entry(uid="1111222233334444", uid_2=entry()["uid"])]


def test_three_equal_objects_become_one():
    objects, _, findings = run([old_entry(note=1)] * 3, [entry()])
    assert objects == [entry(uid="1111222233334444", note=1)]
    assert [code for code, _ in findings] == ["merged-duplicates"] * 2


def test_a_value_is_kept_once_however_often_it_was_noted():
    objects, _, _ = run([old_entry(cost=cost) for cost in (1, 2, 2, 3, 1)], [entry()])
    assert objects == [entry(uid="1111222233334444", cost=1, cost_2=2, cost_3=3)]


def test_duplicates_of_a_stale_result_are_merged_too():
    stored = [old_entry(system="gone", a=1), old_entry(system="gone", b=2)]
    objects, changes, _ = run(stored, [entry()])
    assert [o for o in objects if o["system"] == "gone"] == [old_entry(system="gone", a=1, b=2)]
    assert changes == Changes(added=1, kept=1)


def test_a_result_moves_with_what_was_noted():
    """Until a table knows a benchmark, its key is its task."""
    new = entry(benchmark="new_one")
    before = StoredExperiment("mlperf-training--3.0--closed--new_one", None, objects=[new | {"note": 1, "uid": "a" * 16}])
    after = StoredExperiment("mlperf-training--3.0--closed--text-to-image", None)
    index, findings = IdentityIndex(by_identity([new])), []
    identity = stored_identity(new)

    def report(code, where, what):
        findings.append(code)

    move_results([before, after], {(False, identity): after.name}, index, report)
    uids = stored_uids([before, after], index, ["3.0"])
    merger = Merger(index, uids, all_gone, False, report)
    left, left_changes = merger.merge(before, {})
    objects, changes = merger.merge(after, {identity: new})
    assert (left, left_changes) == ([], Changes(removed=1))
    assert (objects, changes) == ([new | {"note": 1, "uid": "a" * 16}], Changes(added=1))
    assert findings == ["moved-result"]


def test_a_result_stays_where_its_new_home_cannot_be_read():
    before = StoredExperiment(OVER_ALL, None, objects=[entry()])
    after = StoredExperiment(f"{OVER_ALL}-2", None, usable=False)
    places = {(True, stored_identity(entry())): after.name}
    move_results([before, after], places, IdentityIndex(by_identity([entry()])), pytest.fail)
    assert before.objects == [entry()]


# Order and bytes


def test_objects_are_ordered_whatever_order_they_came_in():
    entries = [
        entry("Acme", "a", label="3.0"),
        entry("Acme", "a", label="10.0"),
        entry("Acme", "b", "resnet"),
        entry("Acme", "b", "bert", label="4.0"),
        entry("Zeta", "a"),
        entry("Acme", "a", division="open"),
    ]
    expected = [entries[i] for i in (0, 1, 3, 2, 4)] + [entries[5]]
    entries[5]["system_file"] = "c"
    one, _, _ = run([], entries)
    other, _, _ = run([], entries[::-1])
    assert one == other == expected


def test_objects_that_nothing_orders_stay_as_they_are_stored():
    weak = entry(metric="throughput")
    for stored in ([entry(), weak], [weak, entry()], [entry(), weak, dict(weak)]):
        objects, changes, _ = run(stored, [entry()])
        assert objects == stored[:2]
        again, changes, _ = run(objects, [entry()])
        assert (again, changes) == (objects, Changes(unchanged=1, kept=1))


ODD = {"b": 'é\u2028\x7f\U0001f600"\\/', "a": [1, 1.5, 1e-07, 1e22, 10**30, True, None, {}, [], {"z": 1, "a": -0.0}]}


@pytest.mark.parametrize("more", [[], [float("nan")], ["\ud83d"]], ids=["plain", "no number", "half a surrogate"])
def test_bytes_are_those_of_collective_mind(tmp_path, more):
    from cmind import utils

    objects = [entry(), entry(**ODD), {}, [], "text", None, *more]
    utils.save_json(str(tmp_path / "theirs.json"), meta=objects)
    assert to_bytes(objects) == (tmp_path / "theirs.json").read_bytes()
    assert to_bytes(objects).endswith(b"\n]\n")


# Files


def load(folder):
    findings = []
    experiment = load_experiment(NAME, folder, lambda code, where, what: findings.append((code, where, what)))
    return experiment, findings


def make(folder, date, text=None):
    (folder / date).mkdir(parents=True)
    if text is not None:
        (folder / date / "cm-result.json").write_text(text)
    return folder / date / "cm-result.json"


def test_of_several_date_folders_the_newest_with_results_is_used(isolated):
    older = make(isolated, "2023-06-28.17-09-38.847830", "[1]")
    used = make(isolated, "2024-01-01.00-00-00.000001", "[2]")
    make(isolated, "2025-01-01.00-00-00.000001")
    make(isolated, "zz-not-a-date", "[3]")
    experiment, findings = load(isolated)
    assert (experiment.file, experiment.objects) == (used, [2])
    assert findings == [("extra-date-folder", str(older.parent), "not used; the results are in 2024-01-01.00-00-00.000001")]


def test_a_date_folder_without_results_is_used(isolated):
    file = make(isolated, "2024-01-01.00-00-00.000001")
    experiment, findings = load(isolated)
    assert (experiment.file, experiment.objects, findings) == (file, [], [])


@pytest.mark.parametrize("text", ["", "[", '[{"a": 1},', "{}", "null", '"text"', "\x00", "[" * 100_000])
def test_a_file_that_is_no_list_is_reported_and_unusable(isolated, text):
    file = make(isolated, "2024-01-01.00-00-00.000001", text)
    experiment, findings = load(isolated)
    assert not experiment.usable
    assert [(code, where) for code, where, _ in findings] == [("invalid-store", str(file))]
    assert file.read_text() == text


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(isolated, monkeypatch):
    file = isolated / "cm-result.json"
    file.write_bytes(b"old")

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PublishFailure, match=r"cm-result.json: cannot be written \(No space left on device\)"):
        write_atomically(file, b"new")
    assert {path.name: path.read_bytes() for path in isolated.iterdir()} == {"cm-result.json": b"old"}


def test_data_are_on_the_disk_before_the_name_is(isolated, monkeypatch):
    calls = []
    real_fsync, real_replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("fsync"), real_fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("replace"), real_replace(a, b)))
    write_atomically(isolated / "x", b"new")
    assert calls == ["fsync", "replace", "fsync"]
    assert (isolated / "x").read_bytes() == b"new"


SAFE = ["0", "-0.0", "1.50", "1E5", "1e-07", "5e-324", "0.30000000000000004", "9007199254740993", "9" * 300, "NaN"]
SAFE += ["-Infinity", "47.700000000000003", "1.7976931348623157e308", "0.500000000000000000000000"]


@pytest.mark.parametrize("number", SAFE)
def test_numbers_that_can_be_written_again(isolated, number):
    make(isolated, "2024-01-01.00-00-00.000001", f'[{{"note": {number}}}]')
    experiment, findings = load(isolated)
    assert (experiment.usable, findings) == (True, [])
    assert repr(json.loads(to_bytes(experiment.objects))) == repr(json.loads(f'[{{"note": {number}}}]'))


@pytest.mark.parametrize(
    "text",
    [
        *('{"note": 1e400}', '{"note": -1e400}', '{"note": 1e-400}', '{"note": 3.14159265358979323846}', '{"note": 4e-324}'),
        *('{"note": 0.12345678901234567}', '{"note": 1e99999999999999999999}', '{"note": [{"x": 1.00000000000000000001}]}'),
        *('{"note": 1%s}' % ("0" * 400), '{"note": %s}' % ("9" * 5000), '{"note": 1, "note": 2}', '{"a": {"b": 1, "b": 1}}'),
        *('{"a":' * 150 + "1" + "}" * 150, "[" * 150 + "]" * 150, '{"\\u0061": 1, "a": 2}'),
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_what_would_change_if_it_were_written_stops_the_experiment(isolated, text):
    """People's notes: nobody may lose a digit of them, or one of two values, to an import."""
    file = make(isolated, "2024-01-01.00-00-00.000001", f"[{text}]")
    experiment, ((code, where, what),) = load(isolated)
    assert (experiment.usable, code, where) == (False, "invalid-store", str(file))
    assert what.endswith("; nothing was written to it")


@pytest.mark.parametrize("form", ["folder", "pipe", "loop", "device"])
def test_what_is_no_result_file_stops_the_experiment(isolated, form):
    file = make(isolated, "2024-01-01.00-00-00.000001")
    {
        "folder": file.mkdir,
        "pipe": lambda: os.mkfifo(file),
        "loop": lambda: file.symlink_to(file.name),
        "device": lambda: file.symlink_to("/dev/zero"),
    }[form]()
    experiment, ((code, where, what),) = load(isolated)
    assert (experiment.usable, code, where) == (False, "invalid-store", str(file))
    assert ("not a regular file" in what) or form == "loop"


def test_leftovers_of_killed_writers_are_removed(isolated):
    keep = [isolated / "cm-result.json", isolated / ".other.7.tmp", isolated / "cm-result.json.tmp"]
    leftovers = [isolated / ".cm-result.json.4711.tmp", isolated / ".cm-result.json.tmp"]
    for file in keep + leftovers:
        file.touch()
    os.mkfifo(isolated / ".cm-result.json.1.tmp")
    (isolated / ".cm-result.json.2.tmp").symlink_to(keep[0])
    remove_leftovers(isolated / "cm-result.json")
    assert sorted(isolated.iterdir()) == sorted(keep)


def test_what_another_writer_is_at_is_no_leftover(isolated):
    busy = isolated / ".cm-result.json.4711.tmp"
    with busy.open("xb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        write_atomically(isolated / "cm-result.json", b"new")
        assert busy.exists()
    write_if_different(isolated / "cm-result.json", b"new")
    assert [path.name for path in isolated.iterdir()] == ["cm-result.json"]


def test_a_temporary_file_that_somebody_removed_is_made_once_more(isolated, monkeypatch):
    real, removed = fcntl.flock, []

    def too_late(handle, operation):
        if not removed and operation == fcntl.LOCK_EX:
            (leftover,) = isolated.glob(".*.tmp")
            removed.append(leftover.unlink())
        return real(handle, operation)

    monkeypatch.setattr(fcntl, "flock", too_late)
    write_atomically(isolated / "cm-result.json", b"new")
    assert removed
    assert {path.name: path.read_bytes() for path in isolated.iterdir()} == {"cm-result.json": b"new"}


@pytest.mark.parametrize(
    "spelt",
    [
        lambda text: text,
        lambda text: text.replace("8.0", "8.000"),
        lambda text: text.replace("  ", "\t"),
        lambda text: text.replace("\\u00e9", "é"),
        lambda text: text.replace('    "a": 8.0,\n', "").replace("}\n    }", '},\n    "a": 8.0\n    }'),
        lambda text: json.dumps(json.loads(text)),
    ],
    ids=["as we do", "number", "indent", "character", "order of keys", "one line"],
)
def test_text_of_an_object_that_does_not_change_stays_to_the_byte(tmp_path, spelt):
    """Whatever becomes of those around it, and however somebody has spelt it."""
    untouched = {"a": 8.0, "b": [9.0, True, "é, ]"], "c": {"d": None}}
    text = spelt(to_bytes([entry(), untouched, 7, entry(system="goes")]).decode())
    between = spelt(to_bytes([untouched]).decode()).strip("[]\n\t ")
    folder = tmp_path / "mlperf-training--3.0--closed--x"
    file = folder / "2023-06-28.17-09-38.847830/cm-result.json"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    stored = load_experiment(folder.name, folder, lambda *_: None)
    first, kept, seven, _ = stored.objects
    assert is_stored(list(stored.objects), stored)
    changed = [first | {"Result": 1}, kept, seven, entry(system="new")]
    assert not is_stored(changed, stored)
    written = rewritten(changed, stored)
    assert between.encode() in written
    assert json.loads(written) == changed
    assert rewritten([], stored) == to_bytes([])


@pytest.mark.parametrize(("was", "becomes"), [(8, 8.0), (1, True), ([8], [8.0]), ({"x": 1}, {"x": True}), ("1", 1)])
def test_a_value_that_is_written_otherwise_is_a_change(was, becomes):
    objects, changes, _ = run([entry(a=was)], [entry(a=becomes)])
    assert json.dumps(objects) == json.dumps([entry(a=becomes)])
    assert changes == Changes(updated=1)


def test_stored_objects_keep_their_order_and_new_ones_follow_in_theirs():
    stored = [entry("Zeta", "x"), old_entry("Acme", "x"), {"no": "identity"}, ["odd"], entry("Mu", "x")]
    new = [entry("Beta", "x"), entry("Mu", "x", minutes=2.5), entry("Acme", "b", "resnet"), entry("Acme", "x")]
    objects, changes, _ = run(stored, new)
    assert [o.get("submitter") if isinstance(o, dict) else o for o in objects[:5]] == ["Zeta", "Acme", None, ["odd"], "Mu"]
    assert objects[5:] == [new[2], new[0]]
    assert changes == Changes(added=2, updated=2, kept=1)
    again, _, _ = run(objects, new)
    assert all(one is other for one, other in zip(again, objects, strict=True))
