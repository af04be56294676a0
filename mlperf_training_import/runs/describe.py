"""Describes the runs in a folder that should have held a submission: a folder in, a sentence out."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ..errors import ImportFailure
from ..values import counted
from .score import score_logs

if TYPE_CHECKING:
    from pathlib import Path

#: So many groups of runs are named.
_NAMED = 4


def describe_runs(folder: Path, version: str, command: str) -> str:
    """What to do with the runs in a folder that is no submission, by our own command line; empty where there are none."""
    try:
        groups, _ = score_logs([folder], version)
    except ImportFailure:
        return ""
    found = [f"{counted(len(group.runs), 'run')} of {group.benchmark}" for group in groups]
    names = ", ".join((*found[:_NAMED], *([f"and {len(found) - _NAMED} other groups"] if len(found) > _NAMED else [])))
    place = shlex.quote(str(folder))
    return (
        f"\nthere are {names}; score them as they are: {command} score {place}"
        f"\nor make a submission of them: {command} arrange {place} --submitter <name> --system <file> --into <folder>"
    )
