"""Arranges any logs as a submission: logs and a system description in, the folders of the submission rules out."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..regular import is_there, open_regular
from ..results.facts import read_scaling_factor
from ..rounds.description import read_object
from ..rounds.walk import SCALING_FILE
from ..values import LARGEST_LOG_MB, is_clean
from .find import by_reason, distinct, iter_runs, nothing_found
from .group import metric_folder
from .score import score_group
from .texts import LeftOut, folder_of, is_result
from .whose import check_asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .group import Member
    from .score import ScoredGroup


@dataclass(frozen=True, slots=True)
class Arranged:
    """What was made: the runs of each benchmark folder, judged, and lines about files that were not copied."""

    groups: list[ScoredGroup]
    left: list[str]


def arrange(
    paths: Sequence[str],
    submitter: str,
    system: Path,
    into: Path,
    round_: str | None = None,
    largest_mb: int = LARGEST_LOG_MB,
) -> Arranged:
    """Copies logs to ``<into>/<submitter>/results/<system>/<benchmark>/result_<number>.txt``, and the description beside.

    Rounds with several metrics have a folder for each between system and benchmark.

    Logs are unwrapped on the way: one plain file per run. Nothing that exists is overwritten, no link below ``into`` is
    followed, and nothing stays behind where it cannot be done as a whole. Of several processes that arrange into one folder
    one works while the others wait.

    Args:
        paths: files, folders, or ``-``.
        submitter: name of the submitter's folder.
        system: the system description; its name without ``.json`` is that of the system.
        into: folder of the submission; made if need be.
        round_: whose names of benchmarks count.
        largest_mb: a larger file is left.

    Raises:
        BadInput: a name is no name of a folder, the description is no JSON object, something is there already, or no run is
            of the round that was asked for.
        NothingToScore: no run was found.
    """
    for what, name in (("--submitter", submitter), ("--system", system.stem)):
        _check_name(what, name)
    try:
        read_object(system)
    except OSError as error:
        raise BadInput(f"--system={system}: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"--system={system}: {error}") from error
    root = into / submitter
    with _work_place(into, submitter) as (work, after):
        targets = {
            work / "results": root / "results" / system.stem,
            work / "system.json": root / "systems" / f"{system.stem}.json",
        }
        _check_free(into, targets.values())
        left: list[LeftOut] = []
        runs = _copy_runs(paths, work, round_, largest_mb, left)
        _copy(system, work / "system.json")
        _check_free(into, targets.values())  # again: reading takes time
        _move(targets, after)
    results = targets[work / "results"]
    groups = [score_group(str(results / folder), members, round_) for folder, members in runs.items()]
    return Arranged(groups, by_reason([one for one in left if Path(one.file) != work]))


def _copy_runs(
    paths: Sequence[str], work: Path, round_: str | None, largest_mb: int, left: list[LeftOut]
) -> dict[str, list[Member]]:
    """Copies each run to its folder below ``<work>/results``; the runs by folder, in the order of their numbers."""
    copies: dict[int, tuple[Path, str]] = {}
    found: list[Member] = []
    with tempfile.TemporaryDirectory(dir=work, prefix="runs-") as place, tempfile.TemporaryDirectory(dir=work) as plain:
        for member in iter_runs(paths, Path(plain), round_, largest_mb, left):
            if member.benchmark is None:
                left.append(LeftOut(member.piece.place, "the run does not name its benchmark"))
                continue
            _check_name("the benchmark that a log names", member.benchmark)
            copy = Path(place, str(len(found)))
            _copy(member.piece.log, copy)
            metric = metric_folder(folder_of(member.piece.source), member.version)
            copies[id(member)] = copy, str(Path(metric, member.benchmark))
            found.append(member)
        if not found:
            raise nothing_found(paths, left)
        check_asked(round_, found)
        runs: dict[str, list[Member]] = defaultdict(list)
        for member in distinct(found, left):
            copy, name = copies[id(member)]
            folder = work / "results" / name
            folder.mkdir(parents=True, exist_ok=True)
            copy.rename(folder / f"result_{len(runs[name])}.txt")
            runs[name].append(member)
    left += _iter_factors(found)
    return runs


def _iter_factors(runs: Iterable[Member]) -> Iterator[LeftOut]:
    """The factors that a review gave to the results whose logs these are."""
    for folder in dict.fromkeys(Path(run.piece.source).parent for run in runs if is_result(run.piece.source)):
        file = folder / SCALING_FILE
        if is_there(file):
            try:
                factor = f"a factor of {read_scaling_factor(file):g}"
            except (OSError, ValueError) as error:
                factor = str(error)
            yield LeftOut(str(file), f"{factor}; only a review multiplies a score")


@contextlib.contextmanager
def _work_place(into: Path, submitter: str) -> Iterator[tuple[Path, contextlib.ExitStack]]:
    """An empty folder below ``into``, in which nobody else works meanwhile, and what is done when the work ends."""
    with contextlib.ExitStack() as after:
        _lock(into, after)
        work = into / f".{submitter}.unfinished"
        if work.is_symlink():
            raise BadInput(f"{work}: a link, not followed")
        if is_there(work):
            shutil.rmtree(work)  # of a process that was killed; nobody else is at work here
        work.mkdir()
        after.callback(shutil.rmtree, work, ignore_errors=True)
        yield work, after


def _lock(folder: Path, after: contextlib.ExitStack) -> None:
    """Makes a folder and locks it; waits for whoever has it."""
    handle = None
    while handle is None or not _is_at(folder, handle):  # whoever made it gave up, and removed it
        _make(folder, after)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        after.callback(os.close, handle)
        with contextlib.suppress(OSError):  # where folders cannot be locked
            fcntl.flock(handle, fcntl.LOCK_EX)


def _is_at(folder: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), folder.stat())
    except FileNotFoundError:
        return False


def _make(folder: Path, after: contextlib.ExitStack) -> None:
    """Makes a folder and those above it; those that are empty when the work ends are removed."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):
            path.mkdir()
            after.callback(_remove_empty, path)


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # something is in it
        folder.rmdir()


def _check_free(into: Path, targets: Iterable[Path]) -> None:
    """Raises BadInput where something is there, or a folder above it is a link, which may lead anywhere."""
    for target in targets:
        if is_there(target):
            raise BadInput(f"{target}: already exists; arrange overwrites nothing")
        for folder in reversed([path for path in target.parents if into in path.parents]):
            if folder.is_symlink():
                raise BadInput(f"{folder}: a link, not followed")


def _move(targets: dict[Path, Path], after: contextlib.ExitStack) -> None:
    """Moves all to their places, or none."""
    with contextlib.ExitStack() as back:
        for source, target in targets.items():
            _make(target.parent, after)
            source.rename(target)
            back.callback(target.rename, source)
        back.pop_all()


def _copy(source: Path, target: Path) -> None:
    with open_regular(source) as reader, target.open("xb") as writer:
        shutil.copyfileobj(reader, writer)


def _check_name(what: str, name: str) -> None:
    if not name or name.startswith(".") or "/" in name or "\\" in name or not is_clean(name):
        raise BadInput(f"{what}: {name!r} cannot be the name of a folder")
