"""Makes the figures of ``dataset.md``: runs its SQL queries on a data set, and draws the answers.

Usage: ``python docs/make_dataset_figures.py <folder of the data set>``. Needs duckdb and matplotlib.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import matplotlib.pyplot as plt
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from docs.drawing import COLOURS, begin, offset, save
from mlperf_training_import.tables.dataset import dataset_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    Rows = Sequence[tuple]

DOCUMENT = Path(__file__).resolve().parent / "dataset.md"
_QUESTION = re.compile(r"```sql\n([^`]*)```\n\n!\[[^\]]*\]\(figures/(\w+)\.svg\)")


def questions() -> dict[str, str]:
    """The SQL queries of the document, by the names of their figures."""
    return {name: sql for sql, name in _QUESTION.findall(DOCUMENT.read_text(encoding="utf-8"))}


def every_question() -> dict[str, str]:
    """The SQL of every question, including those without a figure, by title."""
    found = re.findall(r"### ([^\n]+\?)\n.*?```sql\n([^`]*)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return dict(found)


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """A database with a view of each table of a data set."""
    connection = duckdb.connect()
    for name in dataset_tables():
        files = connection.read_parquet(str(folder / name / "*.parquet"))
        files.create_view(name)
    return connection


def draw_learning_curves(axes: Axes, rows: Rows) -> None:
    """Rows of accelerator, log, minutes, quality: a line for each log."""
    lines: dict[tuple, list[tuple]] = defaultdict(list)
    for accelerator, log, minutes, quality in rows:
        lines[accelerator, log].append((minutes, quality))
    accelerators = list(dict.fromkeys(accelerator for accelerator, _ in lines))
    for (accelerator, _), points in lines.items():
        colour = COLOURS[accelerators.index(accelerator)]
        axes.plot(*zip(*points, strict=True), color=colour, marker="o", markersize=3, linewidth=1, alpha=0.7)
    for accelerator, colour in zip(accelerators, COLOURS, strict=False):
        axes.plot([], [], color=colour, marker="o", markersize=3, label=accelerator)
    axes.axhline(0.925, color="#444444", linewidth=0.8, label="target")
    axes.set_xlim(left=0)
    axes.set_xlabel("minutes since the start of the run")
    axes.set_ylabel("loss of the evaluation")
    axes.set_title("Llama 2 70B LoRA on eight accelerators", loc="left")
    axes.legend(frameon=False)


def draw_batch_size(axes: Axes, rows: Rows) -> None:
    """Rows of source, batch size, million samples: a dot for each run, the median of each batch size as a bar."""
    sources = list(dict.fromkeys(source for source, *_ in rows))
    for source, colour, marker in zip(sources, COLOURS, "xosD", strict=False):
        points = [(size, samples) for of_source, size, samples in rows if of_source == source]
        width = 1 if marker == "x" else 0
        axes.scatter(*zip(*points, strict=True), color=colour, marker=marker, s=16, alpha=0.4, lw=width, label=source)
    handed_in = [row for row in rows if row[0] != "reference"]
    for size in sorted({size for _, size, _ in handed_in}):
        middle = np.median([samples for _, of_size, samples in handed_in if of_size == size])
        axes.plot([size / 1.08, size * 1.08], [middle] * 2, color="#444444", linewidth=2)
    _scale_batch_sizes(axes)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("million samples to the target")
    axes.set_title("BERT, rounds of one edition, closed division (bars: medians)", loc="left")
    axes.legend(frameon=False, loc="lower right")


def draw_learning_rate(axes: Axes, rows: Rows) -> None:
    """Rows of batch size, learning rate, results: a dot for each pair."""
    if rows:
        sizes, rates, counts = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
        axes.scatter(sizes, rates, s=counts * 12, color=COLOURS[0], alpha=0.6, lw=0)
        most = counts.argmax()
        ends = np.array([sizes.min(), sizes.max()])
        axes.plot(ends, rates[most] * np.sqrt(ends / sizes[most]), color="#999999", linewidth=1, label="square root")
        axes.legend(frameon=False, loc="upper left")
    _scale_batch_sizes(axes)
    axes.set_yscale("log")
    axes.set_ylabel("base learning rate (log scale)")
    axes.set_title("BERT, rounds of one edition, closed division", loc="left")


def draw_spread(axes: Axes, rows: Rows) -> None:
    """Rows of edition, spread, median: a row of dots for each edition."""
    editions = list(dict.fromkeys(edition for edition, *_ in rows))
    for row, edition in enumerate(editions):
        spreads = [spread for of_edition, spread, _ in rows if of_edition == edition]
        heights = [row + offset(number) for number in range(len(spreads))]
        axes.scatter(spreads, heights, color=COLOURS[0], s=14, alpha=0.5, lw=0)
    middles = [next(middle for of_edition, _, middle in rows if of_edition == edition) for edition in editions]
    for row, middle in enumerate(middles):
        axes.plot([middle] * 2, [row - 0.38, row + 0.38], color=COLOURS[1], linewidth=2)
    axes.set_yticks(range(len(editions)), editions)
    axes.set_xscale("log")
    axes.set_xlabel("slowest minus fastest run, in percent of the median run (log scale; orange: median)")
    axes.set_title("Spread of runs by edition, closed division", loc="left")


def draw_evaluation(axes: Axes, rows: Rows) -> None:
    """Rows of edition and five quantiles: a box for each."""
    names = ("whislo", "q1", "med", "q3", "whishi")
    boxes = [dict(zip(names, percent, strict=True)) for _, percent in rows]
    places = range(len(rows))
    axes.bxp(boxes, positions=places, orientation="horizontal", showfliers=False, medianprops={"color": COLOURS[1]})
    axes.set_yticks(places, [edition for edition, _ in rows])
    axes.set_xlim(left=0)
    axes.set_xlabel("percent of the run between eval_start and eval_stop")
    axes.set_title("Time in evaluation by edition, closed division", loc="left")


def _scale_batch_sizes(axes: Axes) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks([64, 256, 1024, 4096, 16384], ["64", "256", "1,024", "4,096", "16,384"])
    axes.set_xlabel("global batch size (log scale)")


#: The function that draws each figure, and its height in inches.
FIGURES_OF = {
    "dataset_learning_curves": (draw_learning_curves, 4.2),
    "dataset_batch_size": (draw_batch_size, 4.2),
    "dataset_learning_rate": (draw_learning_rate, 4.2),
    "dataset_spread": (draw_spread, 5.4),
    "dataset_evaluation": (draw_evaluation, 5.4),
}


def main(folder: Path) -> None:
    """Runs the queries, and draws the figures."""
    begin("dataset")
    with connect(folder) as connection:
        for name, sql in questions().items():
            draw, height = FIGURES_OF[name]
            rows = connection.sql(sql).fetchall()
            figure, axes = plt.subplots(figsize=(8, height), layout="constrained")
            draw(axes, rows)
            save(figure, name)
            plt.close(figure)
            print(f"{name}: {len(rows)} rows")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
