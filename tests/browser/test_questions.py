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
    """The page as it opens; at the end nothing must have gone wrong on it."""
    page.goto(answers.file.as_uri())
    yield page
    assert page.errors == []


@pytest.fixture
def all_closed(answers):
    """The results of Training in the closed division."""
    return answers.entries[(answers.entries.division == "closed") & (answers.entries.suite == "training")]


@pytest.fixture
def closed(all_closed):
    """The same without those whose runs were handed in before."""
    rows = all_closed
    rows = rows.assign(order=rows.version.map(float), no_energy=rows.energy_kwh.isna()).sort_values(["order", "no_energy"])
    return rows[~rows.duplicated(["edition", "runs_digest"]) | rows.runs_digest.isna()]


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
        spread = statistics.median(rows.minutes_spread.dropna())
        said = asked.locator("#facts div", has_text="Median spread of runs").inner_text()
        assert said.split("\n")[-1] == f"{spread * 100:.{1 if spread < 0.1 else 0}f} %"
    rows = closed[closed.edition == edition]
    asked.locator("#scroll tbody button").first.click()
    runs = sorted(rows.loc[rows.Result.idxmin()].runs_minutes)
    listed = asked.locator("#panel .note").inner_text().partition("the line is the score. ")[2].rstrip(".").split(", ")
    assert [float(minutes.replace(",", "")) for minutes in listed] == pytest.approx(runs, rel=0.005, abs=6e-5)
    assert asked.locator("#panel svg circle").count() == len(runs)


def test_nothing_is_set_against_what_it_cannot_be_compared_with(asked, closed, all_closed):
    """Goes through all benchmarks: what is drawn is of one edition and division, and every ratio is one within it."""
    changes = asked.locator("#figures tbody tr").all_inner_texts()
    titles = [line.partition("\t")[0] for line in changes]
    assert sorted(title for title in titles if title in set(closed.edition_title)) == sorted(set(closed.edition_title))
    for title, rows in all_closed.groupby("edition_title"):
        best = rows.groupby("version").Result.min().sort_index(key=lambda labels: labels.map(float))
        (change,) = [line for line in changes if line.startswith(f"{title}\t")]
        if len(best) > 1:
            assert f"\t{figure(best.iloc[-2])} in {best.index[-2]}\t{times(best.iloc[-2] / best.iloc[-1])}\t" in change
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
