"""Whatever stands where a file of ours is expected is opened as a regular file of bounded size, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import tracemalloc
from pathlib import Path

import pytest
from madeup import make_entry, store
from trees import write_files

from mlperf_training_import.checks.against import _digest
from mlperf_training_import.commands.publish import _changed
from mlperf_training_import.errors import BadInput
from mlperf_training_import.experiments.collect import collect_everywhere, collect_from, unique_entries
from mlperf_training_import.experiments.difference import State
from mlperf_training_import.homes.cm import CmHome
from mlperf_training_import.homes.home import BadDescription
from mlperf_training_import.homes.mlc import MlcHome
from mlperf_training_import.runs.score import score_logs
from mlperf_training_import.show.report import read_report
from mlperf_training_import.show.summaries import _results_in
from mlperf_training_import.start.sample import START_MS, run_log


def endless(place: Path) -> None:
    place.symlink_to("/dev/zero")


def pipe(place: Path) -> None:
    os.mkfifo(place)


def bound_socket(place: Path) -> None:
    here = Path.cwd()
    os.chdir(place.parent)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(place.name)
    finally:
        os.chdir(here)


def deep(place: Path) -> None:
    place.write_text("[" * 2_000)


def folder(place: Path) -> None:
    place.mkdir()


FORMS = [endless, pipe, bound_socket, deep, folder]


@pytest.mark.parametrize("form", FORMS)
def test_a_scaling_file_that_is_none_costs_its_own_group_the_score_only(tmp_path, form):
    for name, minutes in (("first", 28), ("second", 30)):
        texts = [run_log("llama2_70b_lora", minutes + n / 10, start_ms=START_MS + n * 86_400_000) for n in range(10)]
        write_files(tmp_path / name, {f"result_{n}.txt": text for n, text in enumerate(texts)})
    form(tmp_path / "first" / "scaling.json")
    groups, _ = score_logs([tmp_path])
    first, second = groups
    assert first.score is None
    assert first.reason.startswith("scaling.json: ")
    assert second.score == pytest.approx(30.45)


@pytest.mark.parametrize("form", FORMS)
def test_stored_results_that_are_none_leave_the_others(cm, tmp_path, form):
    for task in ("llm-finetuning", "text-to-image"):
        store(tmp_path / "CM", [make_entry(0, task=task)])
    (file,) = tmp_path.glob("CM/repos/local/experiment/*llm-finetuning/*/cm-result.json")
    file.unlink()
    form(file)
    (entry,) = unique_entries(collect_from(CmHome(tmp_path / "CM"), ""))
    assert entry["Task"] == "text-to-image"


@pytest.mark.parametrize("form", FORMS)
def test_a_report_that_is_none(tmp_path, form):
    form(tmp_path / "report.json")
    with pytest.raises(BadInput, match="report"):
        read_report(tmp_path / "report.json", optional=True)


@pytest.mark.parametrize("form", FORMS)
def test_a_summary_that_is_none_holds_nothing(tmp_path, form):
    form(tmp_path / "summary.json")
    assert _results_in(tmp_path / "summary.json") == set()


@pytest.mark.parametrize("form", FORMS)
def test_a_list_of_repositories_that_is_none(tmp_path, form):
    form(tmp_path / "names.txt")
    with pytest.raises(BadInput, match="--changed="):
        _changed(tmp_path / "names.txt", State({}, {}))


def test_a_large_log_of_an_earlier_submission_fills_no_memory(tmp_path):
    """Its digest is made block by block."""
    with (tmp_path / "result_0.txt").open("wb") as stream:
        stream.truncate(64 << 20)
    tracemalloc.start()
    digest = _digest(tmp_path / "result_0.txt")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert digest == hashlib.sha256(bytes(64 << 20)).hexdigest()
    assert peak < 20 << 20


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["_cm.json", "_cm.yaml"])
def test_a_description_of_collective_mind_that_is_none(cm, tmp_path, form, name):
    from mlperf_training_import.homes import home_of

    (tmp_path / "experiment").mkdir()
    form(tmp_path / "experiment" / name)
    with pytest.raises(BadDescription):
        home_of(cm).read_description(tmp_path / "experiment")


def without_uid(place: Path) -> None:
    place.write_text('{"alias": "x", "tags": ["mlperf-training"]}')


def broken(place: Path) -> None:
    place.write_text("{")


def array(place: Path) -> None:
    place.write_text("[1, 2]")


def aliases(place: Path) -> None:
    lines = ["uid: x", "a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)), "tags: *a39"]
    place.with_suffix(".yaml").write_text("\n".join(lines))


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("form", [*FORMS, without_uid, broken, array, aliases])
def test_a_description_that_is_none_keeps_nobody_from_the_other_experiments(cm, form, indexed):
    """In the playground and elsewhere; also where Collective Mind would look at all of them, as it has no index yet."""
    home = cm.repos_path
    store(Path(home), [make_entry(1)])
    bad = Path(home, "repos/local/experiment/a")
    bad.mkdir()
    form(bad / "_cm.json")
    if not indexed:
        Path(home, "index.json").unlink()
    troubles = []
    found = collect_everywhere(CmHome(Path(home)), lambda code, place, _: troubles.append((code, Path(place).parent.name)))
    assert [len(experiment.entries) for experiment in found] == [1]
    assert troubles == [("invalid-store", "a")]
    assert len(unique_entries(collect_from(CmHome(Path(home)), ""))) == 1
    assert CmHome(Path(home)).cached_entries() == []


@pytest.mark.parametrize(
    "odd",
    [{"alias": 5}, {"alias": None}, {"tags": ["mlperf-training", 1, None]}, {"tags": None}, {"tags": {"a": 1}}],
    ids=str,
)
def test_odd_names_and_tags_of_an_experiment_stop_nothing(cm, odd):
    home = Path(cm.repos_path)
    store(home, [make_entry(1)])
    (home / "repos/local/experiment/a").mkdir()
    described = {"alias": "a", "uid": "0" * 16, "tags": ["mlperf-training"]} | odd
    (home / "repos/local/experiment/a/_cm.json").write_text(json.dumps(described))
    (found,) = (one for one in CmHome(home).find_experiments(print) if one.uid == "0" * 16)
    assert found.alias == "a"
    assert all(isinstance(tag, str) for tag in found.tags)
    assert len(collect_everywhere(CmHome(home), print)) == 1


def test_what_is_no_folder_of_experiments_keeps_nobody_from_those_of_other_repositories(cm):
    store(Path(cm.repos_path), [make_entry(1)])
    other = Path(cm.repos_path, "repos/other")
    assert cm.access({"action": "init", "automation": "repo", "artifact": "other", "path": str(other)})["return"] == 0
    (other / "experiment").write_text("")
    troubles = []
    found = collect_everywhere(CmHome(Path(cm.repos_path)), lambda *trouble: troubles.append(trouble))
    assert [len(experiment.entries) for experiment in found] == [1]
    assert troubles == [("invalid-store", str(other / "experiment"), "cannot be read (Not a directory)")]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["meta.json", "meta.yaml"])
def test_a_description_of_mlcflow_that_is_none(tmp_path, form, name):
    (tmp_path / "experiment").mkdir()
    form(tmp_path / "experiment" / name)
    with pytest.raises(BadDescription):
        MlcHome(tmp_path).read_description(tmp_path / "experiment")


def test_a_description_that_repeats_itself_without_end(cm, tmp_path):
    from mlperf_training_import.homes import home_of

    lines = ["uid: x", "a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
    for name, home in (("_cm.yaml", home_of(cm)), ("meta.yaml", MlcHome(tmp_path))):
        (tmp_path / name).write_text("\n".join(lines))
        with pytest.raises(BadDescription):
            home.read_description(tmp_path)
        (tmp_path / name).write_text("uid: x\nnote: 2 * 3\n")
        assert home.read_description(tmp_path) == {"uid": "x", "note": "2 * 3"}


def test_a_description_of_megabytes_is_not_read(tmp_path):
    """Of which a second each would be needed."""
    (tmp_path / "meta.yaml").write_text("uid: x\n" + "".join(f"k{number}: [a, b, c]\n" for number in range(60_000)))
    with pytest.raises(BadDescription, match="larger than 1 MB"):
        MlcHome(tmp_path).read_description(tmp_path)


def test_an_index_that_is_none_is_an_error_and_is_not_waited_for(cm):
    from mlperf_training_import.homes import home_of

    home = home_of(cm)
    index = home.repos_path / "index.json"
    assert json.loads(index.read_text())
    index.unlink()
    os.mkfifo(index)
    with home.index_left_alone(), pytest.raises(OSError, match="regular"):
        home.add_to_index([], home.find_repository("local"))
