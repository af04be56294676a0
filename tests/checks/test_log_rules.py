"""What the rules of a round say of a log, and where the checkers would stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from checks.made_logs import as_text, passing_log
from checks.made_submissions import changed, records

from mlperf_training_import.checks.log_rules import JudgedLog, judge_log
from mlperf_training_import.checks.logs import check_log, read_lines
from mlperf_training_import.tables.checks import checked_rounds, rulebook_of
from mlperf_training_import.tables.rules import benchmark_of, known_rounds, rules_of

if TYPE_CHECKING:
    from pathlib import Path

#: The checkers refuse every log of these: the lists of benchmarks leave them out, or the learning rate is compared exactly.
ALWAYS_REFUSED = {"open_llama2_70b_lora", "closed_dlrm", "closed_minigo"}


def judged(tmp_path: Path, text: str, version: str = "5.1") -> JudgedLog:
    file = tmp_path / "result_0.txt"
    file.write_text(text, encoding="utf-8", newline="")
    book = rulebook_of(version)
    assert book is not None
    return judge_log(read_lines(file, file.name, version, book.keys)[1], book)


def test_a_sound_log_passes(tmp_path: Path) -> None:
    said = judged(tmp_path, as_text(records()))
    assert (said.verdict, said.errors, said.warnings) == ("pass", [], [])
    assert said.scopes == ["common", "closed_common", "closed_llama2_70b_lora"]


@pytest.mark.parametrize(
    ("key", "fields", "code"),
    [
        ("submission_division", {"value": "Closed"}, "noruleset:Closed_common.yaml@common"),
        ("submission_benchmark", {"value": "bert"}, "once:num_warmup_steps:0@closed_bert"),
        ("lora_rank", {"value": 8}, "check:lora_rank@closed_llama2_70b_lora"),
        ("lora_rank", {"key": "rank"}, "once:lora_rank:0@closed_llama2_70b_lora"),
        ("eval_accuracy", {"value": 0.95}, "never:eval_accuracy@closed_llama2_70b_lora"),
        ("eval_accuracy", {"metadata": None}, "checkcrash:eval_accuracy@closed_llama2_70b_lora"),
        ("init_start", {"key": "start"}, "least1:init_start@common"),
        ("block_stop", {"key": "stop"}, ""),
    ],
)
def test_each_kind_of_failure_has_its_code(tmp_path: Path, key: str, fields: dict, code: str) -> None:
    version = "5.0" if key == "submission_benchmark" else "5.1"
    said = judged(tmp_path, as_text(changed(records(), key, **fields)), version)
    assert (code in said.errors) if code else (said.errors == [])


@pytest.mark.parametrize(
    ("old", "new", "errors"),
    [
        ("\n", "\r\n", []),
        (', "key": "lora_rank"', '\r, "key": "lora_rank"', ["once:lora_rank:0@closed_llama2_70b_lora", "parse@None"]),
        (', "key": "other"', '\r, "key": "other"', ["parse@None"]),
        (', "key": "lora_rank"', ', \t"key": "lora_rank"', []),
    ],
)
def test_a_carriage_return_ends_a_line(tmp_path: Path, old: str, new: str, errors: list[str]) -> None:
    other = {"time_ms": 1, "key": "other", "value": 1, "metadata": {}}
    said = judged(tmp_path, as_text([*records(), other]).replace(old, new))
    assert said.errors == errors


def test_lines_that_repeat_a_value_are_a_warning_and_others_an_error(tmp_path: Path) -> None:
    made = records()
    again = [*made, *(record for record in made if record["key"] == "lora_rank")]
    said = judged(tmp_path, as_text(again))
    assert (said.verdict, said.warnings) == ("pass", ["once:lora_rank:2@closed_llama2_70b_lora"])
    said = judged(tmp_path, as_text([*made, *changed([again[-1]], "lora_rank", value=17)]))
    assert "once:lora_rank:2@closed_llama2_70b_lora" in said.errors


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (":::MLLOG 5\n", "crash"),
        (":::MLLOG null\n", "fail"),
        (":::MLLOG {\n", "fail"),
        (':::MLLOG {"time_ms": 1, "key": "a", "value": 1}\n', "crash"),
        (':::MLLOG {"time_ms": "x", "key": "a", "value": 1, "metadata": {}}\n', "fail"),
        (':::MLLOG {"time_ms": null, "key": "a", "value": 1, "metadata": {}}\n', "crash"),
        (':::MLLOG {"time_ms": 1, "key": ["a"], "value": 1, "metadata": 1}\n', "pass"),
        (':::MLLOG {"time_ms": 1, "key": "a", "value": 1, "metadata": {}}\rend of a progress bar\n', "pass"),
        (":::MLLOG" + "[" * 100_000 + "\n", "pass"),
        (":::MLLOG " + "[" * 100_000 + "\n", "crash"),
    ],
)
def test_a_line_that_cannot_be_read_fails_the_log_or_stops_the_checker(tmp_path: Path, line: str, verdict: str) -> None:
    assert judged(tmp_path, as_text(records()) + line).verdict == verdict


def test_a_target_of_another_type_stops_the_checker(tmp_path: Path) -> None:
    said = judged(tmp_path, as_text(changed(records(), "eval_accuracy", value="0.9")))
    assert said.verdict == "crash"
    assert said.stops is not None


def test_a_scope_that_names_itself_ends(tmp_path: Path) -> None:
    assert judged(tmp_path, as_text(changed(records(), "submission_benchmark", value="common"))).verdict == "crash"


def test_a_formula_that_needs_a_later_line_fails_leniently(tmp_path: Path) -> None:
    book = rulebook_of("6.0")
    assert book is not None
    made = passing_log(book, "closed", "llama31_8b")
    late = [record for record in made if record["key"] == "opt_learning_rate_warmup_steps"]
    others = [record for record in made if record["key"] != "opt_learning_rate_warmup_steps"]
    file = tmp_path / "result_0.txt"
    file.write_text(as_text([*others, *late]))
    checked = check_log(file, file.name, "6.0")
    assert checked.judged.errors == ["checkcrash:opt_learning_rate_decay_steps@closed_llama31_8b"]
    assert [(said.weight, said.rule) for said in checked.remarks] == [
        ("lenient", "closed_llama31_8b.opt_learning_rate_decay_steps")
    ]
    assert checked.refused_wrongly


@pytest.mark.parametrize("version", checked_rounds())
def test_the_rules_of_a_round_are_for_its_benchmarks(version: str) -> None:
    book, rules = rulebook_of(version), rules_of(version)
    assert book is not None
    assert {f"closed_{benchmark}" for benchmark in rules.benchmarks} <= book.scopes.keys()
    for benchmark in rules.benchmarks:
        assert benchmark_of(benchmark, version).runs


@pytest.mark.parametrize("version", checked_rounds())
def test_a_log_made_for_a_benchmark_gets_through_all_its_scopes(tmp_path: Path, version: str) -> None:
    book = rulebook_of(version)
    assert book is not None
    for benchmark in rules_of(version).benchmarks:
        said = judged(tmp_path, as_text(passing_log(book, "closed", benchmark)), version)
        assert said.scopes[:3] == ["common", "closed_common", f"closed_{benchmark}"]
        assert said.verdict in ("pass", "fail")


def test_ids_of_rules_are_unique_in_a_round() -> None:
    for version in checked_rounds():
        book = rulebook_of(version)
        assert book is not None
        rules = [
            rule
            for scope in book.scopes.values()
            for key in scope.keys.values()
            for rule in (*key.each, *key.first, *key.any)
        ]
        assert len({rule.id for rule in rules}) == len(rules)


@pytest.mark.parametrize("version", checked_rounds())
def test_every_formula_of_the_table_is_one(version: str) -> None:
    """They are parsed at first use, which for many rules no log here brings about."""
    book = rulebook_of(version)
    assert book is not None
    for scope in (*book.scopes.values(), *book.beyond.values()):
        for key in scope.keys.values():
            for rule in (key.rule, *key.each, *key.first, *key.any):
                assert callable(rule.holds)
                assert (rule.excused is None) == (rule.lenient == "")
                assert rule.comparison is None or callable(rule.comparison.measured)


def test_rounds_to_which_nobody_submits_have_no_rules() -> None:
    assert set(known_rounds()) - set(checked_rounds()) >= {"0.5", "0.6", "0.7", "1.0", "1.1", "2.0", "2.1", "hpc-0.7"}
