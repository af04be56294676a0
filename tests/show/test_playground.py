"""What stands in for modules of the installed playground, and the links that are printed; without a browser."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest

from mlperf_training_import.errors import PlaygroundFailure
from mlperf_training_import.experiments.collect import Collected
from mlperf_training_import.show.playground import playground
from mlperf_training_import.show.playground.playground import make_links
from mlperf_training_import.show.playground.viewer import KEY_HEADER, script_replacement
from mlperf_training_import.show.playground.viewer import misc_replacement as misc
from mlperf_training_import.show.playground.viewer.installed import without_images
from mlperf_training_import.tables.editions import edition_of
from mlperf_training_import.tables.suites import ExperimentName, suites

BERT = edition_of("bert", "5.0").title


class FakeStreamlit:
    """Answers as a page would on which people change nothing."""

    def __init__(self):
        self.said = []

    def selectbox(self, label, options, index=0, **_):
        return list(options)[index]

    def checkbox(self, label, value=False, **_):
        return value

    def text_input(self, label, value="", **_):
        return value

    def markdown(self, text):
        self.said.append(text)

    def code(self, text, language):
        self.said.append(text)


def experiment(task, division="closed", scope="all", rounds=("5.0",), suite="training", benchmarks=("bert",), **values):
    entries = tuple(
        {"version": label, "accelerators_count": 8, "Result": 1.5, "Model_ID": benchmark, benchmark: 1.5} | values
        for label in rounds
        for benchmark in benchmarks
    )
    return Collected(ExperimentName(suites()[suite], scope, division, task), entries)


def test_a_ctrl_c_that_interrupts_no_system_call_is_heeded(monkeypatch, ctrl_c):
    told = []
    home = SimpleNamespace(repos_path=Path())
    monkeypatch.setattr(playground, "missing_requirements", list)
    monkeypatch.setattr(playground, "playground_folder", Path)
    monkeypatch.setattr(playground, "collect_everywhere", lambda *_: [experiment("a")])
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(20)"]) as server:
        monkeypatch.setattr(playground, "_server", lambda *_: contextlib.nullcontext((server, "http://here/")))
        ctrl_c()
        playground.open_playground(home, told.append, browser=False)
        assert server.poll() is None
        server.kill()
    assert told[-1] == "the playground has stopped"


def test_addresses():
    assert misc.make_url("a b", action="experiments", md=False) == "?action=experiments&name=a+b"
    assert misc.make_url("n", alias="x/y") == "[n](?action=contributors&name=x%2Fy)"
    assert misc.make_url("a,b", key="tags", action="scripts", md=False, skip_url_quote=True) == "?action=scripts&tags=a,b"
    assert misc.make_url("", key="", action="scripts", md=False) == "?action=scripts"


def test_dates():
    assert misc.convert_date("20240131") == {"return": 0, "string": "2024 Jan 31"}
    assert misc.convert_date("soon")["return"] == 1


def test_tags_of_dependencies():
    meta = {
        "tags": ["own"],
        "deps": [{"tags": "get,python"}, {"tags": "get,python"}],
        "variations": {"cuda": {"deps": [{"tags": ["get", "cuda"], "enable_if_env": {"X": ["yes"]}}]}},
    }
    assert misc.get_all_deps_tags({"meta": meta})["all_deps_tags"] == ["get,python", "get,cuda"]


def test_selection_by_name():
    selection = [{"name": "b"}, {"name": "a"}]
    assert misc.make_selection(FakeStreamlit(), selection, "key", "thing", "") == {"return": 0, "meta": {}}
    assert misc.make_selection(FakeStreamlit(), selection, "key", "thing", "", force_index=1)["meta"] == {"name": "a"}
    assert misc.make_selection(FakeStreamlit(), selection, "key", "thing", "uid")["meta"] == {"name": "a"}
    assert misc.make_selection(FakeStreamlit(), [], "key", "thing", "")["meta"] == {}


def test_nested_keys():
    assert misc.get_with_complex_key_safe({"a": {"b": 0}}, "a.b") == 0
    assert misc.get_with_complex_key_safe({"a": 1}, "a.b") == ""
    assert misc.get_with_complex_key_safe({"a": 1}, "b") == ""


def test_the_form_says_what_to_do_instead():
    st = FakeStreamlit()
    assert script_replacement.page({"st": st, "script_tags": "run,mlperf"})["return"] == 0
    assert st.said[0] == 'cmr "run,mlperf" --help'


def test_images_of_installed_pages():
    assert without_images('<a href="/"><IMG src="https://example.org/x.png" width=1></a>') == '<a href="/"></a>'
    assert without_images("![logo](https://example.org/x.png)") == "[logo](https://example.org/x.png)"
    assert without_images(7) == 7


def test_links():
    links = make_links(
        [
            experiment("bert-task", rounds=("4.1", "5.0")),
            experiment("energetic", energy_kwh=12.5),
            experiment("open-task", division="open", rounds=("4.0", "4.1", "5.0")),
            experiment("no-accelerators", accelerators_count=None),
            experiment("bert-task", scope="5.0"),
        ]
    )
    assert [link.title for link in links] == [
        f"bert-task: {BERT}, closed",
        f"energy against time, energetic: {BERT}, closed",
        f"energetic: {BERT}, closed",
        f"no-accelerators: {BERT}, closed",
        f"open-task: {BERT}, open",
    ]
    query = "?action=experiments&tags=mlperf-training,all,closed,{}&edition=bert-1.0&type=2d-static&x={}&y={}&c=version"
    assert links[0].query == query.format("bert-task", "accelerators_count", "Result")
    assert links[1].query == query.format("energetic", "Result", "energy_kwh")
    assert links[3].query == query.format("no-accelerators", "version", "Result")


def test_an_experiment_in_two_repositories_has_one_link():
    twice = [experiment("bert-task"), experiment("energetic", energy_kwh=12.5)] * 2
    assert [link.title for link in make_links(twice)] == [
        f"energetic: {BERT}, closed",
        f"energy against time, energetic: {BERT}, closed",
        f"bert-task: {BERT}, closed",
    ]


def test_each_edition_has_a_link_of_its_own():
    """That of the tables where the entries of an older import name none."""
    ssd = experiment("detection", rounds=("1.1", "4.1"), benchmarks=("ssd",), edition=None)
    links = {link.title: parse_qs(link.query)["edition"] for link in make_links([ssd])}
    assert links == {
        "detection: RetinaNet on OpenImages, 34.0 % mAP (from 2.0), closed": ["ssd-2.0"],
        "detection: SSD on COCO, 23.0 % mAP (from 0.6), closed": ["ssd-0.6"],
    }


def test_two_benchmarks_of_one_task_have_a_link_each():
    small = experiment("llm-pretraining-small", rounds=("6.0",), benchmarks=("llama31_8b", "gpt_oss_20b"), edition=None)
    assert {parse_qs(link.query)["edition"][0] for link in make_links([small])} == {"llama31_8b-5.1", "gpt_oss_20b-6.0"}


def test_links_of_both_suites_and_of_throughputs():
    tasks = ("climate-segmentation", "climate-segmentation-throughput")
    hpc = [experiment(task, rounds=("hpc-2.0",), suite="hpc", benchmarks=("deepcam",)) for task in tasks]
    links = {
        link.title.partition(":")[0]: parse_qs(link.query.removeprefix("?"))["tags"]
        for link in make_links([*hpc, experiment("bert-task")])
    }
    assert links == {
        "bert-task": ["mlperf-training,all,closed,bert-task"],
        "hpc-climate-segmentation": ["mlperf-hpc,all,closed,climate-segmentation"],
        "hpc-climate-segmentation-throughput": ["mlperf-hpc,all,closed,climate-segmentation-throughput"],
    }


def test_links_of_a_private_round_only():
    links = make_links([experiment("bert-task", scope="5.0-private", rounds=("5.0-private",))])
    assert "tags=mlperf-training,5.0-private,closed,bert-task" in links[0].query
    assert make_links([]) == []


@pytest.mark.parametrize(("key", "is_ready"), [(None, False), ("another", False), ("ours", True)])
def test_a_server_is_known_by_its_key(key, is_ready, monkeypatch):
    class Health(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            if key is not None:
                self.send_header(KEY_HEADER, key)
            self.end_headers()

        def log_message(self, *_):
            pass

    monkeypatch.setattr(playground, "_START_SECONDS", 0.5)
    alive = SimpleNamespace(poll=lambda: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with contextlib.nullcontext() if is_ready else pytest.raises(PlaygroundFailure, match="did not answer"):
            playground._wait_until_ready(alive, f"http://127.0.0.1:{server.server_port}/", "ours")
        server.shutdown()


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example",
        "[a](https://b.example)",
        "a `b` ``c`` https://d.example",
        "`",
        "a\n\n# b www.c.example",
        "$x$ :red[y]",
    ],
)
def test_what_is_said_of_an_error_is_text(text):
    pytest.importorskip("plotly", reason="needs requirements-playground.txt")
    from mlperf_training_import.show.playground.viewer.results import _plain

    fence, shown = re.fullmatch(r"(`+) (.*) \1", _plain(text)).groups()
    assert shown == " ".join(text.split())
    assert fence not in re.findall("`+", shown)
