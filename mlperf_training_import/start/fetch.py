"""Puts clones of rounds into the cache of a home, whole or not at all: labels in, cache entries out.

Git is called by the home's own script ``get git repo``, for a new clone only: none that is there is changed. What a fetch
that failed has left is removed at once.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from ..errors import FetchFailure, NothingToImport
from ..experiments.locks import fetching
from ..homes import home_of
from ..rounds.advice import is_published, unknown_round
from ..rounds.clone import NoClone, read_clone, remote_address, web_address
from ..tables.labels import split_label
from ..tables.suites import Source, source_of
from ..values import without_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..homes.home import CacheEntry, Home
    from ..model import Round

#: Tags that the script gives every clone by itself.
_OWN_TAGS = frozenset({"get", "git", "repo", "repository", "clone", "tmp"})
_GIT_TROUBLE = re.compile(r"(?:fatal|error|warning): ")
_KILL_SECONDS = 5


def fetch_round(running: Any, label: str, tell: Callable[[str], None], source: Source | None = None) -> bool:
    """Caches a round, unless a whole clone of it is cached. An entry that is broken is replaced.

    Args:
        running: what :func:`~..homes.home_of` takes; a look-up through it afterwards may miss the new entry.
        label: the round.
        tell: takes messages for the user.
        source: where it is; the public repository of the round where None.

    Returns:
        Whether it was fetched.

    Raises:
        FetchFailure: git could not clone it, or the clone is not whole.
        NothingToImport: there is no such round.
    """
    home = home_of(running)
    with fetching(home, tell):
        there = _entries_of(home, [label])
        if any(_clone_of(entry) for entry in there):
            return False
        if source is None and not is_published(label):
            raise NothingToImport(unknown_round(label))
        for entry in there:
            tell(f"round {label}: the clone in {entry.clone.parent} is not whole; it is replaced")
        _clone(home, label, source or source_of(label), tell, anew=bool(there))
        # the home may have gone on with the entry of a fetch that was cut off, which is whole now
        _remove(home, [entry for entry in _entries_of(home, [label]) if _clone_of(entry) is None])
    return True


def update_rounds(running: Any, labels: Sequence[str], tell: Callable[[str], None]) -> None:
    """Replaces the clones of cached rounds by fresh ones, and says from which commit to which. Labels empty: all of them.

    The old clone goes once the new one is whole.

    Raises:
        FetchFailure: one could not be cloned again; it is there as before.
    """
    home = home_of(running)
    with fetching(home, tell):
        entries = _entries_of(home, labels)
        whole = {label for entry in entries if _clone_of(entry) for label in entry.labels}
        for entry in entries:
            if not entry.unfinished or whole.isdisjoint(entry.labels):
                _update(home, entry, tell)


def remove_unfinished(running: Any, labels: Sequence[str], tell: Callable[[str], None]) -> None:
    """Removes what fetches of these rounds have left that were cut off. One that goes on is waited for."""
    home = home_of(running)
    with fetching(home, tell):
        _remove(home, [entry for entry in _entries_of(home, labels) if entry.unfinished])


def _update(home: Home, entry: CacheEntry, tell: Callable[[str], None]) -> None:
    label, before = entry.labels[0], _clone_of(entry)
    address = next((tag.removeprefix("_repo.") for tag in entry.tags if tag.startswith("_repo.")), "")
    if not address:
        with contextlib.suppress(NoClone, OSError):
            address = remote_address(entry.clone)
    if not address:
        raise FetchFailure(f"round {label}: the clone in {entry.clone} does not say where it was fetched from")
    kept = (tag for tag in entry.tags if tag not in _OWN_TAGS and not tag.startswith(("_repo.", "script-artifact-")))
    source = Source(address, (before and before.branch) or source_of(label).branch, ",".join(kept))
    after = _clone(home, label, source, tell, anew=True)
    if not entry.unfinished:  # else the home may have gone on with it
        _remove(home, [entry])
    _remove(home, [left for left in _entries_of(home, [label]) if _clone_of(left) is None])
    old, new = (before and before.commit) or "unknown", after.commit or "unknown"
    what = f"nothing new, still at commit {new[:12]}" if old == new else f"from commit {old[:12]} to {new[:12]}"
    tell(f"round {label}: {what}")


def _clone(home: Home, label: str, source: Source, tell: Callable[[str], None], *, anew: bool) -> Round:
    """Clones a repository into an entry of its own; returns the round in it."""
    address = web_address(source.address) or without_credentials(source.address)
    tell(f"fetching {address} ...")
    begin = time.monotonic()
    there = _entries_of(home, [label])
    before = {entry.uid for entry in there if not entry.unfinished}
    if anew:
        for entry in there:
            home.expire(entry)
    found: list[Round] = []
    try:
        code, trouble = _run(home.fetch_command(source, anew=anew), home.environment)
        made = [entry for entry in _entries_of(home, [label]) if entry.uid not in before]
        found = [round_ for entry in made if (round_ := _clone_of(entry)) is not None]
    finally:
        if not found:
            _remove(home, [entry for entry in _entries_of(home, [label]) if entry.uid not in before])
    if not found:
        reason = f":\n{trouble}\n" if trouble else f" (exit code {code}); "
        advice = "nothing of it was kept; check address, network and disk space, then try again"
        raise FetchFailure(f"{address} could not be fetched{reason}{advice}")
    commit = (found[0].commit or "unknown")[:12]
    tell(f"fetched round {label} at commit {commit} in {time.monotonic() - begin:.1f} s")
    return found[0]


def _run(command: Sequence[str], variables: Mapping[str, str]) -> tuple[int, str]:
    """Runs a command that ends with us; on a terminal git shows there how far it is.

    Returns:
        The exit code, and the lines in which git says what is wrong, without credentials; none from a terminal.
    """
    shown = sys.stderr.isatty()
    environment = os.environ | {**variables, "GIT_TERMINAL_PROMPT": "0"}
    process = subprocess.Popen(  # noqa: S603 - no shell; the address is that of a table or of a clone
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=None if shown else subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # git is a grandchild, and ends with the group
    )
    try:
        _, written = process.communicate()
    except BaseException:
        _end_group(process)
        raise
    lines = (written or "").splitlines()
    trouble = [f"  {without_credentials(line)}" for line in lines if _GIT_TROUBLE.match(line)]
    return process.returncode, "\n".join(dict.fromkeys(trouble))


def _end_group(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_KILL_SECONDS)


def _entries_of(home: Home, labels: Sequence[str]) -> list[CacheEntry]:
    """The entries of these rounds, of all where none is named, as they are on the disk now."""
    entries = home.afresh().cached_entries()
    wanted = (entry for entry in entries if not labels or set(entry.labels) & set(labels))
    return [entry for entry in wanted if any(map(split_label, entry.labels))]


def _clone_of(entry: CacheEntry) -> Round | None:
    """The round in an entry, None where its clone is not whole."""
    if entry.unfinished or not entry.clone.is_dir():
        return None
    try:
        return read_clone(entry.clone, entry.labels[0], entry.labels[0])
    except NoClone:
        return None


def _remove(home: Home, entries: Sequence[CacheEntry]) -> None:
    for entry in entries:
        home.afresh().remove_entry(entry)
