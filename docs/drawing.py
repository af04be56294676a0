"""The style and the place of the figures in the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = Path(__file__).resolve().parent / "figures"

#: Colours by Okabe and Ito, safe for colour-blind readers.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#56B4E9", "#CC79A7", "#E69F00")


def begin(salt: str) -> None:
    """Sets the style; the same salt and the same data give the same bytes."""
    matplotlib.rcParams.update({"font.size": 10, "svg.hashsalt": salt})
    FIGURES.mkdir(exist_ok=True)


def save(figure: Figure, name: str) -> None:
    """Writes a figure under a name, without a date in the file."""
    for side in ("top", "right"):
        figure.axes[0].spines[side].set_visible(False)
    figure.savefig(FIGURES / f"{name}.svg", metadata={"Date": None})


def offset(number: int) -> float:
    """Spreads the dots of a row over its height, so that they do not hide each other."""
    return ((number * 5) % 13 - 6) / 18
