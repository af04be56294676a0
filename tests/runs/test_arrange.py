"""Logs become a submission that the import takes, and nothing is overwritten."""

from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from trees import import_tree, snapshot, write_files

from mlperf_training_import.commands.line import main
from mlperf_training_import.errors import BadInput, NothingToScore
from mlperf_training_import.runs.arrange import arrange
from mlperf_training_import.start.sample import START_MS, log_line, run_log, system_description


@pytest.fixture
def system(tmp_path):
    file = tmp_path / "box.json"
    file.write_text(json.dumps(system_description("Acme")))
    return file


def counts(made):
    """The number of logs in each folder."""
    return {group.folder: len(group.runs) for group in made.groups}


def test_what_is_arranged_can_be_imported(tmp_path, system):
    texts = [run_log("retinanet", minutes) for minutes in (1, 2, 3, 4, 5)]
    write_files(tmp_path / "logs", {"a.gz": gzip.compress(texts[0].encode(), mtime=0), "b.out": "".join(texts[1:])})
    before = snapshot(tmp_path / "logs")
    made = arrange([str(tmp_path / "logs")], "Acme", system, tmp_path / "tree", "5.1")
    assert (made.left, counts(made)) == ([], {f"{tmp_path}/tree/Acme/results/box/retinanet": 5})
    assert import_tree(tmp_path / "tree", "5.1").minutes == {"Acme/results/box/retinanet": 3.0}
    assert snapshot(tmp_path / "logs") == before


@pytest.mark.parametrize(("folder", "metric"), [("logs", "strong"), ("logs/weak", "weak"), ("Weak/deepcam", "weak")])
def test_a_round_with_several_metrics_has_a_folder_for_each(tmp_path, system, folder, metric):
    """Weak results are those below a folder of that name, in any case."""
    write_files(tmp_path / folder, {f"{minutes}.log": run_log("deepcam", minutes) for minutes in (1, 2, 3, 4, 5)})
    made = arrange([str(tmp_path / folder)], "Acme", system, tmp_path / "tree", "hpc-3.0")
    place = f"Acme/results/box/{metric}/deepcam"
    assert counts(made) == {f"{tmp_path}/tree/{place}": 5}
    judged = import_tree(tmp_path / "tree", "hpc-3.0").only
    assert judged.submission.folder == place
    assert judged.score.value == made.groups[0].score == {"strong": 3.0, "weak": 1.0}[metric]


def test_nothing_is_overwritten_or_half_made(tmp_path, system):
    write_files(tmp_path / "logs", {"a.log": run_log("retinanet", 1)})
    arrange([str(tmp_path / "logs")], "Acme", system, tmp_path / "tree")
    before = snapshot(tmp_path / "tree")
    with pytest.raises(BadInput, match="already exists; arrange overwrites nothing"):
        arrange([str(tmp_path / "logs")], "Acme", system, tmp_path / "tree")
    with pytest.raises(NothingToScore):
        arrange([str(system)], "Other", system, tmp_path / "tree")
    assert snapshot(tmp_path / "tree") == before


@pytest.mark.parametrize("name", ["", "..", "a/b", ".git", "a\x1bb"])
def test_names_stay_inside_the_folder(tmp_path, system, name):
    write_files(tmp_path / "logs", {"a.log": run_log("retinanet", 1)})
    with pytest.raises(BadInput, match="cannot be the name of a folder"):
        arrange([str(tmp_path / "logs")], name, system, tmp_path / "tree")
    text = run_log("retinanet", 1).replace('"retinanet"', json.dumps(name or ".."))
    write_files(tmp_path / "odd", {"a.log": text + log_line(1, "x")})
    with pytest.raises(BadInput, match="cannot be the name of a folder"):
        arrange([str(tmp_path / "odd")], "Acme", system, tmp_path / "tree")
    assert not (tmp_path / "tree/Acme/results/box").exists()


def test_every_run_is_copied_once_and_what_is_left_is_said(tmp_path, system):
    first, second = run_log("retinanet", 1), run_log("retinanet", 2)
    write_files(
        tmp_path / "logs",
        {
            "all.out": first + second,
            "1.tee": first,
            "nameless.log": "\n".join(line for line in first.splitlines() if "submission_benchmark" not in line),
            "pointer.log": "version https://git-lfs.github.com/spec/v1\n",
            "cut.gz": gzip.compress(first.encode(), mtime=0)[:-9],
        },
    )
    made = arrange([str(tmp_path / "logs")], "Acme", system, tmp_path / "tree")
    assert counts(made) == {f"{tmp_path}/tree/Acme/results/box/retinanet": 2}
    whys = {
        "nameless.log": "the run does not name its",
        "pointer.log": "a Git LFS",
        "cut.gz": "not whole",
        "1.tee": "the same run as",
    }
    assert len(made.left) == len(whys)
    assert all(any(f"logs/{name}" in line and why in line for line in made.left) for name, why in whys.items())


@pytest.mark.parametrize(
    ("content", "why"),
    [('{"scaling_factor": 1.25}', "a factor of 1.25"), ('{"scaling_factor": 0}', "no scaling_factor above 0 in it")],
)
def test_the_factor_of_a_review_is_left_and_named(tmp_path, system, content, why):
    write_files(tmp_path / "logs", {"result_0.txt": run_log("retinanet", 1), "scaling.json": content})
    made = arrange([str(tmp_path / "logs")], "Acme", system, tmp_path / "tree")
    assert made.left == [f"{tmp_path}/logs/scaling.json: {why}; only a review multiplies a score"]
    assert [group.scaling_factor for group in made.groups] == [None]


@pytest.mark.parametrize(
    ("round_", "why"),
    [
        ("newest", "--round=newest: expected <number>.<number>"),
        ("5.1-mine", "--round=5.1-mine: expected <number>.<number>"),
        ("9.9", "--round=9.9: no such round; these are known: 0.5, "),
        ("hpc-3.0", "--round=hpc-3.0: this round has no retinanet; leave out --round"),
    ],
)
@pytest.mark.parametrize("command", ["arrange", "score"])
def test_a_round_that_does_not_fit_is_refused_before_anything_is_made(tmp_path, system, capsys, main, command, round_, why):
    write_files(tmp_path / "logs", {"a.log": run_log("retinanet", 1)})
    more = ["--submitter=Acme", f"--system={system}", f"--into={tmp_path / 'tree'}"] if command == "arrange" else []
    assert main([command, str(tmp_path / "logs"), f"--round={round_}", *more]) == 1
    assert why in capsys.readouterr().err
    assert not (tmp_path / "tree").exists()


@pytest.mark.parametrize(
    "words", [["score", "--max_log_mb=-1"], ["score", "--accelerators=0"], ["arrange", "--max_log_mb=x"]]
)
def test_what_is_counted_is_above_zero(capsys, words):
    with pytest.raises(SystemExit) as ended:
        main([*words, "logs", *(["--submitter=A", "--system=b.json", "--into=c"] if "arrange" in words else [])])
    assert ended.value.code == 2
    assert "expected a whole number above zero, not " in capsys.readouterr().err


def test_a_submission_may_lie_beside_its_logs(tmp_path, system):
    write_files(tmp_path / "logs", {"a.log": run_log("retinanet", 1)})
    made = arrange([str(tmp_path / "logs")], "Acme", system, tmp_path / "logs")
    assert made.left == []
    assert import_tree(tmp_path / "logs", "5.1").results.keys() | set(snapshot(tmp_path / "logs")) == {
        "a.log",
        "Acme/results/box/retinanet/result_0.txt",
        "Acme/systems/box.json",
    }


def test_a_description_that_is_not_there_is_said_in_words(tmp_path):
    with pytest.raises(BadInput, match=r"box\.json: No such file or directory$"):
        arrange([str(tmp_path)], "Acme", tmp_path / "box.json", tmp_path / "tree")


@pytest.mark.parametrize("link", ["Acme", "Acme/results", "Acme/systems", ".Acme.unfinished"])
def test_no_link_leads_out_of_the_folder(tmp_path, system, link):
    write_files(tmp_path / "logs", {"a.log": run_log("retinanet", 1)})
    outside, into = tmp_path / "outside", tmp_path / "tree"
    outside.mkdir()
    (into / link).parent.mkdir(parents=True)
    (into / link).symlink_to(outside)
    with pytest.raises(BadInput, match="a link, not followed"):
        arrange([str(tmp_path / "logs")], "Acme", system, into)
    assert list(outside.iterdir()) == []
    assert [path for path in into.rglob("*") if not (into / link).is_relative_to(path)] == []


def test_a_place_that_a_broken_link_has_is_not_free(tmp_path, system):
    write_files(tmp_path / "logs", {"a.log": run_log("retinanet", 1)})
    target = tmp_path / "tree/Acme/systems/box.json"
    target.parent.mkdir(parents=True)
    target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadInput, match="already exists"):
        arrange([str(tmp_path / "logs")], "Acme", system, tmp_path / "tree")
    assert snapshot(tmp_path / "tree") == {}


@pytest.mark.parametrize("step", ["_copy", "_move", "distinct"])
def test_what_fails_leaves_nothing_behind(tmp_path, system, monkeypatch, step):
    write_files(tmp_path / "logs", {"a.log": run_log("retinanet", 1)})

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"mlperf_training_import.runs.arrange.{step}", fail)
    with pytest.raises(OSError, match="No space left"):
        arrange([str(tmp_path / "logs")], "Acme", system, tmp_path / "a/b/tree")
    assert not (tmp_path / "a").exists()


def test_the_second_of_two_moves_fails_and_the_first_is_taken_back(tmp_path, system, monkeypatch):
    write_files(tmp_path / "logs", {"a.log": run_log("retinanet", 1)})
    rename = Path.rename

    def fail_for_the_description(self, target):
        if self.name == "system.json":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_for_the_description)
    with pytest.raises(OSError, match="Input/output error"):
        arrange([str(tmp_path / "logs")], "Acme", system, tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_two_at_once_wait_for_each_other(tmp_path, system):
    write_files(tmp_path / "logs", {"a.log": run_log("retinanet", 1)})
    other = tmp_path / "other.json"
    other.write_text(system.read_text())
    with ThreadPoolExecutor(4) as pool:
        tries = [
            pool.submit(arrange, [str(tmp_path / "logs")], "Acme", file, tmp_path / "tree")
            for file in (system, other, system, tmp_path / "absent.json")
        ]
    failures = [str(one.exception()) for one in tries if one.exception()]
    assert len(failures) == 2
    assert sum("already exists; arrange overwrites nothing" in failure for failure in failures) == 1
    assert sorted(path.relative_to(tmp_path / "tree").as_posix() for path in (tmp_path / "tree").rglob("*.*")) == [
        "Acme/results/box/retinanet/result_0.txt",
        "Acme/results/other/retinanet/result_0.txt",
        "Acme/systems/box.json",
        "Acme/systems/other.json",
    ]


def test_the_command_says_what_was_made_and_left(tmp_path, system, capsys, main):
    write_files(tmp_path / "logs", {"a.log": run_log("retinanet", 1), "empty/result_0.txt": ""})
    words = ["arrange", str(tmp_path / "logs"), "--submitter=Acme", f"--system={system}", f"--into={tmp_path / 'tree'}"]
    assert main([*words, "--round=5.1"]) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [
        f"{tmp_path}/tree/Acme/results/box/retinanet: 1 log, 5.1 asks for 5",
        "retinanet: to check: too-few-runs, run-count",
        f"skipped: {tmp_path}/logs/empty/result_0.txt: the file is empty",
    ]


@pytest.mark.parametrize(("metric", "rule"), [("strong", ", hpc-3.0 asks for 5"), ("weak", "")])
def test_a_result_that_may_have_more_runs_is_not_asked_for_fewer(tmp_path, system, capsys, main, metric, rule):
    write_files(tmp_path / metric, {f"{minutes}.log": run_log("deepcam", minutes) for minutes in range(1, 7)})
    words = ["arrange", str(tmp_path / metric), "--submitter=Acme", f"--system={system}", f"--into={tmp_path / 'tree'}"]
    assert main([*words, "--round=hpc-3.0"]) == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == f"{tmp_path}/tree/Acme/results/box/{metric}/deepcam: 6 logs{rule}"


def test_nearly_right_names_unlike_runs_and_the_newest_round_are_said(tmp_path, system, capsys, main):
    texts = [run_log("gpt-oss-20b", n, global_batch_size=n, start_ms=START_MS + n * 86_400_000) for n in (16, 32)]
    write_files(tmp_path / "logs", {f"{number}.log": text for number, text in enumerate(texts)})
    words = ["arrange", str(tmp_path / "logs"), "--submitter=Acme", f"--system={system}", f"--into={tmp_path / 'tree'}"]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [
        f"{tmp_path}/tree/Acme/results/box/gpt_oss_20b: 2 logs, 6.1 asks for 10",
        "gpt_oss_20b: the logs name gpt-oss-20b, treated as gpt_oss_20b",
        "gpt_oss_20b: not runs of one result: they differ in batch sizes: 16, 32",
    ]


def test_what_is_arranged_is_checked(tmp_path, system, capsys):
    write_files(tmp_path / "logs", {"a.log": run_log("retinanet", 1)})
    words = ["arrange", tmp_path / "logs", "--submitter", "Acme", "--system", system, "--into", tmp_path / "tree"]
    assert main([*map(str, words), "--round", "5.1"]) == 0
    out = capsys.readouterr().out
    assert "[package.run-count]" in out
    assert out.splitlines()[-1].startswith("would pass: 0 of 1 results, by the rules of mlperf_logging")
