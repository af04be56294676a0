"""The questions that people bring, answered by clicks on the page of real rounds; pandas knows the right answers."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import PROJECT

pd = pytest.importorskip("pandas")

BOUGHT = ("available", "available cloud", "available on-premise")
NVIDIA_LLM = "llama2_70b_lora-4.0"


@pytest.fixture(scope="session")
def answers(real_home):
    """The page of the rounds 0.7, 3.0 and 4.1 with the findings of their import, and their entries as a table."""
    work = Path(real_home["WORK"])
    subprocess.run(
        [sys.executable, str(PROJECT / "run.py"), "report"], cwd=work, env={**os.environ, **real_home}, check=True
    )
    entries = pd.DataFrame(json.loads((work / "summary_results.json").read_text(encoding="utf-8")))
    return SimpleNamespace(file=work / "mlperf-training-results.html", entries=entries)


@pytest.fixture
def asked(page, answers):
    """The page of all benchmarks; at the end nothing must have gone wrong on it."""
    page.goto(f"{answers.file.as_uri()}#benchmark=all")
    yield page
    assert page.errors == []


#: More clicks and choices than these must no question take.
MOST_CLICKS = 8
COUNT_CLICKS = """
  window.clicks = 0;
  addEventListener("click", (event) => { clicks += event.isTrusted; }, true);
  addEventListener("change", (event) => { clicks += event.target.matches("select"); }, true);
"""


@pytest.fixture
def first_screen(page, answers):
    """The page as it opens, which counts clicks and choices in lists; a question must take few of them."""
    page.goto(answers.file.as_uri())
    page.evaluate(COUNT_CLICKS)
    yield page
    assert page.evaluate("clicks") <= MOST_CLICKS
    assert page.errors == []


@pytest.fixture
def all_closed(answers):
    """The results of Training in the closed division."""
    return answers.entries[(answers.entries.division == "closed") & (answers.entries.suite == "training")]


@pytest.fixture
def closed(all_closed):
    """The same without those whose runs were handed in before with the same score."""
    rows = all_closed
    rows = rows.assign(order=rows.version.map(float), no_energy=rows.energy_kwh.isna()).sort_values(["order", "no_energy"])
    return rows[~rows.duplicated(["edition", "runs_digest", "Result"]) | rows.runs_digest.isna()]


def choose_benchmark(page, rows, edition: str) -> None:
    title = rows[rows.edition == edition].edition_title.iloc[0]
    page.locator("#benchmark").select_option(label=title)


def choose(page, menu: str, *values: str) -> None:
    body = page.locator(f'.menu[data-name="{menu}"]')
    body.locator("summary").click()
    for value in values:
        body.get_by_role("checkbox", name=value).first.check()
    page.keyboard.press("Escape")


def size(page, number: int) -> None:
    page.get_by_role("combobox", name="Number of accelerators").select_option(str(number))


def notes(page) -> str:
    return page.locator("#notes").inner_text()


def figure(value: float) -> str:
    return f"{value:,.{1 if value >= 100 else 2 if value >= 1 else 4}f}"


def times(value: float) -> str:
    return f"{value:.2f}" if value < 2 and round(value, 1) != round(value, 2) else f"{value:.1f}"


def test_which_accelerator_is_fastest_and_by_how_much(asked, closed):
    rows = closed[(closed.edition == NVIDIA_LLM) & (closed.accelerators_count == 8)]
    best = rows.loc[rows.groupby("accelerator").Result.idxmin()].set_index("accelerator")
    fastest, other = best.Result.idxmin(), "H100"
    choose_benchmark(asked, closed, NVIDIA_LLM)
    asked.get_by_role("tab", name="Same size").click()
    size(asked, 8)
    asked.get_by_label("Compare with").select_option(label=other)
    said = notes(asked)
    assert f"Fastest: {fastest}, {figure(best.Result[fastest])} minutes (4.1" in said
    assert (
        f"{times(best.Result[other] / best.Result[fastest])} times as fast as {other}, {figure(best.Result[other])} minutes"
        in said
    )


def test_how_a_benchmark_improved_over_the_rounds(asked, all_closed):
    """Runs that were handed in again count here, as they may be the best of a round."""
    rows = all_closed[(all_closed.edition == "bert-1.0") & (all_closed.accelerators_count == 8)]
    rows = rows[rows.availability_category.isin(BOUGHT)]
    best = rows.groupby("version").Result.min()
    choose_benchmark(asked, all_closed, "bert-1.0")
    choose(asked, "availability", *sorted(set(rows.availability_category)))
    size(asked, 8)
    asked.get_by_role("tab", name="Over the rounds").click()
    said = notes(asked)
    assert f"From {figure(best['3.0'])} minutes in 3.0" in said
    assert f"to {figure(best['4.1'])} minutes in 4.1" in said
    assert f": {times(best['3.0'] / best['4.1'])} times as fast" in said


def test_who_has_measured_energy_and_is_most_efficient(asked, answers):
    measured = answers.entries[answers.entries.energy_kwh.notna() & (answers.entries.division == "closed")]
    asked.get_by_role("tab", name="Energy").click()
    assert f"{len(measured)} result{'s' if len(measured) > 1 else ''} with measured energy" in notes(asked)
    for edition, rows in measured.groupby("edition"):
        choose_benchmark(asked, measured, edition)
        asked.get_by_role("tab", name="Energy").click()
        for number, same in rows.groupby("accelerators_count"):
            least = same.loc[same.energy_kwh.idxmin()]
            assert (
                f"{figure(least.energy_kwh)} kWh on {int(number):,} ({least.accelerator}, {least.submitter_name}"
                in notes(asked)
            )


def test_how_well_a_system_scales(asked, closed):
    rows = closed[(closed.edition == "gpt3-3.0") & (closed.version == "4.1")]
    families = rows.groupby(["submitter_name", "accelerator", "version"])
    name, family = max(families, key=lambda group: (group[1].accelerators_count.nunique(), group[0]))
    best = family.groupby("accelerators_count").Result.min().sort_index()
    (first, last), (slow, fast) = best.index[[0, -1]], best.iloc[[0, -1]]
    speedup, ideal = slow / fast, last / first
    choose_benchmark(asked, closed, "gpt3-3.0")
    asked.get_by_role("tab", name="Scaling").click()
    options = asked.get_by_role("combobox", name="Family").locator("option").all_inner_texts()
    asked.get_by_role("combobox", name="Family").select_option(
        label=next(text for text in options if text.startswith(" · ".join(name)))
    )
    said = notes(asked)
    assert f"from {int(first):,} to {int(last):,} accelerators, {figure(slow)} to {figure(fast)} minutes" in said
    assert f"{times(speedup)} of {times(ideal)} times, {speedup / ideal:.0%}".replace("%", " %") in said


def test_all_results_of_a_submitter_in_a_round(asked, answers):
    rows = answers.entries[(answers.entries.submitter_name == "Dell") & (answers.entries.version == "4.1")]
    asked.locator("#division").select_option("all")
    choose(asked, "submitter", "Dell")
    choose(asked, "rounds", "4.1")
    assert len(rows) == 25
    assert asked.locator("#count").inner_text().startswith("25 results of ")
    assert asked.locator("#scroll table").get_attribute("aria-rowcount") == "26"


def test_how_noisy_a_result_is(asked, closed):
    for edition, rows in closed.groupby("edition"):
        choose_benchmark(asked, closed, edition)
        asked.get_by_role("tab", name="Against accelerators").click()
        spread = statistics.median(rows.minutes_spread.dropna())
        said = asked.locator("#facts div", has_text="Median spread of runs").inner_text()
        assert said.split("\n")[-1] == f"{spread * 100:.{1 if spread < 0.1 else 0}f} %"
    rows = closed[closed.edition == edition]
    asked.locator("#scroll tbody button").first.click()
    best = rows.loc[rows.Result.idxmin()].fillna({"scaling_factor": 1})
    runs = sorted(best.runs_minutes)
    listed = (
        asked.locator("#panel .note")
        .inner_text()
        .rstrip(".")
        .rpartition(". " if best.scaling_factor == 1 else ": ")[2]
        .split(", ")
    )
    assert [float(minutes.replace(",", "")) for minutes in listed] == pytest.approx(runs, rel=0.005, abs=6e-5)
    assert asked.locator("#panel svg circle").count() == len(runs)


def test_nothing_is_set_against_what_it_cannot_be_compared_with(asked, closed, all_closed):
    """Goes through all benchmarks: what is drawn is of one edition and division, and every ratio is one within it."""
    changes = asked.locator("#figures tbody tr").all_inner_texts()
    titles = [line.partition("\t")[0] for line in changes]
    assert sorted(title for title in titles if title in set(closed.edition_title)) == sorted(set(closed.edition_title))
    for title, rows in all_closed.groupby("edition_title"):
        *_, before, last = [None, *sorted(set(rows.version), key=float)]
        best = rows[rows.version == last].sort_values("Result").iloc[0]
        (change,) = [line for line in changes if line.startswith(f"{title}\t")]
        same = rows[(rows.version == before) & (rows.accelerators_count == best.accelerators_count)]
        if len(same):
            other = same.Result.min()
            assert f"\t{figure(other)} in {before} (" in change
            assert f")\t{times(other / best.Result)}\t" in change
    for edition, rows in closed.groupby("edition"):
        choose_benchmark(asked, closed, edition)
        asked.get_by_role("tab", name="Against accelerators").click()
        drawn = rows[rows.accelerators_count > 0]
        assert asked.locator("#chart .points > *").count() == len(drawn), edition
        for view in ("Same size", "Over the rounds", "Scaling"):
            asked.get_by_role("tab", name=view).click()
            listed = asked.locator("#figures tbody button").all_inner_texts()
            systems = all_closed[all_closed.edition == edition].system
            assert set(listed) <= set(systems), (edition, view)


def test_who_is_fastest_on_the_first_screen(first_screen, all_closed):
    rows = all_closed[(all_closed.edition == NVIDIA_LLM) & (all_closed.accelerators_count == 8)]
    best = rows.loc[rows.groupby("accelerator").Result.idxmin()].set_index("accelerator")
    fastest = best.Result.idxmin()
    first_screen.get_by_role("radio", name="Llama 2 70B with LoRA").check()
    first_screen.get_by_label("Times as fast as").select_option(label="H100")
    lead = first_screen.locator(".lead").inner_text()
    assert f"{fastest}: {figure(best.Result[fastest])} minutes on 8 " in lead
    assert f"{times(best.Result['H100'] / best.Result[fastest])} times as fast as H100" in lead


def test_how_far_a_large_model_scales_across_submitters(first_screen, closed):
    rows = closed[(closed.edition == "gpt3-3.0") & (closed.version == "4.1") & (closed.accelerator == "H100")]
    best = rows.groupby("accelerators_count").Result.min().sort_index()
    first_screen.get_by_role("radio", name="GPT-3 175B").check()
    first_screen.get_by_role("tab", name="Scaling").click()
    family = first_screen.get_by_role("combobox", name="Family")
    wanted = [
        text for text in family.locator("option").all_inner_texts() if text.startswith("all submitters") and "H100" in text
    ]
    family.select_option(label=next(text for text in wanted if "4.1" in text))
    (first, last), (slow, fast) = best.index[[0, -1]], best.iloc[[0, -1]]
    said = notes(first_screen)
    assert f"from {int(first):,} to {int(last):,} accelerators, {figure(slow)} to {figure(fast)} minutes" in said
    assert f"{times(slow / fast)} of {times(last / first)} times" in said


def test_the_fewest_accelerators_that_train_within_a_time(first_screen, closed):
    rows = closed[(closed.edition == NVIDIA_LLM) & (closed.Result <= 30)]
    first_screen.get_by_role("radio", name="Llama 2 70B with LoRA").check()
    first_screen.get_by_role("tab", name="Against accelerators").click()
    first_screen.locator('.menu[data-name="ranges"] summary').click()
    first_screen.get_by_label("Minutes, to").fill("30")
    first_screen.keyboard.press("Enter")
    first_screen.keyboard.press("Escape")
    first_screen.get_by_role("columnheader", name="Number").get_by_role("button").click()
    assert (
        first_screen.locator("#scroll tbody .at-accelerators").first.inner_text()
        == f"{int(rows.accelerators_count.min()):,}"
    )
    assert first_screen.locator("#count").inner_text().startswith(f"{len(rows)} results of ")


def test_which_results_of_a_round_should_be_read_with_care(first_screen, answers):
    rows = answers.entries[(answers.entries.version == "4.1") & (answers.entries.division == "closed")]
    doubtful = rows[rows.doubts.map(lambda codes: isinstance(codes, list))]
    first_screen.locator("#benchmark").select_option("all")
    choose(first_screen, "rounds", "4.1")
    choose(first_screen, "trust", "findings")
    first_screen.get_by_role("tab", name="To read with care").click()
    listed = [line.split("\t") for line in first_screen.locator("#figures tbody tr").all_inner_texts()]
    assert set(doubtful.system) <= {row[0] for row in listed}
    for _, entry in doubtful.iterrows():
        assert any(row[0] == entry.system and all(code in row[-1].lower() for code in entry.doubts) for row in listed)


def test_two_systems_side_by_side(first_screen, answers):
    first_screen.get_by_role("radio", name="Llama 2 70B with LoRA").check()
    for place in (0, 1):
        first_screen.locator("#scroll tbody button").nth(place).click()
        first_screen.locator("#panel").get_by_role("button", name="Compare", exact=True).click()
    first_screen.get_by_role("button", name="Side by side (2)").click()
    rows = {
        row[0]: row[1:] for row in (line.split("\t") for line in first_screen.locator("#figures tbody tr").all_inner_texts())
    }
    entries = answers.entries.set_index("uid").loc[rows["uid"]]
    assert [float(text.split()[0]) for text in rows["Result"]] == pytest.approx(list(entries.Result))


def test_what_software_gained_on_the_same_accelerators(first_screen, all_closed):
    rows = all_closed[
        (all_closed.edition == "bert-1.0") & (all_closed.accelerators_count == 8) & (all_closed.accelerator == "H100")
    ]
    best = rows.groupby("version").Result.min()
    first_screen.get_by_role("radio", name="BERT").check()
    choose(first_screen, "accelerator", "H100")
    first_screen.get_by_role("tab", name="Over the rounds").click()
    size(first_screen, 8)
    said = notes(first_screen)
    assert f"From {figure(best['3.0'])} minutes in 3.0 (H100" in said
    assert f"to {figure(best['4.1'])} minutes in 4.1 (H100" in said


def test_what_compares_refuses_what_cannot_be_compared(asked):
    refused = """(change) => {
      const edition = {id: "bert-1.0"};
      const one = {edition, division: "closed", score: 1, index: 0};
      const other = {...one, ...change};
      const tried = [
        () => modules.compare.best([one, other]), () => modules.compare.timesAsFast(one, other),
        () => modules.compare.bestOfEach([one, other], () => ""),
      ];
      return tried.map((act) => {
        try { act(); } catch (error) { return /not comparable/.test(error.message); }
        return false;
      });
    }"""
    assert asked.evaluate(refused, {}) == [False, False, False]
    assert asked.evaluate(refused, {"division": "open"}) == [True, True, True]
    assert asked.evaluate(refused, {"edition": {"id": "bert-0.7"}}) == [True, True, True]
    assert asked.evaluate(refused, {"edition": {"id": "hpc/bert-1.0"}}) == [True, True, True]
