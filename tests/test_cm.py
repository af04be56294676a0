"""The script through the real ``cmr`` and ``cmind.access``, in CM homes that the tests make."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import PROJECT, SCRIPT_TAGS, cache_round, run_cmr

from mlperf_training_import.register import ALIAS, UID, register

LOCAL = Path("repos/local/experiment")


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
    assert entry["_System"] == "Aurora A8 (64x R100)"
    assert "git_url" not in entry  # the clone's remote is a folder, which is no web address
    status = subprocess.run(["git", "-C", str(clone), "status", "--porcelain"], capture_output=True, text=True, check=True)
    assert status.stdout == ""
    summary = json.loads((isolated / "mlperf-training-summary-5.1.json").read_text())
    assert [(row["system"], sorted(set(row) & {"llama2_70b_lora", "llama31_8b", "retinanet"})) for row in summary] == [
        ("Aurora A8 (64x R100)", ["llama2_70b_lora", "llama31_8b"]),
        ("Aurora A8 (8x R100)", ["llama2_70b_lora", "retinanet"]),
        ("Borealis Tower", ["llama2_70b_lora", "retinanet"]),
        ("Cumulus Pod", ["retinanet"]),
    ]
    report = json.loads((isolated / "mlperf-training-report.json").read_text())
    assert report["rounds"][0]["results"] == 7
    assert report["findings_count"] == {"run-not-counted": 2}
    assert "5.1" in done.stdout
    assert "wrote mlperf-training-report.json" in done.stdout


def test_nothing_cached(registered):
    done = run_cmr(SCRIPT_TAGS)
    assert done.returncode == 16
    assert (
        "no MLPerf Training results in the CM cache; fetch a round first:\n"
        '  cmr "get git repo _repo.https://github.com/mlcommons/training_results_v5.1" '
        "--extra_cache_tags=mlperf-training-results,version-5.1 --branch=main"
    ) in done.stdout + done.stderr


def test_unknown_version(registered, sample):
    cache_round(registered, sample, "5.1")
    done = run_cmr(SCRIPT_TAGS, "--version=5.1,9.9")
    assert done.returncode == 16
    assert (
        "round 9.9 is not in the CM cache, which has 5.1; fetch it first:\n"
        '  cmr "get git repo _repo.https://github.com/mlcommons/training_results_v9.9" '
        "--extra_cache_tags=mlperf-training-results,version-9.9 --branch=main"
    ) in done.stdout + done.stderr


def test_unknown_target_repository_is_an_error_before_any_work(registered, sample, isolated):
    cache_round(registered, sample, "5.1")
    done = run_cmr(SCRIPT_TAGS, "--target_repo=nowhere")
    assert done.returncode == 16
    text = done.stdout + done.stderr
    assert 'target_repo "nowhere" is not a CM repository; registered are: ' in text
    assert "add it with: cm pull repo <name or address>, or: cm init repo nowhere" in text
    assert list(isolated.iterdir()) == []
    assert not (home() / LOCAL).exists()


def test_target_repository_of_ones_own(registered, sample, tmp_path):
    cache_round(registered, sample, "5.1")
    made = registered.access(
        {"action": "init", "automation": "repo", "artifact": "results", "path": str(tmp_path / "results")}
    )
    assert made["return"] == 0, made
    done = run_cmr(SCRIPT_TAGS, "--target_repo=results", "--quiet")
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
def test_filters(registered, sample, flags, expected):
    cache_round(registered, sample, "5.1")
    done = run_cmr(SCRIPT_TAGS, *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {entry["submitter_folder"] for folder in (home() / LOCAL).iterdir() for entry in entries_of(folder.name)}
    assert found == expected


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--submitter=Nobody", "--submitter=Nobody: not in these rounds; there are: Aurora, Borealis, Cumulus"),
        ("--benchmark=berd", "--benchmark=berd: not in these rounds; there are: llama2_70b_lora, llama31_8b, retinanet"),
        ("--division=clsd", "--division=clsd: not in these rounds; there are: closed, open"),
        ("--dry_run=perhaps", "--dry_run=perhaps: expected yes or no"),
    ],
)
def test_values_that_match_nothing(registered, sample, flag, message):
    cache_round(registered, sample, "5.1")
    done = run_cmr(SCRIPT_TAGS, flag)
    assert done.returncode == 1
    assert message in done.stdout + done.stderr
    assert not (home() / LOCAL).exists()


def test_strict_fails_after_everything_is_written(registered, sample, isolated):
    cache_round(registered, sample, "5.1")
    done = run_cmr(SCRIPT_TAGS, "--strict")
    assert done.returncode == 1
    assert "2 findings, and --strict was given; see the report" in done.stdout + done.stderr
    assert (isolated / "mlperf-training-report.json").is_file()
    assert len(entries_of("mlperf-training--all--closed--llm-finetuning")) == 3


def test_dry_run_writes_nothing(registered, sample, isolated):
    cache_round(registered, sample, "5.1")
    done = run_cmr(SCRIPT_TAGS, "--dry_run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (home() / LOCAL).exists()
    assert list(isolated.iterdir()) == []


def test_a_local_tree_and_one_submitter_of_it(registered, sample, tmp_path):
    output = tmp_path / "out"
    done = run_cmr(SCRIPT_TAGS, f"--path={sample}", "--version=5.1", f"--output_dir={output}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads((output / "mlperf-training-summary-5.1.json").read_text())) == 4
    done = run_cmr(SCRIPT_TAGS, f"--path={sample / 'Borealis'}", "--version=5.1", f"--output_dir={output}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads((output / "mlperf-training-summary-5.1.json").read_text())) == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--path={tmp}/none", "--version=5.1"], "--path={tmp}/none: no such folder"),
        (
            ["--path={tmp}", "--version=5.1"],
            "--path={tmp}: no results in it; expected <submitter>/results/<system>/<benchmark>/result_*.txt",
        ),
        (["--path={tmp}"], "--path={tmp}: say which round it is, for instance --version=5.1"),
        (
            ["--path={tmp}", "--version=newest"],
            "--version=newest: expected <number>.<number>, optionally with -<suffix>, such as 5.1",
        ),
    ],
)
def test_paths_that_cannot_be_imported(registered, tmp_path, flags, message):
    folder = tmp_path / "empty"
    folder.mkdir()
    done = run_cmr(SCRIPT_TAGS, *(flag.format(tmp=folder) for flag in flags))
    assert done.returncode == 1
    assert message.format(tmp=folder) in done.stdout + done.stderr


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
    found = cm.access({"action": "find", "automation": "script", "artifact": f"{ALIAS},{UID}"})
    assert "cmx4mlops" in found["list"][0].path  # the index is built now, and leads to the older script
    link = register(cm, PROJECT)
    assert link.resolve() == PROJECT
    done = run_cmr(SCRIPT_TAGS)
    assert "no MLPerf Training results in the CM cache" in done.stdout + done.stderr


def test_registering_twice_and_after_a_move(cm, tmp_path):
    link = register(cm, PROJECT)
    assert register(cm, PROJECT) == link
    link.unlink()
    link.symlink_to(tmp_path)
    assert register(cm, PROJECT).resolve() == PROJECT


def test_registering_over_a_folder_of_the_user_is_refused(cm):
    folder = home() / "repos/local/script" / ALIAS
    folder.mkdir(parents=True)
    with pytest.raises(Exception, match="a folder stands where the link to this script belongs"):
        register(cm, PROJECT)
    assert folder.is_dir()


def test_help_lists_every_flag_with_a_sentence(registered):
    import yaml

    contract = yaml.safe_load((PROJECT / "_cm.yaml").read_text())
    assert contract["input_mapping"].keys() == contract["input_description"].keys()
    done = run_cmr(SCRIPT_TAGS, "--help")
    for flag, text in contract["input_description"].items():
        assert f"--{flag}  ({text['desc']})" in done.stdout
