"""Arranges any logs as a submission: logs and a system description in, the folders of the submission rules out."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..rounds.description import read_object
from ..values import is_clean
from .score import iter_runs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def arrange(paths: Sequence[str], submitter: str, system: Path, into: Path, round_: str | None = None) -> dict[Path, int]:
    """Copies logs to ``<into>/<submitter>/results/<system>/<benchmark>/result_<number>.txt``, and the description beside.

    Logs are unwrapped on the way: one plain file per run. Nothing that exists is overwritten, and nothing is left behind
    where it cannot be done as a whole.

    Args:
        paths: files, folders, or ``-``.
        submitter: name of the submitter's folder.
        system: the system description; its name without ``.json`` is that of the system.
        into: folder of the submission; made if need be.
        round_: whose names of benchmarks count.

    Returns:
        The benchmark folders that were made, with their numbers of logs.

    Raises:
        BadInput: a name is no name of a folder, the description is no JSON object, or something is there already.
        NothingToScore: no run was found.
    """
    for what, name in (("--submitter", submitter), ("--system", system.stem)):
        _check_name(what, name)
    try:
        read_object(system)
    except (OSError, ValueError) as error:
        raise BadInput(f"--system={system}: {error}") from error
    root = into / submitter
    results, description = root / "results" / system.stem, root / "systems" / f"{system.stem}.json"
    for place in (results, description):
        if place.exists():
            raise BadInput(f"{place}: exists already; nothing is overwritten")
    made: dict[Path, int] = {}
    unfinished = root / "results" / f".{system.stem}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        for benchmark, log in iter_runs(paths, round_):
            _check_name("the benchmark that a log names", benchmark)
            folder = unfinished / benchmark
            folder.mkdir(parents=True, exist_ok=True)
            number = made.get(results / benchmark, 0)
            shutil.copyfile(log, folder / f"result_{number}.txt")
            made[results / benchmark] = number + 1
        unfinished.rename(results)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    description.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(system, description)
    return made


def _check_name(what: str, name: str) -> None:
    if not name or name.startswith(".") or "/" in name or "\\" in name or not is_clean(name):
        raise BadInput(f"{what}: {name!r} is no name for a folder")
