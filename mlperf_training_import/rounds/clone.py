"""Reads the few facts that a clone's git folder tells: remote, branch, commit. Nothing in a clone is run."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from urllib.parse import urlsplit

import git
from git.exc import GitError

from ..model import Round
from ..values import is_clean

#: What reading a folder raises that is no complete clone.
NO_CLONE = (GitError, configparser.Error, ValueError, OSError)


_SCP_FORM = re.compile(r"(?:[^@/\s]+@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>(?!//).+)")


def read_clone(clone: Path, label: str, version: str) -> Round:
    """The round in a clone, with what its git metadata says.

    Nothing in the clone is run: the metadata are read from its files, and git itself is not called.

    Raises:
        GitError, configparser.Error, ValueError, OSError: the folder is no complete clone.
    """
    git_folder = clone / ".git"
    if git_folder.is_dir() and ((git_folder / "index.lock").exists() or not (git_folder / "index").exists()):
        raise ValueError("files are missing")
    with git.Repo(clone, search_parent_directories=False) as repository:
        commit = git.SymbolicReference.dereference_recursive(repository, "HEAD")
        branch = None if repository.head.is_detached else repository.active_branch.name
        reader = git.GitConfigParser(str(Path(repository.common_dir) / "config"), read_only=True, merge_includes=False)
        address = next(
            (
                reader.get_value(section, "url")
                for section in ('remote "origin"', *sorted(reader.sections()))
                if section.startswith('remote "') and reader.has_option(section, "url")
            ),
            "",
        )
    return Round(label, version, clone, web_address(str(address)), branch, commit, _comparable(str(address)))


def web_address(remote: str) -> str | None:
    """The page of a repository, without credentials and ``.git``; None where the remote is no address on the web.

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
    """What all addresses of one repository have in common: host and path on the web, or the path on this machine."""
    address = web_address(remote)
    if address is not None:
        # Hosts do not tell upper from lower case, and GitHub does not in paths either.
        return address.partition("://")[2].casefold()
    return remote.strip().removeprefix("file://").rstrip("/").removesuffix(".git") or None
