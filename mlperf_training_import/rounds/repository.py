"""Compares what a repository is called with the round that it is said to be: rounds in, an error where they disagree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..errors import WrongRepository
from ..tables.suites import suite_of, suites
from .advice import replace_command

if TYPE_CHECKING:
    from ..homes.commands import Commands
    from ..model import Round

#: Names of repositories with results of MLPerf, and of those in which results are prepared: training_results_v5.1,
#: inference_results_v5.0, submissions_training_v4.1. Any other name, such as training_results_v5.1-mylab, says nothing.
_NAME = re.compile(r"(?:.*_results|submissions_.*)_v(?P<number>\d+(?:\.\d+)*)")


def is_of_its_repository(round_: Round) -> bool:
    """Whether a tree is a clone of the repository in which its round was published, or prepared."""
    suite = suite_of(round_.label)
    return _name_of(round_) in {f"{name}_v{_number_of(round_)}" for name in (suite.repository, suite.submissions)}


def refuse_wrong_repository(round_: Round, commands: Commands | None) -> None:
    """Keeps the results of one round out of the experiments of another.

    Args:
        round_: as it was located.
        commands: those of the home that has the clone in its cache; None where the user named the tree.

    Raises:
        WrongRepository: the address of the clone names another round, or another kind of repository.
    """
    name = _name_of(round_)
    match = _NAME.fullmatch(name)
    if match is None or is_of_its_repository(round_):
        return
    suite = suite_of(round_.label)
    place = (
        f"{round_.path}: a clone of {name}, and not of {suite.repository}_v{_number_of(round_)}, as round {round_.label} is"
    )
    if commands is not None:
        raise WrongRepository(f"{place}; {replace_command(round_.path.parent.name, round_.label, commands)}")
    stems = {stem: suite.label for suite in suites().values() for stem in (suite.repository, suite.submissions)}
    label = stems.get(name.rpartition("_v")[0])
    known = None if label is None else f"{label}{match['number']}"
    advice = f"run again with --version={known}" if known else "its results cannot be imported"
    raise WrongRepository(f"{place}; {advice}")


def _number_of(round_: Round) -> str:
    return round_.version.removeprefix(suite_of(round_.label).label)


def _name_of(round_: Round) -> str:
    """The name of the repository that a tree is a clone of; empty if it is not a clone."""
    return (round_.remote or "").rstrip("/").rpartition("/")[2].casefold()
