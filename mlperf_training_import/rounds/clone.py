"""Reads remote, branch and commit from the git folder of a clone.

It reads bounded regular files in the folder ``.git`` of the clone, as data. It does not call git, includes no files, and
follows no link and no ``.git`` file, so that it never reads the repository of somebody else instead.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..model import Round
from ..regular import read_regular
from ..values import is_clean

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCP_FORM = re.compile(r"(?:[^@/\s]+@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>(?!//).+)")

#: Opens a folder, but no link to one.
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: Published rounds have less than a thousandth of this.
_MOST_CONFIG_BYTES = 1 << 20
_MOST_REF_BYTES = 4 << 10
_MOST_PACKED_BYTES = 16 << 20
#: How often percent-encoding is undone: a percent sign may be encoded too.
_MOST_QUOTED = 3
#: Git itself follows a chain of symbolic references no further.
_MOST_REFERENCES = 5

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REFERENCE = re.compile(r"ref:\s*(refs(?:/(?!\.)[^\x00-\x20\x7f~^:?*\[\\/]+)+)")
_SUBMISSIONS = re.compile(r"(?:^|[_-])submissions?[_-]")
_BRANCHES = "refs/heads/"
_SECTION = re.compile(r"\s*\[\s*([A-Za-z0-9.-]+)(?:\s*\"((?:[^\"\\]|\\.)*)\")?\s*\](.*)", re.DOTALL)
_VARIABLE = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*)\s*=(.*)", re.DOTALL)
_CONTINUED = re.compile(r"(?<!\\)((?:\\\\)*)\\\r?\n")
_PART = re.compile(r"\"((?:[^\"\\]|\\.)*)\"?|((?:[^\"#;\\]|\\.)+)|([#;])", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class NoClone(ValueError):
    """A folder that is not a complete clone; the message says what is missing."""


def read_clone(clone: Path, label: str, version: str) -> Round:
    """The round in a clone, with its git metadata.

    If they cannot be read as plain files, the round has none, and its ``git_trouble`` says why.

    Raises:
        NoClone: the folder is not a git repository, or is an incomplete clone.
    """
    try:
        with _opened(clone) as folder:
            addresses = _addresses(folder)
            branch, commit = _head(folder)
    except OSError as error:
        name = Path(os.fsdecode(error.filename)).name if error.filename else ".git"
        return Round(label, version, clone, git_trouble=f"{name}: {error.strerror or 'cannot be read'}")
    address = next(iter(addresses), "")
    return Round(
        *(label, version, clone, web_address(address), branch, commit, _comparable(address)),
        has_submissions=any(map(names_submissions, addresses)),
    )


def is_as_before(round_: Round) -> bool:
    """Whether a clone is still there and at the same commit as when it was read."""
    commit = None
    with contextlib.suppress(NoClone):
        commit = read_clone(round_.path, round_.label, round_.version).commit
    return round_.path.is_dir() and commit == round_.commit


def remote_address(clone: Path) -> str:
    """Where a clone was fetched from, as git would fetch it again, with credentials; empty where it does not say.

    Raises:
        NoClone: the folder is no git repository.
        OSError: its configuration cannot be read.
    """
    with _opened(clone) as folder:
        return next(iter(_addresses(folder)), "")


def fetched_on(clone: Path) -> datetime.date | None:
    """The day on which a clone came here, in local time, as the date of a file of git tells that does not change later.

    None for a folder that is no clone.
    """
    try:
        return datetime.date.fromtimestamp((clone / ".git/HEAD").lstat().st_mtime)  # noqa: DTZ012 - the user's
    except (OSError, OverflowError, ValueError):
        return None


@contextmanager
def _opened(clone: Path) -> Iterator[int]:
    """A descriptor of the folder ``.git``.

    Raises:
        NoClone: there is none, or git was stopped before it finished.
        OSError: it is something else, or cannot be opened.
    """
    try:
        folder = os.open(clone / ".git", _FOLDER)
    except FileNotFoundError:
        raise NoClone("no .git in it") from None
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise OSError(error.errno, "not a folder of its own; not followed", ".git") from None
        raise
    try:
        with os.scandir(folder) as entries:
            names = {entry.name for entry in entries}
        if "index.lock" in names or "index" not in names:
            raise NoClone("files are missing")
        yield folder
    finally:
        os.close(folder)


def _read(folder: int, path: str, most_bytes: int) -> str | None:
    """The text of a file below an open folder; None if there is no such file. No part of its path may be a link.

    Raises:
        OSError: it is no regular file, or too large, or cannot be read.
    """
    name, _, below = path.partition("/")
    try:
        if not below:
            return read_regular(name, most_bytes, folder=folder, follow=False).decode("utf-8-sig", "surrogateescape")
        inner = os.open(name, _FOLDER, dir_fd=folder)
    except FileNotFoundError:
        return None
    try:
        return _read(inner, below, most_bytes)
    finally:
        os.close(inner)


def _head(folder: int) -> tuple[str | None, str]:
    """Branch (None if none is checked out) and commit."""
    text = (_read(folder, "HEAD", _MOST_REF_BYTES) or "").strip()
    branch = None
    for _ in range(_MOST_REFERENCES):
        if _COMMIT.fullmatch(text):
            return branch, text
        reference = _REFERENCE.fullmatch(text)
        if reference is None or ".." in text:
            raise NoClone("HEAD names no commit")
        if branch is None and reference[1].startswith(_BRANCHES):
            branch = reference[1].removeprefix(_BRANCHES)
        text = (_read(folder, reference[1], _MOST_REF_BYTES) or _packed(folder, reference[1])).strip()
    raise NoClone("HEAD names no commit")


def _packed(folder: int, reference: str) -> str:
    """The commit of a reference in ``packed-refs``; empty if the reference is not in it."""
    lines = (_read(folder, "packed-refs", _MOST_PACKED_BYTES) or "").splitlines()
    return next((commit for commit, _, name in (line.partition(" ") for line in lines) if name == reference), "")


def _addresses(folder: int) -> list[str]:
    """The address of the remote ``origin``, then those of the other remotes, sorted by name."""
    addresses: dict[str, str] = {}
    for remote, address in _iter_addresses(_read(folder, "config", _MOST_CONFIG_BYTES) or ""):
        addresses.setdefault(remote, address)
    return [addresses[remote] for remote in sorted(addresses, key=lambda remote: (remote != "origin", remote))]


def _iter_addresses(config: str) -> Iterator[tuple[str, str]]:
    """Name and address of each remote in a git configuration, in its order.

    Raises:
        NoClone: the configuration was cut off.
    """
    remote: str | None = None  # of the section that the lines are in
    for line in _CONTINUED.sub(r"\1", config).split("\n"):
        rest = line
        if line.lstrip().startswith("["):
            header = _SECTION.fullmatch(line)
            if header is None:
                raise NoClone("its configuration was cut off")
            remote, rest = header[2] if header[1].lower() == "remote" else None, header[3]
        variable = _VARIABLE.fullmatch(rest)
        if remote is not None and variable and variable[1].lower() == "url":
            yield _ESCAPE.sub(r"\1", remote), _value(variable[2])


def _value(text: str) -> str:
    """A value of a git configuration, without quotes, escapes, comment and outer blanks."""
    parts = []
    for quoted, plain, comment in _PART.findall(text):
        if comment:
            break
        parts.append(_ESCAPE.sub(r"\1", quoted or plain))
    return "".join(parts).strip()


def web_address(remote: str) -> str | None:
    """The page of a repository, without credentials and ``.git``; None if the remote is not a web address.

    ``git@github.com:org/repo.git`` and ``ssh://git@github.com/org/repo`` become ``https://github.com/org/repo``.
    """
    remote = remote.strip()
    scheme, host, path = "https", None, ""
    if "://" in remote:
        try:
            parts = urlsplit(remote)
            port = parts.port
        except ValueError:
            return None
        if parts.scheme in ("http", "https"):
            scheme = parts.scheme
            host = f"{parts.hostname}:{port}" if parts.hostname and port else parts.hostname
        elif parts.scheme in ("ssh", "git", "git+ssh"):
            host = parts.hostname
        path = parts.path
    elif match := _SCP_FORM.fullmatch(remote):
        host, path = match["host"], match["path"]
        if len(host) == 1:  # a drive letter, not a host
            return None
    if "@" in path:  # the end of a password with a slash in it
        return None
    path = path.strip("/").removesuffix(".git")
    if not host or not path or not re.fullmatch(r"[A-Za-z0-9._:\[\]-]+", host):
        return None
    if not is_clean(path) or not re.fullmatch(r"[^\s<>\"'`{}|\\^]+", path):
        return None
    return f"{scheme}://{host}/{path}"


def _comparable(remote: str) -> str | None:
    """What all addresses of one repository share: host and path on the web, or the path on this machine."""
    address = web_address(remote)
    if address is not None:
        # Host names ignore case, and so does GitHub in paths.
        return address.partition("://")[2].casefold()
    return remote.strip().removeprefix("file://").rstrip("/").removesuffix(".git") or None


def names_submissions(remote: str) -> bool:
    """Whether an address is that of a repository in which a round is prepared, such as ``submissions_training_v6.0``.

    In any spelling: percent-encoded, as a Windows path, with ``.git`` at its end.
    """
    for _ in range(_MOST_QUOTED):
        remote = unquote(remote)
    parts = [
        part
        for part in re.split(r"[/\\:\s]+", re.split("[?#]", remote.casefold())[0])
        if part not in ("", ".", "git", ".git")
    ]
    return bool(parts) and _SUBMISSIONS.search(parts[-1]) is not None
