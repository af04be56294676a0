"""The questions that people bring, answered by clicks on the page of real rounds; pandas knows the right answers."""

# ruff: noqa: RUF001 - the page has a sign for "times"

from __future__ import annotations

import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import PROJECT

BOUGHT = ("available", "available cloud", "available on-premise")
NVIDIA_LLM = "llama2_70b_lora-4.0"
#: The round whose learning curves are on the page: the smallest.
CURVES_OF = "hpc-0.7"
#: More clicks and choices than these must no question take.
MOST_CLICKS = 8
COUNT_CLICKS = """
  window.clicks = 0;
  addEventListener("click", (event) => { clicks += event.isTrusted; }, true);
  addEventListener("change", (event) => { clicks += event.target.matches("select"); }, true);
"""
#: Goes to the page as it opens, unless it is there; done once that is drawn.
OPEN = """() => {
  clicks = 0;
  return location.hash && new Promise((done) => {
    addEventListener("hashchange", () => done(), {once: true});
    location.hash = "";
  });
}"""


@pytest.fixture(scope="session")
def answers(real_home):
    """The page of five real rounds with findings, and learning curves of one; entries, evaluations and runs as tables."""
    pd = pytest.importorskip("pandas")
    work, env = Path(real_home["WORK"]), {**os.environ, **real_home}
    for command in (
        ("dataset", "--round", CURVES_OF, "--output", "curves", "--no_measurements"),
        ("report", "--dataset", "curves"),
    ):
        subprocess.run([sys.executable, str(PROJECT / "run.py"), *command], cwd=work, env=env, check=True)
    entries = pd.DataFrame(json.loads((work / "summary_results.json").read_text(encoding="utf-8")))
    evaluations, runs = (pd.read_parquet(work / "curves" / name) for name in ("evaluations", "runs"))
    return SimpleNamespace(file=work / "mlperf-training-results.html", entries=entries, evaluations=evaluations, runs=runs)


@pytest.fixture(scope="module")
def opened_once(chromium, answers):
    """The page, which counts clicks and choices in lists."""
    with contextlib.closing(chromium.new_context(viewport={"width": 1400, "height": 900})) as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(f"{answers.file.as_uri()}#view=care")
        page.evaluate(COUNT_CLICKS)
        yield page


@pytest.fixture
def asked(opened_once):
    """The page as it opens; a question must take few clicks and choices, and nothing must go wrong."""
    page = opened_once
    page.evaluate(OPEN)
    page.get_by_role("tab", name="Who is fastest", selected=True).wait_for()
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


def figures(page) -> list[list[str]]:
    """The cells of the rows of the tables below the chart."""
    return cells(page, "#figures tbody tr")


def cells(page, rows: str) -> list[list[str]]:
    return page.locator(rows).evaluate_all("all => all.map((row) => [...row.cells].map((cell) => cell.textContent))")


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
    asked.locator("#benchmark").select_option("all")
    asked.get_by_role("tab", name="Energy").click()
    assert f"{len(measured)} result{'s' if len(measured) > 1 else ''} with measured energy" in notes(asked)
    least = measured.loc[measured.groupby(["edition_title", "accelerators_count"]).energy_kwh.idxmin()]
    wanted = {
        (entry.edition_title, f"{int(entry.accelerators_count):,}", figure(entry.energy_kwh), entry.submitter_name)
        for _, entry in least.iterrows()
    }
    assert {(row[0], row[2], row[3], row[7]) for row in figures(asked)} == wanted


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
    asked.locator("#benchmark").select_option("all")
    asked.locator("#division").select_option("all")
    choose(asked, "submitter", "Dell")
    choose(asked, "rounds", "4.1")
    assert len(rows) == 25
    assert asked.locator("#count").inner_text().startswith("25 results of ")
    assert asked.locator("#scroll table").get_attribute("aria-rowcount") == "26"


def test_how_noisy_a_result_is(asked, closed):
    asked.locator("#benchmark").select_option("all")
    said = {row[0]: row[-1] for row in figures(asked)}
    for title, rows in closed.groupby("edition_title"):
        spread = statistics.median(rows.minutes_spread.dropna())
        assert said[title] == f"{spread * 100:.{1 if spread < 0.1 else 0}f} %"
    choose_benchmark(asked, closed, "resnet-0.6")
    asked.locator("#scroll tbody button").first.click()
    best = closed.set_index("uid").loc[asked.evaluate("new URLSearchParams(location.hash.slice(1)).get('result')")]
    factor = 1 if math.isnan(best.scaling_factor) else best.scaling_factor
    listed = asked.locator("#panel .note").inner_text().rstrip(".").rpartition(". " if factor == 1 else ": ")[2].split(", ")
    assert [float(minutes.replace(",", "")) for minutes in listed] == pytest.approx(
        sorted(best.runs_minutes), rel=0.005, abs=6e-5
    )
    assert asked.locator("#panel svg circle").count() == len(best.runs_minutes)


def test_nothing_is_set_against_what_it_cannot_be_compared_with(asked, answers, closed, all_closed):
    """Goes through all benchmarks: what is drawn is of one edition and division, and every ratio is one within it."""
    asked.locator("#benchmark").select_option("all")
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
    kinds = answers.entries.groupby("Model_ID").apply(lambda rows: len(rows[["edition", "division"]].drop_duplicates()))
    for edition, rows in closed.groupby("edition"):
        drawn = rows[rows.accelerators_count > 0]
        systems = set(all_closed[all_closed.edition == edition].system)
        others = ("same-size", "rounds", "scaling") if kinds[rows.Model_ID.iloc[0]] > 1 else ()  # else there is no other
        for view in ("sizes", *others):
            asked.evaluate(
                "(state) => { location.hash = new URLSearchParams(state); }", {"benchmark": edition, "view": view}
            )
            asked.locator(f"[data-view={view}][aria-selected=true]").wait_for()
            if view == "sizes":
                assert asked.locator("#chart .points > *").count() == len(drawn), edition
            else:
                assert set(asked.locator("#figures tbody button").all_inner_texts()) <= systems, (edition, view)


def test_who_is_fastest_on_the_first_screen(asked, all_closed):
    rows = all_closed[(all_closed.edition == NVIDIA_LLM) & (all_closed.accelerators_count == 8)]
    best = rows.loc[rows.groupby("accelerator").Result.idxmin()].set_index("accelerator")
    fastest = best.Result.idxmin()
    asked.get_by_role("radio", name="Llama 2 70B with LoRA").check()
    asked.get_by_label("Times as fast as").select_option(label="H100")
    lead = asked.locator(".lead").inner_text()
    assert f"{fastest}: {figure(best.Result[fastest])} minutes on 8 " in lead
    assert f"{times(best.Result['H100'] / best.Result[fastest])} times as fast as H100" in lead


def test_how_far_a_large_model_scales_across_submitters(asked, closed):
    rows = closed[(closed.edition == "gpt3-3.0") & (closed.version == "4.1") & (closed.accelerator == "H100")]
    best = rows.groupby("accelerators_count").Result.min().sort_index()
    asked.get_by_role("radio", name="GPT-3 175B").check()
    asked.get_by_role("tab", name="Scaling").click()
    family = asked.get_by_role("combobox", name="Family")
    wanted = [
        text for text in family.locator("option").all_inner_texts() if text.startswith("all submitters") and "H100" in text
    ]
    family.select_option(label=next(text for text in wanted if "4.1" in text))
    (first, last), (slow, fast) = best.index[[0, -1]], best.iloc[[0, -1]]
    said = notes(asked)
    assert f"from {int(first):,} to {int(last):,} accelerators, {figure(slow)} to {figure(fast)} minutes" in said
    assert f"{times(slow / fast)} of {times(last / first)} times" in said


def test_the_fewest_accelerators_that_train_within_a_time(asked, closed):
    rows = closed[(closed.edition == NVIDIA_LLM) & (closed.Result <= 30)]
    asked.get_by_role("radio", name="Llama 2 70B with LoRA").check()
    asked.get_by_role("tab", name="Against accelerators").click()
    asked.locator('.menu[data-name="ranges"] summary').click()
    asked.get_by_role("spinbutton", name="Minutes, to").fill("30")
    asked.keyboard.press("Enter")
    asked.keyboard.press("Escape")
    asked.get_by_role("columnheader", name="Number").get_by_role("button").click()
    assert asked.locator("#scroll tbody .at-accelerators").first.inner_text() == f"{int(rows.accelerators_count.min()):,}"
    assert asked.locator("#count").inner_text().startswith(f"{len(rows)} results of ")


def test_which_results_of_a_round_should_be_read_with_care(asked, answers):
    rows = answers.entries[(answers.entries.version == "4.1") & (answers.entries.division == "closed")]
    doubtful = rows[rows.doubts.map(lambda codes: isinstance(codes, list))]
    asked.locator("#benchmark").select_option("all")
    choose(asked, "rounds", "4.1")
    choose(asked, "trust", "findings")
    asked.get_by_role("tab", name="To read with care").click()
    listed = figures(asked)
    assert set(doubtful.system) <= {row[0] for row in listed}
    for _, entry in doubtful.iterrows():
        assert any(row[0] == entry.system and all(code in row[-1].lower() for code in entry.doubts) for row in listed)


def test_two_systems_side_by_side(asked, answers):
    asked.get_by_role("radio", name="Llama 2 70B with LoRA").check()
    for place in (0, 1):
        asked.locator("#scroll tbody button").nth(place).click()
        asked.locator("#panel").get_by_role("button", name="Compare", exact=True).click()
    asked.get_by_role("button", name="Side by side (2)").click()
    rows = {row[0]: row[1:] for row in figures(asked)}
    entries = answers.entries.set_index("uid").loc[rows["uid"]]
    assert [float(text.split()[0]) for text in rows["Result"]] == pytest.approx(list(entries.Result))


def test_what_software_gained_on_the_same_accelerators(asked, all_closed):
    rows = all_closed[
        (all_closed.edition == "bert-1.0") & (all_closed.accelerators_count == 8) & (all_closed.accelerator == "H100")
    ]
    best = rows.groupby("version").Result.min()
    asked.get_by_role("radio", name="BERT").check()
    choose(asked, "accelerator", "H100")
    asked.get_by_role("tab", name="Over the rounds").click()
    size(asked, 8)
    said = notes(asked)
    assert f"From {figure(best['3.0'])} minutes in 3.0 (H100" in said
    assert f"to {figure(best['4.1'])} minutes in 4.1 (H100" in said


def test_accelerators_of_several_vendors_or_generations_against_one_at_one_size(asked, all_closed):
    """As of AMD's MI300X, MI325X and MI355X against H200 and B200, which rounds have that are not at hand."""
    names, other = ("B200", "H100", "H200"), "H200"
    rows = all_closed[
        (all_closed.edition == NVIDIA_LLM) & (all_closed.accelerators_count == 8) & all_closed.accelerator.isin(names)
    ]
    best = rows.groupby("accelerator").Result.min().sort_values()
    asked.get_by_role("radio", name="Llama 2 70B with LoRA").check()
    choose(asked, "accelerator", *names)
    asked.get_by_label("Times as fast as").select_option(label=other)
    asked.locator("#figures summary").click()
    listed = [(row[0], row[1], row[2]) for row in figures(asked)[: len(names)]]
    assert listed == [(name, figure(minutes), times(best[other] / minutes)) for name, minutes in best.items()]


def test_weak_scaling_of_an_hpc_benchmark(asked, answers):
    rows = answers.entries[
        (answers.entries.metric == "throughput")
        & (answers.entries.Model_ID == "deepcam")
        & (answers.entries.division == "closed")
    ].sort_values("accelerators_count")
    title = f"{rows.edition_title.iloc[0]}, throughput"
    asked.locator("#benchmark").select_option(label=title)
    assert "weak scaling" in asked.locator("#facts").inner_text()
    asked.get_by_role("tab", name="Scaling").click()
    _, family = max(rows.groupby("submitter_name"), key=lambda group: len(group[1]))
    (first, last), (low, high) = family.accelerators_count.iloc[[0, -1]], family.Result.iloc[[0, -1]]
    said = notes(asked)
    assert f"from {int(first):,} to {int(last):,} accelerators, {figure(low)} to {figure(high)} models/min.: " in said
    assert (
        f"{times(high / low)} of {times(last / first)} times, {high / low / (last / first):.0%}".replace("%", " %") in said
    )
    models = asked.locator("#scroll tbody .at-models_trained").all_inner_texts()
    assert sorted(map(int, models)) == sorted(rows.models_trained.astype(int))


def test_one_learning_curve(asked, answers):
    rows = answers.entries[(answers.entries.version == CURVES_OF) & (answers.entries.division == "closed")]
    entry = rows[rows.edition == "cosmoflow-hpc-0.7"].sort_values("Result").iloc[0]
    choose_benchmark(asked, answers.entries, entry.edition)
    asked.get_by_role("tab", name="Against accelerators").click()
    asked.locator("#scroll tbody button").first.click()
    asked.locator(".curves summary").click()
    listed = {row[0].partition(" (")[0]: row[1:] for row in cells(asked, ".curves tbody tr")}
    evaluations = answers.evaluations[(answers.evaluations.uid == entry.uid) & answers.evaluations.quality.notna()]
    wanted = {}
    for log, points in evaluations.groupby("log"):
        last = points.sort_values("line").iloc[-1]
        wanted[log.rpartition("/")[2]] = [str(len(points)), figure(last.quality)]
    assert {name: [row[0], row[2]] for name, row in listed.items()} == wanted
    not_kept = answers.runs[(answers.runs.uid == entry.uid) & ~answers.runs.is_kept.fillna(False)]
    assert f"Dashed: {len(not_kept)} run" in asked.locator(".curves").inner_text()


def show(page, edition: str, view: str, **state) -> None:
    """Shows a view of an edition, without clicks."""
    state |= {"benchmark": edition, "view": view}
    page.evaluate("(state) => { location.hash = new URLSearchParams(state); }", state)
    page.locator(f"[data-view={view}][aria-selected=true]").wait_for()


def drawn(page) -> dict[str, tuple[float, float]]:
    """Where the points of the chart are, in pixels, by the uid of their result."""
    found = page.locator("#chart .points path").evaluate_all(
        "all => all.map((one) => [one.result.uid, ...one.getAttribute('transform').match(/[-\\d.e]+(?=[,)])/g)])"
    )
    return {uid: (float(x), float(y)) for uid, x, y in found}


def is_linear(pixels, values) -> bool:
    """Whether pixels are on an axis of values: the one follows from the other by a factor and a shift."""
    return abs(statistics.correlation(list(map(float, pixels)), list(map(float, values)))) > 1 - 1e-9


class TestDrawnAsInTheEntries:
    """Over real rounds: which results are drawn, where, and with which signs."""

    def test_throughputs_are_on_an_axis_of_models_per_minute(self, asked, answers):
        rows = answers.entries[(answers.entries.metric == "throughput") & (answers.entries.Model_ID == "deepcam")]
        rows = rows[rows.division == "closed"].set_index("uid")
        edition = f"hpc/throughput/{rows.edition.iloc[0]}"
        show(asked, edition, "sizes")
        places = drawn(asked)
        assert places.keys() == set(rows.index)
        rows = rows.loc[list(places)]
        assert is_linear([y for _, y in places.values()], rows.Result.map(math.log))
        assert is_linear([x for x, _ in places.values()], rows.accelerators_count.map(math.log))
        show(asked, edition, "same-size", size="4096")
        assert asked.locator("#chart [data-mark=tick]").count() == 0  # no run of one has a place on this axis
        assert figures(asked)[0][1] == figure(rows[rows.accelerators_count == 4096].Result.max())

    def test_repeated_runs_are_drawn_once_for_each_score(self, asked, opened, all_closed):
        """Here with another factor too, as a later round may give them; the rounds at hand have none."""
        repeats = all_closed[all_closed.runs_digest.notna() & all_closed.duplicated(["edition", "runs_digest"], keep=False)]
        edition = repeats.edition.iloc[0]
        rows = all_closed[all_closed.edition == edition]
        show(asked, edition, "sizes")
        once = rows[rows.runs_digest.isna() | ~rows.duplicated(["runs_digest", "Result"])]
        assert len(drawn(asked)) == (once.accelerators_count > 0).sum() < len(rows)
        twin = repeats[repeats.edition == edition].iloc[0]
        entries = [row.dropna().to_dict() for _, row in rows.iterrows()]
        entries.append(twin.dropna().to_dict() | {"uid": "twin", "scaling_factor": 1.1, "Result": twin.Result * 1.1})
        page = opened(entries, benchmark=edition, view="sizes")
        assert set(drawn(page)) - set(drawn(asked)) == {"twin"}

    def test_systems_on_processors_are_drawn_by_the_number_of_these(self, asked, answers):
        rows = answers.entries[(answers.entries.is_processor_only == True) & (answers.entries.edition == "dlrm-0.7")]  # noqa: E712
        assert len(rows)
        show(asked, "dlrm-0.7", "sizes", processors="only", division="closed")
        places = drawn(asked)
        rows = rows[rows.division == "closed"].set_index("uid").loc[list(places)]
        assert is_linear([x for x, _ in places.values()], rows.host_processors_count.map(math.log))
        assert is_linear([y for _, y in places.values()], rows.Result.map(math.log))
        eight = rows[rows.host_processors_count == 8]
        show(asked, "dlrm-0.7", "same-size", size="8 processors")
        assert figures(asked)[0][1] == figure(eight.Result.min())
        assert f"{len(eight)} results of " in asked.locator("#count").inner_text()

    def test_factors_are_in_scores_and_whiskers(self, asked, closed):
        rows = closed[(closed.edition == NVIDIA_LLM)].set_index("uid")
        show(asked, NVIDIA_LLM, "sizes")
        multiplied = rows[rows.scaling_factor.notna() & (rows.scaling_factor != 1)]
        assert asked.locator("#chart .signs text, #chart text.signs").count() == len(multiplied)
        fitting = multiplied[multiplied.accelerators_count == 8]
        for uid, row in fitting.iterrows():
            show(
                asked, NVIDIA_LLM, "same-size", size="8", words=row.system, submitter=row.submitter_name, rounds=row.version
            )
            listed = [cells for cells in figures(asked) if row.system in cells]
            ends = [figure(minutes * row.scaling_factor) for minutes in (min(row.runs_minutes), max(row.runs_minutes))]
            assert [figure(row.Result), " to ".join(ends)] in [cells[1:3] for cells in listed], uid
            assert any(f"× {row.scaling_factor:.4g}" in cells[-1] for cells in listed)
            kept = sorted(row.runs_minutes)[1:-1]
            assert statistics.fmean(kept) * row.scaling_factor == pytest.approx(row.Result)

    def test_verdicts_are_shapes_and_those_that_do_not_pass_are_listed(self, asked, answers):
        entries = answers.entries[(answers.entries.division == "closed") & (answers.entries.metric != "throughput")]
        entries = entries[entries.rcp_verdict.notna()].set_index("uid")
        for edition in set(entries[entries.rcp_verdict != "pass"].edition):
            show(asked, f"hpc/{edition}" if "hpc" in edition else edition, "convergence")
            shapes = asked.locator("#chart .points > *").evaluate_all(
                "all => all.map((one) => [one.result.uid, one.result.verdict, one.getAttribute('d')])"
            )
            said = {uid: verdict for uid, verdict, _ in shapes}
            assert said == entries.rcp_verdict.loc[list(said)].to_dict()
            assert len({(verdict, shape) for _, verdict, shape in shapes}) == len(set(said.values())) > 1
            listed = {row[0]: row[4] for row in figures(asked)}
            for _, entry in entries.loc[list(said)].query("rcp_verdict != 'pass'").iterrows():
                assert listed[entry.system].startswith(f"{entry.rcp_verdict}: ")
                if entry.rcp_verdict == "fail":
                    assert f"least that passes {entry.rcp_least_acceptable:,.0f}" in listed[entry.system]

    def test_doubts_are_rings_and_a_column(self, asked, closed):
        rows = closed[closed.edition == NVIDIA_LLM].set_index("uid")
        show(asked, NVIDIA_LLM, "sizes")
        rings = asked.locator("#chart .signs circle, #chart circle.signs").count()
        codes = dict(
            asked.locator("#chart .points path").evaluate_all(
                "all => all.map((one) => [one.result.uid, one.result.codes.join()])"
            )
        )
        assert rings == sum(bool(said) for said in codes.values()) > 0
        for uid, doubts in rows.doubts.items():
            assert set(doubts if isinstance(doubts, list) else ()) <= set(codes[uid].split(","))
        show(asked, NVIDIA_LLM, "sizes", trust="findings")
        assert {uid for uid, said in codes.items() if said} == set(drawn(asked))


#: Where the first row of the table ends on the first screen of each edition, in pixels from the top of the page.
FIRST_ROWS = """() => [...document.querySelectorAll("#benchmark optgroup option")].map(({value}) => {
  history.replaceState(null, "", `#${new URLSearchParams({benchmark: value})}`);
  dispatchEvent(new PopStateEvent("popstate"));
  const row = document.querySelector("#scroll tbody tr:not(.space)");
  return [value, row.getBoundingClientRect().bottom + scrollY];
})"""


def test_the_first_row_of_the_table_is_in_sight_on_the_first_screen_of_each_edition(asked):
    ends = dict(asked.evaluate(FIRST_ROWS))
    assert len(ends) > 20
    assert {edition for edition, end in ends.items() if end > asked.viewport_size["height"]} == set()


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
