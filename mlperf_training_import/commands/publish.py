"""Imports rounds into a repository, and writes the text of a pull request: what changed, and why.

It commits nothing and pushes nothing. A private round is imported only where --round names it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..atomic import write_if_different
from ..errors import BadInput, ImportFailure, NothingToImport
from ..experiments.difference import State, changed_outside, kinds_of_change
from ..experiments.publish import find_target
from ..options import Options
from ..pipeline import import_rounds
from ..regular import read_regular
from ..rounds.locate import locate
from ..show.pull_request import pull_request
from ..show.screen import Screen
from ..start.fetch import Fetcher
from ..start.look import newest_commit, rounds_named
from ..tables.suites import source_of
from ..values import counted
from .home import add_home_flag, add_round_flag, open_home

if TYPE_CHECKING:
    import argparse

    from ..homes.home import Home

PULL_REQUEST_FILE = "mlperf-training-pull-request.md"
#: Ten thousand names of repositories have less.
_MOST_NAMES_BYTES = 1 << 20


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    add_home_flag(parser)
    parser.add_argument("--target_repo", required=True, metavar="NAME", help="repository that gets the results")
    add_round_flag(
        parser,
        "only this round, fetching it unless it is cached; repeat the flag, or separate rounds by commas; default: every "
        "public round in the cache",
    )
    parser.add_argument(
        "--changed",
        type=Path,
        metavar="FILE",
        help="only rounds with a commit that is not stored yet, fetched again; FILE names the public repositories, one per "
        "line; a round missing from the tables is imported by the newest known rules",
    )
    parser.add_argument("--prune", action="store_true", help="remove stored results that are no longer in the clone")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(),
        metavar="DIR",
        help=f"folder for {PULL_REQUEST_FILE}, the report and the summaries; default: the working directory",
    )


def run(options: argparse.Namespace) -> int:
    """Imports, writes the text, and checks that nothing but experiments of this importer changed.

    Raises:
        ImportFailure: a round gave no result, or a file changed that is not ours; what was imported is whole.
    """
    if options.changed is not None and options.round:
        raise BadInput("--changed: finds the rounds itself; leave out --round")
    screen, home = Screen(), open_home(options.home, may_be_new=True)
    target = find_target(home, options.target_repo)
    if options.output.resolve().is_relative_to(target.path.resolve()):
        raise BadInput(
            f"--output={options.output}: this is inside the repository, where only results belong; name another folder"
        )
    before = State.of(target)
    labels = _labels(options, before, home, Fetcher(home, screen.tell))
    if not labels:
        print("nothing new: every commit is stored")
        return 0
    wanted = Options(target_repo=options.target_repo, versions=tuple(labels), output_dir=options.output, prune=options.prune)
    outcome = import_rounds(home, wanted, screen.tell, screen.progress)
    after = State.of(target)
    outside = changed_outside(before, after)
    text = pull_request(outcome, before, after, kinds_of_change(before, after), outside)
    file = options.output / PULL_REQUEST_FILE
    outcome.files[file] = write_if_different(file, text.encode("utf-8"))
    screen.show(outcome)
    if outside:
        changed = counted(len(outside), "file")
        raise ImportFailure(f"{target.path}: {changed} outside of our experiments changed, first {outside[0]}; see {file}")
    if empty := outcome.rounds_without_results(labels):
        raise NothingToImport(outcome.nothing or f"no result in {', '.join(empty)}; the findings say why")
    if outcome.failures:
        raise ImportFailure(f"{counted(len(outcome.failures), 'finding')} that must not be published; see {file}")
    return 0


def _labels(options: argparse.Namespace, before: State, home: Home, fetcher: Fetcher) -> list[str]:
    """The rounds to import, which are cached then; empty where nothing changed.

    Raises:
        NothingToImport: no round that is public is cached, and none is named.
    """
    if options.changed is not None:
        changed = _changed(options.changed, before)
        if old := [label for label in changed if not fetcher.fetch(label, source_of(label))]:
            fetcher.update(old)
        return changed
    for label in options.round:
        fetcher.fetch(label)
    labels = options.round or [round_.label for round_ in locate(home, []) if not round_.is_private]
    if not labels:
        raise NothingToImport("no public round is cached; name one: --round=<number>.<number>")
    return labels


def _changed(file: Path, state: State) -> list[str]:
    """The rounds, among the repositories that a file names, whose newest commit is not stored yet.

    Raises:
        BadInput: the file cannot be read, or names no round, as where the list came from the wrong place.
    """
    try:
        labels = rounds_named(read_regular(file, _MOST_NAMES_BYTES).decode("utf-8", "replace").splitlines())
    except OSError as error:
        raise BadInput(f"--changed={file}: {error.strerror}") from error
    if not labels:
        raise BadInput(f"--changed={file}: names no repository of a round, such as training_results_v5.1")
    return [label for label in labels if newest_commit(label) not in state.commits(label)]
