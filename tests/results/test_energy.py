"""Power logs of every kind: each gives a number that can be computed by hand or a finding, and none stops the import."""

from __future__ import annotations

import csv
import json
import os
from functools import partial

import pytest
from msgspec import structs
from trees import import_tree

from mlperf_training_import.logs import log as log_module
from mlperf_training_import.logs import power as power_module
from mlperf_training_import.logs.log import iter_blocks
from mlperf_training_import.logs.power import UnknownEnergy, estimate, integrate, read_power_log
from mlperf_training_import.model import Round
from mlperf_training_import.results.score_round import Reading, read_round
from mlperf_training_import.rounds.walk import walk
from mlperf_training_import.start.sample import START_MS, log_line, run_log, system_description, write_submission
from mlperf_training_import.tables.rules import rules_of

DIALECT = rules_of("4.1").dialect
START, STOP, READING = "power_measurement_start", "power_measurement_stop", "power_reading"
#: Runs of 1, 2 and 3 minutes: the score keeps the one of 2 minutes.
KEPT_RUN_MS = 120_000


def event(second: float, key: str, value: object = None) -> str:
    """A line, so many seconds after the start of the run."""
    return log_line(START_MS + round(second * 1000), key, value)


def steady(watts: float, *more: str) -> str:
    """A log whose window is the kept run, with two readings of the same power."""
    lines = [event(0, START), *more, event(60, READING, watts), event(120, READING, watts), event(120, STOP)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def log_of(tmp_path):
    """A function from lines to the power log that they make."""

    def read(*lines: str):
        file = tmp_path / "node_0.txt"
        file.write_text("\n".join(lines) + "\n")
        return read_power_log(file, DIALECT)

    return read


@pytest.fixture
def import_with(tmp_path):
    """A function that imports a round of one result with the given power logs.

    Takes folder name -> file name -> text; returns the entry and the findings about power.
    """

    def import_(power: dict[str, dict[str, str]], *, nodes: int | None = 1, scaling: float | None = None):
        root = tmp_path / "round"
        logs = [run_log("llama2_70b_lora", minutes) for minutes in (3, 1, 2)]  # result_2.txt is kept
        description = system_description("Acme", number_of_nodes=nodes)
        folder = write_submission(root, "Acme", "box", "llama2_70b_lora", logs, description)
        (folder / "power").mkdir()
        for run, files in power.items():
            (folder / "power" / run).mkdir()
            for name, text in files.items():
                (folder / "power" / run / name).write_text(text)
        if scaling is not None:
            (folder / "scaling.json").write_text(json.dumps({"scaling_factor": scaling}))
        return import_round(root)

    return import_


def import_round(root):
    round_ = Round("4.1", "4.1", root)
    findings = []
    submissions = walk(round_, rules_of("4.1"), findings)
    outcome = read_round(round_, submissions, Reading())
    findings += outcome.findings
    (result,) = outcome.results
    json.dumps(result.entry, allow_nan=False)
    return result.entry, {f.code: f.what for f in findings if f.code in ("no-power-folder", "unknown-energy", "power-log")}


def test_each_part_between_two_gaps_covers_the_run(log_of):
    """Readings in every ten seconds of the first and of the last half minute; 30 s between two of them are no gap."""
    seconds = (10, 20, 30, 90, 100, 110, 120, 150)
    log = log_of(event(0, START), *(event(second, READING, 5) for second in seconds), event(150, STOP))
    assert log.stretches_ms == tuple(
        (START_MS + first, START_MS + last) for first, last in ((10_000, 30_000), (90_000, 150_000))
    )
    assert log.coverage(START_MS, START_MS + 160_000) == 0.5


def all_runs(files: dict[str, str]) -> dict[str, dict[str, str]]:
    return {f"result_{number}": files for number in range(3)}


# -- one log ----------------------------------------------------------------------------------------------------------


def test_readings_are_weighted_with_the_time_since_the_one_before(log_of):
    log = log_of(event(0, START), event(10, READING, 100), event(40, READING, 200), event(50, STOP))
    # (100 W * 10 s + 200 W * 30 s) = 7000 J in a window of 50 s; over a run of 100 s twice that
    assert integrate(log, 100_000) == 14000.0


def test_no_start_is_unknown(log_of):
    with pytest.raises(UnknownEnergy, match="without power_measurement_start"):
        integrate(log_of(event(10, READING, 100), event(50, STOP)), 100_000)


def test_without_a_stop_the_last_reading_is_the_stop(log_of):
    log = log_of(event(0, START), event(10, READING, 100), event(40, READING, 200))
    # 7000 J in a window of 40 s; over 100 s: 7000 * 100 / 40
    assert integrate(log, 100_000) == 17500.0
    assert list(log.oddities) == ["logs without power_measurement_stop, so that all readings count"]


@pytest.mark.parametrize("stop", [0, -5])
def test_a_stop_not_later_than_the_start_is_no_stop(log_of, stop):
    log = log_of(event(0, START), event(stop, STOP), event(10, READING, 100), event(40, READING, 200))
    assert integrate(log, 100_000) == 17500.0
    assert "not later than the start" in log.oddities[0]


def test_a_start_alone_has_no_duration(log_of):
    with pytest.raises(UnknownEnergy):
        integrate(log_of(event(0, START)), 100_000)
    with pytest.raises(UnknownEnergy):
        integrate(log_of(event(0, START), event(0, READING, 100)), 100_000)


def test_a_window_without_a_reading_is_unknown_and_not_zero(log_of):
    with pytest.raises(UnknownEnergy):
        integrate(log_of(event(0, START), event(50, STOP)), 100_000)


def test_negative_readings_count_as_they_are(log_of):
    log = log_of(event(0, START), event(10, READING, 500), event(20, READING, -43), event(20, STOP))
    # 5000 J - 430 J in 20 s, over 20 s
    assert integrate(log, 20_000) == 4570.0
    assert list(log.oddities) == []


def test_lines_are_put_in_order_by_time(log_of):
    log = log_of(event(50, STOP), event(40, READING, 200), event(0, START), event(10, READING, 100))
    assert integrate(log, 100_000) == 14000.0


def test_equal_times_stay_in_the_order_of_the_file(log_of):
    before = log_of(event(0, START), event(10, READING, 100), event(20, READING, 100), event(20, STOP))
    after = log_of(event(0, START), event(10, READING, 100), event(20, STOP), event(20, READING, 100))
    # 2000 J or, with the reading behind the stop, 1000 J in 20 s
    assert (integrate(before, 20_000), integrate(after, 20_000)) == (2000.0, 1000.0)


def test_readings_outside_the_window_do_not_count(log_of):
    inside = [event(0, START), event(10, READING, 100), event(40, READING, 200), event(50, STOP)]
    log = log_of(event(-10, READING, 9000), *inside, event(60, READING, 9000))
    assert integrate(log, 100_000) == 14000.0


def test_the_last_of_two_conversion_factors_is_taken(log_of):
    one = log_of(event(0, START), event(0, "conversion_eff", 0.5), event(10, READING, 100), event(10, STOP))
    two = log_of(
        *(event(0, START), event(0, "conversion_eff", 0.5), event(5, "conversion_eff", 0.25)),
        *(event(10, READING, 100), event(10, STOP)),
    )
    # 1000 J times 0.5, times 0.25
    assert (integrate(one, 10_000), integrate(two, 10_000)) == (500.0, 250.0)
    assert list(one.oddities) == []
    assert list(two.oddities) == ["logs with several conversion_eff; the last one counts"]


def test_the_first_of_two_starts_is_taken(log_of):
    log = log_of(event(0, START), event(10, READING, 100), event(15, START), event(40, READING, 200), event(50, STOP))
    assert integrate(log, 100_000) == 14000.0
    assert "several power_measurement_start" in log.oddities[0]


def test_an_estimate_holds_over_the_whole_run(log_of):
    log = log_of(event(-1e8, "interconnect_power_est", 16100))
    assert estimate(log, 100_000) == 1_610_000.0  # 16100 W * 100 s


def test_a_large_log_is_integrated_while_it_is_read(log_of, monkeypatch):
    """Lines may stand as far from their place as half of what waits."""
    monkeypatch.setattr(power_module, "_MOST_WAITING_BYTES", 4000)
    monkeypatch.setattr(log_module, "iter_blocks", partial(iter_blocks, size=500))
    readings = [event(number * 10, READING, 100 + number % 7) for number in range(1, 1000)]
    expected = log_of(event(0, START), *readings, event(10_000, STOP))
    for number in range(0, 990, 10):
        readings[number : number + 10] = readings[number : number + 10][::-1]
    assert log_of(*readings[:3], event(0, START), *readings[3:], event(10_000, STOP)) == expected
    disordered = log_of(*readings, event(0, START), event(10_000, STOP))
    with pytest.raises(UnknownEnergy, match="from the place of their times"):
        integrate(disordered, 1)


@pytest.mark.parametrize(
    "line",
    [
        ":::MLLOG {",
        ':::MLLOG {"time_ms": 1, "key": "power_reading"}',
        event(5, READING, "much"),
        event(5, READING, [1]),
        event(5, READING, True),
        event(5, READING, None),
        ':::MLLOG {"time_ms": 1, "key": "power_reading", "value": NaN, "metadata": ""}',
        ':::MLLOG {"time_ms": 1, "key": "power_reading", "value": 1e999, "metadata": ""}',
    ],
)
def test_malformed_lines_are_left_out_and_counted(log_of, line):
    log = log_of(event(0, START), event(10, READING, 100), line, event(40, READING, 200), event(50, STOP))
    assert integrate(log, 100_000) == 14000.0
    assert log.malformed_lines == 1
    assert list(log.oddities) == ["logs with malformed lines, which were left out"]


def test_lines_of_other_keys_and_without_a_token_are_passed_over(log_of):
    log = log_of("noise", event(0, START), event(3, "voltage", 230), event(10, READING, 100), event(10, STOP))
    assert (integrate(log, 10_000), log.malformed_lines) == (1000.0, 0)


def test_a_line_whose_key_is_no_text_is_malformed(log_of):
    odd_key = ':::MLLOG {"time_ms": 1, "key": ["power_reading"], "value": 1, "metadata": ""}'
    log = log_of(odd_key, event(0, START), event(10, READING, 100), event(10, STOP))
    assert (integrate(log, 10_000), log.malformed_lines) == (1000.0, 1)


def test_metadata_may_be_a_text(log_of):
    text = ':::MLLOG {"time_ms": %d, "key": "%s", "value": %s, "metadata": ""}'
    lines = [text % (0, START, "null"), text % (10_000, READING, 100), text % (10_000, STOP, "null")]
    assert integrate(log_of(*lines), 10_000) == 1000.0


def test_numbers_that_are_too_large_are_unknown(log_of):
    with pytest.raises(UnknownEnergy, match="too large"):
        integrate(log_of(event(0, START), event(10, READING, 1e308), event(20, READING, 1e308), event(20, STOP)), 20_000)


# -- a result ---------------------------------------------------------------------------------------------------------


def test_energy_is_that_of_the_runs_of_the_score(import_with):
    power = {
        "result_0": {"node_0.txt": steady(9000)},
        "result_1": {"node_0.txt": steady(1)},
        "result_2": {"node_0.txt": steady(1000)},
    }
    entry, findings = import_with(power)
    assert findings == {}
    assert entry["energy_joules"] == 120_000.0  # 1000 W for the kept 2 minutes
    assert entry["energy_kwh"] == 120_000 / 3.6e6
    assert entry["average_power_watts"] == 1000.0
    assert entry["average_power_watts_per_accelerator"] == 125.0  # 8 accelerators
    assert entry["energy_joules_per_accelerator"] == 15_000.0
    assert entry["performance_per_watt"] == 0.03  # 30 trainings in an hour with 1000 W
    # fastest first: 1 W for 1 minute, 1000 W for 2, 9000 W for 3
    assert entry["runs_minutes"] == [1.0, 2.0, 3.0]
    assert entry["energy_runs_joules"] == [60.0, 120_000.0, 1_620_000.0]


def test_the_scaling_factor_is_applied_to_energy_as_to_minutes(import_with):
    entry, _ = import_with(all_runs({"node_0.txt": steady(1000)}), scaling=1.5)
    assert (entry["Result"], entry["energy_joules"]) == (3.0, 180_000.0)
    assert entry["average_power_watts"] == 1000.0
    assert entry["energy_runs_joules"] == [60_000.0, 120_000.0, 180_000.0]


def test_a_switch_with_an_estimate_is_part_of_the_energy(import_with):
    files = {"node_0.txt": steady(1000), "sw_0.txt": event(0, "interconnect_power_est", 500) + "\n"}
    entry, findings = import_with(all_runs(files))
    assert findings == {}
    # (1000 W + 500 W) for 120 s
    assert entry["energy_joules"] == entry["energy_with_switches_joules"] == 180_000.0


def test_a_switch_with_a_meter_is_counted_apart_and_named(import_with):
    files = {"node_0.txt": steady(1000), "sw_0.txt": steady(250, event(0, "conversion_eff", 0.5))}
    entry, findings = import_with(all_runs(files))
    assert "switches with a meter" in findings["power-log"]
    assert entry["energy_joules"] == 120_000.0
    assert entry["energy_with_switches_joules"] == 135_000.0  # and 0.5 * 250 W for 120 s


def test_a_switch_that_says_nothing_leaves_the_nodes(import_with):
    entry, findings = import_with(all_runs({"node_0.txt": steady(1000), "sw_0.txt": ""}))
    assert "unknown-energy" in findings
    assert entry["energy_joules"] == 120_000.0
    assert "energy_with_switches_joules" not in entry


def test_hundreds_of_nodes(import_with):
    files = {f"node_{number}.txt": steady(number) for number in range(300)}
    entry, findings = import_with(all_runs(files), nodes=300)
    assert findings == {}
    assert entry["energy_joules"] == 299 * 300 / 2 * 120  # 0 W + 1 W + ... + 299 W for 120 s


def test_more_power_logs_than_nodes_are_named(import_with):
    _, findings = import_with(all_runs({"node_0.txt": steady(1000), "node_1.txt": steady(1000)}), nodes=1)
    assert findings["power-log"] == "runs whose node_*.txt are not 1, the number of nodes: 3, first result_0"


def test_a_number_of_logs_other_than_that_of_the_nodes_is_named(import_with):
    entry, findings = import_with(all_runs({"node_0.txt": steady(1000)}), nodes=2)
    assert "not 2, the number of nodes: 3, first result_0" in findings["power-log"]
    assert entry["energy_joules"] == 120_000.0


def test_a_missing_folder_of_a_run_that_the_score_drops(import_with):
    entry, findings = import_with({"result_2": {"node_0.txt": steady(1000)}})
    assert findings == {"no-power-folder": "runs without a folder of their own: 2, first result_0"}
    assert entry["energy_joules"] == 120_000.0
    assert "energy_runs_joules" not in entry


UNKNOWN = {
    "a run of the score without a folder": {"result_0": {"node_0.txt": steady(1)}, "result_1": {"node_0.txt": steady(1)}},
    "an empty power folder": {},
    "folders with other names": {f"run_{number}": {"node_0.txt": steady(1000)} for number in range(3)},
    "folders without logs": all_runs({}),
    "switches alone": all_runs({"sw_0.txt": steady(1000)}),
    "empty logs": all_runs({"node_0.txt": ""}),
    "no start": all_runs({"node_0.txt": event(10, READING, 100) + "\n"}),
    "no start in one of two": all_runs({"node_0.txt": steady(1000), "node_1.txt": event(10, READING, 100)}),
    "no duration": all_runs({"node_0.txt": event(0, START)}),
    "nothing but negative readings": all_runs({"node_0.txt": steady(-5)}),
    "nothing but zeros": all_runs({"node_0.txt": steady(0)}),
    "too large": all_runs({"node_0.txt": steady(1e308)}),
    "too large an estimate": all_runs({"node_0.txt": steady(1), "sw_0.txt": event(0, "interconnect_power_est", 1e308)}),
    "binary": all_runs({"node_0.txt": "\x00\x01\x02" * 1000}),
}


@pytest.mark.parametrize("power", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_energy_is_named_and_leaves_the_score(import_with, power):
    entry, findings = import_with(power)
    assert findings.keys() & {"no-power-folder", "unknown-energy"}
    assert entry["Result"] == 2.0
    assert "energy_joules" not in entry
    assert "performance_per_watt" not in entry


def test_folders_with_other_names_are_named(import_with):
    _, findings = import_with({f"run_{number}": {"node_0.txt": steady(1000)} for number in range(3)})
    assert findings == {"no-power-folder": "folders named after no log: 3, first run_0"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read every file")
def test_an_unreadable_log_is_named(import_with, tmp_path):
    import_with(all_runs({"node_0.txt": steady(1000)}))
    file = tmp_path / "round/Acme/results/box/llama2_70b_lora/power/result_2/node_0.txt"
    file.chmod(0)
    entry, findings = import_round(tmp_path / "round")
    assert "cannot be read" in findings["unknown-energy"]
    assert "energy_joules" not in entry


def test_a_window_of_another_day_is_named(import_with):
    lines = (event(9e4, START), event(9e4 + 60, READING, 1000), event(9e4 + 60, STOP))
    entry, findings = import_with(all_runs({"node_0.txt": "\n".join(lines)}))
    assert "does not touch" in findings["power-log"]
    assert entry["energy_joules"] == 120_000.0


def test_one_fault_in_many_logs_is_one_finding(import_with):
    faulty = "\n".join((event(0, START), event(0, STOP), event(120, READING, 1000)))
    entry, findings = import_with(all_runs({f"node_{number}.txt": faulty for number in range(100)}), nodes=100)
    assert findings["power-log"].endswith("all readings count: 300, first result_0/node_0.txt")
    assert entry["energy_joules"] == 100 * 120_000.0


def test_the_only_energy_of_4_1_equals_the_reference(published, shared):
    imported = published("4.1")
    measured = [result for result in imported.outcome.results if result.energy]
    ours = {result.submission.system: result.entry["energy_joules"] for result in measured}
    with (shared / "reference/summary_detailed-4.1.csv").open(newline="") as stream:
        theirs = [float(value) for row in csv.DictReader(stream) for key, value in row.items() if "Energy" in key and value]
    assert ours.keys() == {"8xXE9680x8H100-SXM-80GB-POWER"}
    assert theirs == [pytest.approx(16384267.9502019, rel=1e-9)]
    assert list(ours.values()) == [pytest.approx(theirs[0], rel=1e-9)]
    assert imported.what("power-log")
    # the ten switches have meters: 1.2 % more
    assert measured[0].entry["energy_with_switches_joules"] == pytest.approx(16585339.58242044, rel=1e-9)


def readings(first: int, last: int) -> str:
    """A log that is stopped as it begins, with readings from one second of the run to another."""
    lines = [event(first, START), event(first, STOP)]
    lines += [event(second, READING, 1000) for second in range(first + 1, last, 10)]
    return "\n".join(lines) + "\n"


def test_readings_from_outside_of_the_run_make_an_energy_that_nothing_ends_doubtful(import_with):
    """The kept run takes 120 s. What lies in the run is covered all the same."""
    entry, findings = import_with({f"result_{number}": {"node_0.txt": readings(-60, 260)} for number in range(3)})
    assert entry["energy_coverage"] == 1.0
    assert "power-quality" in entry["doubts"]
    assert "power-log" not in findings


def test_what_readings_from_outside_of_the_run_make_of_the_energy_is_said(import_with, tmp_path):
    """31 readings: 12 of 1,000 W in the kept run, and 19 of 400 W outside. A switch takes its estimate either way."""
    watts = {second: 1000 if 0 < second < 120 else 400 for second in range(-55, 250, 10)}
    lines = [event(-65, START), event(-65, STOP), *(event(second, READING, each) for second, each in watts.items())]
    files = {"node_0.txt": "\n".join(lines) + "\n", "sw_0.txt": event(0, "interconnect_power_est", 50) + "\n"}
    entry, _ = import_with({f"result_{number}": files for number in range(3)})
    mean = (12 * 1000 + 19 * 400) / 31
    assert entry["energy_joules"] == pytest.approx((mean + 50) * KEPT_RUN_MS / 1000)
    (what,) = import_tree(tmp_path / "round", "4.1").what("power-quality")
    assert what.endswith(f"; by the readings within its runs the nodes take {1000 / mean:.3f} times as much energy")


@pytest.mark.parametrize("run_ms", [(0, 50), (50, 200), (-500, 5000), (100, 100), (300, 300), (900, 20)])
def test_when_the_run_was_changes_nothing_else_that_is_read(tmp_path, run_ms):
    lines = [event(second, READING, 10 * second) for second in range(0, 400, 100)]
    (tmp_path / "node_0.txt").write_text("\n".join([event(0, START), *lines, event(300, STOP)]) + "\n")
    span_ms = tuple(START_MS + second * 1000 for second in run_ms)
    with_run, without = (read_power_log(tmp_path / "node_0.txt", DIALECT, run_ms=span) for span in (span_ms, None))
    assert structs.replace(with_run, run_watts=None) == without


@pytest.mark.parametrize(("last", "is_named"), [(113, True), (115, False)])
def test_readings_that_cover_less_than_nineteen_twentieths_of_the_run_are_named(import_with, last, is_named):
    """The kept run takes 120 s; readings in each second from its start on. Those of the others go on for longer."""
    power = {}
    for number, end in enumerate((200, 200, last)):
        lines = [event(0, START), *(event(second, READING, 1000) for second in range(end + 1)), event(end, STOP)]
        power[f"result_{number}"] = {"node_0.txt": "\n".join(lines)}
    entry, _ = import_with(power)
    assert entry["energy_coverage"] == last / 120
    assert ("power-quality" in entry.get("doubts", ())) is is_named


def test_readings_of_the_run_alone_need_no_stop(import_with):
    power = {f"result_{number}": {"node_0.txt": readings(-1, seconds)} for number, seconds in enumerate((180, 60, 120))}
    _, findings = import_with(power)
    assert "not later than the start" in findings["power-log"]
