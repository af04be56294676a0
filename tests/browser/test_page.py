"""The page without a server, over made-up results: what is drawn, chosen, kept in the address and taken along."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from urllib.parse import urlencode

import pytest
from browser_support import serve
from madeup import HOSTILE, report_with, store
from madeup import make_entry as make_plain_entry
from page_support import ROWS, TUNING, cells, choose, count, make_entry, many_entries, points, some_entries

from mlperf_training_import.errors import NothingToShow
from mlperf_training_import.experiments.collect import collect_from, unique_entries
from mlperf_training_import.homes import home_of
from mlperf_training_import.show.page.page import write_output

SSD = [("1.1", "ssd"), ("4.1", "ssd"), ("5.0", "retinanet")]
#: Keys with texts that made-up entries do not have.
NAMED = (
    *(
        "edition",
        "edition_title",
        "accelerator",
        "accelerator_vendor",
        "submitter_name",
        "processor",
        "rcp_verdict",
        "suite",
    ),
    *("metric", "availability_category", "git_url", "git_commit"),
)
VIEWS = ("answer", "sizes", "same-size", "rounds", "scaling", "energy", "convergence", "care", "compare")
#: What axe finds in a part of the page, all of it where that is empty: the rule, how bad it is, and the first element.
LOOK = """async ([part, options]) => {
  const found = await axe.run(Object.keys(part).length ? part : document, {...options, resultTypes: ["violations"]});
  return found.violations.map(({id, impact, nodes}) => `${id} (${impact}): ${nodes[0].html.slice(0, 200)}`);
}"""
#: Elements whose text does not fit.
CLIPPED = """(frame) => [frame, ...frame.querySelectorAll("td, th")]
  .filter((element) => element.scrollWidth > element.clientWidth + 1).length"""
#: What has the focus, and how that is seen.
FOCUSED = """((focused, {outlineStyle, strokeWidth}) =>
  [focused.id || focused.role || focused.textContent, outlineStyle, strokeWidth]
)(document.activeElement, getComputedStyle(document.activeElement))"""


class TestWhatIsDrawn:
    def test_opens_on_all_benchmarks_each_in_a_chart_of_its_own(self, opened):
        page = opened(some_entries())
        assert page.locator("#title").inner_text() == "All benchmarks"
        assert page.locator(".multiple h3").all_inner_texts() == ["llama2_70b_lora (from 1.0)", "flux1 (from 1.0)"]
        assert count(page) == "47 results of 48"
        page.get_by_role("button", name="flux1 (from 1.0)").click()
        assert page.locator("#edition").inner_text() == "flux1 (from 1.0)"
        page.get_by_role("tab", name="Against accelerators").click()
        assert count(page) == "5 results of 48"

    def test_minutes_against_accelerators(self, opened):
        page = opened(some_entries(), benchmark=TUNING)
        assert count(page) == "42 results of 48"
        assert points(page) == 40
        assert "2 not drawn: without accelerators" in page.locator("#notes").inner_text()

    def test_editions_of_a_benchmark_are_never_in_one_chart(self, opened):
        """Here by the tables, as the entries of an older import name none."""
        page = opened([make_plain_entry(1, label, Model_ID=key) for label, key in SSD])
        assert page.locator(".multiple").count() == 2
        options = page.locator("#benchmark option").all_inner_texts()
        assert options[1:] == ["RetinaNet on OpenImages, 34.0 % mAP (from 2.0)", "SSD on COCO, 23.0 % mAP (from 0.6)"]
        for title, number in zip(options[1:], (2, 1), strict=True):
            page.locator("#benchmark").select_option(label=title)
            page.get_by_role("tab", name="Against accelerators").click()
            assert points(page) == number

    def test_a_benchmark_that_no_table_knows_is_parted_by_data_set_and_target(self, opened):
        page = opened([make_plain_entry(1, "5.0", Model_ID="new", Dataset=name) for name in ("one", "two")])
        assert page.locator("#benchmark option").all_inner_texts()[1:] == ["new on one", "new on two"]

    def test_same_size_with_ratios_to_a_result_that_is_pinned(self, opened):
        fast, slow = (
            make_entry(
                number,
                accelerators_count=8,
                Result=minutes,
                accelerator_model_name=name,
                runs_minutes=[minutes, 2 * minutes],
            )
            for number, minutes, name in ((1, 5.0, "New"), (2, 20.0, "Old"))
        )
        page = opened([fast, slow], benchmark=TUNING, view="same-size", size="8")
        assert points(page) == 2
        page.get_by_label("Compare with").select_option("Old")
        assert "4.0 times as fast as Old, 20.00 minutes (5.0); derived." in page.locator("#notes").inner_text()
        assert "5.00 to 10.00" in page.locator("#figures").inner_text()

    def test_over_the_rounds_says_whether_the_best_can_be_bought(self, opened):
        entries = [
            make_entry(1, "4.0", accelerators_count=8, Result=20.0),
            make_entry(1, "5.0", accelerators_count=8, Result=5.0, availability="preview"),
            make_entry(2, "5.0", accelerators_count=8, Result=10.0),
        ]
        page = opened(entries, benchmark=TUNING, view="rounds", size="8")
        notes = page.locator("#notes")
        assert "20.00 minutes in 4.0" in notes.inner_text()
        assert "5.00 minutes in 5.0 (Made-up A1, Submitter 1, preview): 4.0 times as fast" in notes.inner_text()
        choose(page, "availability", "available")
        assert "10.00 minutes in 5.0 (Made-up A1, Submitter 2): 2.0 times as fast" in notes.inner_text()

    def test_scaling_is_that_of_one_submitter_in_one_round(self, opened):
        entries = [
            make_entry(number, label, submitter=submitter, accelerators_count=size, Result=minutes)
            for number, (label, submitter, size, minutes) in enumerate(
                [
                    ("5.0", "A", 8, 80.0),
                    ("5.0", "A", 16, 50.0),
                    ("5.0", "A", 80, 10.0),
                    ("4.0", "A", 640, 1.0),
                    ("5.0", "B", 160, 2.0),
                ]
            )
        ]
        page = opened(entries, benchmark=TUNING, view="scaling")
        assert (
            "from 8 to 80 accelerators, 80.00 to 10.00 minutes: 8.0 of 10.0 times, 80 %"
            in page.locator("#notes").inner_text()
        )
        assert points(page) == 3

    def test_energy_per_size(self, opened):
        entries = [
            make_entry(0, energy_kwh=12.5),
            make_entry(10, energy_kwh=10.5),
            make_entry(1, energy_kwh=0),
            make_entry(2),
        ]
        page = opened(entries, benchmark=TUNING, view="energy")
        assert points(page) == 2
        notes = page.locator("#notes").inner_text()
        assert "2 results with measured energy" in notes
        assert "10.50 kWh on 1" in notes
        assert "12.50 kWh" not in notes
        assert "2 not drawn: without a measured energy" in notes

    def test_convergence_with_verdicts_as_shapes(self, opened):
        figures = {"samples_to_converge": 3000, "global_batch_size": 64, "rcp_mean": 2900, "rcp_least_acceptable": 2500}
        entries = [make_entry(number, **figures, rcp_verdict=verdict) for number, verdict in enumerate(("pass", "missing"))]
        page = opened(entries, benchmark=TUNING, view="convergence")
        assert points(page) == 2
        legend = page.locator("#chart .legend").text_content()
        assert "verdict: pass" in legend
        assert "verdict: missing" in legend
        shapes = page.locator("#chart .points > *").evaluate_all("shapes => shapes.map((shape) => shape.getAttribute('d'))")
        assert len(set(shapes)) == 2

    def test_throughput_is_no_time(self, opened):
        entries = [
            make_entry(number, metric="throughput", Result_Units="models/min.", Result=float(number)) for number in (1, 2)
        ]
        page = opened([*entries, make_entry(3)])
        assert page.locator(".multiple").count() == 2
        page.locator("#benchmark").select_option(label="llama2_70b_lora (from 1.0), throughput")
        page.get_by_role("tab", name="Against accelerators").click()
        assert page.get_by_role("columnheader", name="Score").count() == 1
        assert cells(page, "score") == ["2.00 models/min.", "1.00 models/min."]  # more is better

    def test_values_that_are_none_are_not_drawn(self, opened):
        odd = [make_entry(1, Result="fast"), make_entry(2, Result=float("nan")), make_entry(3, accelerators_count=True)]
        page = opened([make_entry(0), *odd], benchmark=TUNING)
        assert points(page) == 1
        assert page.locator(ROWS).count() == 4

    def test_no_results_no_page(self, tmp_path):
        with pytest.raises(NothingToShow):
            write_output([], tmp_path / "report.html")
        assert list(tmp_path.glob("*.html")) == []


class TestFilters:
    def test_they_hold_for_chart_and_table(self, opened):
        page = opened(some_entries(), benchmark=TUNING)
        choose(page, "rounds", "5.0")
        page.get_by_role("combobox", name="Number of accelerators").select_option("8")
        assert set(cells(page, "round")) == {"5.0"}
        assert set(cells(page, "accelerators")) == {"8"}
        assert points(page) == page.locator(ROWS).count() == 2
        page.get_by_role("button", name="Clear filters").click()
        assert points(page) == 40

    def test_values_that_would_show_nothing_are_grey(self, opened):
        entries = [make_entry(1, "4.1", accelerator_model_name="Old"), make_entry(2, "5.0", accelerator_model_name="New")]
        page = opened(entries, benchmark=TUNING, rounds="5.0")
        menu = page.locator('.menu[data-name="accelerator"]')
        menu.locator("summary").click()
        assert menu.locator("label").all_inner_texts() == ["New\n1", "Old\n0"]
        assert menu.get_by_role("checkbox", name="Old").is_disabled()
        assert menu.get_by_role("checkbox", name="New").is_enabled()

    def test_by_words(self, opened):
        page = opened(some_entries(), benchmark=TUNING)
        page.get_by_label("Words").fill("SUBMITTER machine-1 4.1")
        assert set(cells(page, "system")) == {f"machine-{number}" for number in (1, *range(10, 20))}
        assert count(page) == "11 results of 48"

    def test_runs_handed_in_again_are_hidden_until_asked_for_or_a_submitter_is_chosen(self, opened):
        entries = [make_entry(1, label, runs_digest="same") for label in ("4.1", "5.0")] + [
            make_entry(2, "5.0", runs_digest="other")
        ]
        page = opened(entries, benchmark=TUNING)
        assert sorted(zip(cells(page, "round"), cells(page, "system"), strict=True)) == [
            ("4.1", "machine-1"),
            ("5.0", "machine-2"),
        ]
        assert count(page) == "2 results of 3; 1 result with runs that were handed in again is hidden"
        page.get_by_label("Runs handed in again").check()
        assert count(page) == "3 results of 3"
        page.get_by_label("Runs handed in again").uncheck()
        choose(page, "submitter", "Submitter 1")
        assert cells(page, "round") == ["4.1", "5.0"]

    def test_a_repeat_stands_for_its_runs_where_the_original_is_filtered_out(self, opened):
        entries = [make_entry(1, label, runs_digest="same") for label in ("4.0", "4.1", "5.0")]
        page = opened(entries, benchmark=TUNING)
        assert cells(page, "round") == ["4.0"]
        choose(page, "rounds", "4.1", "5.0")
        assert cells(page, "round") == ["4.1"]
        menu = page.locator('.menu[data-name="rounds"]')
        menu.locator("summary").click()
        assert menu.locator("label").all_inner_texts() == ["5.0\n1", "4.1\n1", "4.0\n1"]

    def test_runs_handed_in_again_may_be_the_best_of_a_round(self, opened):
        same = {"accelerators_count": 8, "runs_digest": "same", "Result": 5.0}
        entries = [make_entry(1, label, **same) for label in ("4.1", "5.0")]
        entries.append(make_entry(2, "5.0", accelerators_count=8, Result=6.0))
        page = opened(entries)
        cell = page.locator("#figures tbody tr").first.locator("td").all_inner_texts()
        assert cell[1:4] == ["5.0", "1", "5.00 minutes"]  # one new result
        page = opened(entries, benchmark=TUNING, view="rounds")
        page.reload()
        assert (
            "From 5.00 minutes in 4.1 (Made-up A1, Submitter 1) to 5.00 minutes in 5.0"
            in page.locator("#notes").inner_text()
        )

    def test_processors_only(self, opened):
        page = opened([make_entry(1, accelerators_count=0), make_entry(2)], benchmark=TUNING)
        page.get_by_label("Processors only").select_option("only")
        assert cells(page, "system") == ["machine-1"]


class TestTable:
    def test_sorting_keeps_ties_in_order_of_minutes(self, opened):
        page = opened(some_entries(), benchmark=TUNING, rounds="5.0")
        submitter = page.get_by_role("columnheader", name="Submitter")
        submitter.get_by_role("button").focus()
        page.keyboard.press("Enter")
        assert submitter.get_attribute("aria-sort") == "ascending"
        rows = list(zip(cells(page, "submitter"), map(float, cells(page, "score")), strict=True))
        assert rows == sorted(rows)
        page.keyboard.press("Space")
        assert submitter.get_attribute("aria-sort") == "descending"
        assert cells(page, "submitter") == sorted(cells(page, "submitter"), reverse=True)

    def test_what_is_not_given_is_last_in_both_directions(self, opened):
        page = opened(some_entries(), benchmark=TUNING, rounds="5.0", sort="accelerators")
        ascending = cells(page, "accelerators")
        page.get_by_role("columnheader", name="Number").get_by_role("button").click()
        descending = cells(page, "accelerators")
        assert ascending[-2:] == descending[-2:] == ["", ""]  # one on processors, whose number nobody said, and one without
        assert descending[:-2] == ascending[-3::-1]

    def test_figures_are_ranked_within_an_edition_only(self, opened):
        entries = [
            make_entry(number, "5.0", task, Result=minutes)
            for number, (task, minutes) in enumerate(
                [("llm-finetuning", 9.0), ("text-to-image", 5.0), ("llm-finetuning", 1.0)]
            )
        ]
        page = opened(entries)
        assert cells(page, "benchmark") == ["flux1 (from 1.0)", "llama2_70b_lora (from 1.0)", "llama2_70b_lora (from 1.0)"]
        assert cells(page, "score") == ["5.00", "1.00", "9.00"]

    def test_all_rows_come_as_it_is_scrolled(self, opened):
        page = opened(many_entries(rounds=1, of_each=150), benchmark=TUNING)
        assert page.locator(ROWS).count() < 100
        assert page.locator("#scroll table").get_attribute("aria-rowcount") == "151"
        seen = page.evaluate("""async () => {
          const frame = document.getElementById("scroll"), seen = new Set();
          frame.scrollIntoView();
          for (let top = 0; top <= frame.scrollHeight; top += frame.clientHeight) {
            frame.scrollTop = top;
            await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
            const box = frame.getBoundingClientRect();
            const shown = document.elementFromPoint(box.x + 20, box.y + box.height / 2).closest("tr");
            if (shown.classList.contains("space")) throw new Error("nothing is drawn at " + top);
            for (const row of frame.querySelectorAll("tbody tr:not(.space)")) seen.add(row.getAttribute("aria-rowindex"));
          }
          return seen.size;
        }""")
        assert seen == 150

    def test_columns_can_be_chosen(self, opened):
        page = opened(some_entries(), benchmark=TUNING)
        page.get_by_text("Columns", exact=True).click()
        page.locator("#columns").get_by_label("Notes").check()
        page.locator("#columns").get_by_label("Rank").uncheck()
        page.reload()
        heads = page.locator("#scroll thead th").all_inner_texts()
        assert any("Notes" in head for head in heads)
        assert not any("Rank" in head for head in heads)

    def test_links_go_to_the_web_only(self, opened):
        bad = make_entry(1, url="javascript:window.hacked = true", details_url="file:///etc/passwd")
        page = opened([make_entry(0), bad], benchmark=TUNING, columns="links")
        links = page.locator(f"{ROWS} a")
        entry = make_entry(0)
        assert [link.get_attribute("href") for link in links.all()] == [entry["url"], entry["details_url"]]
        assert {link.get_attribute("rel") for link in links.all()} == {"noopener noreferrer"}


class TestAddress:
    def test_every_choice_is_restored(self, opened, chromium):
        page = opened(some_entries())
        page.locator("#benchmark").select_option(label="llama2_70b_lora (from 1.0)")
        choose(page, "rounds", "5.0")
        page.get_by_role("tab", name="Same size").click()
        page.get_by_role("combobox", name="Number of accelerators").select_option("4")
        page.get_by_label("Words").fill("machine")
        page.get_by_role("columnheader", name="Submitter").get_by_role("button").click()
        page.locator(f"{ROWS} button").first.click()
        before = page.locator("main").inner_text(), count(page)
        other = chromium.new_page(viewport={"width": 1280, "height": 900})
        other.goto(page.url)
        assert (other.locator("main").inner_text(), count(other)) == before
        other.close()
        page.reload()
        assert (page.locator("main").inner_text(), count(page)) == before

    def test_back_works(self, opened):
        page = opened(some_entries())
        page.locator("#benchmark").select_option(label="flux1 (from 1.0)")
        choose(page, "rounds", "5.0")
        page.go_back()
        assert page.locator('.menu[data-name="rounds"] .value').inner_text() == "any"
        assert page.locator("#edition").inner_text() == "flux1 (from 1.0)"
        page.go_back()
        assert page.locator("#title").inner_text() == "All benchmarks"

    @pytest.mark.parametrize("gone", ["gone", "constructor"])
    def test_an_address_that_names_nothing_shows_all(self, opened, gone):
        named = dict.fromkeys(("view", "sort", "columns", "result", "colour", "size", "family", "pin", "division"), gone)
        page = opened(some_entries(), benchmark=gone, **named)
        assert count(page) == "47 results of 48"
        page = opened(some_entries(), benchmark=TUNING, **named)
        page.reload()
        assert count(page) == "4 results of 48"  # on the size of the first screen


class TestOneResult:
    def test_opens_beside_the_chart_and_gives_the_focus_back(self, opened):
        page = opened([make_entry(0, runs_minutes=[1.5, 2.5]), make_entry(1)], benchmark=TUNING)
        page.locator("#chart .points [tabindex='0']").focus()
        page.keyboard.press("Enter")
        panel = page.locator("#panel")
        assert panel.get_by_role("heading", level=2).inner_text() == "Submitter 0: machine-0"
        assert "1.50, 2.50" in panel.inner_text()
        assert panel.bounding_box()["x"] > page.locator("#chart").bounding_box()["x"]
        page.keyboard.press("Escape")
        assert panel.is_hidden()
        assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Submitter 0: machine-0")

    def test_arrow_keys_go_from_point_to_point(self, opened):
        page = opened(some_entries(), benchmark=TUNING, rounds="5.0")
        page.locator("#chart .points [tabindex='0']").focus()
        said = set()
        for _ in range(50):
            said.add(page.evaluate("document.activeElement.getAttribute('aria-label')"))
            page.keyboard.press("ArrowRight")
        assert sum("results on this spot" not in text for text in said) + 2 * sum("2 results" in text for text in said) == 20

    def test_points_on_one_spot_say_how_many_and_list_them(self, opened):
        page = opened([make_entry(number, accelerators_count=8, Result=5.0) for number in range(3)], benchmark=TUNING)
        point = page.locator("#chart .points [role=button]")
        assert point.count() == 1
        assert point.get_attribute("aria-label").startswith("3 results on this spot.")
        point.hover(force=True)
        assert "3 results on this spot" in page.locator(".tip").inner_text()
        point.press("Enter")
        names = page.locator("#panel li button")
        assert names.all_inner_texts() == [f"Submitter {n}: machine-{n}" for n in range(3)]
        names.first.click()
        assert page.locator("#panel-title").inner_text() == "Submitter 0: machine-0"

    def test_has_every_key_and_the_findings_about_it(self, opened):
        entry = make_entry(0, "4.1")
        folder = f"{entry['submitter_folder']}/results/{entry['system_file']}/{entry['Model_ID']}"
        finding = {
            "code": "run-count",
            "round": "4.1",
            "folder": folder,
            "where": f"{folder}/result_0.txt:3",
            "what": "nine of ten",
            "advice": "ask",
        }
        other = finding | {"folder": folder.replace("machine-0", "machine-1"), "what": "about another"}
        page = opened([entry], report_with(entry, folder, finding, other), benchmark=TUNING, result=entry["uid"])
        panel = page.locator("#panel")
        assert "run-count: nine of ten. Ask." in panel.inner_text()
        assert "about another" not in panel.inner_text()
        panel.get_by_text("Every key").click()
        keys = panel.locator("details code").all_inner_texts()
        assert set(keys) == {key for key in entry if not key.startswith("_")}

    def test_how_to_cite_it(self, opened):
        url = "https://github.com/mlcommons/training_results_v5.0"
        published = make_entry(0, git_url=url, git_commit="a" * 40)
        private = make_entry(1, git_url="https://example.org/training_results_v5.0")
        page = opened([published, private], benchmark=TUNING, result=published["uid"])
        said = page.locator(".cite").inner_text()
        assert said.startswith("MLPerf® Training v5.0 Closed, llama2_70b_lora (from 1.0), Submitter 0, 1 ")
        assert " Made-up A1, machine-0, available: 400.0 minutes." in said
        assert "The result's ID is not in the repository." in said
        assert f"Retrieved from {url} (commit {'a' * 40}), " in said
        assert "Result verified by MLCommons Association." in said
        assert "derived, and not published by MLCommons" in said
        assert "registered and unregistered trademarks of MLCommons Association" in said
        page.locator(f"{ROWS} button", has_text="machine-1").click()
        said = page.locator(".cite").inner_text()
        assert said.startswith("Unverified MLPerf® Training v5.0 Closed")
        assert "Result not verified by MLCommons Association." in said


class TestTakeAlong:
    def test_no_cell_of_a_csv_file_is_a_formula(self, opened):
        starts = ("=", "+", "-", "@", "\t", "\r")
        entries = [make_entry(number, notes=f"{start}1+1", change=-0.5) for number, start in enumerate(starts)]
        page = opened(entries, benchmark=TUNING)
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV", exact=True).click()
        rows = list(csv.DictReader(io.StringIO(download.value.path().read_bytes().decode(), newline="")))
        assert {row["notes"] for row in rows} == {f"'{start}1+1" for start in starts}
        assert {row["change"] for row in rows} == {"-0.5"}

    def test_csv_and_json_are_the_rows_that_are_shown(self, opened):
        entries = [make_entry(number, note='x,\n"y"', runs_minutes=[1.5, 2.5]) for number in range(10)]
        page = opened(entries, benchmark=TUNING, words="machine-", size="8", sort="submitter")
        page.get_by_role("combobox", name="Number of accelerators").select_option("")
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV", exact=True).click()
        rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"), newline="")))
        assert [row["system"] for row in rows] == cells(page, "system")
        by_uid = {entry["uid"]: entry for entry in entries}
        for row in rows:
            entry = {key: value for key, value in by_uid[row["uid"]].items() if not key.startswith("_")}
            assert row.keys() == entry.keys()
            assert {key: row[key] for key in ("note", "system", "Result")} == {
                key: str(entry[key]) if key != "Result" else f"{entry[key]:g}" for key in ("note", "system", "Result")
            }
            assert json.loads(row["runs_minutes"]) == entry["runs_minutes"]
        with page.expect_download() as download:
            page.get_by_role("button", name="JSON").click()
        assert [row["uid"] for row in json.loads(download.value.path().read_bytes())] == [row["uid"] for row in rows]

    def test_a_chart_as_a_picture_says_what_and_whence(self, opened):
        page = opened(
            [make_entry(number, git_url="https://example.org/r", git_commit="b" * 40) for number in range(5)],
            benchmark=TUNING,
        )
        with page.expect_download() as download:
            page.get_by_role("button", name="SVG").click()
        text = download.value.path().read_text(encoding="utf-8")
        assert "Minutes against accelerators" in text
        assert "https://example.org/r at bbbbbbbbbbbb" in re.sub(r"</text><text[^>]*>", " ", text)
        assert re.search(r"Retrieved \d+ \w+ 20\d\d", re.sub(r"</text><text[^>]*>", " ", text))
        assert "var(--" not in text
        with page.expect_download() as download:
            page.get_by_role("button", name="PNG").click()
        assert download.value.path().read_bytes().startswith(b"\x89PNG")


class TestTrust:
    def test_hostile_text_in_every_field_is_text(self, opened):
        texts = [key for key, value in make_entry(0).items() if isinstance(value, str) and key != "uid"]
        hostile = make_entry(0, **dict.fromkeys(texts, HOSTILE))
        hostile |= dict.fromkeys((*NAMED, HOSTILE), HOSTILE)
        finding = {
            "code": HOSTILE,
            "round": HOSTILE,
            "folder": HOSTILE,
            "where": HOSTILE,
            "what": HOSTILE,
            "advice": HOSTILE,
        }
        page = opened([hostile | {"energy_kwh": 5.0}, make_entry(1)], report_with(hostile, HOSTILE, finding), division="all")
        for view in VIEWS:
            page.evaluate(
                "(hash) => { location.hash = hash; }",
                "#" + urlencode({"benchmark": HOSTILE, "division": HOSTILE, "view": view}),
            )
            page.evaluate("window.dispatchEvent(new PopStateEvent('popstate'))")
        page.locator(f"{ROWS} button").first.click()
        assert HOSTILE in page.locator("#panel").inner_text()
        assert page.locator("img").count() == 0
        assert page.evaluate("window.hacked") is None

    def test_a_hostile_address_is_text(self, opened):
        page = opened(
            some_entries(),
            **dict.fromkeys(("benchmark", "view", "words", "rounds", "size", "pin", "result", "sort"), HOSTILE),
        )
        assert page.evaluate("window.hacked") is None
        assert page.locator("img").count() == 0

    def test_the_policy_lets_nothing_else_run(self, page, tmp_path):
        file = tmp_path / "report.html"
        write_output([make_entry(0)], file)
        text = file.read_text(encoding="utf-8")
        (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none'; script-src 'sha256-")
        file.write_text(text.replace("</main>", "<script>window.hacked = true</script><i onclick='1'></i></main>"))
        page.goto(file.as_uri())
        assert page.evaluate("window.hacked") is None

    def test_same_entries_same_bytes(self, tmp_path):
        entries = some_entries()
        cm = store(tmp_path / "CM", entries)
        files = [tmp_path / "one.html", tmp_path / "two.html"]
        for file in files:
            assert write_output(unique_entries(collect_from(home_of(cm), "")), file) == len(entries)
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.fixture(scope="module")
def looked_at(chromium, tmp_path_factory):
    """A page with everything that a view can have, with axe in it; and the uids of three results."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    entries = [
        entry | {"energy_kwh": 5.0, "samples_to_converge": 10.0, "global_batch_size": 8, "runs_minutes": [1.0, 2.0]}
        for entry in some_entries(of_each=3)  # each element is looked at, and all rows have the same
    ]
    entries[0] |= {"availability": "preview", "accelerator_model_name": "Another"}
    file = tmp_path_factory.mktemp("axe") / "report.html"
    write_output(entries, file)
    page = chromium.new_page(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    page.goto(file.as_uri())
    page.evaluate(axe.Axe().axe_script)
    yield page, [entry["uid"] for entry in entries[:3]]
    page.close()


class TestForEveryone:
    @pytest.mark.parametrize("view", ["overview", "matrix", *VIEWS])
    def test_no_violation_of_accessibility(self, looked_at, view):
        """In one view of a benchmark, and one of all, of the whole page; of the others what is not the same in all."""
        page, uids = looked_at
        of_all = {"benchmark": "all", "view": view}
        state = of_all if view in ("overview", "matrix") else {"benchmark": TUNING, "view": view, "compare": uids}
        is_whole = view in ("overview", "answer")
        if is_whole:
            state["result"] = uids[0]
        page.evaluate("(hash) => { location.hash = hash; }", urlencode(state, doseq=True))
        page.locator(f"[data-view={view}][aria-selected=true]").wait_for()
        menu = page.locator(".menu").first
        menu.evaluate("(menu, isOpen) => { menu.open = isOpen; }", is_whole)
        part = {} if is_whole else {"include": [["#facts"], ["#views"], ["#view"], ["#results thead"]]}
        for scheme, options in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):  # nothing else is in colour
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(LOOK, [part, options]) == [], scheme

    def test_everything_is_reached_by_keyboard(self, opened):
        page = opened(some_entries(), benchmark=TUNING)
        reached = set()
        for _ in range(60):
            page.keyboard.press("Tab")
            name, outline, stroke = page.evaluate(FOCUSED)
            reached.add(name)
            assert outline != "none" or stroke == "3.5px"
        assert {"benchmark", "division", "words", "tab", "button", "svg", "csv", "scroll", "Submitter"} <= reached

    def test_fits_a_phone_with_the_minutes_in_sight(self, opened):
        page = opened(some_entries())
        page.set_viewport_size({"width": 390, "height": 844})
        page = opened(some_entries(), benchmark=TUNING, view="answer")
        page.reload()  # as it opens there
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        minutes = page.locator(f"{ROWS} .at-score").first.bounding_box()
        assert 200 < minutes["x"] < minutes["x"] + minutes["width"] <= 390
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            red = page.evaluate("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
            assert (red > 200) == (scheme == "light")

    def test_printed_it_has_no_controls_and_all_rows_black_on_white(self, opened):
        page = opened(many_entries(rounds=1, of_each=150), benchmark=TUNING)
        page.set_viewport_size({"width": 900, "height": 1200})
        for scheme in ("light", "dark"):
            page.emulate_media(media="print", color_scheme=scheme)
            page.wait_for_function("(rows) => document.querySelectorAll(rows).length === 150", arg=ROWS)
            for control in ("#filters", "#views", "#choice", "#csv", "#svg"):
                assert page.locator(control).is_hidden()
            colours = page.evaluate(
                "(({color, backgroundColor}) => [color, backgroundColor])(getComputedStyle(document.body))"
            )
            assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
            assert page.locator("#scroll").evaluate(CLIPPED) == 0
        page.emulate_media(media="screen")
        page.wait_for_function("(rows) => document.querySelectorAll(rows).length < 100", arg=ROWS)


class TestTime:
    """2,500 results of five editions. Measured is how long the page works: the machine may be busy with something else."""

    @pytest.mark.parametrize(("view", "number"), [("answer", 2), ("sizes", 500)])
    def test_many_results_are_drawn_and_filtered_at_once(self, opened, view, number):
        page = opened(many_entries(editions=5), benchmark=TUNING, view=view)
        assert points(page) == number
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.reload()
        page.wait_for_function("() => performance.getEntriesByName('drawn').length")
        assert work_ms(session, "TaskDuration") < 1000
        took = [work_ms(session)]
        for words in ("m", "machine-1", "", "a", ""):
            page.locator("#words").evaluate(TYPE, words)
            took.append(work_ms(session))
        steps = sorted(after - before for before, after in itertools.pairwise(took))
        assert steps[len(steps) // 2] < 150, steps
        session.detach()


TYPE = """(input, text) => {
  input.value = text;
  input.dispatchEvent(new Event("input"));
  document.body.getBoundingClientRect();
}"""


def work_ms(session, *names: str) -> float:
    """Milliseconds that the page's thread has worked until now: scripts, styles and layout, or what is named."""
    metrics = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
    return 1000 * sum(metrics[name] for name in names or ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration"))


class TestSite:
    def test_a_folder_for_a_web_server(self, page, tmp_path):
        folder = tmp_path / "site"
        assert write_output(some_entries(), folder) == 48
        assert sorted(file.name for file in folder.glob("[!.]*")) == ["index.html", "new-in-5.0.html", "results.json"]
        with serve(folder) as address:
            page.goto(f"{address}#benchmark=all")
            page.locator(".multiple").first.wait_for()
            assert count(page) == "47 results of 48"
        assert page.errors == []

    def test_one_file(self, tmp_path):
        assert write_output(some_entries(), tmp_path / "page.html") == 48
        assert [file.name for file in tmp_path.glob("*.html")] == ["page.html"]
