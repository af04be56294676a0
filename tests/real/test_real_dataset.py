"""The data set of a real round, against what other programs and the import say about its logs."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import duckdb
import pytest
from trees import import_tree

from mlperf_training_import.dataset.curves import iter_curves
from mlperf_training_import.dataset.write import Dataset
from mlperf_training_import.options import Filter
from mlperf_training_import.tables.dataset import dataset_tables
from mlperf_training_import.tables.log_keys import is_measured, is_setting, left_out_keys
from mlperf_training_import.tables.rules import benchmark_of

#: The smallest of the rounds that are imported for all tests.
ROUND = "4.1"
KEYS = ":::MLL.*(eval_accuracy|eval_error)"
SETTING = "opt_base_learning_rate"


@pytest.fixture(scope="module")
def clone(real_round):
    return real_round(ROUND)


@pytest.fixture(scope="module")
def query(real_dataset):
    """What asks the data set of the round."""
    with duckdb.connect() as connection:
        for name in dataset_tables():
            connection.read_parquet(str(real_dataset / name / f"{ROUND}.parquet")).create_view(name)
        yield lambda sql: connection.sql(sql).fetchall()


@pytest.fixture(scope="module")
def report(real_home):
    """What the import said about the round."""
    content = json.loads((Path(real_home["WORK"]) / "mlperf-training-report.json").read_text())
    (of_round,) = (round_ for round_ in content["rounds"] if round_["version"] == ROUND)
    return of_round


@pytest.fixture(scope="module")
def entries(real_home):
    """The stored entries of the round, by uid."""
    files = Path(real_home["CM_REPOS"]).glob(f"repos/local/experiment/mlperf-training--{ROUND}--*/*/cm-result.json")
    return {entry["uid"]: entry for file in files for entry in json.loads(file.read_text())}


def grep(clone: Path, *arguments: str) -> dict[str, int]:
    """Counts of lines by log, of the logs that have any."""
    command = ["grep", "-rcaE", "--include=result_*.txt", *arguments, "--", *(f"{path}/" for path in folders(clone))]
    lines = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=True).stdout.splitlines()
    counts = ((path, int(number)) for path, _, number in (line.rpartition(":") for line in lines))
    return {path.replace("//", "/"): number for path, number in counts if number}


def folders(clone: Path) -> list[str]:
    return sorted(path.relative_to(clone).as_posix() for path in clone.glob("*/results"))


def test_runs_are_those_of_the_report(query, report):
    said = {
        (f"{folder['folder']}/{run['log']}", run.get("minutes"), run.get("reason"))
        for folder in report["folders"]
        for run in folder["runs"]
    }
    assert len(said) == 1309
    assert set(query("select log, minutes, reason from runs")) == said


def test_evaluations_are_the_lines_that_grep_counts(query, clone):
    counted = grep(clone, KEYS)
    assert sum(counted.values()) == 15_594
    assert dict(query("select log, evaluations_count from runs where evaluations_count > 0")) == counted
    assert dict(query("select log, count(distinct line) from evaluations group by log")) == counted


def test_a_setting_is_there_for_the_logs_that_grep_finds_it_in(query, clone):
    counted = grep(clone, f':::MLL.*"key": *"{SETTING}"')
    assert len(counted) > 1000
    assert dict(query(f"select log, lines from hyperparameters where key = '{SETTING}'")) == counted


@pytest.mark.parametrize("key", ["tracked_stats", "train_loss", "eval_start"])
def test_measurements_are_the_lines_that_grep_counts(query, clone, key):
    counted = grep(clone, f':::MLL.*"key": *"{key}"')
    assert counted
    sql = f"select log, count(distinct line) from measurements where key = '{key}' group by log"
    assert dict(query(sql)) == counted


def test_every_kind_of_measurement_has_the_lines_that_grep_counts(query, clone):
    """And nothing else is a measurement but settings that change in a run."""
    kinds = [key for key in left_out_keys() if is_measured(key)]
    command = ["grep", "-rhaoE", "--include=result_*.txt", f'"key": *"({"|".join(kinds)})"', "--", *folders(clone)]
    with subprocess.Popen(
        command, cwd=clone, stdout=subprocess.PIPE, text=True, env=os.environ | {"LC_ALL": "C"}
    ) as process:
        counted = Counter(line.rstrip('"\n').rpartition('"')[2] for line in process.stdout)
    assert len(counted) == 9
    rows = dict(query("select key, count(distinct (log, line)) from measurements group by key"))
    assert {key: rows.get(key) for key in counted} == counted
    assert [key for key in rows if key not in counted and not is_setting(key)] == []


def test_power_is_the_lines_that_grep_counts_and_gives_the_energy_of_the_runs(real_tree, tmp_path):
    """Of one benchmark of round 4.0."""
    tree = real_tree("4.0")
    imported = import_tree(tree, "4.0", Filter(benchmarks=frozenset({"llama2_70b_lora"})), with_details=True)
    dataset = Dataset(tmp_path / "data")
    dataset.add(imported.outcome, imported.findings)
    places = sorted(path.relative_to(tree).as_posix() for path in tree.glob("*/results/*/llama2_70b_lora/power"))
    with duckdb.connect() as connection:
        for name in ("power", "runs"):
            connection.read_parquet(str(dataset.folder / name / "*.parquet")).create_view(name)
        for key in ("power_reading", "power_measurement_start", "interconnect_power_est"):
            command = ["grep", "-rcaE", f':::MLL.*"key": *"{key}"', "--", *places]
            done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
            lines = (line.rpartition(":") for line in done.stdout.splitlines())
            counted = Counter({path: int(number) for path, _, number in lines if number != "0"})
            rows = connection.sql(f"select log, name, count(*) from power where key = '{key}' group by all").fetchall()
            folders_of_runs = {log: log.replace("/result_", "/power/result_").removesuffix(".txt") for log, *_ in rows}
            assert {f"{folders_of_runs[log]}/{name}": number for log, name, number in rows} == counted
            assert counted
        energies = connection.sql(ENERGY).fetchall()
    assert len(energies) >= 20
    for log, joules, expected in energies:
        assert joules == pytest.approx(expected, rel=1e-9), log


#: Joules of runs from the lines of their meters, and as ``runs`` has them; of those whose nodes all have start and stop, and
#: whose switches have no meter. Source: ``logs/power.py``.
ENERGY = """
with meters as (
  select log, name,
    min(time_ms) filter (key = 'power_measurement_start') as start,
    min(time_ms) filter (key = 'power_measurement_stop') as stop,
    coalesce(arg_max(value, line) filter (key = 'conversion_eff'), 1) as factor,
    arg_min(value, line) filter (key = 'interconnect_power_est') as estimate
  from power group by all
), steps as (
  select log, name, value,
    time_ms - coalesce(lag(time_ms) over (partition by log, name order by time_ms, line), start) as step
  from power join meters using (log, name)
  where key = 'power_reading' and time_ms between start and stop
), integrals as (
  select log, name, sum(value * step) as watt_ms from steps group by all
), parts as (
  select log, name, factor * coalesce(estimate, watt_ms / (stop - start)) / 1000 as joules_per_ms
  from meters left join integrals using (log, name)
)
select log, sum(joules_per_ms) * any_value(minutes) * 60000, any_value(energy_joules)
from parts join runs using (log)
where energy_joules is not null
  and log not in (select log from power where starts_with(name, 'sw_') and key = 'power_reading')
  and log not in (select log from meters where starts_with(name, 'node_') and not coalesce(stop > start, false))
group by log
"""


def test_every_evaluation_has_its_samples_and_the_last_one_those_of_its_run(query):
    assert query("select count(*) from evaluations where progress is null or samples is null") == [(0,)]
    sql = """select count(*), count(*) filter (u.progress = e.progress and u.samples = e.samples) from runs u
        join (select log, arg_max(progress, line) as progress, arg_max(samples, line) as samples
              from evaluations where not is_after_stop group by log) e using (log)
        where u.progress is not null and u.benchmark <> 'stable_diffusion'"""
    ((runs, equal),) = query(sql)
    assert runs == equal > 1000


def test_no_evaluation_with_progress_is_without_samples(real_dataset):
    found = duckdb.read_parquet(str(real_dataset / "evaluations/*.parquet"))
    assert found.filter("progress is not null and samples is null").fetchall() == []
    assert found.filter("samples is not null").aggregate("count(distinct round)").fetchall() == [(3,)]


def test_no_quality_is_outside_of_what_its_metric_can_be(real_dataset):
    """Per cent up to 100, parts of 1 up to 1, none of them below 0."""
    evaluations, benchmarks = (f"'{real_dataset}/{name}/*.parquet'" for name in ("evaluations", "benchmarks"))
    sql = f"""select target_unit, lower_is_better, min(quality), max(quality), count(distinct benchmark)
        from {evaluations} join {benchmarks} using (round, benchmark) where quality is not null group by all"""
    found = {(unit, lower): said for unit, lower, *said in duckdb.sql(sql).fetchall()}
    assert {key: number for key, (*_, number) in found.items()} == {("%", False): 2, ("1", False): 3, ("1", True): 5}
    for (unit, lower), (least, most, _) in found.items():
        assert least >= 0
        assert lower or most <= (100 if unit == "%" else 1)


def test_the_last_evaluations_of_the_kept_runs_make_the_quality_of_the_entry(query, entries):
    """But for Stable Diffusion: there it is the first point at which all targets are met."""
    by_run = defaultdict(list)
    for uid, log, *figure in query(
        """select u.uid, u.log, e.samples, e.metric, e.value, e.quality from runs u join evaluations e using (round, log)
        where u.is_kept and not e.is_after_stop order by u.log, e.line"""
    ):
        by_run[uid, log].append(figure)
    reached = defaultdict(list)
    for (uid, _), figures in by_run.items():
        if entries[uid]["Model_ID"] == "stable_diffusion":
            reached[uid].append(first_on_target(figures))
        else:
            *_, quality = figures[-1]
            reached[uid].append(quality)
    assert {uid for uid, entry in entries.items() if "quality_reached" in entry} == set(reached)
    assert len(reached) == 153
    for uid, qualities in reached.items():
        assert entries[uid]["quality_reached"] == pytest.approx(sum(qualities) / len(qualities), rel=1e-12), uid


def first_on_target(figures: list) -> float:
    """The first figure of the point with the fewest samples at which both are met."""
    targets = benchmark_of("stable_diffusion", ROUND).targets
    points = defaultdict(dict)
    for samples, metric, value, _ in figures:
        points[samples][metric] = value
    met = [
        samples
        for samples, said in points.items()
        if all(target.field in said and target.is_met(said[target.field]) for target in targets)
    ]
    return points[min(met)][targets[0].field]


def test_rows_of_each_table(query, report, entries):
    def count(table: str) -> int:
        ((rows,),) = query(f"select count(*) from {table}")
        return rows

    assert {uid for (uid,) in query("select uid from results")} == set(entries)
    assert count("results") == report["results"] == 153
    assert count("runs") == sum(folder["logs"] for folder in report["folders"])
    assert count("evaluations") == 15_594  # in this round each line has one figure
    assert count("systems") == len({(folder["submitter"], folder["system"]) for folder in report["folders"]})
    assert count("findings") == report["findings"]
    ((settings,),) = query("select count(*) from (select distinct log, key from hyperparameters)")
    assert count("hyperparameters") == settings == 17_490


def test_runs_whose_logs_give_the_duration_have_it_and_the_last_quality(real_tree, tmp_path):
    """MiniGo of 0.6: its checkpoints are evaluated when the run is over, and a line says how long it took until the last."""
    tree = real_tree("0.6")
    imported = import_tree(tree, "0.6", Filter(benchmarks=frozenset({"minigo"})), with_details=True)
    dataset = Dataset(tmp_path / "data")
    dataset.add(imported.outcome, imported.findings)
    files = str(tmp_path / "data/runs/*.parquet")
    rows = duckdb.read_parquet(files).select("log, minutes, is_kept, quality, run_start_ms, run_stop_ms").fetchall()
    assert len(rows) == 20
    for log, minutes, _, quality, start_ms, stop_ms in rows:
        text = (tree / log).read_text(errors="replace")
        line = next(line for line in text.splitlines() if " eval_result: " in line)
        seconds = re.search(r"""["']timestamp["']: ([\d.]+)""", line)[1]
        assert minutes == pytest.approx(float(seconds) / 60, rel=1e-9), log
        assert stop_ms is None or minutes < (stop_ms - start_ms) / 60_000
        last = [line for line in text.splitlines() if " eval_accuracy: " in line][-1]
        assert quality == pytest.approx(100 * float(re.search(r"""["']value["']: ([\d.]+)""", last)[1]), rel=1e-9), log
    assert sum(is_kept for _, _, is_kept, *_ in rows) == 2 * 8  # of ten, without the fastest and the slowest
    # over minutes nothing could be drawn
    dataset.finish()
    units = {curves.unit for _, of_result in iter_curves(tmp_path / "data", print) for curves in of_result}
    assert units == {"epochs"}
