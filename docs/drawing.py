"""How the figures of the documentation look, and where they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = Path(__file__).resolve().parent / "figures"

#: The colours of Okabe and Ito, told apart by all eyes.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#56B4E9", "#CC79A7", "#E69F00")


def begin(salt: str) -> None:
    """Sets the style; the same salt and the same data make the same bytes."""
    matplotlib.rcParams.update({"font.size": 10, "svg.hashsalt": salt})
    FIGURES.mkdir(exist_ok=True)


def save(figure: Figure, name: str) -> None:
    """Writes a figure under a name, without a date in it."""
    for side in ("top", "right"):
        figure.axes[0].spines[side].set_visible(False)
    figure.savefig(FIGURES / f"{name}.svg", metadata={"Date": None})


def offset(number: int) -> float:
    """Spreads dots of one row over its height, so that they do not hide each other."""
    return ((number * 5) % 13 - 6) / 18
