"""Puts clones of rounds into Collective Mind's cache, whole or not at all: labels in, cache entries out.

Git is called by CM's own script ``get git repo``, for a new clone only: none that is there is changed. What a fetch that
failed has left is removed at once.
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

from ..errors import FetchFailure, ImportFailure, NothingToImport
from ..experiments.home import fetching
from ..rounds.advice import NO_SUBMODULES, is_published, unknown_round
from ..rounds.cache import CACHE, CacheEntry, cached_entries
from ..rounds.clone import NoClone, read_clone, remote_address, web_address
from ..tables.labels import split_label
from ..tables.suites import Source, source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..model import Round

#: Tags that CM's script gives every clone by itself.
_OWN_TAGS = frozenset({"get", "git", "repo", "repository", "clone", "tmp"})
_GIT_TROUBLE = re.compile(r"(?:fatal|error|warning): ")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_KILL_SECONDS = 5


def fetch_round(cm: Any, label: str, tell: Callable[[str], None], source: Source | None = None) -> bool:
    """Caches a round, unless a whole clone of it is cached. An entry that is broken is replaced.

    Args:
        cm: the running Collective Mind (``cmind.core.CM``); a look-up through it afterwards may miss the new entry.
        label: the round.
        tell: takes messages for the user.
        source: where it is; the public repository of the round where None.

    Returns:
        Whether it was fetched.

    Raises:
        FetchFailure: git could not clone it, or the clone is not whole.
        NothingToImport: there is no such round.
    """
    with fetching(cm, tell):
        there = _entries_of(cm, [label])
        if any(_clone_of(entry) for entry in there):
            return False
        if source is None and not is_published(label):
            raise NothingToImport(unknown_round(label))
        for entry in there:
            tell(f"round {label}: the clone in {entry.clone.parent} is not whole; it is replaced")
        _clone(cm, label, source or source_of(label), tell, anew=bool(there))
        # CM may have gone on with the entry of a fetch that was cut off, which is whole now
        _remove(cm, [entry for entry in _entries_of(cm, [label]) if _clone_of(entry) is None])
    return True


def update_rounds(cm: Any, labels: Sequence[str], tell: Callable[[str], None]) -> None:
    """Replaces the clones of cached rounds by fresh ones, and says from which commit to which. Labels empty: all of them.

    The old clone goes once the new one is whole.

    Raises:
        FetchFailure: one could not be cloned again; it is there as before.
    """
    with fetching(cm, tell):
        entries = _entries_of(cm, labels)
        whole = {label for entry in entries if _clone_of(entry) for label in entry.labels}
        for entry in entries:
            if not entry.unfinished or whole.isdisjoint(entry.labels):
                _update(cm, entry, tell)


def remove_unfinished(cm: Any, labels: Sequence[str], tell: Callable[[str], None]) -> None:
    """Removes what fetches of these rounds have left that were cut off. One that goes on is waited for."""
    with fetching(cm, tell):
        _remove(cm, [entry for entry in _entries_of(cm, labels) if entry.unfinished])


def _update(cm: Any, entry: CacheEntry, tell: Callable[[str], None]) -> None:
    label, before = entry.labels[0], _clone_of(entry)
    address = next((tag.removeprefix("_repo.") for tag in entry.tags if tag.startswith("_repo.")), "")
    if not address:
        with contextlib.suppress(NoClone, OSError):
            address = remote_address(entry.clone)
    if not address:
        raise FetchFailure(f"round {label}: the clone in {entry.clone} does not say where it was fetched from")
    kept = (tag for tag in entry.tags if tag not in _OWN_TAGS and not tag.startswith(("_repo.", "script-artifact-")))
    source = Source(address, (before and before.branch) or source_of(label).branch, ",".join(kept))
    after = _clone(cm, label, source, tell, anew=True)
    if not entry.unfinished:  # else CM may have gone on with it
        _remove(cm, [entry])
    _remove(cm, [left for left in _entries_of(cm, [label]) if _clone_of(left) is None])
    old, new = (before and before.commit) or "unknown", after.commit or "unknown"
    what = f"nothing new, still at commit {new[:12]}" if old == new else f"from commit {old[:12]} to {new[:12]}"
    tell(f"round {label}: {what}")


def _clone(cm: Any, label: str, source: Source, tell: Callable[[str], None], *, anew: bool) -> Round:
    """Clones a repository into an entry of its own; returns the round in it."""
    address = web_address(source.address) or _CREDENTIALS.sub("", source.address)
    tell(f"fetching {address} ...")
    begin = time.monotonic()
    before = {entry.uid for entry in _entries_of(cm, [label]) if not entry.unfinished}
    command = [
        *(sys.executable, "-m", "cmind", "run", "script", f"get git repo _repo.{source.address}", "-s"),
        *(f"--extra_cache_tags={source.cache_tags}", f"--branch={source.branch}", NO_SUBMODULES),
        *(["--new"] if anew else []),
    ]
    found: list[Round] = []
    try:
        code, trouble = _run(command, cm.repos_path)
        made = [entry for entry in _entries_of(cm, [label]) if entry.uid not in before]
        found = [round_ for entry in made if (round_ := _clone_of(entry)) is not None]
    finally:
        if not found:
            _remove(cm, [entry for entry in _entries_of(cm, [label]) if entry.uid not in before])
    if not found:
        reason = f":\n{trouble}\n" if trouble else f" (exit code {code}); "
        advice = "nothing of it was kept; check address, network and disk space, then try again"
        raise FetchFailure(f"{address} could not be fetched{reason}{advice}")
    commit = (found[0].commit or "unknown")[:12]
    tell(f"fetched round {label} at commit {commit} in {time.monotonic() - begin:.1f} s")
    return found[0]


def _run(command: Sequence[str], home: str) -> tuple[int, str]:
    """Runs a command that ends with us; on a terminal git shows there how far it is.

    Returns:
        The exit code, and the lines in which git says what is wrong, without credentials; none from a terminal.
    """
    shown = sys.stderr.isatty()
    environment = os.environ | {"CM_REPOS": str(home), "GIT_TERMINAL_PROMPT": "0"}
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
    trouble = [f"  {_CREDENTIALS.sub('', line)}" for line in lines if _GIT_TROUBLE.match(line)]
    return process.returncode, "\n".join(dict.fromkeys(trouble))


def _end_group(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_KILL_SECONDS)


def _entries_of(cm: Any, labels: Sequence[str]) -> list[CacheEntry]:
    """The entries of these rounds, of all where none is named, as they are on the disk now."""
    entries = cached_entries(_fresh(cm))
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


def _remove(cm: Any, entries: Sequence[CacheEntry]) -> None:
    for entry in entries:
        removed = _fresh(cm).access({"action": "rm", "automation": CACHE, "artifact": entry.uid, "f": True})
        if removed["return"] > 0:
            raise ImportFailure(f"{entry.clone.parent}: cannot be removed ({removed['error']})")


def _fresh(cm: Any) -> Any:
    """Another Collective Mind over the same home: it has read the index that other processes have written."""
    return type(cm)(str(cm.repos_path))
