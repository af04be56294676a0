"""Makes the record of a quality figure: value and metadata of its line in, an :class:`~..model.Evaluation` out."""

from __future__ import annotations

import itertools
from typing import Any

from ..model import Evaluation, LoggedValue
from ..values import finite_number

#: Keys of lines that give the quality of the model.
EVALUATION_KEYS = frozenset({"eval_accuracy", "eval_error"})
#: Benchmarks whose checkpoints are evaluated when the run is over, by many processes.
EVALUATED_AFTERWARDS = frozenset({"stable_diffusion", "minigo"})
#: Longer texts are cut, and further figures of an evaluation are dropped. Published ones have two figures.
LONGEST_TEXT = 200
_MOST_FIGURES = 20


def evaluation_of(value: object, metadata: dict[str, Any]) -> Evaluation:
    """The record of a figure, or of several in one line, given the parts of the line."""
    metric = metadata.get("metric")
    return Evaluation(
        value=_short(value) if isinstance(value, (int, float, str)) else _plain(value),
        epoch=finite_number(metadata.get("epoch_num", metadata.get("epoch"))),
        samples=finite_number(metadata.get("samples_count")),
        step=finite_number(metadata.get("step_num")),
        metric=metric[:LONGEST_TEXT] if isinstance(metric, str) else None,
        trained_samples=finite_number(metadata.get("train_samples_since_beginning")),
    )


def _plain(value: object) -> LoggedValue:
    """Keeps the mappings and lists in which Mask R-CNN logs its two figures, drops what is nested deeper."""
    if isinstance(value, dict):
        plain = ((str(k)[:LONGEST_TEXT], _short(v)) for k, v in value.items() if isinstance(v, (int, float, str)))
        return dict(itertools.islice(plain, _MOST_FIGURES))
    if isinstance(value, list):
        return [_short(v) for v in value[:_MOST_FIGURES] if isinstance(v, (int, float, str))]
    return None


def _short(value: float | str) -> float | str:
    return value[:LONGEST_TEXT] if isinstance(value, str) else value
