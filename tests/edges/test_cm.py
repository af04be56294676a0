"""The script through the real ``cmr`` and ``cmind.access``, in CM homes that the tests make."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import forked
import pytest
from checks.made_submissions import changed, write_submission
from cmind import cli
from support import CMR, PROJECT, SCRIPT_TAGS, cache_round, fetch_lines, run_cmr
from trees import snapshot, write_result

from mlperf_training_import.homes import home_of
from mlperf_training_import.show.playground.playground import missing_requirements
from mlperf_training_import.start.register import SCRIPTS, register
from mlperf_training_import.tables.rules import public_rounds, rules_of

if TYPE_CHECKING:
    from collections.abc import Callable

LOCAL = Path("repos/local/experiment")
IMPORT, GUI = SCRIPTS


def home() -> Path:
    return Path(os.environ["CM_REPOS"])


def entries_of(name: str, experiments: Path | None = None) -> list[dict]:
    (file,) = ((experiments or home() / LOCAL) / name).glob("*/cm-result.json")
    return json.loads(file.read_text())


def test_import_of_a_cached_round(registered, sample, isolated):
    clone = cache_round(registered, sample, "5.1")
    done = run_cmr(SCRIPT_TAGS)
    assert done.returncode == 0, done.stdout + done.stderr
    names = {folder.name for folder in (home() / LOCAL).iterdir()}
    assert names == {
        f"mlperf-training--{scope}--{rest}"
        for scope in ("5.1", "all")
        for rest in (
            "closed--llm-finetuning",
            "closed--llm-pretraining-small",
            "closed--object-detection-light-weight",
            "open--object-detection-light-weight",
        )
    }
    entry = next(e for e in entries_of("mlperf-training--5.1--closed--llm-finetuning") if e["system_file"] == "node_x64")
    # 10 runs of 4.6 * (1 + 0.004 i) minutes for i = 0..9; without the first and the last the mean is at i = 4.5
    assert entry["Result"] == pytest.approx(4.6 * 1.018, abs=1e-5)
    assert entry["accelerators_count"] == 64
    assert entry["_System"] == "Aurora A8 (64x H100)"
    assert "git_url" not in entry  # the clone's remote is a folder, which is no web address
    status = subprocess.run(["git", "-C", str(clone), "status", "--porcelain"], capture_output=True, text=True, check=True)
    assert status.stdout == ""
    summary = json.loads((isolated / "mlperf-training-summary-5.1.json").read_text())
    assert [(row["system"], sorted(set(row) & {"llama2_70b_lora", "llama31_8b", "retinanet"})) for row in summary] == [
        ("Aurora A8 (64x H100)", ["llama2_70b_lora", "llama31_8b"]),
        ("Aurora A8 (8x H100)", ["llama2_70b_lora", "retinanet"]),
        ("Borealis Tower", ["llama2_70b_lora", "retinanet"]),
        ("Cumulus Pod", ["retinanet"]),
    ]
    report = json.loads((isolated / "mlperf-training-report.json").read_text())
    assert report["rounds"][0]["results"] == 7
    assert report["findings_count"] == {"run-not-counted": 2}
    assert "5.1" in done.stdout
    assert "wrote mlperf-training-report.json" in done.stdout


def test_nothing_cached(registered):
    done = forked.cmr(SCRIPT_TAGS)
    assert done.returncode == 16
    assert (
        "no MLPerf Training results in the CM cache; fetch a round first:\n"
        '  cmr "get git repo _repo.https://github.com/mlcommons/training_results_v6.0" '
        "--extra_cache_tags=mlperf-training-results,version-6.0 --branch=main --submodules="
    ) in done.stdout + done.stderr


def test_unknown_version(registered, sample, cmr):
    cache_round(registered, sample, "5.1")
    done = cmr(SCRIPT_TAGS, "--version=5.1,9.9")
    assert done.returncode == 16
    assert (
        "round 9.9 is not in the CM cache, which has 5.1; fetch it first:\n"
        '  cmr "get git repo _repo.https://github.com/mlcommons/training_results_v9.9" '
        "--extra_cache_tags=mlperf-training-results,version-9.9 --branch=main --submodules="
    ) in done.stdout + done.stderr


def test_unknown_target_repository_is_an_error_before_any_work(registered, sample, isolated, cmr):
    cache_round(registered, sample, "5.1")
    done = cmr(SCRIPT_TAGS, "--target_repo=nowhere")
    assert done.returncode == 16
    text = done.stdout + done.stderr
    assert 'target_repo "nowhere" is not a CM repository; registered are: ' in text
    assert "add it with one of:\n  cm pull repo <name or address>\n  cm init repo nowhere\nthen try again!" in text
    assert list(isolated.iterdir()) == []
    assert not (home() / LOCAL).exists()


def test_target_repository_of_ones_own(registered, sample, tmp_path, cmr):
    cache_round(registered, sample, "5.1")
    made = registered.access(
        {"action": "init", "automation": "repo", "artifact": "results", "path": str(tmp_path / "results")}
    )
    assert made["return"] == 0, made
    done = cmr(SCRIPT_TAGS, "--target_repo=results", "--quiet")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == ""
    assert not (home() / LOCAL).exists()
    (file,) = tmp_path.glob("results/**/mlperf-training--5.1--closed--llm-finetuning/*/cm-result.json")
    assert len(json.loads(file.read_text())) == 3


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--submitter=Aurora"], {"Aurora"}),
        (["--submitter=Aurora,Borealis", "--benchmark=retinanet"], {"Aurora", "Borealis"}),
        (["--division=open"], {"Cumulus"}),
    ],
)
def test_filters(registered, sample, flags, expected, cmr):
    cache_round(registered, sample, "5.1")
    done = cmr(SCRIPT_TAGS, *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {entry["submitter_folder"] for folder in (home() / LOCAL).iterdir() for entry in entries_of(folder.name)}
    assert found == expected


def test_strict_fails_after_everything_is_written(registered, sample, isolated):
    cache_round(registered, sample, "5.1")
    done = forked.cmr(SCRIPT_TAGS, "--strict")
    assert done.returncode == 1
    assert "2 findings, and --strict was given; see the report" in done.stdout + done.stderr
    assert (isolated / "mlperf-training-report.json").is_file()
    assert len(entries_of("mlperf-training--all--closed--llm-finetuning")) == 3


def test_dry_run_writes_nothing(registered, sample, isolated, cmr):
    cache_round(registered, sample, "5.1")
    done = cmr(SCRIPT_TAGS, "--dry_run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (home() / LOCAL).exists()
    assert list(isolated.iterdir()) == []


def test_no_file_of_the_automation_is_made_where_it_is_called(registered, sample, isolated, tmp_path, cmr):
    """Collective Mind writes one for native scripts, through a link to nothing too."""
    (isolated / "tmp-state.json").symlink_to(tmp_path / "made")
    assert cmr(SCRIPT_TAGS, f"--path={sample}", "--version=5.1").returncode == 0
    assert not (tmp_path / "made").exists()
    assert (isolated / "tmp-state.json").is_symlink()


def test_a_local_tree_and_one_submitter_of_it(registered, sample, tmp_path, cmr):
    output = tmp_path / "out"
    done = cmr(SCRIPT_TAGS, f"--path={sample}", "--version=5.1", f"--output_dir={output}")
    assert done.returncode == 0, done.stdout + done.stderr
    summary, entries = output / "mlperf-training-summary-5.1.json", output / "summary_results.json"
    before = summary.read_bytes(), entries.read_bytes()
    assert len(json.loads(summary.read_text())) == 4
    assert "round 5.1: places are among the" in done.stdout
    assert f"{sample}: not the repository of round 5.1" in done.stderr
    assert "--version=5.1-<name>" in done.stderr
    ranks = {entry["uid"]: entry["rank"] for entry in json.loads(entries.read_text())}
    done = cmr(SCRIPT_TAGS, f"--path={sample / 'Borealis'}", "--version=5.1", f"--output_dir={output}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (summary.read_bytes(), entries.read_bytes()) == before
    assert len(json.loads((output / "mlperf-training-summary-5.1--Borealis.json").read_text())) == 1
    mine = json.loads((output / "summary_results--Borealis.json").read_text())
    assert {entry["submitter_folder"] for entry in mine} == {"Borealis"}
    assert {entry["uid"]: entry["rank"] for entry in mine}.items() <= ranks.items()
    assert "kept-result" not in done.stdout


def test_one_submitter_whose_round_is_not_stored_has_no_places_and_no_siblings(registered, sample, cmr):
    (sample / "Broken" / "results" / "box").mkdir(parents=True)
    done = cmr(SCRIPT_TAGS, f"--path={sample / 'Borealis'}", "--version=5.1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "round 5.1: no places, as only Borealis was read" in done.stdout
    assert "Broken" not in done.stdout
    entries = json.loads(Path("summary_results--Borealis.json").read_text())
    assert not any("rank" in entry or "compared_results" in entry for entry in entries)
    report = json.loads(Path("mlperf-training-report.json").read_text())
    assert {folder["submitter"] for folder in report["rounds"][0]["folders"]} == {"Borealis"}


def test_a_tree_that_lacks_what_a_summary_holds_does_not_take_its_place(registered, sample, tmp_path, cmr):
    assert cmr(SCRIPT_TAGS, f"--path={sample}", "--version=5.1").returncode == 0
    before = Path("mlperf-training-summary-5.1.csv").read_bytes()
    shutil.copytree(sample / "Borealis", tmp_path / "mine" / "Borealis")
    done = cmr(SCRIPT_TAGS, f"--path={tmp_path / 'mine'}", "--version=5.1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert Path("mlperf-training-summary-5.1.csv").read_bytes() == before
    assert len(json.loads(Path("mlperf-training-summary-5.1-local.json").read_text())) == 1


def test_nothing_to_import_is_an_error_and_the_report_says_why(registered, sample, tmp_path, cmr):
    """What was stored of the round before stays, also with --prune."""
    clone = cache_round(registered, sample, "5.1")
    assert cmr(SCRIPT_TAGS).returncode == 0
    stored = snapshot(home() / LOCAL)
    closed = clone / "closed"
    closed.mkdir()
    for folder in [child for child in clone.iterdir() if child.name[0] not in ".c"]:
        folder.rename(closed / folder.name)
    done = cmr(SCRIPT_TAGS, "--prune")
    assert done.returncode == 16
    assert f"no results in {clone}, which holds closed" in done.stdout
    assert "unread-logs (1): 5.1 closed: " in done.stdout
    assert snapshot(home() / LOCAL) == stored
    report = json.loads(Path("mlperf-training-report.json").read_text())
    assert report["findings_count"] == {"no-results": 1, "unread-logs": 1}


def test_prune_with_a_path_is_refused(registered, sample, cmr):
    done = cmr(SCRIPT_TAGS, f"--path={sample}", "--version=5.1", "--prune")
    assert done.returncode == 1
    assert "--prune: removes what a clone no longer holds, and --path names a folder" in done.stdout + done.stderr


def test_the_clone_of_another_round_is_refused(registered, sample, cmr):
    address = "https://github.com/mlcommons/training_results_v4.1"
    clone = cache_round(registered, sample, "5.1", address)
    done = cmr(SCRIPT_TAGS)
    assert done.returncode == 1
    assert f"{clone}: a clone of training_results_v4.1, and not of training_results_v5.1" in done.stdout + done.stderr
    assert f"run: cm rm cache {clone.parent.name} -f, then fetch the round again: " in done.stdout + done.stderr
    assert not (home() / LOCAL).exists()
    done = cmr(SCRIPT_TAGS, f"--path={clone}", "--version=5.1")
    assert done.returncode == 1
    assert "run again with --version=4.1" in done.stdout + done.stderr
    assert cmr(SCRIPT_TAGS, f"--path={clone}", "--version=4.1").returncode == 0


def test_from_python_with_the_same_names(registered, sample, isolated):
    cache_round(registered, sample, "5.1")
    result = registered.access(
        {
            "action": "run",
            "automation": "script",
            "tags": SCRIPT_TAGS.replace(" ", ","),
            "version": "5.1",
            "benchmark": "retinanet",
            "quiet": True,
            "output_dir": str(isolated / "out"),
        }
    )
    assert result["return"] == 0, result
    assert len(json.loads((isolated / "out/mlperf-training-summary-5.1.json").read_text())) == 3


def test_ours_wins_over_the_older_script_also_with_an_index_from_before(cm):
    found = cm.access({"action": "find", "automation": "script", "artifact": f"{IMPORT.alias},{IMPORT.uid}"})
    assert "cmx4mlops" in found["list"][0].path  # the index is built now, and leads to the older script
    link, _ = register(home_of(cm))
    assert link.resolve() == PROJECT
    done = forked.cmr(SCRIPT_TAGS)
    assert "no MLPerf Training results in the CM cache" in done.stdout + done.stderr


def test_registering_twice_and_after_a_move(cm, tmp_path):
    link, _ = register(home_of(cm))
    assert register(home_of(cm))[0] == link
    link.unlink()
    link.symlink_to(tmp_path)
    assert register(home_of(cm))[0].resolve() == PROJECT


def test_registering_over_a_folder_of_the_user_is_refused(cm):
    folder = home() / "repos/local/script" / IMPORT.alias
    folder.mkdir(parents=True)
    with pytest.raises(Exception, match="a folder is in the place of the link to this script"):
        register(home_of(cm))
    assert folder.is_dir()


def test_help_lists_every_flag_with_a_sentence(registered):
    import yaml

    contract = yaml.safe_load((PROJECT / "_cm.yaml").read_text())
    assert contract["input_mapping"].keys() == contract["input_description"].keys()
    done = forked.cmr(SCRIPT_TAGS, "--help")
    for flag, text in contract["input_description"].items():
        assert f"--{flag}  ({text['desc']})" in done.stdout


def publish_sample(root: Path) -> None:
    from mlperf_training_import.start.sample import make_repository, write_sample

    write_sample(root)
    make_repository(root)


def caches() -> list[Path]:
    return sorted((home() / "repos/local/cache").glob("*/repo"))


def test_variations_fetch_and_import_their_rounds_only(registered, github, isolated):
    for version in ("3.0", "3.1", "5.1"):
        publish_sample(github(f"training_results_v{version}"))
    done = forked.cmr(f"{SCRIPT_TAGS} _v3.0,_v5.1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in isolated.glob("*summary-*.json")) == [
        "mlperf-training-summary-3.0.json",
        "mlperf-training-summary-5.1.json",
    ]
    assert len(caches()) == 2
    done = forked.cmr(f"{SCRIPT_TAGS} _v3.1", "--output_dir=next")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(caches()) == 3
    assert [path.name for path in (isolated / "next").glob("*summary-*.json")] == ["mlperf-training-summary-3.1.json"]


def test_a_clone_made_by_the_line_of_readme_is_reused(registered, github):
    publish_sample(github("training_results_v3.0"))
    line = next(line for line in fetch_lines() if "training_results_v3.0" in line)
    fetched = forked.cmr(*shlex.split(line)[1:])
    assert fetched.returncode == 0, fetched.stdout + fetched.stderr
    before = caches()
    done = forked.cmr(f"{SCRIPT_TAGS} _v3.0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert caches() == before
    entry = entries_of("mlperf-training--3.0--closed--llm-finetuning")[0]
    assert entry["git_url"] == "https://github.com/mlcommons/training_results_v3.0"
    assert entry["url"].startswith(f"{entry['git_url']}/tree/main/{entry['submitter_folder']}/results/")


def test_a_clone_that_fails(registered, github):
    done = forked.cmr(f"{SCRIPT_TAGS} _v3.0")
    assert done.returncode != 0
    assert not (home() / LOCAL).exists()


def test_there_is_a_variation_for_every_public_round():
    import yaml

    variations = yaml.safe_load((PROJECT / "_cm.yaml").read_text())["variations"]
    names = {label: f"hpc-v{label[4:]}" if label.startswith("hpc-") else f"v{label}" for label in public_rounds()}
    assert set(variations) == {*names.values(), "all", "hpc-all"}
    assert variations["all"]["base"] == [name for name in names.values() if name.startswith("v")]
    assert variations["hpc-all"]["base"] == [name for name in names.values() if name.startswith("hpc-v")]
    for label, name in names.items():
        (dependency,) = variations[name]["deps"]
        suite, version = ("hpc", label[4:]) if label.startswith("hpc-") else ("training", label)
        assert dependency["tags"] == f"get,git,repo,_repo.https://github.com/mlcommons/{suite}_results_v{version}"
        assert dependency["extra_cache_tags"] == f"mlperf-{suite}-results,version-{version}"
        assert dependency["env"]["CM_GIT_BRANCH"] == rules_of(label).branch


CALLER = """
alias: caller
uid: 0123456789abcdef
automation_alias: script
automation_uid: 5b4e0237da074764
tags: [caller, of, the, importer]
deps:
  - tags: import,mlperf,training,to-experiment
new_env_keys: [CALLER_*]
new_state_keys: [caller]
"""
CALLER_CODE = """
def preprocess(i):
    env, state = i['env'], i['state']
    env['CALLER_RESULTS'] = env['CM_IMPORT_MLPERF_TRAINING_RESULTS']
    env['CALLER_REPORT'] = env['CM_IMPORT_MLPERF_TRAINING_REPORT']
    state['caller'] = state['mlperf_training_import']['experiments']
    return {'return': 0}
"""


def test_another_script_reads_what_this_one_hands_over(registered, sample, isolated):
    cache_round(registered, sample, "5.1")
    folder = home() / "repos/local/script/caller"
    folder.mkdir()
    (folder / "_cm.yaml").write_text(CALLER)
    (folder / "customize.py").write_text(CALLER_CODE)
    found = registered.access({"action": "run", "automation": "script", "tags": "caller,of,the,importer"})
    assert found["return"] == 0, found
    assert found["new_env"]["CALLER_RESULTS"] == "7"
    assert json.loads(Path(found["new_env"]["CALLER_REPORT"]).read_text())["rounds"][0]["results"] == 7
    experiments = {e["name"]: e for e in found["new_state"]["caller"]}
    experiment = experiments["mlperf-training--all--closed--llm-finetuning"]
    assert experiment["added"] == 3
    assert json.loads((Path(experiment["path"]) / "_cm.json").read_text())["uid"] == experiment["uid"]


def test_csv_has_a_row_per_system_and_a_column_per_benchmark(registered, sample, isolated, cmr):
    cache_round(registered, sample, "5.1")
    assert cmr(SCRIPT_TAGS).returncode == 0
    with (isolated / "mlperf-training-summary-5.1.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert ",".join(list(rows[0])[:11]) == (
        "division,availability,submitter,system,number_of_nodes,host_processor_model_name,host_processors_count,"
        "accelerator_model_name,accelerators_count,framework,notes"
    )
    assert [(row["system_file"], bool(row["retinanet"]), bool(row["llama31_8b"])) for row in rows] == [
        ("node_x64", False, True),
        ("node_x8", True, False),
        ("tower_x4", True, False),
        ("cpu_pod_x16", True, False),
    ]
    results = json.loads((isolated / "summary_results.json").read_text())
    assert len(results) == 7
    stored = entries_of("mlperf-training--all--open--object-detection-light-weight")
    assert stored == [entry for entry in results if entry["division"] == "open"]


def test_cmx_runs_it_too(registered, sample):
    cache_round(registered, sample, "5.1")
    command = ["run", "script", SCRIPT_TAGS, "--version=5.1"]
    done = forked.call(partial(cli.runx, command))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(entries_of("mlperf-training--5.1--closed--llm-finetuning")) == 3
    done = forked.call(partial(cli.runx, [*command, "--submiter=Aurora"]))
    assert done.returncode == 1
    assert "--submiter: no such flag; did you mean --submitter?!" in done.stderr


def test_the_end_says_where_the_experiments_are_how_to_look_at_them_and_what_clone_they_are_from(registered, sample, cmr):
    clone = cache_round(registered, sample, "5.1")
    done = cmr(SCRIPT_TAGS)
    see = f"{sys.executable} {PROJECT / 'run.py'} report" if missing_requirements() else 'cmr "gui _playground"'
    assert f"experiments are in {home() / LOCAL}\nsee it: {see}\n" in done.stdout
    (row,) = [line.split() for line in done.stdout.splitlines() if line.split()[:1] == ["5.1"]]
    commit = (clone / ".git/refs/heads/main").read_text()[:12]
    assert row[1:3] == [commit, time.strftime("%Y-%m-%d")]


def test_every_flag_of_cm_that_its_script_automation_documents_passes():
    """Those of the installed version: a later one may have more."""
    import cmx4mlops

    from mlperf_training_import.flags import CM_FLAGS

    module = Path(cmx4mlops.__path__[0], "repo/automation/script/module.py").read_text(encoding="utf-8")
    documented = re.findall(r"^ {10}\((\w+)\) \(", module.partition("def _run(")[0], re.MULTILINE)
    assert len(documented) > 50
    assert set(documented) <= CM_FLAGS


def test_silent_leaves_nothing_but_errors_with_quiet(registered, sample):
    cache_round(registered, sample, "5.1")
    done = forked.cmr(SCRIPT_TAGS, "--quiet", "-s")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def on_a_terminal(start: Callable[[IO[bytes]], Callable[[], int]]) -> str:
    """What a process that is started on a terminal of 120 columns writes there, given what waits for its exit code."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    with os.fdopen(theirs, "wb") as terminal:
        wait = start(terminal)
    written = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not data:
            break
        written += data
    os.close(ours)
    assert wait() == 0, written
    return written.decode()


def started(*command: str) -> Callable[[IO[bytes]], Callable[[], int]]:
    def start(terminal: IO[bytes]) -> Callable[[], int]:
        # readline adds COLUMNS to the environment of this process, but not to what Python knows of it
        return subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, env=os.environ).wait

    return start


def cmr_forked(*arguments: str) -> Callable[[IO[bytes]], Callable[[], int]]:
    work = forked.command(*CMR[1:], *arguments)
    return lambda terminal: partial(forked.exit_code, forked.start(work, terminal, terminal))


@pytest.fixture
def with_colours(monkeypatch):
    """The variables of a terminal that shows colours, and is asked how many columns it has."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("COLUMNS", raising=False)


def test_git_shows_on_a_terminal_how_far_it_is_and_fetches_no_submodule(registered, github, with_colours):
    root = github("training_results_v3.0")
    publish_sample(root)
    written = on_a_terminal(started(sys.executable, str(PROJECT / "run.py"), "--round=3.0"))
    assert "Receiving objects: 100%" in written
    (state,) = (home() / "repos/local/cache").glob("*/cm-cached-state.json")
    assert json.loads(state.read_text())["new_env"]["CM_GIT_REPO_RECURSE_SUBMODULES"] == ""


def test_progress_and_colours_on_a_terminal_only(registered, sample, monkeypatch, with_colours):
    cache_round(registered, sample, "5.1")
    written = on_a_terminal(started(*CMR, SCRIPT_TAGS))
    assert "round 5.1" in written
    assert "\x1b[1m" in written  # the head of the table is bold
    assert "round 5.1" not in on_a_terminal(cmr_forked(SCRIPT_TAGS, "--quiet"))
    piped = forked.cmr(SCRIPT_TAGS)
    assert "\x1b" not in piped.stdout + piped.stderr
    assert "round 5.1" not in piped.stdout + piped.stderr
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in on_a_terminal(cmr_forked(SCRIPT_TAGS))  # no colour; bold is none


def test_what_the_logs_of_a_clone_say_is_kept_beside_it(registered, sample, isolated, monkeypatch):
    """Until CM removes the entry, and unless nothing is to be written, or remembered."""
    from mlperf_training_import.logs import cache as cache_module

    monkeypatch.setattr(cache_module, "_LONGEST_STEP_NS", 0)  # the clone is made just now
    clone = cache_round(registered, sample, "5.1")
    file = clone.parent / "mlperf-training-logs.cache"
    time.sleep(0.03)
    read = []
    monkeypatch.setattr(
        cache_module,
        "iter_runs",
        lambda jobs, advance, real=cache_module.iter_runs: [read.append(len(jobs)), real(jobs, advance=advance)][1],
    )
    run = {"action": "run", "automation": "script", "tags": SCRIPT_TAGS.replace(" ", ","), "silent": "yes"}
    logs = len(list(clone.glob("*/results/*/*/result_*.txt")))
    for flags, were_read, is_there in (
        ({"dry_run": "yes"}, logs, False),
        ({"no_cache": "yes"}, logs, False),
        ({}, logs, True),
        ({}, 0, True),
        ({"dry_run": "yes"}, 0, True),
        ({"no_cache": "yes"}, logs, True),
    ):
        read.clear()
        result = registered.access({**run, **flags})
        assert result["return"] == 0, result
        assert (sum(read), file.exists()) == (were_read, is_there), flags
    assert (
        registered.access({"action": "rm", "automation": "cache", "artifact": clone.parent.name, "force": True})["return"]
        == 0
    )
    assert not file.exists()


def test_a_submission_is_checked_and_nothing_is_imported(registered, tmp_path, capfd):
    write_result(tmp_path / "tree", benchmark="retinanet")
    run = {"action": "run", "automation": "script", "tags": SCRIPT_TAGS.replace(" ", ","), "silent": "yes", "check": "yes"}
    before = snapshot(tmp_path / "tree")
    result = registered.access({**run, "path": str(tmp_path / "tree"), "version": "5.1"})
    assert result["return"] == 1
    assert result["error"].startswith("would pass: 0 of 1 results, by the rules of mlperf_logging 4.1.68")
    assert "closed_retinanet.opt_name" in capfd.readouterr().out
    assert "say which folder holds the submission" in registered.access(run)["error"]
    of_one = registered.access({**run, "path": str(tmp_path / "tree"), "version": "5.1", "submitter": "Acme"})
    assert "leave out --submitter" in of_one["error"]
    without_rules = registered.access({**run, "path": str(tmp_path / "tree"), "version": "2.1"})
    assert without_rules["error"].startswith("round 2.1: no rules for it")
    assert snapshot(tmp_path / "tree") == before


def test_a_strict_check_fails_for_objections_and_says_so(registered, tmp_path, capfd):
    write_submission(tmp_path / "tree", lambda _, made: changed(made, "lora_alpha", value=5))
    run = {"action": "run", "automation": "script", "tags": SCRIPT_TAGS.replace(" ", ","), "silent": "yes", "check": "yes"}
    run |= {"path": str(tmp_path / "tree"), "version": "5.1"}
    assert registered.access(run)["return"] == 0
    failed = registered.access({**run, "strict": "yes"})
    assert failed["return"] == 1
    assert "and --strict was given; would pass: 1 of 1 results" in failed["error"]
    assert "objection: " in capfd.readouterr().out
