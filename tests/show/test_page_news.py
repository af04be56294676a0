"""The page about a new round: what it counts as new, what it leaves out, and that no text can do anything in it."""

from __future__ import annotations

import html
import re

from madeup import HOSTILE, make_entry

from mlperf_training_import.show.page.news import make_news, new_rounds
from mlperf_training_import.show.page.page import write_output


def result(number, label, minutes, **changes):
    names = {"submitter_name": "Acme", "accelerator": "A1", "accelerators_count": 8, "edition": "e", "edition_title": "LLM"}
    return make_entry(number, label, **{**names, "Result": minutes, "runs_digest": f"{label}-{number}", **changes})


def sections(entries, label="5.0", before="4.1"):
    """The rows of each section, as the texts of their cells."""
    page = make_news(entries, label, before)
    found = {}
    for part in page.split("<h2>")[1:]:
        rows = re.findall(r"<tr>(<td>.*?)</tr>", part)
        found[part.partition("<")[0]] = [
            [html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<td>(.*?)</td>", row)] for row in rows
        ]
    return found


def test_the_newest_public_round_of_each_suite_has_a_page():
    labels = ["4.0", "10.0", "9.1", "hpc-2.0", "hpc-0.7", "11.0-private", "nothing"]
    assert new_rounds([result(0, label, 1.0) for label in labels]) == {"10.0": "9.1", "hpc-2.0": "hpc-0.7"}
    assert new_rounds([result(0, "4.0", 1.0)]) == {}


def test_records_are_against_all_rounds_before_and_gains_against_the_last():
    old = [result(0, "4.0", 5.0), result(1, "4.1", 9.0), result(2, "4.1", 30.0, accelerators_count=2)]
    new = [result(3, "5.0", 6.0), result(4, "5.0", 10.0, accelerators_count=2), result(5, "5.0", 1.0, accelerators_count=4)]
    found = sections([*old, *new])
    assert [(row[1], row[3].partition(":")[0], row[4]) for row in found["Records"]] == [
        ("1.000 min. (5.0)", "5.000 min. (4.0)", "5.00 times")
    ]
    assert [(row[1], row[4]) for row in found["Gains at the same size"]] == [
        ("10.000 min. (5.0)", "3.00 times"),
        ("6.000 min. (5.0)", "1.50 times"),
    ]
    assert (found["New accelerators"], found["New submitters"]) == ([], [])


def test_accelerators_and_submitters_are_new_where_no_round_before_has_them():
    old = [result(0, "3.0", 5.0), result(1, "4.1", 5.0, submitter_name="Seen")]
    new = [
        result(2, "5.0", 9.0, submitter_name="New", accelerator="A2", division="open"),
        result(3, "5.0", 8.0, submitter_name="Seen", accelerator="A2"),
    ]
    found = sections([*old, *new])
    assert [row[1] for row in found["New accelerators"]] == ["8.000 min. (5.0)"]
    assert [(row[1], row[5]) for row in found["New submitters"]] == [("9.000 min. (5.0)", "division: open")]


def test_nothing_is_compared_that_may_not_be():
    others = [
        result(0, "4.1", 9.0, edition="another"),
        result(1, "4.1", 9.0, division="open"),
        result(2, "4.1", 9.0, metric="throughput"),
        result(3, "hpc-2.0", 9.0),
        result(4, "4.1-private", 9.0),
        result(5, "5.1", 9.0),
        result(6, "4.1", "9.0"),
        result(7, "4.1", None),
    ]
    found = sections([*others, result(8, "5.0", 2.0)])
    assert found["Gains at the same size"] == []
    assert [row[3:5] for row in found["Records"]] == [["", ""]]


def test_more_is_better_where_the_metric_says_so():
    weak = {"metric": "throughput", "edition": "w"}
    found = sections([result(0, "hpc-2.0", 2.0, **weak), result(1, "hpc-3.0", 5.0, **weak)], "hpc-3.0", "hpc-2.0")
    assert [(row[1], row[4]) for row in found["Records"]] == [("5.000 models/min. (hpc-3.0)", "2.50 times")]


def test_a_repeat_of_an_earlier_round_is_not_new():
    again = {"runs_digest": "same", "submitter_name": "Other"}
    found = sections([result(0, "4.1", 5.0, **again, accelerators_count=4), result(1, "5.0", 4.0, **again)])
    assert not any(found.values())


def test_cautions_of_both_results_are_said():
    old = result(0, "4.1", 9.0, scaling_factor=1.5)
    new = result(1, "5.0", 6.0, rcp_verdict="fail", availability_category="preview")
    cautions = "verdict on its convergence: fail; preview; before: the review multiplied the score by 1.5"
    assert {row[5] for rows in sections([old, new]).values() for row in rows} == {cautions}


def test_text_and_addresses_of_entries_can_do_nothing():
    names = dict.fromkeys(("submitter_name", "accelerator_variant", "edition_title", "availability_category"), HOSTILE)
    page = make_news([result(0, "4.1", 9.0), result(1, "5.0", 6.0, **names, url="javascript:alert(1)")], "5.0", "4.1")
    assert HOSTILE not in page
    assert "javascript:" not in page
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_a_site_has_it_and_one_file_does_not(tmp_path):
    entries = [result(0, "4.1", 9.0), result(1, "5.0", 6.0)]
    write_output(entries, tmp_path / "site")
    write_output(entries, tmp_path / "page.html")
    first = (tmp_path / "site/new-in-5.0.html").read_bytes()
    write_output(entries[::-1], tmp_path / "site")
    assert (tmp_path / "site/new-in-5.0.html").read_bytes() == first
    assert [file.name for file in tmp_path.rglob("new-in-*")] == ["new-in-5.0.html"]


def test_the_first_page_of_a_site_leads_to_it(tmp_path):
    hpc = [result(2, "hpc-1.0", 9.0), result(3, "hpc-2.0", 6.0)]
    write_output([result(0, "4.1", 9.0), result(1, "5.0", 6.0), *hpc], tmp_path / "site")
    write_output([result(0, "4.1", 9.0), result(1, "5.0", 6.0)], tmp_path / "page.html")
    write_output([result(0, "4.1", 9.0)], tmp_path / "old")
    linked = re.findall(r'href="(new-in-[^"]*)"', (tmp_path / "site/index.html").read_text())
    assert linked == ["new-in-5.0.html", "new-in-hpc-2.0.html"]
    assert all((tmp_path / "site" / name).is_file() for name in linked)
    for file in ("page.html", "old/index.html"):
        assert "new-in-" not in (tmp_path / file).read_text()
