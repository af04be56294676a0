"""Which rounds have something new: names of repositories and stored commits in, labels of rounds out."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from ..errors import FetchFailure
from ..tables.labels import order_of_label, split_label
from ..tables.suites import source_of, suites
from ..values import without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable

_SECONDS = 60


def rounds_named(repositories: Iterable[str]) -> list[str]:
    """The labels of the rounds whose repositories are among some names, oldest first in each suite; also unknown rounds."""
    labels = []
    for name in repositories:
        for suite in suites().values():
            number = re.fullmatch(rf"{re.escape(suite.repository)}_v(\d+\.\d+)", name.strip(), re.ASCII)
            if number is not None and split_label(label := f"{suite.label}{number[1]}") is not None:
                labels.append(label)
    return sorted(set(labels), key=order_of_label)


def newest_commit(label: str) -> str:
    """The commit that a fresh clone of a round's repository has. Nothing is fetched.

    Raises:
        FetchFailure: git cannot ask the repository.
    """
    source = source_of(label)
    command = ["git", "ls-remote", "--exit-code", "--", source.address, f"refs/heads/{source.branch}"]
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the address is that of a table
            command,
            env=os.environ | {"GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        trouble = without_credentials(error.stderr.strip()) or f"no branch {source.branch}"
        raise FetchFailure(f"{source.address} cannot be asked for its newest commit: {trouble}") from error
    except subprocess.TimeoutExpired as error:
        raise FetchFailure(f"{source.address} did not answer within {_SECONDS} s; try again later") from error
    return done.stdout.partition("\t")[0]
