"""The modules that stand in for broken ones of the playground, and the repairs; without Streamlit and without a browser."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
from support import PROJECT

from mlperf_training_import.experiments.collect import Collected
from mlperf_training_import.show.playground.playground import make_links, playground_folder
from mlperf_training_import.tables.suites import ExperimentName, suites

FOLDER = PROJECT / "mlperf_training_import/show/playground/viewer"


@pytest.fixture
def viewer(monkeypatch):
    """A function that imports a module of the folder from which the playground's process imports."""
    monkeypatch.syspath_prepend(str(FOLDER))

    def import_module(name):
        module = __import__(name)
        monkeypatch.delitem(sys.modules, name)
        return module

    return import_module


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


def experiment(task, division="closed", scope="all", rounds=("5.0",), suite="training", benchmarks=("bert",), **values):
    entries = tuple(
        {"version": label, "accelerators_count": 8, "Result": 1.5, "Model_ID": benchmark, benchmark: 1.5} | values
        for label in rounds
        for benchmark in benchmarks
    )
    return Collected(ExperimentName(suites()[suite], scope, division, task), entries)


def test_only_broken_modules_are_replaced(viewer, tmp_path):
    repairs = viewer("repairs")
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("\N{ZERO WIDTH NO-BREAK SPACE}x = 1\n", encoding="utf-8")  # a byte order mark is no mistake
    bad.write_text("if isinstance(value,     if )        desc = 1\n")
    assert repairs.compiles(good)
    assert not repairs.compiles(bad)
    assert not repairs.compiles(tmp_path / "missing.py")
    assert repairs.compiles(playground_folder() / "graph.py")


def test_addresses(viewer):
    misc = viewer("misc_replacement")
    assert misc.make_url("a b", action="experiments", md=False) == "?action=experiments&name=a+b"
    assert misc.make_url("n", alias="x/y") == "[n](?action=contributors&name=x%2Fy)"
    assert misc.make_url("a,b", key="tags", action="scripts", md=False, skip_url_quote=True) == "?action=scripts&tags=a,b"
    assert misc.make_url("", key="", action="scripts", md=False) == "?action=scripts"


def test_dates(viewer):
    misc = viewer("misc_replacement")
    assert misc.convert_date("20240131") == {"return": 0, "string": "2024 Jan 31"}
    assert misc.convert_date("soon")["return"] == 1


def test_tags_of_dependencies(viewer):
    misc = viewer("misc_replacement")
    meta = {
        "tags": ["own"],
        "deps": [{"tags": "get,python"}, {"tags": "get,python"}],
        "variations": {"cuda": {"deps": [{"tags": ["get", "cuda"], "enable_if_env": {"X": ["yes"]}}]}},
    }
    assert misc.get_all_deps_tags({"meta": meta})["all_deps_tags"] == ["get,python", "get,cuda"]


@pytest.mark.parametrize(
    ("desc", "params", "expected"),
    [
        ({"desc": "d", "boolean": True, "default": False}, {"@k": ["True"]}, True),
        ({"desc": "d", "boolean": True, "default": True}, {}, True),
        ({"desc": "d", "choices": ["a", "b"], "default": "b"}, {}, "b"),
        ({"desc": "d", "choices": ["a", "b"], "default": "b"}, {"@k": ["a"]}, "a"),
        ({"desc": "d", "choices": ["a", "b"]}, {"@k": ["z"]}, "a"),
        ({"desc": "d", "default": "x"}, {"@k": ["y"]}, "y"),
        ({"desc": "d", "force": 3}, {}, 3),
    ],
)
@pytest.mark.parametrize("hide", [False, True])
def test_inputs_of_a_script(viewer, desc, params, expected, hide):
    misc, inputs = viewer("misc_replacement"), {}
    answer = misc.make_selector(
        {"st": FakeStreamlit(), "key": "k", "desc": desc, "params": params, "st_inputs": inputs, "hide": hide}
    )
    assert answer["value2"] == expected
    assert inputs == {"@k": expected}


def test_selection_by_name(viewer):
    misc = viewer("misc_replacement")
    selection = [{"name": "b"}, {"name": "a"}]
    assert misc.make_selection(FakeStreamlit(), selection, "key", "thing", "") == {"return": 0, "meta": {}}
    assert misc.make_selection(FakeStreamlit(), selection, "key", "thing", "", force_index=1)["meta"] == {"name": "a"}
    assert misc.make_selection(FakeStreamlit(), selection, "key", "thing", "uid")["meta"] == {"name": "a"}
    assert misc.make_selection(FakeStreamlit(), [], "key", "thing", "")["meta"] == {}


def test_nested_keys(viewer):
    misc = viewer("misc_replacement")
    assert misc.get_with_complex_key({"a": {"b": 0}}, "a.b") == 0
    assert misc.get_with_complex_key({"a": 1}, "a.b") is None
    assert misc.get_with_complex_key_safe({"a": 1}, "b") == ""


def test_the_form_says_what_to_do_instead(viewer):
    st = FakeStreamlit()
    assert viewer("script_replacement").page({"st": st, "script_tags": "run,mlperf"})["return"] == 0
    assert 'cmr "run,mlperf" --help' in st.said[0]


def test_code_is_left_out_of_addresses(viewer):
    get_params = viewer("repairs").without_code(lambda st: {"tags": ["a"], "filter": ["x()"], "derived_metrics": ["y()"]})
    assert get_params(None) == {"tags": ["a"]}


def test_texts_of_results_are_no_scripts(viewer):
    seen = []
    connect = viewer("repairs").with_plain_text(lambda figure, *plugins: seen.extend(plugins))
    own = '<div style="padding:10px;background-color:#FFFFE0;"><small><b>notes: </b>{}<br>\n</small></div>'
    hostile = "<img src=x onerror=alert(1)><div onclick=alert(2)></script> & co"
    plain = "&lt;img src=x onerror=alert(1)&gt;&lt;div onclick=alert(2)&gt;&lt;/script&gt; &amp; co"
    tooltip = SimpleNamespace(dict_={"labels": [own.format(hostile)]})
    link = SimpleNamespace(
        dict_={"targets": ["?name=a&result_uid=</script>", "javascript:alert(3)", "https://example.org/"]}
    )
    connect("figure", tooltip)
    connect("figure", link)
    assert seen == [tooltip, link]
    assert tooltip.dict_["labels"] == [own.format(plain)]
    assert link.dict_["targets"] == ["?name=a&result_uid=%3C/script>", "", "https://example.org/"]


def test_the_interactive_plot_has_no_script_of_a_result(viewer):
    mpld3 = pytest.importorskip("mpld3", reason="needs requirements-playground.txt")
    plots = pytest.importorskip("matplotlib.pyplot", reason="needs requirements-playground.txt")
    plots.switch_backend("Agg")
    figure, axes = plots.subplots()
    points = axes.scatter(1, 2)
    connect = viewer("repairs").with_plain_text(mpld3.plugins.connect)
    connect(figure, mpld3.plugins.PointHTMLTooltip(points, ["<b>notes: </b></script><img src=x onerror=alert(1)>"]))
    drawn = mpld3.fig_to_html(figure)
    plots.close(figure)
    assert "<img" not in drawn
    assert "&lt;img" in drawn


def test_experiments_come_as_the_list_shows_them(viewer):
    found = [SimpleNamespace(meta={"alias": alias, "uid": alias, "tags": ["t", alias]}) for alias in "bca"]
    access = viewer("repairs").with_sorted_experiments(lambda i: {"return": 0, "list": list(found)})
    question = {"action": "find", "automation": "experiment,a0a2d123ef064bcb"}
    assert [artifact.meta["alias"] for artifact in access(question)["list"]] == ["a", "b", "c"]
    assert access(question | {"automation": "script"})["list"] == found


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
        "bert-task, closed",
        "energy against time, energetic, closed",
        "energetic, closed",
        "no-accelerators, closed",
        "open-task, open",
    ]
    query = "?action=experiments&tags=mlperf-training,all,closed,{}&type=2d-static&x={}&y={}&c=version"
    assert links[0].query == query.format("bert-task", "accelerators_count", "Result")
    assert links[1].query == query.format("energetic", "Result", "energy_kwh")
    assert links[3].query == query.format("no-accelerators", "version", "Result")


def test_two_benchmarks_of_one_task_have_a_link_each_that_shows_nothing_of_the_other():
    small = experiment("llm-pretraining-small", rounds=("6.0",), benchmarks=("llama31_8b", "gpt_oss_20b"), energy_kwh=2.0)
    links = {link.title: parse_qs(link.query.removeprefix("?")) for link in make_links([small])}
    assert {title: (query["x"], query["y"]) for title, query in links.items()} == {
        "llm-pretraining-small (gpt_oss_20b), closed": (["accelerators_count"], ["gpt_oss_20b"]),
        "llm-pretraining-small (llama31_8b), closed": (["accelerators_count"], ["llama31_8b"]),
        "energy against time, llm-pretraining-small (gpt_oss_20b), closed": (["gpt_oss_20b"], ["energy_kwh"]),
        "energy against time, llm-pretraining-small (llama31_8b), closed": (["llama31_8b"], ["energy_kwh"]),
    }
    assert not any(entry.keys() >= {"llama31_8b", "gpt_oss_20b"} for entry in small.entries)


def test_links_of_both_suites_and_of_throughputs():
    tasks = ("climate-segmentation", "climate-segmentation-throughput")
    hpc = [experiment(task, rounds=("hpc-2.0",), suite="hpc", benchmarks=("deepcam",)) for task in tasks]
    links = {
        link.title: parse_qs(link.query.removeprefix("?"))["tags"] for link in make_links([*hpc, experiment("bert-task")])
    }
    assert links == {
        "bert-task, closed": ["mlperf-training,all,closed,bert-task"],
        "hpc-climate-segmentation, closed": ["mlperf-hpc,all,closed,climate-segmentation"],
        "hpc-climate-segmentation-throughput, closed": ["mlperf-hpc,all,closed,climate-segmentation-throughput"],
    }


def test_links_of_a_private_round_only():
    links = make_links([experiment("bert-task", scope="5.0-private", rounds=("5.0-private",))])
    assert "tags=mlperf-training,5.0-private,closed,bert-task" in links[0].query
    assert make_links([]) == []
