"""The generated parts of the documentation: made from the tables and from what was measured, and never stale."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest
import yaml
from trees import import_tree, write_files, write_result

from docs import generate
from mlperf_training_import.outcome import Outcome
from mlperf_training_import.show.report import report_of
from mlperf_training_import.tables.rules import public_rounds


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """The files with generated parts, as copies that may be written."""
    project = tmp_path / "project"
    for name in (*generate.PARTS, "docs/measured.yaml", "tests/dataset/schema.json"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes((generate.PROJECT / name).read_bytes())
    monkeypatch.setattr(generate, "PROJECT", project)
    monkeypatch.setattr(generate, "MEASURED_FILE", project / "docs" / "measured.yaml")
    monkeypatch.setattr(generate, "SCHEMA_FILE", project / "tests" / "dataset" / "schema.json")
    return project


def made_up_report(root: Path, version: str) -> dict:
    """Two submitters; A has a system with two benchmarks, of which one has no score, and B has one with one."""
    write_result(root, submitter="A", benchmark="bert")
    write_result(root, submitter="A", benchmark="ssd", minutes=[1, 2])
    write_result(root, submitter="B", minutes=[1, 2, 3])
    imported = import_tree(root, version)
    return report_of(Outcome(rounds=[imported.outcome], findings=imported.findings))


def test_all_generated_parts_are_up_to_date(capsys):
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


def test_a_part_that_is_not_up_to_date_is_named_and_made_anew(copies, capsys):
    file = copies / "docs/rounds.md"
    right = file.read_text(encoding="utf-8")
    file.write_text(right.replace("| 3.0 | main |", "| 3.0 | other |"), encoding="utf-8")
    assert generate.main(["--check"]) == 1
    assert "docs/rounds.md: not up to date; run: python docs/generate.py" in capsys.readouterr().err
    assert generate.main([]) == 0
    assert file.read_text(encoding="utf-8") == right


def test_what_is_stored_is_what_an_import_of_the_real_rounds_finds(real_home):
    report = json.loads((Path(real_home["WORK"]) / "mlperf-training-report.json").read_text())
    measures = generate.measured_rounds(report)
    assert measures.keys() == {"0.7", "3.0", "4.1", "hpc-0.7", "hpc-2.0"}
    stored = generate.known_measures()
    for version, row in measures.items():
        stored[version] = {name: stored[version].get(name) for name in row} | {"copy": row["copy"]}
    assert {version: stored[version] for version in measures} == measures, (
        "run: python docs/generate.py <the report of an import of these rounds>"
    )


def test_the_table_in_the_analysis_is_what_an_import_of_the_real_rounds_gives(real_home):
    entries = json.loads((Path(real_home["WORK"]) / "summary_results.json").read_text())
    best = [e for e in entries if (e["version"], e["division"], e.get("rank_per_accelerator")) == ("4.1", "closed", 1)]
    lines = [
        f"| {e['Model_ID']} | {e['system']} | {e['accelerators_count']} | {e['accelerator_minutes']:.1f} "
        f"| {e['speedup_per_accelerator']:.2f} |"
        for e in sorted(best, key=lambda e: e["Model_ID"])
    ]
    assert "\n".join(lines) in (generate.PROJECT / "docs/analysis.md").read_text(encoding="utf-8")


def test_figures_of_a_made_up_round(tmp_path):
    """Findings: three folders with another number of logs than the round asks for, and one of too few runs."""
    report = made_up_report(tmp_path, "3.0")
    assert generate.measured_rounds(report) == {
        "3.0": {
            "submitters": 2,
            "systems": 2,
            "folders": 3,
            "logs": 5 + 2 + 3,
            "results": 2,
            "without a score": 1,
            "findings": 4,
            "copy": "",
            "kinds": {"too-few-runs": 1, "run-count": 3},
        }
    }


def test_a_report_changes_its_rounds_and_leaves_the_others(copies):
    before = generate.known_measures()
    report = copies / "report.json"
    report.write_text(json.dumps(made_up_report(copies / "tree", "1.0")))
    assert generate.main([str(report)]) == 0
    after = yaml.safe_load((copies / "docs/measured.yaml").read_text())
    assert after == before | {"1.0": after["1.0"]}
    assert after["1.0"]["folders"] == 3
    assert after["1.0"]["counted"] == datetime.now(timezone.utc).date().isoformat()
    assert (copies / "docs/measured.yaml").read_text().startswith("# What an import found")
    (line,) = [line for line in (copies / "docs/rounds.md").read_text().splitlines() if line.startswith("| 1.0 |")]
    assert line.endswith("| 2 | 2 | 3 | 10 | 2 | 1 | 4 |")
    (_, _, of_kind) = (copies / "docs/findings.md").read_text().partition("### `too-few-runs`")
    assert of_kind.split("published rounds: ", 1)[1].startswith("1 in 1.0; ")
    # once more without a report: nothing changes
    text = (copies / "docs/rounds.md").read_bytes()
    assert generate.main([]) == 0
    assert (copies / "docs/rounds.md").read_bytes() == text


def test_every_public_round_has_a_line_and_those_that_nobody_measured_have_empty_cells(copies):
    generate.store({"4.1": dict.fromkeys(generate._MEASURES, 7)})
    lines = generate.rounds_table().splitlines()[2:]
    assert [line.split(" | ")[0] for line in lines] == [f"| {version}" for version in public_rounds()]
    for line in lines:
        cells = line.strip("| ").split(" | ") if line.startswith("| 4.1") else line.split("|")[5:-1]
        assert cells[-7:] == ["7"] * 7 if line.startswith("| 4.1") else all(not cell.strip() for cell in cells)
    assert "| 0.6 | master | `:::MLL` | resnet, ssd, maskrcnn, gnmt, transformer, minigo |" in lines[1]


def test_private_and_unknown_rounds_are_not_stored():
    part = {"folders": [], "results": 0, "findings": 0}
    report = {"rounds": [part | {"version": version} for version in ("3.0-private", "9.9", "3.0")], "findings": []}
    assert list(generate.measured_rounds(report)) == ["3.0"]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"rounds": [{"version": "3.0"}]}', '{"rounds": [3]}'])
def test_what_is_no_report_changes_nothing(copies, capsys, content):
    write_files(copies, {"report.json": content})
    before = (copies / "docs/measured.yaml").read_bytes(), (copies / "docs/rounds.md").read_bytes()
    assert generate.main([str(copies / "report.json")]) == 1
    assert "report.json: not the report of an import" in capsys.readouterr().err
    assert ((copies / "docs/measured.yaml").read_bytes(), (copies / "docs/rounds.md").read_bytes()) == before


@pytest.mark.parametrize(
    ("recorded", "version", "what"),
    [
        ({"log": "integer"}, "1.7.0", "is another or gone: count up the first number of version"),
        ({"gone": "text"}, "1.7.0", "is another or gone: count up the first number of version"),
        ({}, "1.1.0", None),
        ({"gone": "text"}, "2.0.0", None),
    ],
)
def test_the_version_of_the_schema_says_what_became_of_the_columns(monkeypatch, recorded, version, what):
    """Recorded in 1.0.0 without any column but those given."""
    monkeypatch.setattr(generate, "schema_version", lambda: version)
    old = json.dumps({"version": "1.0.0", "tables": {"runs": recorded}})
    if what is None:
        assert json.loads(generate.dataset_schema(old))["tables"]["runs"]["log"] == "text"
    else:
        with pytest.raises(ValueError, match=what):
            generate.dataset_schema(old)


def test_a_column_that_the_version_does_not_say_is_an_error_of_the_command(copies, capsys):
    schema = copies / "tests/dataset/schema.json"
    schema.write_text(schema.read_text().replace('"minutes": "number"', '"minutes": "text"'))
    before = schema.read_bytes()
    assert generate.main([]) == 1
    assert capsys.readouterr().err == (
        "dataset.yaml: ('runs', 'minutes', 'text') is another or gone: count up the first number of version\n"
    )
    assert schema.read_bytes() == before


def test_a_text_without_the_marks_is_an_error():
    with pytest.raises(ValueError, match="expected one part named rounds, found 0"):
        generate.updated("# Rounds", {"rounds": generate.rounds_table})
