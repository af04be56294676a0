"""Makes the figures of ``analysis.md`` and ``convergence.md`` from ``summary_results.json`` of an import of round 4.1.

Usage: ``python docs/make_figures.py summary_results.json``. Needs pandas and matplotlib.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from docs.drawing import begin, offset, save
from mlperf_training_import.results.reference import least_acceptable_mean, prune, reference_for
from mlperf_training_import.tables.references import reference_runs
from mlperf_training_import.tables.rules import benchmark_of

ROUND = "4.1"

#: Prefixes of accelerator names, and the colours of their dots (by Okabe and Ito, safe for colour-blind readers).
FAMILIES = {"B200": "#D55E00", "H200": "#0072B2", "H100": "#56B4E9", "TPU": "#009E73", "": "#999999"}


def load(file: Path) -> pd.DataFrame:
    """The closed results of one round, one row each."""
    results = pd.read_json(file, dtype={"version": str})
    return results[(results["version"] == ROUND) & (results["division"] == "closed")]


def fastest_per_accelerator(results: pd.DataFrame) -> pd.DataFrame:
    """The best result of each benchmark by accelerator minutes, and its lead over the median."""
    best = results.loc[results["rank_per_accelerator"] == 1]
    columns = ["Model_ID", "system", "accelerators_count", "accelerator_minutes", "speedup_per_accelerator"]
    return best[columns].sort_values("Model_ID")


def energy_against_time(results: pd.DataFrame) -> pd.DataFrame:
    """The counted runs of every result with power logs: minutes and kWh."""
    measured = results.dropna(subset=["energy_joules"])
    runs = measured[["system", "Model_ID", "runs_minutes", "energy_runs_joules"]]
    runs = runs.explode(["runs_minutes", "energy_runs_joules"]).astype({"runs_minutes": float, "energy_runs_joules": float})
    return runs.assign(kwh=runs["energy_runs_joules"] / 3.6e6)


def spread_of_runs(results: pd.DataFrame) -> pd.DataFrame:
    """How much the runs of a result differ: smallest, median and largest spread of each benchmark, in percent."""
    spread = results.groupby("Model_ID")["minutes_spread"]
    return spread.agg(["min", "median", "max"]).mul(100).sort_values("median")


def review_lines(results: pd.DataFrame, benchmark: str) -> pd.DataFrame:
    """The lines of the review by batch size, for one benchmark: the reference, and the least acceptable mean."""
    rules = benchmark_of(benchmark, ROUND)
    references = prune(reference_runs("training", benchmark, ROUND), rules.drop)
    smallest = results.loc[results["Model_ID"] == benchmark, "global_batch_size"].min()
    sizes = np.unique(np.geomspace(smallest, references[-1].batch_sizes[0], 200).round())
    found = [reference_for(size, references, rules.runs) for size in sizes]
    least = [least_acceptable_mean(one.mean, one.deviation, one.count, rules.runs - 2) for one in found]
    return pd.DataFrame({"mean": [one.mean for one in found], "least_acceptable": least}, index=sizes)


def draw_fastest_per_accelerator(results: pd.DataFrame) -> None:
    """One dot per result, one row per benchmark; dots right of the line are better than the median."""
    benchmarks = sorted(results["Model_ID"].unique(), reverse=True)
    figure, axes = plt.subplots(figsize=(8, 4.2), layout="constrained")
    axes.axvline(1, color="#444444", linewidth=0.8)
    for (family, colour), group in zip(FAMILIES.items(), _by_family(results), strict=True):
        rows = [benchmarks.index(key) + offset(number) for number, key in enumerate(group["Model_ID"])]
        axes.scatter(group["speedup_per_accelerator"], rows, color=colour, s=26, alpha=0.85, label=family or "other", lw=0)
    axes.set_xscale("log")
    axes.set_xticks([0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 4], ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "4"])
    axes.minorticks_off()
    axes.set_yticks(range(len(benchmarks)), benchmarks)
    axes.set_xlabel("speed-up per accelerator against the median of the benchmark (log scale)")
    axes.set_title(f"Work per accelerator, round {ROUND}, closed division", loc="left")
    axes.legend(title="accelerator", frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    save(figure, "fastest_per_accelerator")


def draw_energy_against_time(results: pd.DataFrame) -> None:
    """One dot per run of the systems with power logs."""
    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    runs = energy_against_time(results)
    (system,), (benchmark,) = runs["system"].unique(), runs["Model_ID"].unique()
    axes.scatter(runs["runs_minutes"], runs["kwh"], color="#0072B2", s=40, lw=0)
    kilowatts = runs["energy_runs_joules"].sum() / (runs["runs_minutes"].sum() * 60) / 1000
    ends = runs["runs_minutes"].agg(["min", "max"])
    axes.plot(ends, ends / 60 * kilowatts, color="#999999", linewidth=1, label=f"{kilowatts:.1f} kW, the mean of all runs")
    axes.legend(frameon=False, loc="upper left")
    axes.set_xlabel("minutes to train")
    axes.set_ylabel("energy to train in kWh")
    axes.set_title(
        f"Energy against time, round {ROUND}: {len(runs)} runs of {benchmark} on {system}", loc="left", fontsize=10
    )
    save(figure, "energy_against_time")


def draw_spread_of_runs(results: pd.DataFrame) -> None:
    """One dot per result, one row per benchmark, with the smallest spread on top and a line at the median."""
    order = list(spread_of_runs(results).index)[::-1]
    figure, axes = plt.subplots(figsize=(8, 4.2), layout="constrained")
    for row, benchmark in enumerate(order):
        spread = results.loc[results["Model_ID"] == benchmark, "minutes_spread"] * 100
        axes.scatter(spread, [row + offset(n) for n in range(len(spread))], color="#0072B2", s=22, alpha=0.6, lw=0)
        axes.plot([spread.median()] * 2, [row - 0.38, row + 0.38], color="#D55E00", linewidth=2)
    axes.set_yticks(range(len(order)), order)
    axes.set_xlim(left=0)
    axes.set_xlabel("slowest minus fastest run, in percent of the median run (orange: median of the benchmark)")
    axes.set_title(f"Spread of the runs of each result, round {ROUND}, closed division", loc="left")
    save(figure, "spread_of_runs")


def draw_convergence(results: pd.DataFrame) -> None:
    """One mark per result of a benchmark, shaped by its verdict, over the lines of the review."""
    benchmark = "bert"
    lines = review_lines(results, benchmark)
    figure, axes = plt.subplots(figsize=(8, 4.2), layout="constrained")
    axes.plot(lines.index, lines["mean"] / 1e6, color="#444444", linewidth=1.2, label="reference (RCP mean)")
    axes.plot(lines.index, lines["least_acceptable"] / 1e6, color="#D55E00", linewidth=1.2, label="least acceptable mean")
    chosen = results[results["Model_ID"] == benchmark]
    for verdict, marker in (("pass", "o"), ("fail", "X"), ("missing", "s")):
        group = chosen[chosen["rcp_verdict"] == verdict]
        if len(group):
            samples = group["samples_to_converge"] / 1e6
            axes.scatter(
                group["global_batch_size"], samples, marker=marker, color="#0072B2", s=34, alpha=0.7, lw=0, label=verdict
            )
    axes.set_xscale("log", base=2)
    axes.set_xticks([64, 256, 1024, 4096, 16384], ["64", "256", "1,024", "4,096", "16,384"])
    axes.set_ylim(bottom=2)
    axes.set_xlabel("global batch size (log scale)")
    axes.set_ylabel("million samples to target")
    axes.set_title(f"Convergence of {benchmark}, round {ROUND}, closed division", loc="left")
    axes.legend(frameon=False, loc="upper left")
    save(figure, "convergence")


def _by_family(results: pd.DataFrame) -> list[pd.DataFrame]:
    """The results of each family, in the order of the table; the last family has the rest."""
    accelerators = results["accelerator"].fillna("")
    names = accelerators.map(lambda name: next(family for family in FAMILIES if name.startswith(family)))
    return [results[names == family] for family in FAMILIES]


def main(file: Path) -> None:
    """Prints the tables and draws the figures."""
    begin(ROUND)
    results = load(file)
    for table in (fastest_per_accelerator, energy_against_time, spread_of_runs):
        print(table(results).to_string(), end="\n\n")
    draw_fastest_per_accelerator(results)
    draw_energy_against_time(results)
    draw_spread_of_runs(results)
    draw_convergence(results)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
