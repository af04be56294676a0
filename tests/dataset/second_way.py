"""The questions of ``docs/dataset.md`` a second time: tables of pandas in, the same rows out.

What is repeated is worked out here again, from the digests, and not taken from the columns that say it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Tables = dict[str, pd.DataFrame]
RUN = ["round", "log"]


def read_tables(folder: Path) -> Tables:
    """Every table of a data set, rounds in their order."""
    tables = {place.name: pd.read_parquet(place) for place in folder.iterdir() if any(place.glob("*.parquet"))}
    return {name: table.sort_values("round", kind="stable", key=_order) for name, table in tables.items()}


def _order(labels: pd.Series) -> pd.Series:
    return labels.map(lambda label: (label.startswith("hpc-"), [int(part) for part in label.split("-")[-1].split(".")]))


def runs_once(tables: Tables) -> pd.DataFrame:
    """Runs without those that repeat another; one of a result goes before one of none."""
    runs = tables["runs"]
    known = runs[runs.digest.notna()].sort_values("uid", kind="stable", key=pd.isna)
    return pd.concat([known.drop_duplicates(["benchmark", "digest"]), runs[runs.digest.isna() & runs.repeat_of.isna()]])


def results_once(tables: Tables) -> pd.DataFrame:
    """Results without those of which all runs are those of an earlier one."""
    digests = tables["runs"].dropna(subset=["uid", "digest"]).groupby("uid").digest.agg(lambda said: " ".join(sorted(said)))
    results = tables["results"]
    same = results.assign(runs=results.uid.map(digests).fillna(results.uid)).duplicated(["benchmark", "metric", "runs"])
    return results[~same]


def _runs_of_results(tables: Tables, **where: object) -> pd.DataFrame:
    """Each run once with the keys of its result that the questions need, of results with these keys."""
    results = tables["results"]
    for name, value in where.items():
        results = results[results[name] == value]
    named = results[["uid", "edition", "accelerator", "accelerators_count"]]
    return runs_once(tables).merge(named, on="uid")


def learning_curves(tables: Tables) -> pd.DataFrame:
    """Accelerator, log, minutes, quality."""
    results = tables["results"]
    asked = results[
        (results.edition == "llama2_70b_lora-4.0")
        & (results.division == "closed")
        & (results.accelerators_count == 8)
        & results.accelerator.isin(["H100", "H200", "B200"])
    ]
    fastest = asked.loc[asked.groupby("accelerator").Result.idxmin(), ["uid", "accelerator"]]
    runs = runs_once(tables).merge(fastest, on="uid")
    points = runs[runs.is_kept][[*RUN, "accelerator"]].merge(tables["evaluations"], on=RUN)
    points = points[~points.is_after_stop]
    return points.assign(minutes=points.time_ms / 60_000)[["accelerator", "log", "minutes", "quality"]]


def batch_size(tables: Tables) -> pd.DataFrame:
    """Source, batch size, million samples."""
    runs = _runs_of_results(tables, edition="bert-1.0", division="closed")
    runs = runs[runs.is_kept].dropna(subset=["global_batch_size", "samples"])
    points, benchmarks = tables["reference_points"], tables["benchmarks"]
    bert = points[points.benchmark == "bert"]
    last = bert["round"].iloc[-1:]
    editions = benchmarks[benchmarks.edition == "bert-1.0"][["round", "benchmark"]]
    bert = bert[bert["round"].isin(last)].merge(editions, on=["round", "benchmark"])
    both = pd.concat([runs.assign(source="round " + runs["round"]), bert.assign(source="reference")])
    return both.assign(million=both.samples / 1e6)[["source", "global_batch_size", "million"]]


def learning_rate(tables: Tables) -> pd.DataFrame:
    """Batch size, learning rate, results."""
    results = results_once(tables)
    results = results[(results.edition == "bert-1.0") & (results.division == "closed")]
    rates = tables["hyperparameters"].query("key == 'opt_base_learning_rate' and number > 0")[[*RUN, "number"]]
    runs = tables["runs"].merge(results[["uid"]], on="uid").dropna(subset=["global_batch_size"]).merge(rates, on=RUN)
    return runs.groupby(["global_batch_size", "number"]).uid.nunique().reset_index()


def spread(tables: Tables) -> pd.DataFrame:
    """Edition, spread of each result, their median."""
    runs = _runs_of_results(tables, division="closed", metric="time-to-train").query("minutes > 0")
    minutes = runs.groupby(["edition", "uid"]).minutes.agg(["min", "max", "median", "count"]).query("count > 1")
    spreads = ((minutes["max"] - minutes["min"]) / minutes["median"] * 100).rename("spread").reset_index()
    middle = spreads.groupby("edition").spread.transform("median")
    return spreads.assign(middle=middle)[["edition", "spread", "middle"]]


def evaluation(tables: Tables) -> pd.DataFrame:
    """Edition, five quantiles as a list."""
    runs = _runs_of_results(tables, division="closed").query("minutes > 0 and evaluation_ms > 0")
    percent = (runs.evaluation_ms / 600 / runs.minutes).groupby(runs.edition)
    return percent.apply(lambda said: said.quantile([0.1, 0.25, 0.5, 0.75, 0.9]).tolist()).reset_index()


def drift(tables: Tables) -> pd.DataFrame:
    """Benchmark, results, least, median and largest drift."""
    measured = tables["measurements"].query("name == 'throughput' and value > 0")[[*RUN, "time_ms", "value"]]
    runs = runs_once(tables)
    points = runs[runs.is_kept].merge(measured, on=RUN)
    points["part"] = points.time_ms / (points.run_stop_ms - points.run_start_ms)
    points = points[points.part.between(0, 1)]
    count = points.groupby(["uid", "log"]).size()
    quarters = points[points.part <= 0.25], points[points.part > 0.75]
    first, last = (quarter.groupby(["uid", "log"]).value.median() for quarter in quarters)
    ratios = (last / first)[count >= 20].dropna()
    drifts = ratios.groupby("uid").median().rename("drift").reset_index().merge(tables["results"][["uid", "benchmark"]])
    return drifts.groupby("benchmark").drift.agg(["count", "min", "median", "max"]).reset_index()


def samples(tables: Tables) -> pd.DataFrame:
    """Edition, batch size, submitter, runs, median of samples."""
    runs = _runs_of_results(tables, division="closed")
    runs = runs[runs.is_kept].dropna(subset=["samples"])
    runs["name"] = runs.submitter_name.fillna(runs.submitter)
    groups = runs.groupby(["edition", "global_batch_size", "name"], dropna=False).samples.agg(["count", "median"])
    return groups[groups["count"] >= 5].reset_index()


def settings(tables: Tables) -> pd.DataFrame:
    """Round, benchmark, key, value."""
    results = tables["results"].query("division == 'closed' and metric == 'time-to-train'")
    fastest = results.loc[results.groupby(["round", "benchmark"]).Result.idxmin(), ["uid"]]
    said = tables["hyperparameters"].merge(fastest, on="uid")
    said = said[said.key.str.startswith("opt_") | (said.key == "global_batch_size")]
    values = said.groupby(["round", "benchmark", "key"]).value.agg(["nunique", "first"]).reset_index()
    return values[values["nunique"] == 1][["round", "benchmark", "key", "first"]]


def reasons(tables: Tables) -> pd.DataFrame:
    """Benchmark, code, runs."""
    runs = runs_once(tables).dropna(subset=["reason_code"])
    return runs.groupby(["benchmark", "reason_code"], dropna=False).size().reset_index()


def scaling(tables: Tables) -> pd.DataFrame:
    """Edition, round, submitter, accelerator, how many, accelerator-minutes, cost."""
    results = results_once(tables).query("division == 'closed' and metric == 'time-to-train' and accelerators_count > 0")
    results = results.sort_values(["accelerators_count", "accelerator_minutes"], kind="stable")
    group = ["edition", "round", "submitter_name", "accelerator"]
    first = results.groupby(group, dropna=False).accelerator_minutes.transform(lambda minutes: minutes.iloc[0])
    cost = results.accelerator_minutes / first
    return results.assign(cost=cost)[[*group, "accelerators_count", "accelerator_minutes", "cost"]]


def gain(tables: Tables) -> pd.DataFrame:
    """Edition, accelerator, how many, round, minutes, gain."""
    results = results_once(tables).query("division == 'closed' and metric == 'time-to-train'")
    results = results[results.accelerator_variant.notna() & ~results["round"].str.startswith("hpc-")]
    group = ["edition", "accelerator_variant", "accelerators_count"]
    best = results.groupby([*group, "round"], dropna=False).Result.min().reset_index()
    best = best.sort_values("round", kind="stable", key=_order)
    first = best.groupby(group, dropna=False).Result.transform("first")
    return best.assign(gain=first / best.Result)


def energy(tables: Tables) -> pd.DataFrame:
    """Edition, submitter, accelerator, how many, runs, kilowatt-hours."""
    runs = _runs_of_results(tables).dropna(subset=["energy_joules"])
    group = ["edition", "submitter_name", "accelerator", "accelerators_count"]
    joules = runs.groupby(group, dropna=False).energy_joules.agg(["count", "median"]).reset_index()
    return joules.assign(median=joules["median"] / 3.6e6)


#: The second way of each question, by its title.
WAYS = {
    "How fast do accelerators learn?": learning_curves,
    "How many samples does a larger batch need?": batch_size,
    "Which learning rate goes with which batch size?": learning_rate,
    "How far apart are the runs of a result?": spread,
    "How much time is lost in evaluation?": evaluation,
    "Does a system slow down while it trains?": drift,
    "Who needs how many samples to the target?": samples,
    "With which settings was the fastest result trained?": settings,
    "Why do runs not count?": reasons,
    "How well does training scale?": scaling,
    "How much faster did the same hardware become?": gain,
    "How much energy does a run take?": energy,
}


def assert_equal(sql: Sequence[tuple], second: pd.DataFrame) -> None:
    """Compares rows of DuckDB with those of the second way, in whatever order, numbers but for their last digits."""
    rows = [_plain(row) for row in second.itertuples(index=False)]
    expected = [_plain(row) for row in sql]
    assert len(rows) == len(expected)
    for row, other in zip(sorted(rows, key=_sortable), sorted(expected, key=_sortable), strict=True):
        assert row == pytest.approx(other, rel=1e-12)


def _plain(row: tuple) -> list:
    """The values of a row, those of lists one by one, and None for what is missing."""
    values = [part for value in row for part in (value if isinstance(value, list) else [value])]
    return [None if pd.isna(value) else value for value in values]


def _sortable(row: list) -> list[tuple[bool, str]]:
    return [(value is None, f"{value:.9g}" if isinstance(value, float) else str(value)) for value in row]
