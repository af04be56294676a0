"""Editions: over which rounds results may be compared."""

from __future__ import annotations

import msgspec
import pytest
import yaml
from trees import import_tree, write_result

from mlperf_training_import.tables import editions, rules
from mlperf_training_import.tables.editions import edition_of
from mlperf_training_import.tables.labels import round_number, split_label
from mlperf_training_import.tables.rules import (
    BenchmarkRow,
    Change,
    Target,
    benchmark_of,
    benchmarks_table,
    known_rounds,
    rules_of,
)


def edition_id(key, version):
    edition = edition_of(key, version)
    return edition and edition.id


@pytest.fixture
def table(monkeypatch):
    """A copy of the table of benchmarks that a test may change; what was worked out from it is forgotten."""
    rows = dict(benchmarks_table())
    for module in (rules, editions):
        monkeypatch.setattr(module, "benchmarks_table", lambda: rows)
    caches = (benchmark_of, edition_of)
    for cache in caches:
        cache.cache_clear()
    yield rows
    monkeypatch.undo()
    for cache in caches:
        cache.cache_clear()


def change(table, key, row):
    """Adds a row to the changes of a benchmark."""
    table[key] = msgspec.structs.replace(table[key], changes=(*table[key].changes, row))


def test_editions_are_those_of_the_facts(shared):
    facts = yaml.safe_load((shared / "facts/editions.yaml").read_text())
    old_key = {new: old for old, names in facts["renamed"].items() for new in names.values()}
    for version in known_rounds():
        label = split_label(version)
        if label.number > (6, 0):  # the table of the facts ends there
            continue
        for key in rules_of(version).benchmarks:
            spans = facts[label.suite][old_key.get(key, key)]
            first = next(first for first, last in spans if first <= float(label.scope) <= last)
            prefix = version.removesuffix(label.scope)
            assert edition_of(key, version).known, (key, version)
            assert edition_id(key, version) == f"{old_key.get(key, key)}-{prefix}{first}", (key, version)


@pytest.mark.parametrize(
    ("key", "version", "edition"),
    [
        ("ssd", "1.1", "ssd-0.6"),
        ("ssd", "2.0", "ssd-2.0"),
        ("retinanet", "5.0", "ssd-2.0"),
        ("retinanet", "5.1", "ssd-2.0"),
        ("gnn", "4.1", "gnn-4.0"),
        ("rgat", "5.0", "gnn-4.0"),
        ("bert", "0.7", "bert-0.7"),
        ("bert", "5.0", "bert-1.0"),
        ("dlrm", "2.1", "dlrm-0.7"),
        ("dlrm_dcnv2", "3.0", "dlrm_dcnv2-3.0"),
        ("dlrm_dcnv2", "5.1", "dlrm_dcnv2-3.0"),  # its data set was only put right in between
        ("llama31_405b", "6.0", "llama31_405b-5.0"),
        ("deepseekv3_671b", "6.0", "deepseekv3_671b-6.0"),
        ("cosmoflow", "hpc-0.7", "cosmoflow-hpc-0.7"),  # its data set doubled
        ("cosmoflow", "hpc-2.0", "cosmoflow-hpc-2.0"),
        ("deepcam", "hpc-1.0", "deepcam-hpc-0.7"),
        ("deepcam", "hpc-3.0", "deepcam-hpc-3.0"),  # its clock covers less
        ("deepcam", "3.0", None),  # another suite
        ("resnet", "4.1", None),  # not in that round
        ("wombat", "5.1", None),
    ],
)
def test_an_edition_is_named_after_its_first_round(key, version, edition):
    assert edition_id(key, version) == edition


@pytest.mark.parametrize(
    ("key", "version", "title"),
    [
        ("retinanet", "5.1", "RetinaNet on OpenImages, 34.0 % mAP (from 2.0)"),
        ("ssd", "1.0", "SSD on COCO, 23.0 % mAP (from 0.6)"),
        ("dlrm_dcnv2", "5.0", "DLRM-DCNv2 on Criteo 1TB Click Logs (multi-hot variant), 0.80275 AUC (from 3.0)"),
        ("stable_diffusion", "4.0", "Stable Diffusion v2 on LAION-400M-filtered, 90.0 FID and 0.15 CLIP (from 3.1)"),
    ],
)
def test_the_title_says_what_is_measured_and_since_when(key, version, title):
    assert edition_of(key, version).title == title


def test_no_two_editions_have_one_title_or_one_id():
    found = {edition_of(key, version) for version in known_rounds() for key in rules_of(version).benchmarks}
    assert len({edition.title for edition in found}) == len({edition.id for edition in found}) == len(found)


def test_a_newer_round_continues_the_last_edition_while_nothing_changes():
    assert edition_of("retinanet", "99.0") == edition_of("ssd", "2.0")
    assert edition_of("bert", "99.9").known


def test_a_newer_round_with_another_target_starts_an_edition_that_later_rounds_continue(table):
    change(table, "llama31_8b", Change("99.0", (Target(3.2, "log perplexity"),), dataset="c4/en/3.0.1"))
    for version in ("99.0", "99.1"):
        assert (edition_id("llama31_8b", version), edition_of("llama31_8b", version).known) == ("llama31_8b-99.0", False)
    assert edition_id("llama31_8b", "6.1") == "llama31_8b-5.1"


def test_an_edition_that_a_round_starts_is_one_finding(table, tmp_path):
    change(table, "resnet", Change("99.0", (Target(77.0, "% classification"),), dataset="ImageNet"))
    write_result(tmp_path, system="a")
    write_result(tmp_path, system="b")
    imported = import_tree(tmp_path, "99.0")
    (what,) = imported.what("new-edition")
    assert what == "resnet is not compared with earlier rounds: no edition of the table has round 99.0"
    assert {result.entry["edition"] for result in imported.results.values()} == {"resnet-99.0"}


def test_another_spelling_of_the_data_set_starts_no_edition(table):
    target = Target(3.3, "log perplexity", lower_is_better=True)
    change(table, "llama31_8b", Change("99.0", (target,), dataset="C4 en 3.0.1"))
    assert edition_of("llama31_8b", "99.0") == edition_of("llama31_8b", "5.1")


def test_a_new_benchmark_starts_an_edition_in_its_first_round(table):
    first = Change("99.0", (Target(0.5, "depth"),), dataset="Burrows")
    table["wombat"] = BenchmarkRow("Wombat", 5, (first,), task="wombats")
    assert (edition_id("wombat", "99.1"), edition_of("wombat", "99.1").known) == ("wombat-99.0", False)


def test_a_renamed_benchmark_keeps_its_edition(table):
    old = table["llama31_8b"]
    first = msgspec.structs.replace(old.changes[0], since="99.0")
    table["wombat"] = msgspec.structs.replace(old, renamed_from="llama31_8b", changes=(first,), editions=())
    assert edition_of("wombat", "99.0") == edition_of("llama31_8b", "5.1")


def test_a_benchmark_that_was_renamed_is_in_the_table_under_its_old_key_too():
    for key, row in benchmarks_table().items():
        if row.renamed_from:
            assert row.renamed_from in benchmarks_table()
            assert not row.editions, key
        else:
            assert list(row.editions) == sorted(row.editions, key=lambda span: round_number(span[0])), key
