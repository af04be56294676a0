"""What the page draws and says of results, compared with their entries."""

# ruff: noqa: RUF001 - the page has a sign for "times"

from __future__ import annotations

import csv
import io
import re

import pytest
from browser_support import serve
from madeup import report_with
from never_silent import CASES
from page_support import ROWS, TUNING, cells, choose, count, make_entry, points, some_entries
from trees import import_tree

from mlperf_training_import.results.remarks import NEVER_SILENT
from mlperf_training_import.show.page.page import write_output
from mlperf_training_import.tables.names import accelerators_table

THROUGHPUT = "llama2_70b_lora/throughput-1.0"


def finding_about(entry, code, what):
    """A report with a finding about the result of an entry."""
    folder = f"{entry['submitter_folder']}/results/{entry['system_file']}/{entry['Model_ID']}"
    finding = {"code": code, "round": entry["version"], "folder": folder, "where": folder, "what": what, "advice": "look"}
    return report_with(entry, folder, finding)


def on_eight(number, minutes, label="5.0", **changes):
    """A result on 8 accelerators."""
    return make_entry(number, label, accelerators_count=8, Result=minutes, **changes)


def texts(page):
    return page.locator("#chart svg text").all_text_contents()


#: Pixels from the top of the page to the end of an element, wherever a test before has scrolled it to.
END = "element => element.getBoundingClientRect().bottom + scrollY"


class TestThroughput:
    @pytest.fixture
    def weak(self, opened):
        """Two throughputs on one size, the second better, with minutes of their runs."""
        weak = {"metric": "throughput", "Result_Units": "models/min.", "runs_minutes": [30.0, 40.0], "runs_count": 2}
        weak |= {"models_trained": 20, "minutes_to_train_all": 40.0, "minutes_spread": 0.29}
        entries = [on_eight(number, score, **weak) for number, score in ((1, 0.5), (2, 2.0))]
        entries[1]["accelerator_model_name"] = "Better"

        def open_view(**state):
            page = opened(entries, **state)
            page.locator("#benchmark").select_option(label="llama2_70b_lora (from 1.0), throughput")
            return page

        return open_view

    def test_bars_have_no_whiskers_of_minutes(self, weak):
        page = weak(view="same-size")
        assert points(page) == 2
        assert page.locator("#chart [data-mark=tick]").count() == 0
        assert "run" not in page.locator("#figures thead").inner_text()
        assert "30.00" not in page.locator("#view").inner_text()
        best = page.locator("#figures tbody tr").first.inner_text().split("\t")
        assert best[:2] == ["Better", "2.00"]

    def test_the_page_says_that_it_is_weak_scaling_and_nothing_of_runs(self, weak):
        page = weak(view="answer")
        facts = page.locator("#facts").inner_text()
        assert "weak scaling" in facts
        assert "runs" not in facts.lower()
        assert ".." not in page.locator("#view").inner_text()

    def test_the_table_says_what_the_score_is_made_of(self, weak):
        page = weak(view="sizes")
        assert cells(page, "models_trained") == ["20", "20"]
        assert cells(page, "minutes_to_train_all") == ["40.00", "40.00"]
        assert cells(page, "spread") == []
        assert "Score" in page.locator("#sort option").all_inner_texts()

    def test_runs_of_one_are_no_points_on_the_axis_of_its_score(self, weak):
        page = weak(view="sizes")
        page.locator(f"{ROWS} button").first.click()
        panel = page.locator("#panel")
        assert panel.locator("svg").count() == 0
        assert "2 runs of 30.00 to 40.00 minutes each" in panel.inner_text()
        assert "Spread of runs" not in panel.inner_text()


class TestFactors:
    def test_bars_whiskers_and_panel_have_the_score_and_say_how_it_was_made(self, opened):
        entry = on_eight(1, 62.07, scaling_factor=1.167, runs_minutes=[51.0, 53.0, 56.0])
        page = opened([entry, on_eight(2, 70.0, runs_minutes=[69.0, 71.0], accelerator_model_name="Old")], benchmark=TUNING)
        assert "×" in texts(page)
        page.get_by_role("tab", name="Same size").click()
        assert any(text.startswith("62.07 (× 1.167)") for text in texts(page))
        first = page.locator("#figures tbody tr").first.inner_text()
        assert f"{51 * 1.167:.2f} to {56 * 1.167:.2f}" in first
        assert "× 1.167" in first
        row = page.locator(ROWS).first
        assert "× 1.167" in row.inner_text()
        row.locator("button").click()
        panel = page.locator("#panel").inner_text()
        assert "mean of the kept runs 53.19 × 1.167 = 62.07 minutes" in panel
        assert "the runs are drawn times the factor of the review" in panel.lower()
        assert "51.00, 53.00, 56.00" in panel

    def test_the_runs_of_a_result_are_drawn_on_both_sides_of_its_score(self, opened):
        entry = on_eight(1, 62.07, scaling_factor=1.167, runs_minutes=[51.0, 53.0, 56.0])
        page = opened([entry], benchmark=TUNING, result=entry["uid"])
        runs = page.locator("#panel svg circle").evaluate_all("dots => dots.map((dot) => Number(dot.getAttribute('cx')))")
        line = float(page.locator("#panel svg [data-mark=rule] line").first.get_attribute("x1"))
        assert min(runs) < line < max(runs)


class TestRepeats:
    def test_only_equal_scores_are_folded(self, opened):
        entries = [
            on_eight(1, 20.0, "4.1", runs_digest="same"),
            on_eight(2, 20.0, runs_digest="same"),
            on_eight(3, 22.0, runs_digest="same", scaling_factor=1.1),
        ]
        page = opened(entries, benchmark=TUNING)
        assert sorted(cells(page, "system")) == ["machine-1", "machine-3"]
        page.locator(f"{ROWS} button", has_text="machine-3").click()
        assert page.locator("#panel li button").all_inner_texts() == ["Submitter 1: machine-1", "Submitter 2: machine-2"]

    def test_a_preview_that_was_handed_in_again_as_available_is_filled(self, opened):
        entries = [
            on_eight(1, 20.0, "4.1", runs_digest="same", availability="preview"),
            on_eight(1, 20.0, runs_digest="same"),
            on_eight(2, 30.0, availability="preview"),
        ]
        page = opened(entries, benchmark=TUNING)
        fills = page.locator("#chart .points > *").evaluate_all("dots => dots.map((dot) => dot.getAttribute('fill'))")
        assert sorted(fill == "var(--paper)" for fill in fills) == [False, True]
        page.locator("#scroll button", has_text="machine-1").click()
        assert "preview, later available" in page.locator("#panel").inner_text()


class TestSizes:
    def test_systems_without_accelerators_are_compared_by_their_processors(self, opened):
        entries = [
            make_entry(number, accelerators_count=0, host_processors_count=processors, Result=minutes)
            for number, processors, minutes in ((1, 8, 100.0), (2, 32, 20.0), (3, 8, 120.0))
        ]
        page = opened(entries, benchmark=TUNING, view="same-size")
        assert "8 processors" in page.locator("#chart-title").inner_text()
        assert page.locator("#figures tbody button").all_inner_texts() == ["machine-1"]
        assert cells(page, "accelerators") == ["32 proc.", "8 proc.", "8 proc."]
        assert "0 accelerators" not in page.locator("main").inner_text()


class TestVerdicts:
    def test_a_verdict_is_told_with_its_numbers(self, opened):
        judged = {"rcp_verdict": "fail", "rcp_factor": 1.1, "rcp_mean": 1000.0, "rcp_least_acceptable": 950.0}
        entry = on_eight(1, 20.0, samples_to_converge=900.0, global_batch_size=64, **judged)
        page = opened([entry, on_eight(2, 30.0)], benchmark=TUNING, view="convergence")
        said = (
            "converged with fewer samples than the reference points allow; own mean 900, least that passes 950, "
            "mean of the reference 1,000; the score was not multiplied by the factor 1.1000"
        )
        assert said in page.locator("#figures").inner_text()
        page.locator("#figures tbody button").first.click()
        assert f"fail: {said}" in page.locator("#panel").inner_text()
        assert "verdict fail" in page.locator(ROWS).first.inner_text()


class TestFindings:
    def test_they_are_a_filter_a_column_a_sign_and_a_list(self, opened):
        entry = on_eight(1, 20.0)
        page = opened([entry, on_eight(2, 30.0)], finding_about(entry, "odd-times", "a clock went back"), benchmark=TUNING)
        assert page.locator("#chart .signs circle").count() == 1
        assert cells(page, "signs") == ["! odd-times", ""]
        choose(page, "trust", "findings")
        assert cells(page, "system") == ["machine-1"]
        page.get_by_role("tab", name="To read with care").click()
        assert "Odd-times: a clock went back" in page.locator("#figures tbody tr").inner_text()

    def test_energy_is_silent_about_nothing_that_must_be_known(self, opened, tmp_path):
        entries = []
        for number, (name, case) in enumerate(CASES.items()):
            root = tmp_path / name
            case.write(root)
            entry = import_tree(root, case.version).only.entry
            remarks = {key: entry[key] for key in (*NEVER_SILENT, "runs_count") if key in entry}
            entries.append(on_eight(number, 20.0 + number, energy_kwh=5.0 + number, **remarks))
        rows = []
        for division in ("closed", "open"):
            page = opened(entries, benchmark=TUNING, view="energy", division=division)
            rows += page.locator("#figures tbody tr").all_inner_texts()
        said = {row.split("\t")[6]: row.split("\t")[-1] for row in rows}
        assert {
            name for number, (name, case) in enumerate(CASES.items()) if case.says not in said[f"machine-{number}"]
        } == set()

    def test_energy_says_which_figures_are_doubtful(self, opened):
        entries = [
            on_eight(1, 20.0, energy_kwh=5.0, doubts=["power-quality"]),
            on_eight(2, 30.0, energy_kwh=6.0),
            on_eight(3, 40.0),
        ]
        page = opened(entries, benchmark=TUNING, view="energy")
        notes = page.locator("#notes").inner_text()
        assert "5.00 kWh on 8 (Made-up A1, Submitter 1, 5.0, ! power-quality)" in notes
        assert "1 of them has findings" in notes
        assert page.locator("#chart .signs circle").count() == 1
        assert cells(page, "energy") == ["5.00", "6.00"]  # just those that were measured
        assert count(page) == "2 results of 3"
        heads = [head.strip(" ▲") for head in page.locator("#scroll thead th").all_inner_texts()]
        assert heads[heads.index("Minutes") + 1] == "kWh"  # in sight, whatever else there is
        page.locator("#benchmark").select_option("all")
        page.get_by_role("tab", name="Energy").click()
        assert page.locator("#figures tbody tr").inner_text().split("\t")[-1] == "! power-quality"
        assert cells(page, "energy") == ["5.00", "6.00"]


class TestOverview:
    def test_the_last_round_is_set_against_the_one_before_at_the_same_size(self, opened):
        entries = [
            make_entry(1, "4.1", accelerators_count=64, Result=2.0, accelerator_model_name="Old"),
            make_entry(2, "4.1", accelerators_count=8, Result=20.0, accelerator_model_name="Old"),
            make_entry(3, "5.0", accelerators_count=8, Result=10.0, accelerator_model_name="New", availability="preview"),
        ]
        page = opened(entries)
        change = page.locator("#figures tbody tr").inner_text().split("\t")
        assert change[4:6] == ["10.00 minutes", "8 × New"]
        assert change[9:12] == ["20.00 in 4.1 (Old)", "2.0", "2.00 in 4.1 on 64 × Old, available"]
        card = page.locator(".multiple .figure").inner_text()
        assert "10.00 minutes in 5.0 on 8 × New, preview; record: 2.00 in 4.1 on 64 × Old, available" in card
        assert "The IDs of results are not in the repositories." in page.locator("#notes").inner_text()

    def test_a_result_that_the_table_of_its_round_lacks_is_not_verified(self, opened):
        place = {"submitter_folder": "Lenovo", "system_file": "SR670v2-4xA100_SXM4_40GB_400W", "Model_ID": "bert"}
        address = "https://github.com/mlcommons/training_results_v3.0"
        entry = make_entry(1, "3.0", "language-processing", git_url=address, **place)
        page = opened([entry], benchmark="bert-1.0", result=entry["uid"])
        said = page.locator(".cite").inner_text()
        assert said.startswith("Unverified MLPerf® Training v3.0 Closed")
        assert "Result not verified by MLCommons Association: its table of the round does not have it." in said
        assert "not in the table of its round" in page.locator(ROWS).inner_text()


class TestWords:
    @pytest.mark.parametrize(
        ("words", "found"),
        [
            ("Llama 3.1", {"one", "two"}),
            ("llama31_8b", {"two"}),
            ("3D U-Net", {"three"}),
            ("3d unet", {"three"}),
            ("Hopper", {"four"}),
            ("nvidia h100", {"four"}),
            ("NVIDIA", {"four"}),
            ("retinanet", {"five"}),
        ],
    )
    def test_names_that_people_read_are_found(self, opened, words, found):
        h100 = {"accelerator": "H100", "accelerator_vendor": "NVIDIA", "accelerator_generation": "Hopper"}
        entries = [
            make_entry(1, Model_ID="llama31_405b", edition="llama31_405b-5.0", system="one", edition_title="Llama 3.1 405B"),
            make_entry(
                2, Model_ID="llama31_8b", edition="llama31_8b-5.1", system="two", edition_title="Llama 3.1 8B", version="5.1"
            ),
            make_entry(3, Model_ID="unet3d", edition="unet3d-1.0", system="three", edition_title="3D U-Net", version="4.0"),
            make_entry(4, system="four", framework="version 3.1 of Llama tools", **h100),
            make_entry(5, Model_ID="ssd", edition="ssd-2.0", edition_title="RetinaNet", system="five", version="4.1"),
        ]
        page = opened(entries, words=words)
        assert set(cells(page, "system")) == found


class TestColours:
    def test_an_accelerator_has_its_colour_whatever_is_beside_it(self, opened):
        names = ("H100", "B200", "GB300", "MI355X")
        entries = [on_eight(number, 10.0 + number, accelerator=name) for number, name in enumerate(names)]
        entries += [on_eight(10 + number, 50.0 + number, accelerator="H100") for number in range(5)]
        page = opened(entries, benchmark=TUNING)
        table = accelerators_table().accelerators

        def drawn():
            shapes = page.locator("#chart .points > *")
            return set(shapes.evaluate_all("all => all.map((one) => [one.result.chip, one.getAttribute('stroke')].join())"))

        assert drawn() == {f"{name},{table[name].colour}" for name in names}
        choose(page, "accelerator", "B200")
        assert drawn() == {f"B200,{table['B200'].colour}"}


class TestFirstScreen:
    @pytest.fixture
    def first(self, opened):
        """Three accelerators on 8, two of which get faster from round to round, and two larger systems."""
        entries = [
            on_eight(1, 30.0, "4.1", accelerator="H100", runs_minutes=[29.0, 31.0]),
            on_eight(2, 25.0, "5.0", accelerator="H100"),
            on_eight(3, 28.0, "5.0", accelerator="H100"),
            on_eight(4, 12.0, "5.0", accelerator="B200", availability="preview", scaling_factor=1.05),
            on_eight(5, 10.0, "5.1", accelerator="B200", doubts=["odd-times"]),
            on_eight(6, 26.0, "5.1", accelerator="MI300X"),
            make_entry(7, "5.1", accelerators_count=64, Result=2.0, accelerator="B200"),
            make_entry(8, "5.1", accelerators_count=1024, Result=0.5, accelerator="B200"),
        ]

        def open_first(**state):
            return opened(entries, benchmark="", **state, view=state.get("view", ""))

        return open_first

    def test_asks_the_question_and_answers_it(self, first):
        page = first()
        assert page.locator("#title").inner_text() == (
            "How long do systems need to train Llama 2 70B with LoRA, and who is fastest on 8 accelerators?"
        )
        lead = page.locator(".lead").inner_text()
        assert "B200: 10.00 minutes on 8 × B200 (Submitter 5, round 5.1, available)" in lead
        assert "2.5 times as fast as H100: 25.00 minutes on 8 × H100 (Submitter 2, round 5.0, available)" in lead
        assert "To know: B200: ! odd-times." in lead
        assert count(page).startswith("6 results of 8")

    def test_bars_and_lines_are_the_entries(self, first):
        page = first()
        bars = page.locator("#chart rect").evaluate_all("all => all.map(({result: {chip, score}}) => [chip, score].join())")
        assert bars == ["B200,10", "H100,25", "MI300X,26"]
        labels = texts(page)
        assert "10.00 ! · 5.1, available · 2.5 ×" in labels
        assert "25.00 · 5.0, available · 1.0 ×" in labels
        lines = page.locator("#chart .points path").evaluate_all(
            "all => all.map(({result: {chip, round, score}}) => [chip, round, score].join()).sort()"
        )
        assert lines == ["B200,5.0,12", "B200,5.1,10", "H100,4.1,30", "H100,5.0,25", "MI300X,5.1,26"]
        assert {"H100 30.00", "B200 12.00", "B200 10.00"} <= set(labels)  # the records
        assert {"4.1Nov 24", "5.0Jun 25", "5.1Nov 25"} <= {text.replace("\n", "") for text in labels}

    def test_the_line_of_dates_is_one_of_days(self, first):
        page = first()
        ticks = page.locator("#chart [data-mark='x-axis tick label'] text").evaluate_all(
            """all => all.map((one) =>
                [one.textContent, Number(/translate.([^,]+)/.exec(one.getAttribute('transform'))[1])])"""
        )
        places = {text[:3]: x for text, x in ticks if text[:3] in ("4.1", "5.0", "5.1")}
        days = {"4.1": 0, "5.0": 203, "5.1": 364}  # 13 November 2024, 4 June 2025, 12 November 2025
        share = (places["5.0"] - places["4.1"]) / (places["5.1"] - places["4.1"])
        assert share == pytest.approx(days["5.0"] / days["5.1"], abs=0.01)

    def test_what_the_others_are_set_against_is_one_choice(self, first):
        page = first()
        page.get_by_label("Times as fast as").select_option("MI300X")
        assert "2.6 times as fast as MI300X: 26.00 minutes" in page.locator(".lead").inner_text()
        assert "10.00 ! · 5.1, available · 2.6 ×" in texts(page)

    def test_any_result_at_the_size_can_be_what_the_others_are_set_against(self, first):
        page = first()
        page.locator(f"{ROWS} button", has_text="machine-3").click()
        page.get_by_role("button", name="Set others against it").click()
        assert "2.8 times as fast as H100: machine-3: 28.00 minutes" in page.locator(".lead").inner_text()
        assert page.get_by_label("Times as fast as").locator(":checked").inner_text() == "H100: machine-3"

    def test_chips_choose_benchmark_and_size(self, first):
        page = first()
        assert page.locator("#chips label").first.get_attribute("title") == page.locator("#edition").inner_text()
        page.get_by_role("radio", name="on 64").check()
        assert "2.00 minutes on 64 × B200" in page.locator(".lead").inner_text()
        assert count(page).startswith("1 result of 8")
        page.get_by_role("radio", name="largest: 1,024").check()
        assert "0.5000 minutes on 1,024 × B200" in page.locator(".lead").inner_text()

    def test_the_legend_has_the_newest_accelerators_first(self, first):
        legend = first().get_by_role("img", name="Legend").get_attribute("aria-label")
        assert legend == "Legend: MI300X, B200, H100"  # first seen in 5.1, 5.0 and 4.1

    def test_the_answer_is_copied_as_link_text_and_bibtex(self, first):
        page = first(size="64")
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])

        def copied(name):
            button = page.get_by_role("button", name=name)
            button.click()
            page.locator("span", has=button).get_by_text("copied", exact=True).wait_for()
            return page.evaluate("navigator.clipboard.readText()")

        assert copied("Copy link") == page.url
        assert "size=64" in page.url
        assert "Submitter 0, 64 × Made-up A1, machine-7, available: 2.00 minutes." in copied("Cite B200")
        bibtex = copied("BibTeX B200")
        assert bibtex.startswith("@misc{mlperf-")
        assert "author = {{Submitter 0}},\n  year = {2025}," in bibtex
        assert "2.00 minutes on 64" in bibtex
        assert bibtex.endswith("The result's ID is not in the repository.}\n}")

    def test_a_name_beside_a_bar_is_what_the_others_are_set_against(self, first):
        page = first()
        hint = "Press a name to compare with it."
        assert page.locator("#notes").inner_text().startswith(hint)
        assert hint not in page.evaluate("document.getElementById('take-chart').picture.notes.join()")
        name = page.get_by_role("button", name="Compare the others with MI300X")
        name.click()
        assert "2.6 times as fast as MI300X: 26.00 minutes" in page.locator(".lead").inner_text()
        assert name.get_attribute("aria-pressed") == "true"
        page.locator("#chart .points [tabindex='0']").focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("End")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        assert "2.5 times as fast as H100: 25.00 minutes" in page.locator(".lead").inner_text()
        focused = page.evaluate("[document.activeElement.getAttribute('aria-label'), document.activeElement.tabIndex]")
        assert focused == ["Compare the others with H100", 0]  # where Tab comes back to
        assert page.locator("#panel").is_hidden()
        page.emulate_media(media="print")
        assert hint not in page.locator("#notes").inner_text()

    def test_another_figure(self, opened):
        entries = [
            on_eight(1, 20.0, accelerator="H100", accelerator_minutes=160.0, energy_kwh=3.0),
            on_eight(2, 30.0, accelerator="B200", accelerator_minutes=240.0, energy_kwh=2.0),
        ]
        page = opened(entries, benchmark=TUNING, view="answer")
        page.get_by_role("combobox", name="Figure").select_option("kWh")
        assert "B200: 2.00 kWh on 8 × B200" in page.locator(".lead").inner_text()
        assert "H100 needs 1.5 times as much" in page.locator(".lead").inner_text()
        page.get_by_role("combobox", name="Figure").select_option("accelerator-minutes")
        assert "H100: 160.0 accelerator-minutes, derived on 8 × H100" in page.locator(".lead").inner_text()

    def test_the_chart_as_csv_is_its_entries(self, first):
        page = first()
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV of the chart").click()
        rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"), newline="")))
        assert sorted(row["system"] for row in rows) == [f"machine-{number}" for number in (1, 2, 4, 5, 6)]

    def test_fits_a_screen_and_is_reached_in_few_steps(self, first):
        page = first()
        page.set_viewport_size({"width": 1400, "height": 900})
        assert page.locator(ROWS).first.evaluate(END) <= 900
        for _ in range(45):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.closest('#scroll') !== null"):
                break
        else:
            pytest.fail("the table is more than 45 steps away")

    def test_fits_a_screen_with_as_many_bars_as_there_are(self, opened):
        title = "Llama 2 70B with LoRA on SCROLLS GovReport, 0.925 Eval loss (from 4.0)"
        known = {"edition_title": title, "availability": "available on-premise", "scaling_factor": 1.05}
        entries = [
            on_eight(number, 10.0 + number, "5.1", accelerator=f"A{number}", doubts=["odd-times", "same-seed"], **known)
            for number in range(12)
        ]
        entries += [on_eight(20, 50.0, "4.1", edition="llama2_70b_lora-0.5", edition_title="another target")]
        page = opened(entries, benchmark="", view="")
        page.set_viewport_size({"width": 1400, "height": 900})
        assert page.locator("#chart rect").count() == 12
        assert page.locator("#facts").get_by_text("another target").count() == 1
        assert page.locator(".lead p").first.bounding_box()["height"] > 30  # two lines, as real results take
        assert page.locator(ROWS).first.evaluate(END) <= 900

    def test_a_window_of_390_pixels_is_not_scrolled_sideways(self, first):
        page = first()
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.get_by_label("Sort by").select_option("Submitter")
        assert cells(page, "submitter") == sorted(cells(page, "submitter"))

    def test_nothing_on_a_card_of_a_phone_is_cut_or_without_its_unit(self, opened):
        throughput = {
            "metric": "throughput",
            "Result_Units": "models/min.",
            "models_trained": 20,
            "minutes_to_train_all": 40.0,
        }
        entries = [on_eight(1, 20.0, energy_kwh=5.0, doubts=["odd-times"]), on_eight(2, 0.5, **throughput)]
        page = opened(entries, view="energy")
        page.set_viewport_size({"width": 390, "height": 844})

        def card():
            row = page.locator(ROWS).first.bounding_box()
            parts = [cell for cell in page.locator(ROWS).first.locator("th, td").all() if cell.is_visible()]
            ends = [box["y"] + box["height"] for box in (part.bounding_box() for part in parts)]
            assert max(ends) <= row["y"] + row["height"]
            return [part.inner_text() for part in parts]

        assert {"5.00", "! odd-times"} <= set(card())
        page.locator("#benchmark").select_option(label="llama2_70b_lora (from 1.0), throughput")
        tab = page.get_by_role("tab", selected=True).bounding_box()
        assert 0 <= tab["x"] < tab["x"] + tab["width"] <= 390
        page.get_by_role("tab", name="Against accelerators").click()
        assert not {"20", "40.00"} & set(card())


class TestTogether:
    def test_up_to_four_results_side_by_side_with_what_differs_first(self, opened):
        entries = [
            on_eight(number, 10.0 * number, runs_minutes=[9.0 * number, 11.0 * number], rcp_factor=1.0 + number / 4)
            for number in range(1, 6)
        ]
        page = opened(entries, benchmark=TUNING)
        for system in ("machine-1", "machine-2"):
            page.locator(f"{ROWS} button", has_text=system).click()
            page.locator("#panel").get_by_role("button", name="Compare", exact=True).click()
        page.locator("#panel").get_by_role("button", name="Side by side (2)").click()
        assert page.locator("#chart circle").count() == 4
        assert "machine-2: 0.5 times as fast as machine-1; derived." in page.locator("#notes").inner_text()
        rows = [line.split("\t") for line in page.locator("#figures tbody tr").all_inner_texts()]
        keys = [row[0] for row in rows]
        assert keys.index("Result") < keys.index("division")
        assert rows[keys.index("Result")][1:] == ["10 min.", "20 min."]
        assert rows[keys.index("rcp_factor")][1:] == ["1.25", "1.5"]  # a ratio has no unit
        uids = [entry["uid"] for entry in entries]
        page = opened(entries, benchmark=TUNING, view="compare", compare=uids[:4], result=uids[4])
        remove = page.locator("#figures").get_by_role("button", name="Remove from the comparison")
        assert remove.count() == 4
        assert page.locator("#panel").get_by_role("button", name="Compare", exact=True).is_disabled()
        page.emulate_media(media="print")
        assert remove.count() == 0

    @pytest.mark.parametrize("view", ["compare", "same-size"])
    def test_long_names_begin_on_a_phone_and_end_with_dots(self, opened, view):
        name = "machine with a name that is longer than a phone is wide"
        entries = [
            on_eight(
                number, 10.0 * number, runs_minutes=[9.0, 11.0], system=f"{number} {name}", accelerator=f"{number} {name}"
            )
            for number in (1, 2)
        ]
        page = opened(entries, benchmark=TUNING, view=view, compare=[entry["uid"] for entry in entries])
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_function("() => document.querySelector('#chart svg').getAttribute('width') < 390")  # drawn again
        names = page.locator("#chart [data-mark='y-axis tick label'] text")
        assert [text[-1] for text in names.all_text_contents()] == ["…", "…"]
        edge = page.locator("#chart svg").last.bounding_box()["x"]
        assert all(text.bounding_box()["x"] >= edge for text in names.all())

    def test_results_of_different_benchmarks_are_not_divided(self, opened):
        entries = [make_entry(1, runs_minutes=[1.0]), make_entry(2, task="text-to-image", runs_minutes=[2.0])]
        page = opened(entries, view="compare", compare=[entry["uid"] for entry in entries])
        assert "cannot be compared" in page.locator("#notes").inner_text()
        assert page.locator("#chart svg").count() == 0

    def test_systems_by_benchmarks(self, opened):
        entries = [
            on_eight(1, 20.0),
            make_entry(1, "5.0", "text-to-image", accelerators_count=8, Result=7.0, scaling_factor=1.1),
            on_eight(2, 30.0),
            on_eight(3, 40.0, "4.1"),
        ]
        page = opened(entries, view="matrix")
        rows = [line.split("\t") for line in page.locator("#figures tbody tr").all_inner_texts()]
        assert [row[1] for row in rows] == ["machine-1", "machine-2"]
        assert [row[-2:] for row in rows] == [["7.00 *", "20.00"], ["", "30.00"]]
        assert "*: there is something to know" in page.locator("#notes").inner_text()

    def test_several_families_and_all_submitters_in_one_chart_of_efficiency(self, opened):
        entries = [
            make_entry(number, submitter=submitter, accelerators_count=size, Result=minutes, global_batch_size=size)
            for number, (submitter, size, minutes) in enumerate(
                [("A", 8, 80.0), ("A", 80, 10.0), ("B", 8, 90.0), ("B", 16, 50.0), ("B", 160, 4.0)]
            )
        ]
        page = opened(entries, benchmark=TUNING, view="scaling")
        page.get_by_label("Add").select_option(label="all submitters · Made-up A1 · 5.0 (4 sizes)")
        page.get_by_label("Axis").select_option("efficiency")
        notes = page.locator("#notes").inner_text()
        assert "B · Made-up A1 · 5.0: from 8 to 160 accelerators, 90.00 to 4.00 minutes: 22.5 of 20.0 times, 113 %" in notes
        assert (
            "all submitters · Made-up A1 · 5.0: from 8 to 160 accelerators, 80.00 to 4.00 minutes: 20.0 of 20.0 times"
            in notes
        )
        rows = [line.split("\t") for line in page.locator("#figures tbody tr").all_inner_texts()]
        across = [(row[1], row[8]) for row in rows if row[0].startswith("all submitters")]
        assert across == [("8", "A"), ("16", "B"), ("80", "A"), ("160", "B")]  # each step says whose it is
        assert "efficiency" in texts(page)

    @pytest.fixture
    def limited(self, opened):
        """Four systems of 1 to 4 nodes with 8 accelerators; a function that sets an end of a range."""
        entries = [
            make_entry(number, accelerators_count=8 * number, number_of_nodes=number, Result=90.0 / number)
            for number in (1, 2, 3, 4)
        ]
        page = opened(entries, benchmark=TUNING)

        def limit(field, value):
            page.locator('.menu[data-name="ranges"] summary').click()
            page.get_by_label(field).fill(value)
            page.keyboard.press("Enter")
            page.keyboard.press("Escape")
            return page

        return limit

    def test_ranges_of_accelerators_and_nodes(self, limited):
        page = limited("Accelerators, from", "16")
        assert sorted(cells(page, "accelerators")) == ["16", "24", "32"]
        limited("Nodes, to", "3")
        assert sorted(cells(page, "accelerators")) == ["16", "24"]
        assert "accelerators=16-&nodes=-3" in page.url
        assert points(page) == 2

    def test_the_fewest_accelerators_below_a_time(self, limited):
        page = limited("Minutes, to", "30")
        page.get_by_role("columnheader", name="Number").get_by_role("button").click()
        assert cells(page, "accelerators") == ["24", "32"]
        page.reload()
        assert cells(page, "accelerators") == ["24", "32"]

    def test_a_vendor_or_a_generation_is_one_tick_and_a_long_list_can_be_searched(self, opened):
        names = [
            ("H100", "Hopper"),
            ("H200", "Hopper"),
            ("B200", "Blackwell"),
            *((f"X{place}", "") for place in range(12)),
        ]
        entries = [
            on_eight(
                number,
                10.0 + number,
                accelerator=name,
                accelerator_vendor="NVIDIA" if generation else "Other",
                accelerator_generation=generation,
            )
            for number, (name, generation) in enumerate(names)
        ]
        page = opened(entries, benchmark=TUNING)
        menu = page.locator('.menu[data-name="accelerator"]')
        menu.locator("summary").click()
        vendor, generation = (menu.get_by_role("checkbox", name=name, exact=True) for name in ("NVIDIA", "Hopper"))
        vendor.check()
        assert cells(page, "system") == ["machine-0", "machine-1", "machine-2"]
        generation.uncheck()
        assert cells(page, "system") == ["machine-2"]
        assert vendor.evaluate("({indeterminate}) => indeterminate")
        find = menu.get_by_label("Find in Accelerator")
        for words, found in (("h1", ["NVIDIA", "Hopper", "H100"]), ("hopper", ["NVIDIA", "Hopper", "H100", "H200"])):
            find.fill(words)
            assert [label.split("\n")[0] for label in menu.locator("label:visible").all_inner_texts()] == found
        find.fill("")
        vendor.check()
        vendor.uncheck()
        generation.check()
        assert cells(page, "system") == ["machine-0", "machine-1"]


class TestSmallThings:
    def test_words_are_explained_where_they_stand(self, opened):
        entry = on_eight(1, 20.0, scaling_factor=1.1, rcp_verdict="fail")
        page = opened([entry], benchmark=TUNING, view="", result=entry["uid"])
        page.locator("#words-of-mlperf summary").click()
        meanings = dict(
            zip(
                page.locator("#words-of-mlperf dt").all_inner_texts(),
                page.locator("#words-of-mlperf dd").all_inner_texts(),
                strict=True,
            )
        )
        for place, label, word in (
            ("#choice label", "Division", "Division"),
            ("#facts dt button", "Edition", "Edition"),
            ("#filters summary", "Availability", "Category"),
            ("#filters summary", "To know", "To know"),
            ("#scroll thead button", "To know", "To know"),
            ("#panel dt button", "Availability", "Category"),
            ("#panel dt button", "How it was scored", "Factor"),
            ("#panel dt button", "Convergence", "Verdict"),
        ):
            said = page.locator(place, has_text=label).first
            assert said.get_attribute("title") == meanings[word], label
        assert page.locator("#facts dt", has_text="Rounds here").locator("button").count() == 0

    def test_a_tap_or_the_focus_shows_what_a_mouse_shows(self, opened):
        page = opened([make_entry(1)], benchmark=TUNING)
        shown = page.locator(".meaning")
        session = page.context.new_cdp_session(page)
        for place, said in (
            ("#facts dt button", "A benchmark with one model"),
            ("#scroll thead button[data-key=score]", "the score: mean over the kept runs"),
            ("#filters summary[title]", "Available: can be bought or rented."),
        ):
            word = page.locator(place).first
            word.scroll_into_view_if_needed()
            box = word.bounding_box()
            middle = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
            for kind, touched in (("touchStart", [middle]), ("touchEnd", [])):
                session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})
            shown.wait_for()
            assert shown.inner_text().startswith(said)
            page.keyboard.press("Escape")
            assert shown.is_hidden()
        session.detach()
        page.locator("#facts dt button").focus()
        assert shown.inner_text().startswith("A benchmark with one model")
        page.keyboard.press("Tab")  # rounds need no words
        assert shown.is_hidden()
        page.keyboard.press("Tab")
        assert shown.inner_text().startswith("Available: can be bought or rented.")
        page.locator("#facts dt button").click()  # a mouse has shown it already
        assert shown.is_hidden()

    def test_a_site_opened_by_double_click_says_what_to_do(self, page, tmp_path):
        write_output(some_entries(), tmp_path / "site")
        page.goto((tmp_path / "site" / "index.html").as_uri())
        said = page.get_by_role("alert").inner_text()
        assert "python -m http.server" in said
        assert "--output report.html" in said
        assert page.errors == []

    def test_data_that_cannot_be_read_is_a_message(self, page, tmp_path):
        write_output(some_entries(), tmp_path / "site")
        (tmp_path / "site" / "results.json").write_text("{")
        with serve(tmp_path / "site") as address:
            page.goto(address)
            assert "cannot be read" in page.get_by_role("alert").inner_text()

    def test_escape_closes_the_columns_and_leaves_the_result(self, opened):
        entry = make_entry(1)
        page = opened([entry], benchmark=TUNING, result=entry["uid"])
        page.locator("#results .menu summary").click()
        page.keyboard.press("Escape")
        assert page.locator("#results .menu").get_attribute("open") is None
        assert page.locator("#panel").is_visible()
        assert page.evaluate("document.activeElement.textContent") == "Columns"

    def test_a_result_opened_from_the_end_of_the_table_is_in_sight_and_gives_the_focus_back(self, opened):
        page = opened(some_entries(), benchmark=TUNING)
        button = page.locator(f"{ROWS} button").last
        button.scroll_into_view_if_needed()
        button.click()
        name = page.locator("#panel-title").inner_text().partition(": ")[2]
        box = page.locator("#panel-title").bounding_box()
        assert 0 <= box["y"] < page.viewport_size["height"]
        page.keyboard.press("Escape")
        assert page.locator("#panel").is_hidden()
        assert page.evaluate("document.activeElement.textContent") == name
        page.keyboard.press("Enter")
        choose(page, "rounds", "5.0", "4.1")  # a filter does not take the focus into the panel
        assert page.locator("#panel").is_visible()
        assert page.evaluate("document.activeElement.closest('#panel')") is None

    def test_ticks_are_round(self, opened):
        page = opened([make_entry(1, Result=0.614358), make_entry(2, Result=0.71)], benchmark=TUNING)
        ticks = [text for text in texts(page) if re.fullmatch(r"[\d.,]+", text)]
        assert ticks
        assert all(len(text) <= 5 for text in ticks)

    def test_printed_all_columns_are_there(self, opened):
        page = opened(some_entries(), benchmark=TUNING)
        heads = page.locator("#scroll thead th").all_inner_texts()
        page.set_viewport_size({"width": 600, "height": 900})
        page.emulate_media(media="print")
        shown = page.locator(f"{ROWS}").first.locator("th:visible, td:visible")
        assert shown.count() == len(heads)
        page.emulate_media(media="screen")

    def test_printed_no_table_is_wider_than_the_paper(self, opened):
        page = opened(some_entries())
        page.set_viewport_size({"width": 740, "height": 900})
        page.emulate_media(media="print")
        assert page.locator("#figures thead th").count() == 13
        assert page.evaluate("document.documentElement.scrollWidth") <= 740
        page.emulate_media(media="screen")

    def test_the_rank_over_all_sizes_is_no_column_until_it_is_chosen(self, opened):
        entries = [on_eight(number, 10.0 * number, rank=number) for number in (1, 2)]
        page = opened(entries, benchmark=TUNING, result=entries[1]["uid"])
        assert not any("Rank" in head for head in page.locator("#scroll thead th").all_inner_texts())
        assert "2 of 2 in its round, derived" in page.locator("#panel").inner_text()
