"""Rounds 0.5 and 0.6: small made-up trees in their dialects and layouts, with scores worked out by hand."""

from __future__ import annotations

import json

import pytest
from trees import import_tree, judged, read, write_files

from mlperf_training_import.rounds.locate import locate_path
from mlperf_training_import.rounds.walk import walk
from mlperf_training_import.runs.score import score_logs
from mlperf_training_import.start.sample import system_description
from mlperf_training_import.tables.rules import rules_of

#: Start of every made-up run, in seconds since the epoch, as these rounds write it.
START = 1541674521.869611263


def mlp_log(
    seconds: float,
    stop: str = ': {"success": true}',
    benchmark: str = "resnet",
    token: str = ":::MLPv0.5.0",
    start: str = "1541674521.869611263",
) -> str:
    """A log of round 0.5: a run that takes so many whole seconds."""
    whole, _, fraction = start.partition(".")
    stop_time = f"{int(whole) + seconds}.{fraction}"
    lines = [
        f"{token} {benchmark} {start} (train.py:49) run_start",
        f"{token} {benchmark} {start} (train.py:50) run_set_random_seed: 4711",
        f"{token} {benchmark} {start} (train.py:51) eval_target: 0.749",
        f'{token} {benchmark} {start} (train.py:52) opt_name: "sgd"',
        f"{token} {benchmark} {start} (train.py:53) eval_start",
        f'{token} {benchmark} {start} (train.py:54) eval_accuracy: {{"epoch": 61, "value": 0.7491}}',
        f"{token} {benchmark} {stop_time} (train.py:60) run_stop{stop}",
        f"{token} {benchmark} {int(whole) + seconds + 10}.{fraction} (train.py:61) run_final",
    ]
    return "\n".join(["noise before", *lines]) + "\n"


def entry_json(**keys) -> dict:
    """A description of round 0.5."""
    node = {
        "num_nodes": "1",
        "cpu": "Intel Xeon E5-2698 v4",
        "num_cpus": "2",
        "accelerator": "V100",
        "num_accelerators": "8",
    }
    return {
        "division": "closed",
        "status": "on-prem",
        "hardware": "DGX-1",
        "framework": "MXNet",
        "notes": "N/A",
        "nodes": [node],
    } | keys


def package(
    path: str, seconds, system: str = "dgx1", benchmark: str = "resnet", entry=None, org="NVIDIA", **options
) -> dict:
    """Files of one package of round 0.5, with one benchmark folder."""
    folder = f"v0.5.0/{path}/results/{system}"
    logs = {
        f"{folder}/{benchmark}/result_{i}.txt": mlp_log(s, benchmark=benchmark, **options) for i, s in enumerate(seconds)
    }
    files = {**logs, f"v0.5.0/{path}/submission.json": {"org": org, "poc_email": "x@example.org"}}
    return files if entry is False else files | {f"{folder}/entry.json": entry or entry_json()}


# Round 0.5


def test_0_5_minutes_come_from_seconds_and_a_fraction(tmp_path):
    """180 seconds are 3 minutes. run_final, ten seconds later, is no end."""
    run = judged(tmp_path, mlp_log(180), "0.5")
    assert run.minutes == pytest.approx(3.0, abs=1e-9)
    assert run.log.run_start_ms == 1541674521869.611263


def test_0_5_score_of_nested_packages(tmp_path):
    """60, 120, 180, 240, 300 seconds: (2 + 3 + 4) / 3 = 3 minutes. Depth differs by submitter."""
    write_files(tmp_path, package("nvidia/submission", [60, 120, 180, 240, 300]))
    write_files(tmp_path, package("google/cloud_v2.8/resnet-tpuv2-8", [118, 119, 120, 121, 122], "tpu", org="Google"))
    write_files(tmp_path, package("google/cloud_v2.8/resnet-tpuv2-512", [178, 179, 180, 181, 182], "tpu", org="Google"))
    imported = import_tree(tmp_path, "0.5")
    assert {result.identity[1:]: result.score.minutes for result in imported.results.values()} == pytest.approx(
        {
            ("nvidia", "submission/dgx1", "resnet"): 3.0,
            ("google", "cloud_v2.8/resnet-tpuv2-8/tpu", "resnet"): 2.0,
            ("google", "cloud_v2.8/resnet-tpuv2-512/tpu", "resnet"): 3.0,
        },
        abs=1e-9,
    )
    assert imported.findings == []
    entries = {result.submission.submitter: result.entry for result in imported.results.values()}
    assert entries["nvidia"]["submitter"] == "NVIDIA"
    assert entries["nvidia"]["system"] == "DGX-1"
    assert (entries["nvidia"]["accelerators_count"], entries["nvidia"]["host_processors_count"]) == (8, 2)
    assert entries["nvidia"]["framework"] == "MXNet"
    assert entries["nvidia"]["Accuracy"] == 74.9
    assert len({result.entry["uid"] for result in imported.results.values()}) == 3


def test_0_5_links_lead_to_the_entry_and_the_package(tmp_path):
    write_files(tmp_path, package("nvidia/submission", [60] * 5))
    entry = import_tree(tmp_path, "0.5", web_url="https://github.com/org/repo", branch="master").only.entry
    base = "https://github.com/org/repo"
    assert entry["details_url"] == f"{base}/blob/master/v0.5.0/nvidia/submission/results/dgx1/entry.json"
    assert entry["code_url"] == f"{base}/blob/master/v0.5.0/nvidia/submission"
    assert entry["url"] == f"{base}/tree/master/v0.5.0/nvidia/submission/results/dgx1/resnet"


@pytest.mark.parametrize("prefix", ["INFO:mlperf_compliance:", "(progress)", "0: "])
def test_0_5_text_before_the_token_changes_nothing(tmp_path, prefix):
    """With a colon in front of it the token has four."""
    glued = mlp_log(180).replace(":::MLP", prefix + ":::MLP")
    assert read(tmp_path, glued, "0.5") == read(tmp_path, mlp_log(180), "0.5")


def test_0_5_lines_that_are_there_twice_count_once(tmp_path):
    """Plain, and again through a logger, with the same times."""
    twice = "".join(f"{line}\nINFO:mlperf_compliance:{line}\n" for line in mlp_log(180).splitlines())
    assert judged(tmp_path, twice, "0.5").minutes == judged(tmp_path, mlp_log(180), "0.5").minutes


@pytest.mark.parametrize(
    ("stop", "counts"),
    [
        (': {"success": true}', True),
        (': {"success": "true"}', True),
        ("", True),
        (" : {'success': True}", True),
        (": {}", True),
        (': {"success": false}', False),
        (': {"success": "false"}', False),
        (': {"success": null}', False),
        (': {"success": 1}', False),
        (": {success", False),
    ],
)
def test_0_5_forms_of_success(tmp_path, stop, counts):
    assert (judged(tmp_path, mlp_log(180, stop), "0.5").minutes is not None) is counts


@pytest.mark.parametrize(
    "value", ["4711", "0.749", '"sgd"', "null", "[1, 2]", "true", "sgd", "{'a': 1}", "{broken", "!!int ''"]
)
def test_0_5_values_that_are_no_objects_are_no_trouble(tmp_path, value):
    log = mlp_log(180).replace("opt_name: ", f"opt_name: {value}\n:::MLPv0.5.0 resnet 1.0 (a.py:1) eval_accuracy: {value} #")
    assert judged(tmp_path, log, "0.5").minutes == pytest.approx(3.0, abs=1e-9)


def test_0_5_a_malformed_line_is_reported_and_the_run_counts(tmp_path):
    files = package("nvidia/submission", [60, 120, 180, 240, 300])
    path = "v0.5.0/nvidia/submission/results/dgx1/resnet/result_2.txt"
    files[path] += ":::MLPv0.5.0 resnet soon (a.py:1) eval_stop\n:::MLPv0.5.0 resnet\n"
    write_files(tmp_path, files)
    imported = import_tree(tmp_path, "0.5")
    assert imported.only.score.minutes == pytest.approx(3.0, abs=1e-9)
    assert imported.places == {("malformed-line", path)}
    assert imported.what("malformed-line") == ["line 10: the time is not a number; 2 in all"]


def test_0_5_ncf_takes_the_first_fifty_that_converge_in_the_order_of_their_numbers(tmp_path):
    """100 runs. Those with even numbers fail. Run n takes n + 1 minutes, so those that converge take 2, 4, .. 100.

    There are 50 of them; without 2 and 100 they are 4 .. 98, whose mean is 51. The test has three more that converge, with
    numbers 100 to 102: they would come into the mean if the order of the files were that of the alphabet.
    """
    folder = "v0.5.0/nvidia/submission/results/dgx1/ncf"
    files = package("nvidia/submission", [], benchmark="ncf")
    for number in range(103):
        converges = number % 2 == 1 or number >= 100
        stop = f': {{"success": {"true" if converges else "false"}}}'
        minutes = number + 1 if number < 100 else 1000
        files[f"{folder}/result_{number}.txt"] = mlp_log(60 * minutes, stop, "ncf")
    write_files(tmp_path, files)
    imported = import_tree(tmp_path, "0.5")
    assert imported.only.score.minutes == pytest.approx(51.0, abs=1e-6)
    assert len(imported.only.score.kept) == 48
    assert imported.what("run-count") == ["103 logs, the round asks for 100"]
    (what,) = imported.what("run-not-counted")
    assert what.startswith("status of run_stop is False; also in result_2.txt, ")
    assert what.endswith(", and 39 more")


def test_0_5_descriptions_in_which_one_number_is_ambiguous_leave_it_out(tmp_path):
    """num_accelerators is per node for some and the total for others: with several nodes nothing is known."""
    node = {"num_nodes": 64, "cpu": "CPU", "num_cpus": 2, "accelerator": "TPUv2", "num_accelerators": 512}
    write_files(tmp_path, package("google/tpu", [60] * 5, "tpu", entry=entry_json(nodes=[node])))
    write_files(tmp_path, package("intel/two", [60] * 5, "mixed", entry=entry_json(nodes=[node, node])))
    imported = import_tree(tmp_path, "0.5")
    entries = {result.submission.submitter: result.entry for result in imported.results.values()}
    assert entries["google"]["number_of_nodes"] == 64
    assert "accelerators_count" not in entries["google"]
    assert "number_of_nodes" not in entries["intel"]
    (what,) = imported.what("incomplete-system-description")
    assert what == "without accelerators_per_node; 2 like this one, as is usual in this round"


@pytest.mark.parametrize(
    ("entry", "code", "where"),
    [
        (False, "no-system-description", ""),
        ("{broken", "invalid-system-description", "/entry.json"),
        ({"division": "closed"}, "incomplete-system-description", "/entry.json"),
    ],
)
def test_0_5_takes_what_description_there_is(tmp_path, entry, code, where):
    write_files(tmp_path, package("nvidia/submission", [60, 120, 180, 240, 300], entry=entry))
    imported = import_tree(tmp_path, "0.5")
    folder = "v0.5.0/nvidia/submission/results/dgx1"
    assert imported.only.entry["Result"] == pytest.approx(3.0, abs=1e-9)
    assert imported.only.entry["system"] == "submission/dgx1"
    assert imported.only.entry["submitter"] == "NVIDIA"
    assert (code, folder + where) in imported.places


def test_0_5_without_submission_json_the_submitter_is_its_folder(tmp_path):
    files = package("nvidia/submission", [60] * 5)
    del files["v0.5.0/nvidia/submission/submission.json"]
    write_files(tmp_path, files)
    imported = import_tree(tmp_path, "0.5")
    assert imported.only.entry["submitter"] == "nvidia"
    assert imported.what("incomplete-system-description") == ["without submitter"]


def test_0_5_a_submission_json_that_cannot_be_read_is_reported(tmp_path):
    file = "v0.5.0/nvidia/submission/submission.json"
    write_files(tmp_path, package("nvidia/submission", [60] * 5) | {file: "{broken"})
    imported = import_tree(tmp_path, "0.5")
    assert imported.only.entry["submitter"] == "nvidia"
    assert ("invalid-system-description", file) in imported.places


def test_0_5_every_folder_under_results_is_accounted_for(tmp_path):
    files = package("nvidia/submission", [58, 59, 60, 61, 62])
    results = "v0.5.0/nvidia/submission/results"
    extra = {
        f"{results}/empty_system/notes.txt": "",
        f"{results}/dgx1/gnmt/intel_caffe_result_0.txt": mlp_log(60),
        f"{results}/dgx1/.DS_Store": "",
        f"{results}/dgx1/ncf_timer.sh": "",
        f"{results}/result_0.txt": mlp_log(60),
    }
    write_files(tmp_path, files | extra)
    imported = import_tree(tmp_path, "0.5")
    assert set(imported.minutes) == {f"{results}/dgx1/resnet"}
    assert imported.places == {
        ("no-logs", f"{results}/empty_system"),
        ("no-logs", f"{results}/dgx1/gnmt"),
        ("stray-logs", results),
    }


def test_0_5_tree_without_its_top_folder(tmp_path):
    """A path to the folder v0.5.0 itself works too."""
    write_files(tmp_path, package("nvidia/submission", [60] * 5))
    imported = import_tree(tmp_path / "v0.5.0", "0.5")
    assert imported.only.identity == ("0.5", "nvidia", "submission/dgx1", "resnet")


# Round 0.6


def mll_log(
    seconds: float,
    status: str | None = "success",
    benchmark: str = "resnet",
    start: float = 1560822378.320,
    dump=json.dumps,
    extra: str = "",
) -> str:
    """A log of round 0.6; ``dump`` writes the payloads, without ``status`` there is no run_stop."""

    def line(time: float, key: str, value=None, **metadata) -> str:
        payload = {"value": value, "metadata": {"lineno": 53, "file": "train.py"} | metadata}
        return f":::MLL {time:.3f} {key}: {dump(payload)}\n"

    log = (
        line(start - 60, "submission_benchmark", benchmark)
        + line(start - 60, "submission_division", "closed")
        + line(start - 60, "init_start")
        + line(start, "init_stop")
        + line(start, "run_start")
        + line(start + 1, "eval_accuracy", 0.759, epoch_num=61)
        + extra
    )
    return log + (line(start + seconds, "run_stop", None, status=status) if status else "")


def result_0_6(folder: str, seconds, **options) -> dict:
    """Files of a benchmark folder of round 0.6."""
    benchmark = options.pop("benchmark", folder.rpartition("/")[2])
    return {f"{folder}/result_{i}.txt": mll_log(s, benchmark=benchmark, **options) for i, s in enumerate(seconds)}


DESCRIPTION = system_description("NVIDIA")


def test_0_6_score(tmp_path):
    """78.5, 79, 79.96, 81, 90 seconds: (79 + 79.96 + 81) / 3 = 79.98666.. seconds = 1.33311.. minutes."""
    write_files(tmp_path, result_0_6("NVIDIA/results/dgx2/resnet", [90, 79, 81, 78.5, 79.96]))
    write_files(tmp_path, {"NVIDIA/systems/dgx2.json": DESCRIPTION})
    imported = import_tree(tmp_path, "0.6")
    assert imported.only.score.minutes == pytest.approx((79 + 79.96 + 81) / 3 / 60, abs=1e-9)
    assert imported.findings == []


def test_0_6_times_are_seconds_whatever_the_number_of_digits(tmp_path):
    """The difference is 120 seconds for ten digits and for thirteen."""
    for start in (1560822378.320, 1560822378320.0, 1.0):
        assert judged(tmp_path, mll_log(120, start=start), "0.6").minutes == pytest.approx(2.0, abs=1e-6)


def test_0_6_initialisation_has_no_limit(tmp_path):
    log = ':::MLL 1.000 init_start: {"value": null, "metadata": {}}\n' + mll_log(120)
    assert judged(tmp_path, log, "0.6").minutes == 2.0


@pytest.mark.parametrize("status", ["abort", "aborted", None])
def test_0_6_only_success_counts(tmp_path, status):
    """One of five may fail: 60, 120, 180, 240 and a failed one score (120 + 180 + 240) / 3 seconds = 3 minutes."""
    files = result_0_6("Google/results/tpu/resnet", [60, 120, 180, 240])
    files["Google/results/tpu/resnet/result_4.txt"] = mll_log(300, status)
    write_files(tmp_path, {**files, "Google/systems/tpu.json": DESCRIPTION})
    imported = import_tree(tmp_path, "0.6")
    assert imported.only.score.minutes == 3.0
    assert ("run-not-counted", "Google/results/tpu/resnet/result_4.txt") in imported.places


def test_0_6_mask_is_maskrcnn(tmp_path):
    write_files(tmp_path, result_0_6("Google/results/tpu/mask", [60, 120, 180, 240, 300]))
    write_files(tmp_path, {"Google/systems/tpu.json": DESCRIPTION})
    imported = import_tree(tmp_path, "0.6")
    assert imported.minutes == {"Google/results/tpu/mask": 3.0}
    entry = imported.only.entry
    assert (entry["Model_ID"], entry["maskrcnn"]) == ("maskrcnn", 3.0)
    assert (entry["Task"], entry["Accuracy"]) == ("object-detection-heavy-weight", 0.377)
    assert imported.findings == []


def test_0_6_mask_in_another_round_is_a_benchmark_that_nobody_knows(tmp_path):
    write_files(tmp_path, {f"Org/results/sys/mask/result_{i}.txt": mll_log(60) for i in range(5)})
    assert import_tree(tmp_path, "0.7").outcome.submissions[0].benchmark == "mask"


@pytest.mark.parametrize("dump", [repr, lambda payload: repr(payload).replace("'", "")], ids=["Python quotes", "no quotes"])
def test_0_6_payloads_that_are_nearly_json(tmp_path, dump):
    """`{'value': None, 'metadata': {'status': 'success'}}`, and the same without any quotes."""
    log = read(tmp_path, mll_log(120, dump=dump), "0.6")
    assert log == read(tmp_path, mll_log(120), "0.6")
    assert judged(tmp_path, mll_log(120, dump=dump), "0.6").minutes == 2.0
    assert judged(tmp_path, mll_log(120, "abort", dump=dump), "0.6").minutes is None


def test_0_6_a_line_of_json_and_python_mixed(tmp_path):
    mixed = """:::MLL 1560822498.320 run_stop: {"value": null, "metadata": {'lineno': 53, 'status': 'success'}}\n"""
    assert judged(tmp_path, mll_log(0, None) + mixed, "0.6").minutes == 2.0


def eval_result(timestamp: object, key: str = "eval_result") -> str:
    metadata = {"timestamp": timestamp, "iteration": 20}
    return f":::MLL 1560900000.0 {key}: {json.dumps({'value': 0.51, 'metadata': metadata})}\n"


@pytest.mark.parametrize("status", ["success", None, "abort"])
def test_0_6_minigo_takes_its_duration_from_eval_result(tmp_path, status):
    """1640 .. 1649 seconds without the first and last: mean 1644.5 seconds = 27.40833.. minutes.

    The time from run_start to run_stop, where there is a run_stop at all, is another one.
    """
    folder = "NVIDIA/results/dgx1/minigo"
    files = {f"{folder}/result_{i}.txt": mll_log(2000 + i, status, "minigo", extra=eval_result(1640 + i)) for i in range(10)}
    write_files(tmp_path, {**files, "NVIDIA/systems/dgx1.json": DESCRIPTION})
    imported = import_tree(tmp_path, "0.6")
    assert imported.only.score.minutes == pytest.approx(1644.5 / 60, abs=1e-9)
    assert imported.findings == []


def test_0_6_minigo_in_fractions_and_texts(tmp_path):
    for timestamp in (1643.25, "1643.25"):
        log = read(tmp_path, mll_log(2000, None, extra=eval_result(timestamp)), "0.6", "eval_result")
        assert log.elapsed_ms == 1643250.0


@pytest.mark.parametrize("timestamp", [0, -1])
def test_0_6_minigo_that_never_reached_the_target_does_not_count(tmp_path, timestamp):
    """Its code then writes an eval_result with the time 0."""
    folder = "NVIDIA/results/dgx1/minigo"
    write_files(tmp_path, {f"{folder}/result_{i}.txt": mll_log(60, extra=eval_result(timestamp)) for i in range(10)})
    imported = import_tree(tmp_path, "0.6")
    assert imported.minutes == {}
    assert imported.what("run-not-counted")[0].endswith("each: the logged duration is not above 0")


def test_0_6_eval_result_is_for_minigo_of_this_round_only(tmp_path):
    files = {f"A/results/s/resnet/result_{i}.txt": mll_log(60, extra=eval_result(6000)) for i in range(5)}
    write_files(tmp_path, {**files, "A/systems/s.json": DESCRIPTION})
    assert import_tree(tmp_path, "0.6").only.score.minutes == 1.0


def test_0_6_intel_minigo_with_thousands_of_malformed_lines_is_scored_and_they_are_counted(tmp_path):
    """865.8 seconds = 14.43 minutes in each run; by its run_start and run_stop it would be 32.8."""
    folder = "Intel/results/clx/minigo"
    broken = ":::MLL 1560822378.320\n" * 3 + ":::MLL 1.0 cache_clear: {value: true, metadata: {lineno: 0, file: manual}}\n"
    for number in range(10):
        log = mll_log(1968, "success", "minigo", dump=repr, extra=broken + eval_result(865.8))
        write_files(tmp_path, {f"{folder}/result_{number}.txt": log})
    write_files(tmp_path, {"Intel/systems/clx.json": DESCRIPTION})
    imported = import_tree(tmp_path, "0.6")
    assert imported.only.score.minutes == pytest.approx(14.43, abs=1e-9)
    (what,) = imported.what("malformed-line")
    others = ", ".join(f"result_{number}.txt" for number in range(1, 10))
    assert what.endswith(f"3 in all; also in {others}")


def test_0_6_description_in_the_form_of_entry_json(tmp_path):
    write_files(tmp_path, result_0_6("Fujitsu/results/abci/resnet", [60] * 5))
    write_files(tmp_path, {"Fujitsu/systems/abci.json": entry_json(hardware="ABCI")})
    imported = import_tree(tmp_path, "0.6")
    entry = imported.only.entry
    assert (entry["system"], entry["number_of_nodes"], entry["accelerators_count"]) == ("ABCI", 1, 8)
    assert (entry["submitter"], entry["accelerator_model_name"]) == ("Fujitsu", "V100")
    assert imported.what("incomplete-system-description") == ["without submitter"]


def nvidia_description(node: object, **entry) -> str:
    """NVIDIA's form of round 0.6: lines of a log without token and time, with dicts of Python as text in them."""
    content = {"hardware": "DGX-2", "framework": "MXNet 19.05", "notes": "N/A", "nodes": str(node)} | entry
    lines = {"org": "NVIDIA", "division": "closed", "status": "onprem", "platform": "2xDGX-2", "entry": str(content)}
    return "".join(f"{key}: {json.dumps({'value': value, 'metadata': {'lineno': 1}})}\n" for key, value in lines.items())


NODE = {"num_nodes": "2", "cpu": "2x CPU 24C @ 2.70GHz", "accelerator": "V100", "num_accelerators": "16", "notes": ""}


def test_0_6_description_in_lines_of_a_log(tmp_path):
    write_files(tmp_path, result_0_6("NVIDIA/results/dgx2/resnet", [58, 59, 60, 61, 62]))
    write_files(tmp_path, {"NVIDIA/systems/dgx2.json": nvidia_description(NODE), "NVIDIA/systems/README.md": "#"})
    imported = import_tree(tmp_path, "0.6")
    entry = imported.only.entry
    assert imported.what("invalid-system-description") == imported.what("incomplete-system-description") == []
    assert (entry["system"], entry["submitter"], entry["division"]) == ("2xDGX-2", "NVIDIA", "closed")
    assert (entry["number_of_nodes"], entry["accelerators_count"], entry["host_processors_count"]) == (2, 32, 4)
    assert (entry["accelerator_model_name"], entry["host_processor_model_name"]) == ("V100", "CPU 24C @ 2.70GHz")
    assert entry["framework"] == "MXNet 19.05"


@pytest.mark.parametrize(
    "text",
    [
        'division: {"value": "closed", "metadata": {}}\n',
        'entry: {"value": "__import__(\'os\').getcwd()", "metadata": {}}\n',
        'entry: {"value": "[1, 2]", "metadata": {}}\n',
        'entry: {"value": ' + json.dumps("(" * 5000) + "}\n",
        'entry: {"value": ' + json.dumps("-" * 19000 + "1") + "}\n",
        'entry: {"value": ' + json.dumps("{" + "'a': 1," * 9000 + "}") + "}\n",
        "entry: {'value': 1}\n",
        "# nothing of the kind\n",
    ],
    ids=["no entry", "code", "a list", "nested", "signs", "long", "no JSON", "text"],
)
def test_0_6_description_that_says_nothing_is_invalid_and_the_score_stands(tmp_path, text):
    write_files(tmp_path, result_0_6("NVIDIA/results/dgx2/resnet", [58, 59, 60, 61, 62]))
    write_files(tmp_path, {"NVIDIA/systems/dgx2.json": text})
    imported = import_tree(tmp_path, "0.6")
    assert imported.only.entry["Result"] == 1.0
    assert imported.only.entry["division"] == "closed"  # by the logs
    assert imported.only.entry["system"] == "dgx2"
    assert ("invalid-system-description", "NVIDIA/systems/dgx2.json") in imported.places


@pytest.mark.parametrize(
    ("accelerator", "nodes", "chips"),
    [("tpuv2-8", "1", 4), ("tpuv3-8", "1", 4), ("tpuv3-32", "4", 16), ("tpuv2-512", "64", 256), ("tpuv3-512", "64", 256)],
)
def test_0_5_tpus_count_cores_and_a_chip_has_two(tmp_path, accelerator, nodes, chips):
    """Whatever the number beside it counts: it is the total there."""
    cores = accelerator.rpartition("-")[2]
    node = {"num_nodes": nodes, "cpu": "CPU", "num_cpus": "2", "accelerator": accelerator, "num_accelerators": cores}
    write_files(tmp_path, package("google/cloud", [118, 119, 120, 121, 122], "tpu", entry=entry_json(nodes=[node])))
    assert import_tree(tmp_path, "0.5").only.entry["accelerators_count"] == chips


def test_0_5_the_folder_of_a_submitter_has_the_results_that_it_has_in_the_tree(tmp_path):
    for path in ("google/cloud", "intel/one"):
        write_files(tmp_path, package(path, [118, 119, 120, 121, 122], "box"))
    round_ = locate_path(tmp_path / "v0.5.0/google", "0.5-local")
    (submission,) = walk(round_, rules_of("0.5"), [])
    assert (submission.submitter, submission.system) == ("google", "cloud/box")


def test_0_5_logs_are_scored_with_the_description_in_the_folder_of_their_system(tmp_path):
    node = {"num_nodes": "2", "cpu": "CPU", "num_cpus": "2", "accelerator": "tpuv3-16", "num_accelerators": "16"}
    write_files(tmp_path, package("google/cloud", [118, 119, 120, 121, 122], "tpu", entry=entry_json(nodes=[node])))
    ((group,), _) = score_logs([tmp_path])
    assert (group.round, group.division, group.accelerators) == ("0.5", "closed", 8)


def test_0_6_misspelt_keys_of_intel(tmp_path):
    description = dict(DESCRIPTION)
    description["number of nodes"], description["sumitter"] = "32", "Intel"
    del description["number_of_nodes"], description["submitter"]
    write_files(tmp_path, result_0_6("Intel/results/clx/resnet", [58, 59, 60, 61, 62]))
    write_files(tmp_path, {"Intel/systems/clx.json": description})
    imported = import_tree(tmp_path, "0.6")
    assert (imported.only.entry["number_of_nodes"], imported.only.entry["submitter"]) == (32, "Intel")
    assert imported.findings == []


def test_0_6_logs_without_tokens_are_findings_and_no_score(tmp_path):
    """Own text, no systems folder, entry.json beside the benchmark."""
    text = "MLPerf: resnet [06/13/19 00:30:56], run_start\n" * 8 + "Total runtime: 24.409763 minutes\n"
    folder = "Alibaba/results/sinian"
    files = {f"{folder}/resnet/result_{number}.txt": text for number in range(1, 6)}
    write_files(tmp_path, {**files, f"{folder}/entry.json": entry_json(), f"{folder}/.gitkeep": ""})
    imported = import_tree(tmp_path, "0.6")
    assert imported.minutes == {}
    cause = "no log lines: no line has the token :::MLL"
    assert imported.what("run-not-counted") == [f"5 of 5 runs do not count, 1 may; each: {cause}"]
    # one finding for each cause: no description and no division follow from the two
    assert imported.places == {("no-systems-folder", "Alibaba"), ("run-not-counted", f"{folder}/resnet")}
    assert [submission.folder for submission in imported.outcome.submissions] == [f"{folder}/resnet"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([0.377, 0.339], [0.377, 0.339]),
        ({"accuracy": {"BBOX": 0.377, "SEGM": 0.339}}, {"BBOX": 0.377, "SEGM": 0.339}),
        ({"BBOX": 0.377, "SEGM": 0.339}, {"BBOX": 0.377, "SEGM": 0.339}),
        ("26.12", "26.12"),
        (None, None),
    ],
)
def test_0_6_forms_of_accuracy_are_no_trouble(tmp_path, value, expected):
    extra = f":::MLL 1560822380.0 eval_accuracy: {json.dumps({'value': value, 'metadata': {}})}\n"
    log = mll_log(120, extra=extra)
    assert judged(tmp_path, log, "0.6").minutes == 2.0
    assert read(tmp_path, log, "0.6").evaluations[-1].value == expected
