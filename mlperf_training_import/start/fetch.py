"""Puts clones of rounds into the cache of a home, whole or not at all: labels in, cache entries out.

The home's own script ``get git repo`` calls git, and only for a new clone: existing clones are never changed. What a failed
fetch leaves is removed at once.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from ..errors import FetchFailure, MissingProgram, NothingToImport
from ..experiments.locks import fetching
from ..rounds.advice import is_published, unknown_round
from ..rounds.clone import NoClone, read_clone, remote_address, web_address
from ..tables.labels import is_private_label, split_label
from ..tables.rules import known_rounds
from ..tables.suites import Source, source_of
from ..values import without_credentials

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ..homes.home import CacheEntry, Home
    from ..model import Round
    from ..values import Tell

#: Tags that the script gives every clone by itself.
_OWN_TAGS = frozenset({"get", "git", "repo", "repository", "clone", "tmp"})
_GIT_TROUBLE = re.compile(r"(?:fatal|error|warning): ")
_KILL_SECONDS = 5


def need_git() -> None:
    """Fails at once where git is missing.

    Raises:
        MissingProgram: there is no git.
    """
    if shutil.which("git") is None:
        raise MissingProgram("git is needed, and is not on the PATH; install it, then try again")


class Fetcher:
    """Changes the clones in the cache of a home, as one of several processes that may do so.

    Args:
        home: where they are cached; a look-up through it afterwards may miss a new entry.
        tell: takes messages for the user.
    """

    def __init__(self, home: Home, tell: Tell) -> None:
        self._home = home
        self._tell = tell

    def fetch(self, label: str, source: Source | None = None) -> bool:
        """Caches a round, unless a whole clone of it is cached. An entry that is broken is replaced.

        Args:
            label: the round.
            source: where it is; the public repository of the round where None.

        Returns:
            Whether it was fetched.

        Raises:
            FetchFailure: git could not clone it, or the clone is not whole.
            NothingToImport: there is no such round.
        """
        with self._alone() as lock:
            there = self._entries_of(label)
            if any(_clone_of(entry) for entry in there):
                return False
            if source is None and not is_published(label):
                raise NothingToImport(unknown_round(label))
            need_git()
            for entry in there:
                self._tell(f"round {label}: the clone in {entry.folder} is not whole; it is replaced")
            self._clone(label, source or source_of(label), lock, anew=bool(there))
        return True

    def update(self, labels: Sequence[str]) -> None:
        """Replaces the clones of cached rounds, of all without labels, and says from which commit to which.

        The old clone goes once the new one is whole.

        Raises:
            FetchFailure: one could not be cloned again; it is there as before.
        """
        need_git()
        with self._alone() as lock:
            entries = self._entries_of(*labels)
            whole = {label for entry in entries if _clone_of(entry) for label in entry.labels}
            for entry in entries:
                # of two with one round both are gone when the first is replaced
                if entry.folder.is_dir() and (not entry.unfinished or whole.isdisjoint(entry.labels)):
                    self._update(entry, lock)

    def remove_unfinished(self, labels: Sequence[str]) -> None:
        """Removes what interrupted fetches of these rounds left. Waits for a fetch that still runs."""
        with self._alone():
            self._remove(entry for entry in self._entries_of(*labels) if entry.unfinished)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[int]:
        """Holds the lock of the clones, whose descriptor it gives."""
        with fetching(self._home, self._tell) as lock:
            self._home.afresh().end_removals()
            yield lock

    def _update(self, entry: CacheEntry, lock: int) -> None:
        label, before = entry.labels[0], _clone_of(entry)
        address = next((tag.removeprefix("_repo.") for tag in entry.tags if tag.startswith("_repo.")), "")
        with contextlib.suppress(NoClone, OSError):
            address = address or remote_address(entry.clone)
        if not address:
            raise FetchFailure(f"round {label}: the clone in {entry.clone} does not say where it was fetched from")
        kept = (tag for tag in entry.tags if tag not in _OWN_TAGS and not tag.startswith(("_repo.", "script-artifact-")))
        source = Source(address, (before and before.branch) or source_of(label).branch, ",".join(kept))
        after = self._clone(label, source, lock, anew=True, replaced=entry)
        old, new = (before and before.commit) or "unknown", after.commit or "unknown"
        what = f"nothing new, still at commit {new[:12]}" if old == new else f"from commit {old[:12]} to {new[:12]}"
        self._tell(f"round {label}: {what}")

    def _clone(self, label: str, source: Source, lock: int, *, anew: bool, replaced: CacheEntry | None = None) -> Round:
        """Clones a repository, into a new entry if asked; returns its round, and removes what is not whole."""
        address = web_address(source.address) or without_credentials(source.address)
        self._tell(f"fetching {address} ...")
        begin = time.monotonic()
        there = self._entries_of(label)
        before = {entry.folder for entry in there if not entry.unfinished}
        for entry in there:
            self._home.refuse_elsewhere(entry)
        found: list[Round] = []
        with contextlib.ExitStack() as replacing:
            for entry in there if anew else ():
                replacing.enter_context(self._home.being_replaced(entry))
            try:
                code, trouble = _run(self._home.fetch_command(source, anew=anew), self._home.environment, lock)
                found = [round_ for entry in self._entries_of(label, but=before) if (round_ := _clone_of(entry)) is not None]
            finally:
                if not found:
                    self._remove(self._entries_of(label, but=before))
            if not found:
                reason = f":\n{trouble}\n" if trouble else f" (exit code {code}); "
                advice = "nothing of it was kept; check address, network and disk space, then try again"
                parts = split_label(label)
                if parts and label not in (known := known_rounds(parts.suite)) and not is_private_label(label):
                    advice += f"; the newest round known to this version is {known[-1]}"
                raise FetchFailure(f"{address} could not be fetched{reason}{advice}")
        commit = (found[0].commit or "unknown")[:12]
        self._tell(f"fetched round {label} at commit {commit} in {time.monotonic() - begin:.1f} s")
        # the home may have gone on with the entry of a fetch that was cut off, which is whole now
        self._remove([replaced] if replaced and not replaced.unfinished else ())
        self._remove(entry for entry in self._entries_of(label) if _clone_of(entry) is None)
        self._home.afresh().end_removals()
        return found[0]

    def _entries_of(self, *labels: str, but: Container[Path] = ()) -> list[CacheEntry]:
        """The entries of these rounds, of all where none is named, as they are on the disk now; but not some folders."""
        entries = (entry for entry in self._home.afresh().cached_entries() if any(map(split_label, entry.labels)))
        return [entry for entry in entries if entry.folder not in but and (not labels or {*entry.labels} & {*labels})]

    def _remove(self, entries: Iterable[CacheEntry]) -> None:
        for entry in entries:
            self._home.afresh().remove_entry(entry)


def _run(command: Sequence[str], variables: Mapping[str, str], lock: int) -> tuple[int, str]:
    """Runs a command that ends when we do; on a terminal git shows its progress.

    It runs in a folder of its own, because Collective Mind writes the scripts that it runs into the current folder, and
    MLCFlow writes a log file there.

    Returns:
        The exit code, and the lines in which git says what is wrong, without credentials; none from a terminal.
    """
    shown = sys.stderr.isatty()
    environment = os.environ | {**variables, "GIT_TERMINAL_PROMPT": "0"}
    with tempfile.TemporaryDirectory(prefix="mlperf-training-fetch-") as folder:
        process = subprocess.Popen(  # noqa: S603 - no shell; the address is that of a table or of a clone
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=None if shown else subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # git is a grandchild, and ends with the group
            pass_fds=(lock,),  # if we are killed, nobody else fetches or reads before it is done
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


def _clone_of(entry: CacheEntry) -> Round | None:
    """The round in an entry, None where its clone is not whole."""
    if entry.unfinished or not entry.clone.is_dir():
        return None
    try:
        return read_clone(entry.clone, entry.labels[0], entry.labels[0])
    except NoClone:
        return None
