"""The home of Collective Mind, which several imports may use at once: one lock for all that is written, and its index.

CM writes its index in place and whenever it looks something up. A run that is killed in between leaves half an index,
with which CM no longer finds its own scripts; two runs at once undo each other's additions. So imports keep CM from
writing it, and write it themselves, whole and under the lock.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmind.index import Index

from ..atomic import remove_leftovers, write_atomically
from ..errors import PublishFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_LOCK_FILE = "mlperf-training-import.lock"
_FETCH_LOCK_FILE = "mlperf-training-fetch.lock"


@contextlib.contextmanager
def locked(cm: Any, repository: Path, waiting: Callable[[str], None]) -> Iterator[None]:
    """Holds the lock of the CM home and that of a repository, which several homes may share.

    Always in this order, so that two imports cannot wait for each other. The repository's lock lies in its git folder,
    where it does not show, or, without git, in the repository itself.

    Raises:
        PublishFailure: there is no permission to make a lock.
    """
    with (
        _held(Path(cm.repos_path).resolve() / _LOCK_FILE, "import", waiting),
        _held(_lock_of(repository.resolve()), "import", waiting),
    ):
        yield


@contextlib.contextmanager
def fetching(cm: Any, waiting: Callable[[str], None]) -> Iterator[None]:
    """Holds the lock under which clones are put into the cache of a CM home and taken out of it.

    Raises:
        PublishFailure: there is no permission to make a lock.
    """
    with _held(Path(cm.repos_path).resolve() / _FETCH_LOCK_FILE, "fetch", waiting):
        yield


@contextlib.contextmanager
def index_left_alone(cm: Any) -> Iterator[None]:
    """Keeps CM from writing its index, which it does after any look-up that tells it something new."""
    before, was_loaded = cm.use_index, cm.index is not None
    if before and not was_loaded:
        cm.index = Index(cm.repos_path, cm.cfg)
        cm.index.load()
    cm.use_index = False
    try:
        yield
    finally:
        cm.use_index = before
        if was_loaded:
            cm.index.updated = False
        else:
            cm.index = None  # the next look-up loads it, and makes it if there is none yet


def add_to_index(cm: Any, artifacts: Iterable[tuple[Mapping[str, object], Path]], repository: tuple[str, str]) -> str | None:
    """Adds artifacts to the index of CM, after reading it again: other imports may have added to it.

    An index that was cut off is made anew. To be called under the lock, with :func:`index_left_alone`.

    Args:
        cm: the running Collective Mind.
        artifacts: description and folder of each.
        repository: alias and uid of the repository that they are in.

    Returns:
        Why the index could not be made anew, None if all is well.

    Raises:
        PublishFailure: the CM home cannot be written.
    """
    file = Path(cm.repos_path, cm.cfg["file_index"])
    remove_leftovers(file)
    data = file.read_bytes() if file.is_file() else b""
    content = _parsed(data)
    if _is_whole(cm, content):
        cm.index.meta = content
    else:
        cm.index.meta = {}
        everything = {"action": "search", "automation": "*", "skip_index_search": True, "force_index_add": True}
        found = cm.access(everything)
        if found["return"] > 0:
            return str(found["error"])
    for meta, path in artifacts:
        kinds = cm.index.meta.get(meta.get("automation_uid"), {})
        indexed = kinds.get(meta.get("alias")), kinds.get(meta.get("uid"))
        gone = any(entry is not None and not Path(entry["path"]).is_dir() for entry in indexed)
        cm.index.add(meta, str(path), repository, update=gone)
    new = json.dumps(cm.index.meta, indent=2).encode("ascii")
    if new != data:
        write_atomically(file, new)
    return None


@contextlib.contextmanager
def _held(place: Path, work: str, waiting: Callable[[str], None]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            handle = _opened_lock(place)
            stack.callback(os.close, handle)  # which also lets go of the lock, as the end of the process does
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting(f"waiting for another {work} to finish (lock: {place})")
                fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            raise PublishFailure(f"{place.parent}: cannot be written ({error.strerror})") from error
        yield


def _lock_of(repository: Path) -> Path:
    for folder in (repository, *repository.parents):
        git_folder = folder / ".git"
        if git_folder.is_dir() and not git_folder.is_symlink():
            return git_folder / _LOCK_FILE
    return repository / f".{_LOCK_FILE}"


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


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_whole(cm: Any, content: dict[str, Any]) -> bool:
    """Whether an index was made by looking at all repositories.

    After an index was cut off, CM goes on with one that has nothing but what it came across since: it lacks some of the
    automations in CM's own package, which nobody asks for.
    """
    own = {folder.name for folder in Path(cm.path_to_cmind_repo, "automation").iterdir() if any(folder.glob("_cm.*"))}
    return own <= set(content.get("automation", {}))
