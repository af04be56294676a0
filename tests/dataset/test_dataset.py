"""The data set: its tables, its files, and what others read in them."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import duckdb
import forked
import msgspec
import pyarrow.parquet
import pytest
import yaml
from support import cache_round
from trees import import_tree, snapshot, write_result

from mlperf_training_import import __version__
from mlperf_training_import.commands.line import main
from mlperf_training_import.dataset.parquet import arrow_types
from mlperf_training_import.dataset.write import Dataset, _to_array
from mlperf_training_import.errors import BadInput, ImportFailure
from mlperf_training_import.options import options_from
from mlperf_training_import.outcome import Outcome
from mlperf_training_import.pipeline import _dataset
from mlperf_training_import.show.report import report_of
from mlperf_training_import.start.sample import START_MS, log_line, write_sample
from mlperf_training_import.tables.dataset import dataset_tables, schema_version
from mlperf_training_import.tables.keys import entry_keys
from mlperf_training_import.tables.references import reference_runs

TABLES = tuple(dataset_tables())


def write(folder: Path, tree: Path, version: str, *, with_csv: bool = False):
    imported = import_tree(tree, version, with_details=True)
    dataset = Dataset(folder, with_csv)
    dataset.add(imported.outcome, imported.findings)
    dataset.finish()
    return imported


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data set of the sample round and of a round of one result, and what they were made of."""
    root = tmp_path_factory.mktemp("dataset")
    write_sample(root / "sample")
    write_result(root / "small")
    imported = write(root / "data", root / "sample", "5.1", with_csv=True)
    write(root / "data", root / "small", "3.0")
    return root / "data", imported, root / "sample"


def query(folder: Path, sql: str) -> list[tuple]:
    with duckdb.connect() as connection:
        for name in TABLES:
            if name in sql:
                connection.execute(f"create view {name} as from read_parquet('{folder}/{name}/*.parquet')")
        return connection.sql(sql).fetchall()


def test_every_table_has_a_file_for_each_round_with_the_declared_columns(made):
    folder, *_ = made
    for name, table in dataset_tables().items():
        for label in ("5.1", "3.0"):
            schema = pyarrow.parquet.read_schema(folder / name / f"{label}.parquet")
            assert schema.names == [column.name for column in table.columns]
            assert schema.metadata[b"schema_version"] == schema_version().encode()


def test_no_group_of_rows_is_empty(made):
    """An empty table has none: Hugging Face stops at one without rows."""
    folder, *_ = made
    groups = []
    for file in folder.glob("*/*.parquet"):
        about = pyarrow.parquet.read_metadata(file)
        groups.append([about.row_group(number).num_rows for number in range(about.num_row_groups)])
    assert [] in groups
    assert all(rows > 0 for sizes in groups for rows in sizes)


def test_results_have_all_keys_of_entries(made):
    folder, imported, _ = made
    columns = [column.name for column in dataset_tables()["results"].columns]
    assert set(columns) == {*entry_keys(), "suite", "round", "benchmark", "repeat_of"} - {"Benchmark"}
    table = pyarrow.parquet.read_table(folder / "results/5.1.parquet")
    for row, result in zip(table.to_pylist(), imported.outcome.results, strict=True):
        own = ("suite", "round", "benchmark", "repeat_of")
        said = {name: value for name, value in row.items() if value is not None and name not in own}
        assert said == {name: value for name, value in result.entry.items() if name in columns and name != "suite"}
        assert (row["benchmark"], row["repeat_of"]) == (result.entry["Model_ID"], None)


def test_the_same_name_is_the_same_thing_also_for_engines_that_ignore_case(made):
    folder, *_ = made
    assert query(folder, "select count(*) from results r join runs u using (uid) where r.benchmark = u.benchmark")[0][0] > 0
    assert query(folder, "select count(*) from results r join runs u using (uid) where r.benchmark <> u.benchmark") == [(0,)]
    spelt: dict[str, set[str]] = {}
    for table in dataset_tables().values():
        names = [column.name for column in table.columns]
        assert len({name.lower() for name in names}) == len(names)
        for name in names:
            spelt.setdefault(name.lower(), set()).add(name)
    assert [names for names in spelt.values() if len(names) > 1] == []


def test_runs_agree_with_the_report_run_by_run(made):
    folder, imported, _ = made
    outcome = Outcome(rounds=[imported.outcome])
    (of_round,) = report_of(outcome)["rounds"]
    reported = {
        (f"{part['folder']}/{run['log']}", run.get("minutes"), run.get("reason"))
        for part in of_round["folders"]
        for run in part["runs"]
    }
    assert reported == set(query(folder, "select log, minutes, reason from runs where round = '5.1'"))
    assert any(reason for _, _, reason in reported)


def test_a_run_that_a_result_holds_twice_says_so(tmp_path):
    folder = write_result(tmp_path / "tree")
    (folder / "result_4.txt").write_text((folder / "result_3.txt").read_text())
    write(tmp_path / "data", tmp_path / "tree", "3.0")
    place = "Org/results/sys/resnet"
    rows = query(tmp_path / "data", "select log, repeat_of, repeat_of_round from runs where repeat_of is not null")
    assert rows == [(f"{place}/result_4.txt", f"{place}/result_3.txt", "3.0")]


def test_runs_and_results_of_another_round_that_are_the_same_say_so_whichever_was_written_first(tmp_path):
    write_result(tmp_path / "tree")
    for version in ("3.1", "3.0"):
        write(tmp_path / "data", tmp_path / "tree", version)
    rows = query(
        tmp_path / "data", "select round, count(*), count(repeat_of), any_value(repeat_of_round) from runs group by 1"
    )
    assert sorted(rows) == [("3.0", 5, 0, None), ("3.1", 5, 5, "3.0")]
    sql = "select a.round, b.round from results a join results b on a.repeat_of = b.uid"
    assert query(tmp_path / "data", sql) == [("3.1", "3.0")]


def test_runs_with_equal_times_and_other_evaluations_are_no_repetition(tmp_path):
    folder = write_result(tmp_path / "tree")
    text = (folder / "result_3.txt").read_text()
    *before, stop = text.splitlines()
    more = log_line(1_700_000_000_000, "eval_accuracy", 0.761)
    (folder / "result_4.txt").write_text("\n".join((*before, more, stop)) + "\n")
    write(tmp_path / "data", tmp_path / "tree", "3.0")
    assert query(tmp_path / "data", "select count(*), count(repeat_of) from runs") == [(5, 0)]
    assert query(tmp_path / "data", "select count(distinct (run_start_ms, run_stop_ms)) from runs") == [(4,)]


def test_runs_that_are_kept_make_the_score_and_its_quality(made):
    folder, *_ = made
    rows = query(
        folder,
        """select r.Result, avg(u.minutes), r.quality_reached, avg(u.quality), r.runs_count, any_value(n)
        from results r join runs u on r.uid = u.uid and u.is_kept
        join (select uid, count(*) n from runs group by uid) c on c.uid = r.uid
        where r.scaling_factor is null group by r.uid, r.Result, r.quality_reached, r.runs_count""",
    )
    assert rows
    for score, minutes, quality, of_runs, count, counted in rows:
        assert score == pytest.approx(minutes, rel=1e-12)
        assert quality == pytest.approx(of_runs, rel=1e-12)
        assert count == counted


def test_the_last_evaluation_of_every_kept_run_is_its_quality(made):
    folder, *_ = made
    rows = query(
        folder,
        """select u.quality, arg_max(e.quality, e.line) from runs u join evaluations e using (round, log)
        where u.is_kept and not e.is_after_stop group by round, log, u.quality""",
    )
    assert rows
    assert all(quality == last for quality, last in rows)


def test_a_line_with_two_figures_has_two_rows(tmp_path):
    folder = write_result(tmp_path / "tree", benchmark="maskrcnn")
    log = folder / "result_0.txt"
    line = log_line(1_700_000_000_000, "eval_accuracy", {"BBOX": 0.38, "SEGM": "no number"})
    log.write_text(log.read_text() + line + "\n")
    write(tmp_path / "data", tmp_path / "tree", "3.0")
    rows = query(
        tmp_path / "data",
        "select metric, value, quality from evaluations where log like '%result_0.txt' and is_after_stop order by metric",
    )
    assert rows == [("BBOX", 0.38, pytest.approx(0.38)), ("SEGM", None, None)]


def test_a_description_stands_as_it_is_beside_what_it_means(made):
    folder, _, tree = made
    rows = query(folder, "select path, description from systems where round = '5.1'")
    assert rows
    for path, description in rows:
        assert json.loads(description) == json.loads((tree / path).read_text())
    sql = "select accelerator, accelerators_count, division from systems where round = '3.0'"
    assert query(folder, sql) == [("H100", 8, "closed")]


def test_findings_are_those_of_the_round(made):
    folder, imported, _ = made
    expected = [(f.code, f.where, f.what) for f in imported.findings]
    assert expected
    assert query(folder, "select code, \"where\", what from findings where round = '5.1'") == expected


def test_the_same_input_gives_the_same_bytes_and_another_round_stays(made, tmp_path):
    folder, _, tree = made
    before = snapshot(folder)
    write(folder, tree, "5.1", with_csv=True)
    assert snapshot(folder) == before


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux lists the threads of a process")
def test_a_data_set_is_read_by_no_other_thread(tmp_path):
    """A thread that lets go of a file after Python has ended aborts the process; that is rare."""
    write_result(tmp_path / "tree")
    code = """
        import os, pathlib
        import pyarrow.compute, pyarrow.parquet
        from dataset.test_dataset import write

        begun = set(os.listdir("/proc/self/task"))
        for version in ("3.0", "3.1"):  # whose runs are the same, so that files are read and written again
            write(pathlib.Path("data"), pathlib.Path("tree"), version, with_csv=True)
        print(*set(os.listdir("/proc/self/task")) - begun)
        pyarrow.parquet.read_table("data/runs/3.0.parquet")
        assert set(os.listdir("/proc/self/task")) - begun
    """
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_csv_says_the_same(made):
    folder, *_ = made
    for name in TABLES:
        table = pyarrow.parquet.read_table(folder / name / "5.1.parquet")
        with (folder / "csv" / name / "5.1.csv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == table.num_rows
        for column in dataset_tables()[name].columns:
            read = {
                "number": float,
                "integer": int,
                "boolean": lambda text: text == "true",
                "text": str,
                "numbers": json.loads,
                "texts": json.loads,
            }[column.type]
            values = [None if row[column.name] == "" else read(row[column.name]) for row in rows]
            assert values == table[column.name].to_pylist(), (name, column.name)


def counts_by_round(folder: Path, name: str) -> dict[str, int]:
    return dict(query(folder, f"select round, count(*) from {name} group by round"))


def test_readers_take_the_folder_of_a_table_as_it_is(made):
    """Without options, and with round and suite as texts: guessed from a path, 5.10 would be 5.1."""
    import pandas
    import polars
    import pyarrow.dataset

    folder, *_ = made
    for name in dataset_tables():
        expected = counts_by_round(folder, name)
        place = folder / name
        tables = {
            "dataset": pyarrow.dataset.dataset(place).to_table(),
            "hive": pyarrow.dataset.dataset(place, partitioning="hive").to_table(),
            "read_table": pyarrow.parquet.read_table(place),
            "pandas": pyarrow.Table.from_pandas(pandas.read_parquet(place)),
            "polars": polars.read_parquet(place / "*.parquet").to_arrow(),
        }
        for reader, table in tables.items():
            assert Counter(table["round"].to_pylist()) == expected, (reader, name)
            assert set(table["suite"].to_pylist()) <= {"training"}, (reader, name)
            assert table.column_names == [column.name for column in dataset_tables()[name].columns], (reader, name)


def test_duckdb_and_polars_skip_what_a_filter_leaves_out(made):
    import polars

    folder, *_ = made
    assert query(folder, "select count(*) from runs where round = '3.0'") == [(5,)]
    runs = polars.scan_parquet(folder / "runs/*.parquet").filter(polars.col("round") == "3.0").collect()
    assert (runs.height, runs["minutes"].dtype) == (5, polars.Float64)


def test_columns_say_in_parquet_what_they_are(made):
    folder, *_ = made
    schema = pyarrow.parquet.read_schema(folder / "runs/3.0.parquet")
    assert schema.metadata[b"importer_version"] == __version__.encode()
    minutes = next(column for column in dataset_tables()["runs"].columns if column.name == "minutes")
    assert schema.field("uid").metadata[b"references"] == b"results.uid"
    expected = {b"text": minutes.text.encode(), b"unit": b"min", b"derived": b"yes"}
    assert {key: schema.field("minutes").metadata[key] for key in expected} == expected
    for name in dataset_tables():
        assert all(field.metadata[b"text"] for field in pyarrow.parquet.read_schema(folder / name / "3.0.parquet"))


def test_the_card_names_the_files_of_each_table(made):
    folder, *_ = made
    _, head, text = (folder / "README.md").read_text().split("---\n", 2)
    configs = {config["config_name"]: config["data_files"] for config in yaml.safe_load(head)["configs"]}
    assert configs == {name: f"{name}/*.parquet" for name in dataset_tables()}
    assert all(f"| `{name}` |" in text for name in dataset_tables())


def test_a_data_set_of_another_version_is_named_and_replaced(tmp_path):
    """Version 1 had folders for suite and round, which readers would mix with those that are written now."""
    write_result(tmp_path / "tree")
    folder = tmp_path / "data"
    old = folder / "runs/suite=training/round=4.1/runs.parquet"
    old.parent.mkdir(parents=True)
    table = pyarrow.table({"minutes": [1.0]}).replace_schema_metadata({"schema_version": "1.1.0"})
    pyarrow.parquet.write_table(table, old)
    old.with_suffix(".csv").write_text("minutes\n1.0\n")
    (folder / "runs/suite=training/notes.txt").write_text("of somebody else")
    said: list[str] = []
    imported = import_tree(tmp_path / "tree", "3.0", with_details=True)
    dataset = Dataset(folder, tell=said.append)
    assert old.exists()
    dataset.add(imported.outcome, imported.findings)
    dataset.finish()
    (message,) = said
    assert "version 1.1.0" in message
    assert message.endswith("rounds to be written again: 4.1")
    assert not old.exists()
    assert not old.with_suffix(".csv").exists()
    assert (folder / "runs/suite=training/notes.txt").exists()
    assert counts_by_round(folder, "runs") == {"3.0": 5}


@pytest.mark.parametrize("table", ["runs", "results", "evaluations"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-100]),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes().replace(b"schema_version", b"schema_somewhat")),
        lambda file: pyarrow.parquet.write_table(pyarrow.table({"mine": [1]}), file),
        lambda file: (file.unlink(), os.mkfifo(file)),
        lambda file: (file.unlink(), file.symlink_to("/dev/zero")),
        lambda file: (file.unlink(), file.mkdir()),
    ],
    ids=["cut", "empty", "flipped", "stranger", "pipe", "link", "folder"],
)
def test_a_damaged_file_is_named_and_every_other_file_stays_and_is_described(made, tmp_path, table, damage):
    folder = shutil.copytree(made[0], tmp_path / "data")
    damaged = folder / table / "3.0.parquet"
    damage(damaged)
    before = {file: file.lstat() for file in folder.glob("*/*.parquet")}
    said: list[str] = []
    imported = import_tree(made[2], "5.1", with_details=True)
    dataset = Dataset(folder, tell=said.append)
    dataset.add(imported.outcome, imported.findings)
    dataset.finish()
    assert said == []
    assert [(finding.code, finding.where) for finding in dataset.findings] == [("damaged-dataset", str(damaged))]
    assert {file: file.lstat().st_ino for file in folder.glob("*/*.parquet")} == {f: s.st_ino for f, s in before.items()}
    described = {node["@id"] for node in json.loads((folder / "croissant.json").read_text())["distribution"]}
    assert {file for file in before if str(file.relative_to(folder)) not in described} == {damaged}


def test_a_damaged_page_of_a_column_is_found_where_rows_are_read(made, tmp_path):
    folder = shutil.copytree(made[0], tmp_path / "data")
    file = folder / "results/3.0.parquet"
    data = bytearray(file.read_bytes())
    data[4 : len(data) // 4] = bytes(len(data) // 4 - 4)
    file.write_bytes(data)
    dataset = Dataset(folder)
    dataset.finish()
    assert {finding.where for finding in dataset.findings} == {str(file)}


def test_a_file_of_another_version_costs_no_other_round(made, tmp_path):
    folder = shutil.copytree(made[0], tmp_path / "data")
    file = folder / "runs/3.0.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"a": [1]}).replace_schema_metadata({"schema_version": "9.0"}), file)
    others = set(folder.glob("*/*.parquet")) - {file}
    said: list[str] = []
    imported = import_tree(made[2], "5.1", with_details=True)
    Dataset(folder, tell=said.append).add(imported.outcome, imported.findings)
    assert set(folder.glob("*/*.parquet")) == others
    (message,) = said
    assert message.endswith("rounds to be written again: 3.0")


def test_a_readme_of_somebody_else_is_not_replaced(tmp_path):
    (tmp_path / "README.md").write_text("# My work\n")
    with pytest.raises(ImportFailure, match=r"has a README\.md of its own"):
        Dataset(tmp_path)


@pytest.mark.parametrize("name", ["runs", "csv", "csv/findings"])
def test_no_link_leads_out_of_the_folder(tmp_path, name):
    """Files would be written there, and removed."""
    (tmp_path / "data/csv").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    if name == "csv":
        (tmp_path / "data/csv").rmdir()
    (tmp_path / "data" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match=f"data/{name}: a link"):
        Dataset(tmp_path / "data")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of mlcroissant's own libraries
@pytest.mark.slow
def test_croissant_is_valid_and_its_records_are_the_tables(made):
    import mlcroissant  # takes a second, in every process of the tests if it stood above

    folder, *_ = made
    description = mlcroissant.Dataset(str(folder / "croissant.json"))
    assert not description.metadata.ctx.issues.errors
    for name, table in dataset_tables().items():
        records = list(description.records(name))
        ((count,),) = query(folder, f"select count(*) from {name}")
        assert len(records) == count
        assert all(set(record) == {f"{name}/{column.name}" for column in table.columns} for record in records)


def test_croissant_has_checksums_units_and_what_is_derived(made):
    folder, *_ = made
    content = json.loads((folder / "croissant.json").read_text())
    files = {part["contentUrl"]: part["sha256"] for part in content["distribution"] if "sha256" in part}
    there = {path: hashlib.sha256(data).hexdigest() for path, data in snapshot(folder).items() if path.endswith(".parquet")}
    assert files == there
    fields = {field["@id"]: field["description"] for part in content["recordSet"] for field in part["field"]}
    assert fields["runs/minutes"].endswith("(unit: min, derived)")
    sets = {part["@id"]: part for part in content["recordSet"]}
    assert sets["runs"]["key"] == [{"@id": "runs/round"}, {"@id": "runs/log"}]
    fields_of_runs = sets["runs"]["field"]
    references = {field["@id"]: of for field in fields_of_runs if (of := field.get("equivalentProperty"))}
    assert references == {"runs/uid": "results/uid", "runs/benchmark": "benchmarks/benchmark"}
    assert set(references.values()) <= fields.keys()
    assert content["creditText"].endswith(f" {__version__}")
    assert "derived" not in fields["runs/status"]
    assert content["license"]
    assert content["citeAs"].startswith("@inproceedings")


def test_names_that_are_no_utf_8_do_not_stop_it(tmp_path):
    write_result(tmp_path / "tree")
    odd = tmp_path / "tree/Org/results/sys/resnet" / b"result_\xff.txt".decode("utf-8", "surrogateescape")
    (tmp_path / "tree/Org/results/sys/resnet/result_4.txt").rename(odd)
    write(tmp_path / "data", tmp_path / "tree", "3.0")
    assert query(tmp_path / "data", "select count(*) from runs where ends_with(log, 'result_?.txt')") == [(1,)]


@pytest.mark.parametrize(
    ("type_", "values", "expected"),
    [
        ("text", ["a", None], ["a", None]),
        ("text", ["a", "\ud800", 1], ["a", "?", None]),
        ("number", [1.5, None], [1.5, None]),
        ("number", [1.5, float("nan"), float("inf"), 2, True, "3"], [1.5, None, None, 2.0, None, None]),
        ("number", [1.5, float("nan"), None], [1.5, None, None]),
        ("number", [None], [None]),
        ("integer", [1, None], [1, None]),
        ("integer", [1, 2**63, 1.0, True], [1, None, None, None]),
        ("boolean", [True, None, 1], [True, None, None]),
        ("numbers", [[1, 2.5], None, 3], [[1.0, 2.5], None, None]),
    ],
)
def test_a_value_of_another_type_is_none(type_, values, expected):
    arrow_type = arrow_types()[type_]
    assert _to_array(values, type_, arrow_type).to_pylist() == expected


def test_without_pyarrow_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportFailure, match=r"-m pip install -r .*requirements-dataset\.txt"):
        Dataset(tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_the_command_and_the_flag_of_the_script_write_the_same(registered, sample, isolated, capsys):
    cache_round(registered, sample, "5.1")
    outcome = forked.run_py("dataset", "--output", "one")
    assert outcome.returncode == 0, outcome.stderr
    assert "runs" in outcome.stdout
    assert not list(isolated.parent.glob("CM/repos/local/experiment/*"))  # nothing is imported
    asked = {"action": "run", "automation": "script", "tags": "import,mlperf,training,to-experiment", "quiet": True}
    done = registered.access({**asked, "dataset": "two"})
    assert done["return"] == 0, done
    assert list(isolated.parent.glob("CM/repos/local/experiment/*"))
    assert snapshot(isolated / "one") == snapshot(isolated / "two")
    for name in ("one", "two"):
        (isolated / name / "runs/4.0.parquet").write_text("of somebody else")
    assert main(["dataset", "--output", "one"]) == 1
    assert "1 file of the data set cannot be read" in (error := capsys.readouterr().err)
    assert "one/runs/4.0.parquet: cannot be read" in error
    done = registered.access({**asked, "dataset": "two"})
    assert done["return"] == 1
    assert "two/runs/4.0.parquet: cannot be read" in done["error"]
    report = json.loads((isolated / "mlperf-training-report.json").read_text())
    assert "damaged-dataset" in {finding["code"] for finding in report["findings"]}
    assert snapshot(isolated / "one") == snapshot(isolated / "two")


def test_a_part_of_a_round_is_refused(registered, sample, isolated):
    question = {"action": "run", "automation": "script", "tags": "import,mlperf,training,to-experiment", "quiet": True}
    done = registered.access({**question, "dataset": "data", "benchmark": "bert"})
    assert done["return"] == 1
    assert "holds whole rounds" in done["error"]
    assert not (isolated / "data").exists()


@pytest.mark.parametrize(
    ("label", "url", "based_on", "published"),
    [
        ("3.0", "https://example.org/results", ["https://example.org/results/tree/abc"], "2023-06-27"),
        ("3.0", None, [], "2023-06-27"),
        ("3.0-mine", "https://example.org/results", [], None),
        ("3.0-private", "https://example.org/results", [], None),
    ],
)
def test_a_label_of_ones_own_says_nothing_of_a_published_repository(tmp_path, label, url, based_on, published):
    write_result(tmp_path / "tree")
    imported = import_tree(tmp_path / "tree", label, with_details=True)
    round_ = msgspec.structs.replace(imported.outcome.round, web_url=url, commit="abc")
    dataset = Dataset(tmp_path / "data")
    dataset.add(dataclasses.replace(imported.outcome, round=round_), [])
    dataset.finish()
    text = (tmp_path / "data/croissant.json").read_text()
    content = json.loads(text)
    assert (content["isBasedOn"], content.get("datePublished")) == (based_on, published)
    assert "mlcommons/training_results" not in text


def test_evaluations_have_the_progress_of_the_run_and_what_was_logged_beside(made):
    folder, *_ = made
    sql = """select count(*), count(*) filter (u.progress = e.progress and u.samples is not distinct from e.samples)
        from runs u join (select round, log, arg_max(progress, line) as progress, arg_max(samples, line) as samples
        from evaluations where not is_after_stop group by all) e using (round, log) where u.progress is not null"""
    ((runs, equal),) = query(folder, sql)
    assert runs == equal > 0
    sql = "select count(*) from evaluations where progress is not null and logged_epoch is null and logged_samples is null"
    assert query(folder, sql) == [(0,)]
    same = "e.benchmark = r.benchmark and e.submitter = r.submitter"
    sql = f"select count(*) from evaluations e join results r using (uid) where {same}"
    assert query(folder, sql) == query(folder, "select count(*) from evaluations where uid is not null")


def test_a_figure_that_is_logged_a_second_time_negated_is_no_quality(tmp_path):
    error, accuracy = (
        log_line(1_700_000_000_000, f"eval_{name}", value) for name, value in (("error", 0.123), ("accuracy", -0.123))
    )
    folder = tmp_path / "tree/Org/results/sys/strong/cosmoflow"
    write_result(tmp_path / "made", range(10, 20), benchmark="cosmoflow", evaluations=())
    folder.parent.mkdir(parents=True)
    (tmp_path / "made/Org/results/sys/cosmoflow").rename(folder)
    (tmp_path / "made/Org/systems").rename(tmp_path / "tree/Org/systems")
    for log in folder.glob("result_*.txt"):
        *before, stop = log.read_text().splitlines()
        log.write_text("\n".join((*before, error, accuracy, stop)) + "\n")
    write(tmp_path / "data", tmp_path / "tree", "hpc-1.0")
    sql = "select distinct key, value, quality from evaluations order by key"
    assert query(tmp_path / "data", sql) == [("eval_accuracy", -0.123, None), ("eval_error", 0.123, 0.123)]
    assert query(tmp_path / "data", "select distinct quality from runs") == [(0.123,)]


def test_benchmarks_and_references_are_those_of_the_round(made):
    folder, *_ = made
    sql = "select target, target_metric, target_unit, lower_is_better, runs_asked, samples_in_unit from benchmarks"
    rows = query(folder, f"{sql} where round = '3.0' and benchmark = 'resnet'")
    assert rows == [(75.9, "% classification", "%", False, 5, 1281167.0)]
    assert query(folder, "select count(*) from benchmarks where round = '3.0'") == [(8,)]
    (runs,) = (runs for runs in reference_runs("training", "bert", "3.0") if runs.global_batch_size == 256)
    which = "round = '3.0' and benchmark = 'bert' and global_batch_size = 256"
    found = query(folder, f"select progress from reference_points where {which} order by run")
    assert [point for (point,) in found] == list(runs.points)


def test_why_a_run_does_not_count_has_one_word_for_reasons_of_a_kind(tmp_path):
    folder = write_result(tmp_path / "tree")
    log = folder / "result_0.txt"
    log.write_text(log.read_text().replace('"success"', '"aborted"'))
    (folder / "result_1.txt").write_text("")
    write(tmp_path / "data", tmp_path / "tree", "3.0")
    sql = "select reason_code, count(*) from runs group by all order by 1"
    assert query(tmp_path / "data", sql) == [("no-lines", 1), ("not-converged", 1), (None, 3)]


def test_measurements_are_left_empty_where_they_are_not_wanted(tmp_path):
    folder = write_result(tmp_path / "tree")
    log = folder / "result_0.txt"
    *before, stop = log.read_text().splitlines()
    log.write_text("\n".join((*before, log_line(1_700_000_000_000, "throughput", 2.5, {"step_num": 3}), stop)) + "\n")
    imported = import_tree(tmp_path / "tree", "3.0", with_details=True)
    counts = []
    for name, details in (("with", imported.outcome.details), ("without", {})):
        dataset = Dataset(tmp_path / name)
        dataset.add(dataclasses.replace(imported.outcome, details=details), [])
        dataset.finish()
        counts += query(tmp_path / name, "select count(*) from measurements where key = 'throughput'")
    assert counts == [(1,), (0,)]
    sql = "select time_ms, value, logged_step, benchmark from measurements where key = 'throughput'"
    assert query(tmp_path / "with", sql) == [(0.0, 2.5, 3.0, "resnet")]


def test_the_script_leaves_measurements_out_where_they_are_not_wanted(tmp_path):
    for switch in ("yes", "no"):
        options = options_from({"dataset": str(tmp_path), "no_measurements": switch})
        assert _dataset(options, [], print).with_measurements is (switch == "no")


def test_power_logs_are_rows_line_by_line(tmp_path):
    """In the order of the file, also of runs that do not count; a line that cannot be read is none."""
    folder = write_result(tmp_path / "tree", benchmark="llama2_70b_lora")
    log = folder / "result_1.txt"
    log.write_text(log.read_text().replace('"success"', '"aborted"'))
    meter = (
        log_line(START_MS - 500, "power_measurement_start", None),
        log_line(START_MS + 2000, "power_reading", 1000.5),
        ":::MLLOG {",
        log_line(START_MS + 1000, "power_reading", 999),
        log_line(START_MS + 3000, "power_reading", "none"),
        log_line(START_MS + 3000, "conversion_eff", 0.94),
        log_line(START_MS + 4000, "something_else", 1),
    )
    for run in ("result_0", "result_1"):
        (folder / "power" / run).mkdir(parents=True)
        (folder / "power" / run / "node_0.txt").write_text("\n".join(meter) + "\n")
    (folder / "power/result_0/sw_0.txt").write_text(log_line(START_MS, "interconnect_power_est", 100) + "\n")
    write(tmp_path / "data", tmp_path / "tree", "4.1")
    sql = "select key, line, time_ms, value, unit from power where log like '%result_1.txt' order by key, line"
    assert query(tmp_path / "data", sql) == [
        ("conversion_eff", 1, 3000, 0.94, None),
        ("power_measurement_start", 1, -500, None, None),
        ("power_reading", 1, 2000, 1000.5, "W"),
        ("power_reading", 2, 1000, 999, "W"),
        ("power_reading", 3, 3000, None, "W"),
    ]
    sql = "select name, key, value, benchmark from power where log like '%result_0.txt' and name <> 'node_0.txt'"
    assert query(tmp_path / "data", sql) == [("sw_0.txt", "interconnect_power_est", 100, "llama2_70b_lora")]
    assert query(tmp_path / "data", "select count(*) from power group by log order by log") == [(6,), (5,)]


def test_the_version_of_the_schema_counts_the_columns():
    major, columns, _ = schema_version().split(".")
    assert int(columns) == sum(len(table.columns) for table in dataset_tables().values())
    assert int(major) == 2
