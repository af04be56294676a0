"""The page of results over a home with entries of a stranger; without a browser, and without Streamlit."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from madeup import make_entry, store

pytest.importorskip("plotly", reason="needs requirements-playground.txt")
pytest.importorskip("pandas", reason="needs requirements-playground.txt")

from mlperf_training_import.experiments.collect import collect_everywhere
from mlperf_training_import.homes.cm import CmHome
from mlperf_training_import.show.playground.playground import make_links
from mlperf_training_import.show.playground.viewer import results as page
from mlperf_training_import.show.playground.viewer.chart import Axes, distinguishable

#: Half of a surrogate, as it stands in the names of files that are not UTF-8.
HALF = "\ud800"


class Page:
    """Takes what Streamlit would send to the browser; nothing is changed on it. Points of the plot may be chosen."""

    def __init__(self, chosen=()):
        self.sent, self.frames, self.figures, self.options = [], [], [], {}
        self.chosen = chosen
        self.sidebar = self

    def container(self):
        return self

    def selectbox(self, label, options, index=0, **_):
        options = list(options)
        self.options[label] = options
        return options[index]

    def text_input(self, _label, value="", **_):
        return value

    def _send(self, text, **_):
        self.sent.append(text)

    markdown = caption = warning = html = _send

    def dataframe(self, frame):
        self.frames.append(frame)

    def plotly_chart(self, figure, **_):
        self.figures.append(figure)
        points = [{"customdata": [uid]} for uid in self.chosen]
        return type("Chosen", (), {"selection": type("Selection", (), {"points": points})})

    @property
    def text(self) -> str:
        """All of it in UTF-8, as it is sent."""
        parts = [*self.sent, *(figure.to_json() for figure in self.figures), *map(str, self.options.values())]
        return "\n".join([*parts, *(frame.to_csv() for frame in self.frames)]).encode().decode()


@pytest.fixture
def show(cm, monkeypatch):
    """Shows entries, which become those of an experiment of a stranger as they are."""
    home = Path(cm.repos_path)
    monkeypatch.setenv("CM_REPOS", str(home))
    store(home, [make_entry(1)])
    (file,) = home.glob("repos/local/experiment/*--all--*/*/cm-result.json")

    def run(*entries, chosen=(), raw=None, **parameters):
        file.write_text(json.dumps(entries) if raw is None else raw)
        st = Page(chosen)
        asked = {"tags": "all", "type": "2d-static", "x": "accelerators_count", "y": "Result", **parameters}
        assert page.visualize(st, {key: [value] for key, value in asked.items()}, "experiments") == {"return": 0}
        return st

    run.home = home
    return run


@pytest.mark.parametrize(
    "odd",
    [
        *({"notes": HALF}, {f"key {HALF}": 1}, {"version": HALF}, {"uid": HALF}, {"system": [HALF, {HALF: HALF}]}),
        {"edition": HALF, "edition_title": HALF},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["2d-static", "2d", "bar"])
def test_half_of_a_surrogate_is_shown_as_its_escape(show, odd, kind):
    """Streamlit cannot send it, and the whole page would be an error. An import itself stores names that are not UTF-8."""
    entry = make_entry(2) | odd
    st = show(make_entry(1), entry, type=kind, c="version", s="notes", chosen=[str(entry["uid"]).replace(HALF, "\\ud800")])
    assert len(st.figures) == 1
    assert "\\ud800" in st.text
    for link in make_links(collect_everywhere(CmHome(show.home), print)):
        assert link.query.isascii()


def test_the_printed_link_leads_to_an_edition_with_half_of_a_surrogate(show):
    show(make_entry(2) | {"edition": HALF})
    links = make_links(collect_everywhere(CmHome(show.home), print))
    assert any("edition=%5Cud800&" in link.query for link in links)
    st = show(make_entry(1), make_entry(2) | {"edition": HALF}, edition="\\ud800")
    assert len(st.frames[0]) == 1


def test_names_of_files_that_are_not_utf_8_are_shown_as_escapes(show):
    """That of a folder beside its results, and where it cannot be read."""
    (file,) = show.home.glob("repos/local/experiment/*--all--*/*/cm-result.json")
    for name, text in (("\udcfe", json.dumps([make_entry(2)])), ("\udcff", "{")):
        folder = file.parent.with_name(name)
        folder.mkdir()
        (folder / "cm-result.json").write_text(text)
    bad = show.home / "repos/local/experiment/\udcfd"
    bad.mkdir()
    (bad / "_cm.json").write_text("{")
    st = show(make_entry(1))
    assert list(st.frames[0]["experiment_dir"]) == [file.parent.name, "\\udcfe"]
    warnings = [text for text in st.sent if "\\udc" in text]
    assert ["\\udcfd/_cm.json" in warnings[0], "\\udcff/cm-result.json" in warnings[1]] == [True, True]
    assert st.text


@pytest.mark.parametrize("field", ["derived_metrics", "filter"])
def test_a_formula_with_half_of_a_surrogate_is_none(show, field):
    texts = {"derived_metrics": "result['version'] = '\\ud800'", "filter": "result['version'] != '\\ud800'"}
    st = show(make_entry(1), **{field: texts[field]})
    assert any("surrogates" in text for text in st.sent)
    assert st.text


def test_a_derived_key_can_be_drawn(show):
    st = show(make_entry(1), derived_metrics="result['twice'] = result['Result'] * 2", y="twice")
    assert st.figures[0].layout.yaxis.title.text == "twice"


def test_a_derived_key_may_have_the_name_of_any_other(show):
    """Where it cannot be computed, there is no such key any more."""
    gone = ";".join(f"result['{key}'] = 1 / 0" for key in ("experiment_uid", "edition", "edition_title", "experiment_dir"))
    st = show(make_entry(1), derived_metrics=gone, type="2d", chosen=[make_entry(1)["uid"]])
    assert any("Result summary" in text for text in st.sent)


@pytest.mark.parametrize("uid", [["a"], {"a": 1}, 5, None])
def test_a_uid_that_is_no_text(show, uid):
    st = show(make_entry(1), {**make_entry(2), "uid": uid}, type="2d", chosen=[str(uid)])
    assert sum("Result summary" in text for text in st.sent) == 1


def test_more_results_than_anybody_reads_are_not_shown_one_by_one(show):
    entries = [{**make_entry(number), "uid": "same"} for number in range(500)]
    for parameters in ({"result_uid": "same"}, {"type": "2d", "chosen": ["same"]}):
        st = show(*entries, **parameters)
        assert sum("Result summary" in text for text in st.sent) == 20
        assert "The first 20 of 500 results." in st.sent


def test_texts_of_megabytes_are_cut(show):
    """A browser would take minutes for them in a legend, a title or a table."""
    long = "x" * 3_000_000
    entries = [make_entry(1) | {"version": f"{long}{number}", "notes": long} for number in range(3)]
    st = show(*entries, c="version", s="notes", title=long)
    assert len(st.figures[0].to_json()) < 100_000
    assert len({trace.name for trace in st.figures[0].data}) == 3
    assert len(st.frames[0].to_csv()) < 100_000
    assert len("".join(show(*entries, result_uid=entries[0]["uid"]).sent)) < 100_000


def test_many_different_texts_get_no_colours(show):
    entries = [make_entry(number % 10) | {"notes": f"note {number}"} for number in range(1000)]
    before = time.process_time()
    st = show(*entries, c="notes", s="version")
    assert time.process_time() - before < 5
    assert len(st.figures[0].data) == 1
    assert any("Too many different values" in text for text in st.sent)
    numbers = [make_entry(number % 10) | {"notes": number} for number in range(1000)]
    axes = Axes("accelerators_count", "Result", "notes", "version")
    assert distinguishable(numbers, axes) == axes
    assert distinguishable(entries[:250], axes) == axes
    assert distinguishable(entries, Axes("accelerators_count", "Result", "", "notes")).style == ""


def test_results_that_are_too_large_together_are_named(show, monkeypatch):
    st = show(raw="[" + " " * 2000 + "]")
    assert st.sent == ["No results found!"]
    (file,) = show.home.glob("repos/local/experiment/*--all--*/*/cm-result.json")
    another = file.parent.with_name("2020-01-01.00-00-00")
    another.mkdir()
    (another / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(page, "_MOST_BYTES", 3000)
    st = show(raw="[" + " " * 2000 + "]")
    assert sum("larger than" in text for text in st.sent) == 1


@pytest.mark.parametrize(("name", "count"), [("uid", 1), ("alias", 1), ("both", 1), ("nothing", 0), ("*", 0), ("..", 0)])
def test_an_experiment_by_its_name(show, name, count):
    show(make_entry(1))
    (one,) = (one for one in CmHome(show.home).find_experiments(print) if "--all--" in one.alias)
    names = {"uid": one.uid, "alias": one.alias, "both": f"{one.alias},{one.uid}"}
    assert len(show(make_entry(1), name=names.get(name, name)).figures) == count


@pytest.mark.parametrize(("tags", "count"), [("all", 1), ("all,closed", 1), ("closed -all", 0), ("-closed", 0), ("no", 0)])
def test_experiments_by_their_tags(show, tags, count):
    assert len(show(make_entry(1), tags=tags).figures) == count


def test_a_description_that_cannot_be_read_is_named(show):
    bad = show.home / "repos/local/experiment/bad"
    bad.mkdir()
    (bad / "_cm.json").write_text("{ [a](http://evil.example)")
    st = show(make_entry(1))
    assert len(st.figures) == 1
    assert any("bad/_cm.json: cannot be read" in text for text in st.sent)
