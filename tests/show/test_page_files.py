"""The page as a file: what it is made of, where it is written, and what is refused. The browser's tests look at it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from madeup import HOSTILE, make_entry

import mlperf_training_import.show.page as page_package
from mlperf_training_import.errors import BadInput, NothingToShow, PublishFailure
from mlperf_training_import.show.page.assemble import join_modules, make_page
from mlperf_training_import.show.page.page import write_output
from mlperf_training_import.show.page.payload import make_payload
from mlperf_training_import.show.page.records import fields_of
from mlperf_training_import.show.report import read_report

PACKAGE = Path(page_package.__file__).parent
VENDOR = PACKAGE / "vendor"


def test_modules_are_joined_each_once_and_after_what_it_needs():
    script = join_modules()
    made = re.findall(r"^modules\.(\w+) = ", script, re.MULTILINE)
    assert sorted(made) == sorted(file.stem for file in (PACKAGE / "scripts").glob("*.js"))
    for name in made:
        needed = re.findall(r"from \"\./(\w+)\.js\"", (PACKAGE / "scripts" / f"{name}.js").read_text(encoding="utf-8"))
        assert all(made.index(other) < made.index(name) for other in needed), name
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)


def test_results_are_compared_in_one_module_only():
    """Divided and ranked is what `compare.js` does; nobody else divides the score of one result by that of another."""
    for file in (PACKAGE / "scripts").glob("*.js"):
        divided = re.findall(r"\.score\s*/|/\s*\w+\.score", file.read_text(encoding="utf-8"))
        assert not divided or file.name == "compare.js", (file.name, divided)


def test_libraries_are_pinned_without_the_address_of_a_registry():
    wanted = json.loads((VENDOR / "package.json").read_text())["devDependencies"]
    lock = json.loads((VENDOR / "package-lock.json").read_text())["packages"]
    assert wanted == {name: lock[f"node_modules/{name}"]["version"] for name in wanted}
    assert not any("resolved" in package for package in lock.values())
    licences = (VENDOR / "LICENSES.txt").read_text(encoding="utf-8")
    for name in wanted.keys() - {"esbuild", "prettier"}:  # which make the bundle and are not in it
        assert f"{name} {wanted[name]} (" in licences


def test_text_cannot_end_the_element_that_it_stands_in():
    text = make_page("1.0", make_payload([make_entry(0, notes=HOSTILE)], {}, "1.0"))
    assert "window.hacked" in text
    assert HOSTILE not in text
    assert len(re.findall("<script", text)) == 3


def test_a_name_that_ends_in_html_is_a_file_and_any_other_a_folder(tmp_path):
    entries = [make_entry(0)]
    assert write_output(entries, tmp_path / "page.html") == 1
    assert write_output(entries, tmp_path / "site") == 1
    assert sorted(
        str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file() and "work" not in file.parts
    ) == [
        "page.html",
        "site/index.html",
        "site/results.json",
    ]
    assert "connect-src" not in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "connect-src 'self'" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "site").write_text("a file")
    with pytest.raises(PublishFailure, match="site: cannot be made"):
        write_output([make_entry(0)], tmp_path / "site")


def test_no_results_no_page(tmp_path):
    with pytest.raises(NothingToShow):
        write_output([], tmp_path / "report.html")
    assert list(tmp_path.glob("*.html")) == []


def test_repeats_belong_to_the_earliest_and_then_to_the_one_with_energy():
    entries = [
        make_entry(0, "5.0", runs_digest="a"),
        make_entry(1, "4.1", runs_digest="a"),
        make_entry(2, "4.1", runs_digest="a", energy_kwh=5.0),
        make_entry(3, "4.1", runs_digest="b"),
        make_entry(4, "4.1", "text-to-image", runs_digest="a"),
    ]
    repeat_of = make_payload(entries, {}, "1.0")["fields"]["repeat_of"]
    original = entries[2]["uid"]
    assert repeat_of == [original, original, None, None, None]


def test_the_report_of_an_import_may_be_absent_but_not_broken(tmp_path):
    file = tmp_path / "report.json"
    assert read_report(file, optional=True) == {}
    with pytest.raises(BadInput, match="no such file"):
        read_report(file)
    for text in ("{", "[]"):
        file.write_text(text)
        with pytest.raises(BadInput, match="no report of an import"):
            read_report(file, optional=True)


def test_published_is_what_comes_from_the_repository_of_its_round():
    address = "https://github.com/mlcommons/{}_results_v{}"
    entries = [
        make_entry(0, "5.0", git_url=address.format("training", "5.0")),
        make_entry(1, "5.0-private", git_url=address.format("training", "5.0")),
        make_entry(2, "5.0", git_url=address.format("training", "4.1")),
        make_entry(3, "hpc-3.0", git_url=address.format("hpc", "3.0"), suite="hpc"),
        make_entry(4, "sample"),
    ]
    rows = [fields_of(entry) for entry in entries]
    assert [row["is_published"] for row in rows] == [True, False, False, True, False]
    assert [row["round_in_suite"] for row in rows] == ["5.0", "5.0-private", "5.0", "3.0", "sample"]


@pytest.mark.parametrize(
    ("changes", "range_"),
    [
        ({"runs_minutes": [3.0, 1.0, 2.0]}, [1.0, 3.0]),
        ({"runs_minutes": [3.0, 1.0, 2.0], "scaling_factor": 1.5}, [1.5, 4.5]),  # as the score has it
        ({"runs_minutes": [3.0, 1.0, 2.0], "metric": "throughput"}, []),  # minutes of a run are no models per minute
        ({"runs_minutes": []}, []),
        ({}, []),
    ],
)
def test_the_fastest_and_the_slowest_run_are_on_the_scale_of_the_score(changes, range_):
    assert fields_of(make_entry(0, **changes))["range"] == range_
