"""The learning curves of one result, on a site and in one file."""

from __future__ import annotations

import pytest
from browser_support import serve
from trees import import_tree, write_result

from mlperf_training_import.dataset.write import Dataset
from mlperf_training_import.show.page.page import write_output


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a data set with one result, and entries: its own, and one that the data set does not have."""
    root = tmp_path_factory.mktemp("curves")
    write_result(root / "tree", (4, 8, 12, 16, 20), evaluations=((1, 0.1), (2, 0.5), (3, 0.76)))
    imported = import_tree(root / "tree", "3.0", with_details=True)
    dataset = Dataset(root / "data")
    dataset.add(imported.outcome, imported.findings)
    dataset.finish()
    entry = imported.only.entry
    return root / "data", [entry, {**entry, "uid": "0" * 16, "system": "other", "system_file": "other"}]


@pytest.fixture
def served(made, tmp_path):
    """A site with curves: its address, and its folder."""
    data, entries = made
    write_output(entries, tmp_path / "site", None, data)
    with serve(tmp_path / "site") as address:
        yield address, tmp_path / "site"


def address_of(entry: dict) -> str:
    return f"#benchmark={entry['edition']}&result={entry['uid']}"


def check_curves(page) -> None:
    """Five runs of three evaluations each, of which two are not in the score."""
    chart = page.locator(".curves svg.plot, .curves svg").first
    chart.wait_for()
    assert chart.get_attribute("aria-label") == "% classification of 5 runs over minutes, target 75.90"
    assert page.locator(".curves circle").count() == 15
    assert page.locator(".curves path[stroke-dasharray], .curves g[stroke-dasharray] path").count() == 2
    assert "Dashed: 2 runs whose time is not in the score" in page.locator(".curves .note").inner_text()
    page.locator(".curves summary").click()
    cells = page.locator(".curves tbody tr").nth(1).locator("th, td").all_inner_texts()
    assert cells == ["result_1.txt", "3", "6", "76.00"]


def test_a_site_reads_the_curves_of_the_result_that_is_opened(made, served, page):
    address, _ = served
    page.goto(f"{address}#benchmark=all")
    page.locator(".multiple").first.wait_for()
    assert not any("/curves/" in asked for asked in page.asked)
    page.goto(address + address_of(made[1][0]))
    check_curves(page)
    assert [asked for asked in page.asked if "/curves/" in asked] == [f"{address}curves/{made[1][0]['uid']}.json"]
    assert page.errors == []


def test_a_result_without_curves_has_no_section_for_them(made, served, page):
    page.goto(served[0] + address_of(made[1][1]))
    page.locator("#panel h3").first.wait_for()
    assert "Learning curves" not in page.locator("#panel h3").all_inner_texts()


def test_curves_that_are_gone_are_said_to_be(made, served, page):
    address, folder = served
    for file in (folder / "curves").iterdir():
        file.unlink()
    page.goto(address + address_of(made[1][0]))
    page.get_by_text("They cannot be read.").wait_for()
    assert "Links" in page.locator("#panel").inner_text() or "To cite it" in page.locator("#panel").inner_text()


def test_one_file_has_them_in_it_and_asks_for_nothing(made, page, tmp_path):
    data, entries = made
    write_output(entries, tmp_path / "page.html", None, data)
    page.goto((tmp_path / "page.html").as_uri() + address_of(entries[0]))
    check_curves(page)
    assert all(asked.startswith("file:") for asked in page.asked)
    assert page.errors == []
