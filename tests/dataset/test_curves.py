"""Learning curves: read from a data set, and written beside a page or into it."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import sys
from pathlib import Path

import forked
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from madeup import store
from trees import import_tree, snapshot, write_result

from mlperf_training_import.commands.line import main
from mlperf_training_import.commands.report import dataset_of
from mlperf_training_import.dataset.curves import iter_curves
from mlperf_training_import.dataset.parquet import MOST_ROWS
from mlperf_training_import.dataset.write import DATASET_FOLDER, Dataset
from mlperf_training_import.errors import BadInput
from mlperf_training_import.show.page.page import write_output
from mlperf_training_import.show.page.written import LIST_FILE
from mlperf_training_import.start.sample import START_MS, log_line

MINUTE_MS = 60_000
IDENTITY = ("3.0", "Org", "sys", "resnet")


def write_dataset(folder, tree, version="3.0"):
    """Writes the data set of a tree; returns the entries of its results."""
    imported = import_tree(tree, version, with_details=True)
    dataset = Dataset(folder)
    dataset.add(imported.outcome, imported.findings)
    dataset.finish()
    return [result.entry for result in imported.outcome.results]


def unexpected(line: str) -> None:
    raise AssertionError(line)


def lines_about(data: Path) -> list[str]:
    """What is said about a data set with one round, of which no curve can be drawn."""
    lines = []
    assert list(iter_curves(data, lines.append)) == []
    return lines


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data set of one result with three evaluations a run, of which the first log has two more; and its entries."""
    root = tmp_path_factory.mktemp("curves")
    folder = write_result(root / "tree", (4, 8, 12, 16, 20), evaluations=((1, 0.1), (2, 0.5), (3, 0.76)))
    log = folder / "result_0.txt"
    early, late = (log_line(START_MS + ms, "eval_accuracy", 0.01) for ms in (-1, 5 * MINUTE_MS))
    log.write_text("\n".join((early, log.read_text().rstrip("\n"), late)) + "\n")
    return root / "data", write_dataset(root / "data", root / "tree")


def curves_of(tmp_path, benchmark: str, version: str, minutes: float, **metadata):
    """The curves of a result whose runs have one evaluation more, at these minutes and with this metadata."""
    folder = write_result(tmp_path / "tree", range(1, 11), benchmark=benchmark, evaluations=())
    for log in folder.glob("result_*.txt"):
        *lines, stop = log.read_text().splitlines()
        more = log_line(START_MS + minutes * MINUTE_MS, "eval_accuracy", 88, metadata)
        log.write_text("\n".join((*lines, more, stop)) + "\n")
    write_dataset(tmp_path / "data", tmp_path / "tree", version)
    return [curves for _, of_result in iter_curves(tmp_path / "data", unexpected) for curves in of_result]


def test_a_curve_has_the_evaluations_of_the_run_in_minutes_and_on_the_scale_of_the_target(made):
    ((identity, (curves,)),) = iter_curves(made[0], unexpected)
    assert identity == IDENTITY
    assert (curves.unit, curves.target.value) == ("minutes", 75.9)
    for number, run in enumerate(curves.runs, 1):
        assert [minutes for minutes, _ in run.points] == pytest.approx([number, 2 * number, 3 * number])
        assert [quality for _, quality in run.points] == pytest.approx([10, 50, 76])


def test_a_curve_says_whether_the_time_of_its_run_is_in_the_score(made):
    ((_, (curves,)),) = iter_curves(made[0], unexpected)
    kept = {run.log.rpartition("/")[2]: run.is_kept for run in curves.runs}
    assert kept == {f"result_{number}.txt": number in (1, 2, 3) for number in range(5)}


def test_checkpoints_that_are_evaluated_after_the_run_have_no_minutes(tmp_path):
    fid = curves_of(tmp_path / "a", "stable_diffusion", "4.1", 300, metric="FID", samples_count=512_000)
    assert [(curves.unit, curves.target.metric) for curves in fid] == [("samples", "FID")]
    assert fid[0].runs[0].points == ((512_000, 88),)
    assert curves_of(tmp_path / "b", "stable_diffusion", "4.1", 300, metric="FID") == []  # nor anything else to draw over


def test_two_targets_have_curves_of_their_own(tmp_path):
    folder = write_result(tmp_path / "tree", benchmark="maskrcnn", evaluations=())
    for log in folder.glob("result_*.txt"):
        *lines, stop = log.read_text().splitlines()
        line = log_line(START_MS + 1000, "eval_accuracy", {"BBOX": 0.38, "SEGM": 0.34}, {"epoch_num": 10})
        log.write_text("\n".join((*lines, line, stop)) + "\n")
    write_dataset(tmp_path / "data", tmp_path / "tree")
    ((_, curves),) = iter_curves(tmp_path / "data", unexpected)
    assert [(c.target.field, c.runs[0].points[0][1]) for c in curves] == [("BBOX", 0.38), ("SEGM", 0.34)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file: file.write_bytes(b"PAR1"), "cannot be read"),
        (lambda file: file.unlink(), "cannot be read"),
        (lambda file: rewrite(file, {"schema_version": "9.0"}), "has version 9.0 of the schema"),
        (lambda file: rewrite(file, {}), "has version unknown"),
        (lambda file: rewrite(file, None, ["log"]), "lacks is_kept, minutes"),
    ],
)
def test_a_data_set_that_cannot_be_read_is_named(tmp_path, change, said):
    write_result(tmp_path / "tree")
    write_dataset(tmp_path / "data", tmp_path / "tree")
    change(tmp_path / "data/runs/3.0.parquet")
    (line,) = lines_about(tmp_path / "data")
    assert re.match(rf"left out learning curves: .*3\.0\.parquet: {said}.*; write the data set anew", line)


def rewrite(file, metadata: dict | None, columns: list | None = None) -> None:
    table = pq.ParquetFile(file).read(columns)
    pq.write_table(pa.table(table) if metadata is None else table.replace_schema_metadata(metadata), file)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (lambda file: replaced(file, "log", ["x" * 1_000_000] * 50), "has a text of 1000000 bytes, more than 4096"),
        (lambda file: replaced(file, "log", ["x"] * (MOST_ROWS + 1)), f"has {MOST_ROWS + 1} rows, more than {MOST_ROWS}"),
        (lambda file: replaced(file, "log", [f"{n:_>9000}" for n in range(9000)]), "unpacks to more than 64 MB"),
        (lambda file: replaced(file, "log", [7]), "log is of type"),
        (lambda file: replaced(file, "log", [["x"]]), "log is of type"),
        (lambda file: link(file, "/dev/zero"), "cannot be read \\(not a regular file"),
        (lambda file: (file.unlink(), os.mkfifo(file)), "cannot be read \\(not a regular file"),
        (lambda file: (file.unlink(), file.mkdir()), "cannot be read"),
    ],
)
def test_a_file_of_a_stranger_fills_no_memory_and_keeps_nobody_waiting(made, tmp_path, form, said):
    shutil.copytree(made[0], tmp_path / "data")
    form(tmp_path / "data/runs/3.0.parquet")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = lines_about(tmp_path / "data")
    assert re.match(rf"left out learning curves: .*3\.0\.parquet: {said}.*; write the data set anew", line)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150 << 10
    dataset = Dataset(tmp_path / "data")
    dataset.finish()
    assert {Path(finding.where).name for finding in dataset.findings} == {"3.0.parquet"}


@pytest.mark.parametrize("table", ["evaluations", "results", "runs"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-100]),
        lambda file: file.write_bytes(b"\0" * 5000),
        lambda file: file.write_bytes(flipped(file.read_bytes())),
        lambda file: (file.unlink(), os.mkfifo(file)),
        lambda file: rewrite(file, {}),
    ],
    ids=["cut", "zeros", "flipped", "pipe", "stranger"],
)
def test_a_bad_file_costs_its_own_round_the_curves_and_the_page_is_written(made, tmp_path, table, damage):
    data, entries = shutil.copytree(made[0], tmp_path / "data"), made[1]
    for name in ("evaluations", "results", "runs"):
        shutil.copy(data / name / "3.0.parquet", data / name / "2.9.parquet")  # another round, which comes first
    damage(data / table / "2.9.parquet")
    said = []
    assert write_output(entries, tmp_path / "page.html", None, data, said.append) == len(entries)
    assert f'"curves":{{"{entries[0]["uid"]}":' in (tmp_path / "page.html").read_text()
    assert said[-1] == f"learning curves of 1 result from {data}"
    assert all(line.startswith("left out learning curves: ") and "2.9.parquet: " in line for line in said[:-1])
    assert len(said) == 2


def flipped(data: bytes) -> bytes:
    """The content of a file with another bit in each of its pages."""
    changed = bytearray(data)
    for place in range(10, len(changed) - 2000, 10):
        changed[place] ^= 0x40
    return bytes(changed)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_quality_that_is_no_number_is_not_drawn(made, tmp_path, value):
    shutil.copytree(made[0], tmp_path / "data")
    file = tmp_path / "data/evaluations/3.0.parquet"
    count = pq.ParquetFile(file).metadata.num_rows
    replaced(file, "quality", [value] * count)
    assert list(iter_curves(tmp_path / "data", unexpected)) == []


def test_evaluations_of_one_result_are_bounded(made, tmp_path, monkeypatch):
    monkeypatch.setattr("mlperf_training_import.dataset.curves._MOST_OF_RESULT", 5)
    (line,) = lines_about(made[0])
    assert "3.0.parquet: more than 5 evaluations of one result" in line


def test_an_evaluation_of_a_log_without_run_is_not_drawn(made, tmp_path):
    shutil.copytree(made[0], tmp_path / "data")
    file = tmp_path / "data/evaluations/3.0.parquet"
    replaced(file, "log", ["nowhere"] * pq.ParquetFile(file).metadata.num_rows)
    assert list(iter_curves(tmp_path / "data", unexpected)) == []


def replaced(file, name: str, values: list) -> None:
    """Writes a file with another column; where it has another number of rows, its first one stands in each."""
    table = pq.ParquetFile(file).read()
    if len(values) != table.num_rows:
        table = table.take(pa.array([0] * len(values)))
    place = table.schema.get_field_index(name)
    changed = table.set_column(place, name, pa.array(values))
    pq.write_table(changed, file, compression="zstd")


def link(file, target: str) -> None:
    file.unlink()
    file.symlink_to(target)


def test_a_folder_without_a_data_set(tmp_path):
    with pytest.raises(BadInput, match=r"no data set; run\.py dataset"):
        list(iter_curves(tmp_path, print))


def test_a_site_has_a_file_for_each_result_and_one_page_has_them_in_it(made, tmp_path):
    data, entries = made
    uid = entries[0]["uid"]
    said = []
    write_output(
        [*entries, {**entries[0], "uid": "../out", "system_file": "other"}], tmp_path / "site", None, data, said.append
    )
    assert set(snapshot(tmp_path / "site")) == {LIST_FILE, "index.html", "results.json", f"curves/{uid}.json"}
    (chart,) = json.loads((tmp_path / "site" / "curves" / f"{uid}.json").read_text())
    assert (chart["metric"], chart["target"], chart["unit"], len(chart["runs"])) == ("% classification", 75.9, "minutes", 5)
    run = {"log": "result_1.txt", "is_kept": True, "evaluations": 3, "at": [2, 4, 6], "quality": [10, 50, 76]}
    assert chart["runs"][1] == run
    payload = json.loads((tmp_path / "site/results.json").read_text())
    assert payload["fields"]["has_curves"] == [True, False]
    write_output(entries, tmp_path / "site")
    assert set(snapshot(tmp_path / "site")) == {LIST_FILE, "index.html", "results.json"}
    assert "curves" not in payload
    write_output(entries, tmp_path / "page.html", None, data, said.append)
    assert f'"curves":{{"{uid}":[{{"metric":"% classification"' in (tmp_path / "page.html").read_text()
    assert said == [f"learning curves of 1 result from {data}"] * 2


def test_curves_that_are_too_many_for_one_file_are_left_out_and_it_says_so(made, tmp_path, monkeypatch):
    monkeypatch.setattr("mlperf_training_import.show.page.page._MOST_EMBEDDED_BYTES", 100)
    said = []
    write_output(made[1], tmp_path / "page.html", None, made[0], said.append)
    assert len(said) == 1
    assert said[0].startswith("left out the learning curves of 1 result")
    assert '"curves"' not in (tmp_path / "page.html").read_text().partition('id="data">')[2].partition("</script>")[0]


def test_many_points_are_thinned_to_those_that_can_be_seen(tmp_path):
    evaluations = tuple((number, number / 1000) for number in range(901))
    write_result(tmp_path / "tree", evaluations=evaluations)
    entries = write_dataset(tmp_path / "data", tmp_path / "tree")
    write_output(entries, tmp_path / "site", None, tmp_path / "data")
    ((chart,),) = (json.loads(file.read_text()) for file in (tmp_path / "site/curves").iterdir())
    quality = chart["runs"][0]["quality"]
    assert (len(quality), quality[0], quality[-1]) == (100, 0, 90)
    assert quality == sorted(set(quality))


def test_a_data_set_that_lies_with_the_page_is_found(made, tmp_path, isolated):
    assert dataset_of(Path("page.html")) is None
    shutil.copytree(made[0], isolated / DATASET_FOLDER)
    assert dataset_of(Path("page.html")) == dataset_of(Path("site")) == Path(DATASET_FOLDER)
    shutil.copytree(made[0], isolated / "site" / DATASET_FOLDER)
    assert dataset_of(Path("site")) == Path("site") / DATASET_FOLDER
    shutil.copytree(made[0], isolated / "both")
    assert dataset_of(Path("both")) == Path("both")


def test_one_that_cannot_be_read_here_is_left_out_of_the_page(made, isolated, monkeypatch, capsys):
    shutil.copytree(made[0], isolated / DATASET_FOLDER)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert dataset_of(Path("page.html")) is None
    assert capsys.readouterr().out.startswith(f"left out the learning curves of {DATASET_FOLDER}: ")


@pytest.mark.slow
def test_the_command_takes_a_data_set(made, isolated):
    store(isolated.parent / "CM", made[1])
    done = forked.run_py("report", "--dataset", str(made[0]))
    assert f"learning curves of 1 result from {made[0]}\n" in done.stdout, done.stderr
    missing = forked.run_py("report", "--dataset", "nowhere")
    assert missing.returncode == 1
    assert missing.stderr.startswith("error: nowhere: no data set")


def test_no_name_in_a_data_set_is_an_order_to_a_terminal(made, isolated, capsys):
    store(isolated.parent / "CM", made[1])
    data = shutil.copytree(made[0], isolated / "data")
    (data / "evaluations/\x1b[31m\n::error::no.parquet").write_text("of somebody else")
    assert main(["report", "--dataset", str(data)]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert any(line.startswith("left out learning curves: ") and "::error::no" in line for line in lines)
    assert all(line.isprintable() and not line.startswith("::") for line in lines)
