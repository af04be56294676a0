"""The locks under which several imports at once write into a home and its repositories."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from typing import TYPE_CHECKING

from ..errors import PublishFailure
from ..regular import is_there

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..homes.home import Home
    from ..values import Tell

#: Its name; in a repository without git, it begins with a dot.
LOCK_FILE = "mlperf-training-import.lock"
_FETCH_LOCK_FILE = "mlperf-training-fetch.lock"
_START_LOCK_FILE = "mlperf-training-import-start.lock"


@contextlib.contextmanager
def locked(home: Home, repository: Path, waiting: Tell) -> Iterator[None]:
    """Holds the lock of a home (its ``repos_path``) and that of a repository, which several homes may share.

    Always in this order, so that two imports never wait for each other. The repository's lock is in its git folder, where
    nobody sees it; without git it is in the repository itself.

    Raises:
        PublishFailure: there is no permission to make a lock.
    """
    with (
        _held(home.repos_path.resolve() / LOCK_FILE, "import", waiting),
        _held(_lock_of(repository.resolve()), "import", waiting),
    ):
        yield


def preparing(home: Home) -> contextlib.AbstractContextManager[int]:
    """Holds the lock under which a home is made and prepared: Collective Mind makes its files in place.

    Raises:
        OSError: the home cannot be made.
        PublishFailure: there is no permission to make a lock.
    """
    home.repos_path.mkdir(parents=True, exist_ok=True)
    return _held(home.repos_path.resolve() / _START_LOCK_FILE, "start", lambda _: None)


def fetching(home: Home, waiting: Tell) -> contextlib.AbstractContextManager[int]:
    """Holds the lock under which clones are put into the cache of a home and taken out of it, and nobody reads them.

    Gives its descriptor: whoever has it holds the lock too.

    Raises:
        OSError: the home is new, and cannot be made.
        PublishFailure: there is no permission to make a lock.
    """
    home.repos_path.mkdir(parents=True, exist_ok=True)
    return _held(home.repos_path.resolve() / _FETCH_LOCK_FILE, "fetch", waiting)


@contextlib.contextmanager
def reading_clones(home: Home, waiting: Tell, *, may_write: bool = True) -> Iterator[None]:
    """Shares that lock with other readers, so that nobody replaces a clone meanwhile.

    If there is no lock in the home, and none may be made, the clones are read without one.
    """
    place = home.repos_path.resolve() / _FETCH_LOCK_FILE
    with contextlib.ExitStack() as held:
        with contextlib.suppress(PublishFailure):
            if may_write or is_there(place):
                held.enter_context(_held(place, "fetch", waiting, fcntl.LOCK_SH))
        yield


@contextlib.contextmanager
def _held(place: Path, work: str, waiting: Tell, kind: int = fcntl.LOCK_EX) -> Iterator[int]:
    with contextlib.ExitStack() as stack:
        try:
            handle = _opened_lock(place)
            stack.callback(os.close, handle)  # which also lets go of the lock, as the end of the process does
            try:
                fcntl.flock(handle, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting(f"waiting for another {work} to finish (lock: {place})")
                fcntl.flock(handle, kind)
        except OSError as error:
            raise PublishFailure(f"{place.parent}: cannot be written ({error.strerror})") from error
        yield handle


def _lock_of(repository: Path) -> Path:
    """The lock in the git folder of a repository, or of a folder that it is in; never in one of somebody else."""
    owner = repository.stat().st_uid if repository.is_dir() else os.geteuid()
    git_folders = (folder / ".git" for folder in (repository, *repository.parents))
    places = (git / LOCK_FILE for git in git_folders if git.is_dir() and not git.is_symlink() and git.stat().st_uid == owner)
    return next(places, repository / f".{LOCK_FILE}")


def _opened_lock(place: Path) -> int:
    """A descriptor of a lock file, which is made if it is not there. Whoever may write beside it may write it too.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    try:
        handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    except PermissionError:  # of another user of the repository: to lock it, it need not be written
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "the lock is not a regular file")
    if found.st_uid == os.geteuid():
        os.fchmod(handle, 0o644 | place.parent.stat().st_mode & 0o022)
    return handle
