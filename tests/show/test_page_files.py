"""The page as a file: what it is made of, where it is written, and what is refused. The browser's tests look at it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from unittest.mock import Mock

import pytest
from madeup import HOSTILE, make_entry

import mlperf_training_import.show.page as page_package
from mlperf_training_import.errors import BadInput, NothingToShow, PublishFailure
from mlperf_training_import.show.page.assemble import join_modules, make_page
from mlperf_training_import.show.page.page import write_output
from mlperf_training_import.show.page.payload import make_payload
from mlperf_training_import.show.page.records import fields_of
from mlperf_training_import.show.page.written import LIST_FILE
from mlperf_training_import.show.report import read_report
from mlperf_training_import.tables.names import accelerators_table

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
        "site/.mlperf-training-site.json",
        "site/index.html",
        "site/results.json",
    ]
    assert "connect-src" not in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "connect-src 'self'" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


def files_of(site: Path) -> set[str]:
    """What is in a site beside the pages that every site has, and its list."""
    always = {"index.html", "results.json", LIST_FILE}
    return {str(file.relative_to(site)) for file in site.rglob("*") if file.is_file()} - always


def test_a_site_written_again_keeps_no_file_of_results_that_are_gone(tmp_path):
    site, theirs = tmp_path / "site", tmp_path / "site" / "new-in-4.0.html"
    write_output([make_entry(0, "4.1"), make_entry(1, "5.0"), make_entry(2, "6.0")], site)
    assert files_of(site) == {"new-in-6.0.html"}
    theirs.write_text("written by somebody else")
    write_output([make_entry(0, "4.1"), make_entry(1, "5.0")], site)
    assert files_of(site) == {"new-in-4.0.html", "new-in-5.0.html"}
    write_output([make_entry(0, "4.1")], site)
    assert files_of(site) == {"new-in-4.0.html"}


@pytest.mark.parametrize(
    "name",
    ["index.html", "../new-in-5.0.html", "/etc/passwd", "curves/../kept.json", "kept.json", "curves", "", 3, None, []],
)
def test_a_list_of_somebody_else_names_nothing_that_is_removed(tmp_path, name):
    site = tmp_path / "site"
    (site / "curves").mkdir(parents=True)
    kept = [site / "kept.json", site / "curves" / "a b.json", tmp_path / "new-in-5.0.html"]
    for file in kept:
        file.write_text("kept")
    (site / LIST_FILE).write_text(json.dumps([name, "curves/a b.json"]))
    write_output([make_entry(0)], site)
    assert all(file.read_text() == "kept" for file in kept)
    assert (site / "index.html").is_file()
    assert json.loads((site / LIST_FILE).read_text()) == []


def test_no_file_is_removed_through_a_link_out_of_a_site(tmp_path):
    (tmp_path / "site").mkdir()
    other = tmp_path / "other" / "0.json"
    other.parent.mkdir()
    other.write_text("kept")
    (tmp_path / "site" / "curves").symlink_to(other.parent)
    (tmp_path / "site" / LIST_FILE).write_text('["curves/0.json"]')
    with pytest.raises(PublishFailure, match="curves: a link"):
        write_output([make_entry(0)], tmp_path / "site")
    assert other.read_text() == "kept"


def test_a_link_to_a_folder_in_the_place_of_a_page_is_replaced(tmp_path):
    """Such as one with the name that `report` has by default, in a folder of a stranger."""
    (tmp_path / "other").mkdir()
    page = tmp_path / "page.html"
    page.symlink_to(tmp_path / "other")
    write_output([make_entry(0)], page)
    assert page.is_file()
    assert not page.is_symlink()
    assert not any((tmp_path / "other").iterdir())


@pytest.mark.parametrize("content", ["{", "[" * 100_000, None])
def test_a_list_that_cannot_be_read_is_named(tmp_path, content):
    (tmp_path / "site").mkdir()
    if content is None:
        (tmp_path / "site" / LIST_FILE).symlink_to("/dev/zero")
    else:
        (tmp_path / "site" / LIST_FILE).write_text(content)
    with pytest.raises(PublishFailure, match=r"\.mlperf-training-site\.json: cannot be read"):
        write_output([make_entry(0)], tmp_path / "site")


def test_a_writer_that_is_killed_leaves_nothing_that_the_next_does_not_know(tmp_path, monkeypatch):
    site = tmp_path / "site"
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("mlperf_training_import.show.page.page.keep_only", Mock(side_effect=KeyboardInterrupt))
        write_output([make_entry(0, "4.1"), make_entry(1, "5.0")], site)
    assert files_of(site) == {"new-in-5.0.html"}
    write_output([make_entry(0, "4.1")], site)
    assert files_of(site) == set()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "site").write_text("a file")
    with pytest.raises(PublishFailure, match="site: cannot be made"):
        write_output([make_entry(0)], tmp_path / "site")


def test_no_results_no_page(tmp_path):
    with pytest.raises(NothingToShow):
        write_output([], tmp_path / "report.html")
    assert list(tmp_path.glob("*.html")) == []


def fields_on_page(entries, name):
    """A field of results as the page's scripts get it."""
    column = make_payload(entries, {}, "1.0")["fields"][name]
    return column if isinstance(column, list) else [column["values"][place] for place in column["at"]]


def test_repeats_belong_to_the_earliest_and_then_to_the_one_with_energy():
    same = {"runs_digest": "a", "Result": 5.0}
    entries = [
        make_entry(0, "5.0", **same),
        make_entry(1, "4.1", **same),
        make_entry(2, "4.1", **same, energy_kwh=5.0),
        make_entry(3, "4.1", runs_digest="b", Result=5.0),
        make_entry(4, "4.1", "text-to-image", **same),
    ]
    original = entries[2]["uid"]
    assert fields_on_page(entries, "repeat_of") == [original, original, None, None, None]


def test_the_same_runs_with_another_factor_are_another_result_but_known_as_the_same_runs():
    entries = [
        make_entry(0, "4.1", runs_digest="a", Result=5.0, availability="preview"),
        make_entry(0, "5.0", runs_digest="a", Result=5.5, scaling_factor=1.1),
        make_entry(1, "5.0", runs_digest="a", Result=5.0),
    ]
    first, multiplied, again = (entry["uid"] for entry in entries)
    assert fields_on_page(entries, "repeat_of") == [None, None, first]
    assert fields_on_page(entries, "same_runs") == [[multiplied, again], [first, again], [first, multiplied]]
    # what was a preview when it was first handed in can be bought now
    assert fields_on_page(entries, "availabilities") == [["preview", "available"], ["available"], ["preview", "available"]]


def test_ranks_are_those_of_a_round_and_size():
    entries = [
        make_entry(number, label, accelerators_count=size, Result=float(number), rank=number)
        for number, label, size in ((1, "5.0", 64), (2, "5.0", 8), (3, "5.0", 8), (4, "5.0", 8), (5, "4.1", 8))
    ]
    entries[3]["rank"] = 3
    assert fields_on_page(entries, "rank_at_size") == ["", "1 of 3", "2 of 3", "2 of 3", ""]


def test_days_of_publication_and_colours_are_those_of_the_tables():
    payload = make_payload([make_entry(0, "5.0"), make_entry(1, "5.0-private"), make_entry(2, "sample")], {}, "1.0")
    assert payload["days"] == {"5.0": "2025-06-04"}
    assert payload["colours"].keys() == accelerators_table().accelerators.keys()
    assert len(set(payload["colours"].values())) == len(payload["colours"])


@pytest.mark.parametrize("theme", ["#ffffff", "#14171b"])
def test_colours_have_contrast_on_the_paper_of_both_themes(theme):
    assert f"--paper: {theme}" in (PACKAGE / "templates" / "page.css").read_text(encoding="utf-8")
    for name, row in accelerators_table().accelerators.items():
        bright, dark = sorted((luminance(row.colour), luminance(theme)), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 3, name


def luminance(colour):
    """Relative luminance of a colour, as the guidelines for accessible content (WCAG 2.2) define it."""
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_result_that_the_table_of_its_round_lacks_is_not_listed():
    left_out = {"submitter_folder": "Lenovo", "system_file": "SR670v2-4xA100_SXM4_40GB_400W", "Model_ID": "bert"}
    entries = [make_entry(0, "3.0", **left_out), make_entry(1, "3.0"), make_entry(2, "3.1", **left_out)]
    assert [fields_of(entry)["is_listed"] for entry in entries] == [False, True, True]


def test_what_a_verdict_found_with_its_numbers_and_what_became_of_the_factor():
    judged = {
        "samples_to_converge": 900.0,
        "rcp_verdict": "fail",
        "rcp_factor": 1.1111,
        "rcp_mean": 1000.0,
        "rcp_least_acceptable": 950.0,
    }
    said = (
        "converged with fewer samples than the reference points allow; "
        "own mean 900, least that passes 950, mean of the reference 1,000"
    )
    assert fields_of(make_entry(0, **judged))["verdict_said"] == f"{said}; the score was not multiplied by the factor 1.1111"
    applied = fields_of(make_entry(0, **judged, scaling_factor=1.1111, Result=11.111))
    assert applied["verdict_said"] == f"{said}; the score was multiplied by the factor 1.1111"
    assert applied["how_scored"] == "mean of the kept runs 10.00 \N{MULTIPLICATION SIGN} 1.111 = 11.11 minutes"
    other = fields_of(make_entry(0, **judged, scaling_factor=1.05, rcp_factor_applied=False))
    assert other["verdict_said"] == f"{said}; the score was multiplied by 1.0500, not by the factor 1.1111"
    passed = fields_of(make_entry(0, **judged | {"rcp_verdict": "pass", "rcp_factor": 1.0}, rcp_judged_mean=1050.0))
    assert passed["verdict_said"].startswith(
        "did not converge with fewer samples than the reference points allow; own mean 1,050"
    )
    assert "factor" not in passed["verdict_said"]
    assert fields_of(make_entry(0))["verdict_said"] == fields_of(make_entry(0))["how_scored"] == ""


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({"accelerators_count": 8}, 8),
        ({"accelerators_count": 0, "host_processors_count": 32}, 32),
        ({"accelerators_count": None, "is_processor_only": True, "host_processors_count": 16}, 16),
        ({"accelerators_count": 0}, None),
    ],
)
def test_the_size_of_a_system_without_accelerators_is_its_processors(changes, size):
    assert fields_of(make_entry(0, **changes))["size"] == size


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
    fields = fields_of(make_entry(0, **changes))
    assert fields["range"] == range_
    assert fields["comparable_runs"][:1] + fields["comparable_runs"][-1:] == range_


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_the_page_of_somebody_else_is_not_replaced(tmp_path, kind):
    site = tmp_path / "site"
    write_output([make_entry(0)], site)
    write_output([make_entry(1)], site)  # ours is
    index = site / "index.html"
    index.unlink()
    if kind == "file":
        index.write_text("mine")
    elif kind == "link":
        index.symlink_to("nowhere")
    else:
        index.mkdir()
    before = {file: file.lstat() for file in site.iterdir()}
    with pytest.raises(BadInput, match=r"index\.html of its own"):
        write_output([make_entry(2)], site)
    assert {file: file.lstat() for file in site.iterdir()} == before
