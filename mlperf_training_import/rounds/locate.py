"""Finds the rounds to import: cache entries of a home, or a folder, in; :class:`~..model.Round` records out."""

from __future__ import annotations

import contextlib
import os
from itertools import combinations, islice
from typing import TYPE_CHECKING

import msgspec

from ..errors import AmbiguousRounds, BadInput, NothingToImport
from ..findings import Finding, reporter
from ..model import Round
from ..regular import whole_path
from ..suggest import did_you_mean
from ..tables.labels import order_of_label, round_label, split_label
from ..tables.rules import rules_of
from ..tables.suites import VERSION_TAG
from .advice import fetch_command, is_tree, missing_rounds, replace_command, trees_near
from .clone import NoClone, read_clone
from .repository import is_of_its_repository
from .walk import PACKAGE_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ..homes.commands import Commands
    from ..homes.home import CacheEntry, Home


def locate(home: Home, findings: list[Finding], labels: Sequence[str] = ()) -> list[Round]:
    """The rounds in the cache of a home, by suite, oldest first, and by label within a round.

    ``labels`` restricts the search to these rounds. A cache entry that cannot be used (no ``version-`` tag, no clone, a
    clone that was cut off) becomes a finding.

    Raises:
        NothingToImport: no entry has the tags of a suite, or one of ``labels`` is not among them.
        AmbiguousRounds: two clones have the same label, or one repository has two labels.
        OSError: the cache cannot be read.
    """
    gone, cached, commands = home.gone_entries(), home.cached_entries(), home.commands
    nameless = _undescribed(home)
    left_out = "".join(f"{finding.where}: {finding.what}\n" for finding in nameless)
    if not cached:
        raise NothingToImport(
            f"{left_out}no MLPerf Training results in the {commands.home} cache; fetch a round first:\n"
            f"  {fetch_command(commands=commands)}"
        )
    wanted = [entry for entry in cached if not labels or set(entry.labels) & set(labels)]
    rounds = [round_ for entry in wanted if (round_ := _round_of(entry, findings, commands)) is not None]
    known = {label for entry in cached for label in entry.labels}
    if missing := [label for label in labels if label not in known]:
        raise NothingToImport(left_out + missing_rounds(missing, sorted(known), commands))
    findings += nameless
    for label, folder in gone:
        if label not in known:
            what = f"the folder of the cache entry is gone; fetch the round again: {fetch_command(label, commands)}"
            findings.append(Finding("clone-missing", label, str(folder), what))
    _refuse_ambiguous(rounds, commands)
    return sorted(rounds, key=lambda round_: order_of_label(round_.label))


def locate_path(path: Path, label: str) -> Round:
    """A local tree as a round: the root of a results repository, or one submitter's folder in it.

    Args:
        path: the folder; it need not be a git clone.
        label: the round that it is.

    Raises:
        BadInput: the folder does not exist.
    """
    version = round_label(label).round
    path = whole_path(path)
    if not path.is_dir():
        beside = (child.name for child in path.parent.iterdir() if child.is_dir()) if path.parent.is_dir() else ()
        raise BadInput(f"--path={path}: no such folder{did_you_mean(path.name, beside, f'--path={path.parent}/')}")
    nested = rules_of(version).layout.nested
    is_submitter = PACKAGE_ROOT.fullmatch(path.parent.name) if nested else (path / "results").is_dir()
    only = path.name if is_submitter else None
    near = ", or ".join(f"--path={tree}" for tree in islice(trees_near(path), 2))
    if near and only is None and not is_tree(path) and not nested:
        raise BadInput(f"--path={path}: no results tree, and no submitter's folder in one; did you mean {near}?")
    root = path.parent if only else path
    try:
        round_ = read_clone(root, label, version)
    except NoClone as error:
        is_clone = os.path.lexists(root / ".git")
        round_ = Round(label, version, root, git_trouble=str(error) if is_clone else None)
    whole = only is None and (label != version or is_of_its_repository(round_))
    return msgspec.structs.replace(round_, only=only, part="" if whole else path.name)


def iter_doubts(rounds: Sequence[Round]) -> Iterator[Finding]:
    """A finding for each clone whose git folder cannot be read, and for each that another user could have changed."""
    for round_ in rounds:
        git_folder = round_.path / ".git"
        if round_.git_trouble is not None:
            yield Finding("clone-unreadable", round_.label, str(git_folder), round_.git_trouble)
        for place in (round_.path, git_folder):  # git itself refuses to trust such a clone
            with contextlib.suppress(OSError):
                if (owner := place.lstat().st_uid) != os.geteuid():
                    what = f"belongs to user {owner}, and the import runs as user {os.geteuid()}"
                    yield Finding("foreign-clone", round_.label, str(place), what)
                    break


def _undescribed(home: Home) -> list[Finding]:
    """A finding for each clone whose description cannot be used; the automation does not find it, and cannot remove it."""
    return [
        Finding(
            "clone-untagged",
            "",
            str(trouble.place),
            f"{trouble.what}; nobody knows which round is cached there: remove {folder}, and fetch that round again",
        )
        for folder, trouble in home.undescribed_clones()
    ]


def _round_of(entry: CacheEntry, findings: list[Finding], commands: Commands) -> Round | None:
    """The round in a cache entry; None, and a finding, if the entry cannot be used.

    Raises:
        AmbiguousRounds: it is tagged as several rounds.
    """
    if len(entry.labels) > 1:
        raise AmbiguousRounds(
            f"{entry.clone}: tagged as several rounds ({', '.join(entry.labels)}); "
            f"remove it ({commands.remove.format(entry=entry.name)}), then fetch the round again with one version- tag"
        )
    label = entry.labels[0] if entry.labels else ""
    # our own command line removes entries that cannot be used
    again = f"run: {fetch_command(label, commands)}" if commands.own else replace_command(entry.name, label, commands)
    report = reporter(findings, label)
    version = split_label(label)
    if entry.unfinished:
        report("clone-incomplete", str(entry.clone), f"fetching it was interrupted; {again}")
    elif not label:
        report("clone-untagged", str(entry.clone), f"no version- tag; remove the entry ({again})")
    elif version is None:
        tag = next(tag for tag in entry.tags if tag.startswith(VERSION_TAG))
        what = f"the tag {tag} names no round; expected {VERSION_TAG}<number>.<number>, optionally with -<suffix>"
        findings.append(Finding("clone-untagged", "", str(entry.clone), what))
    elif not entry.clone.is_dir():
        report("clone-missing", str(entry.clone), f"the cache entry has no clone; {again}")
    else:
        try:
            round_ = read_clone(entry.clone, label, version.round)
            if entry.expired_on is not None:
                what = f"the cache entry expired on {entry.expired_on}; it is used, since there is no newer one; "
                what += f"to have the round of today: {fetch_command(label, commands)}"
                report("clone-expired", str(entry.clone), what)
            return round_
        except NoClone as error:
            what = f"the clone was cut off or is no git repository ({error}); {again}"
            report("clone-incomplete", str(entry.clone), what)
    return None


def _refuse_ambiguous(rounds: list[Round], commands: Commands) -> None:
    for one, other in combinations(rounds, 2):
        both = "".join(f"\n  {round_.path} (commit {(round_.commit or 'unknown')[:12]})" for round_ in (one, other))
        if one.label == other.label:
            remove = commands.remove.format(entry="<name of its folder>")
            raise AmbiguousRounds(
                f"two clones are tagged version-{one.label}:{both}\nremove one of them ({remove}), or tag it differently"
            )
        if one.remote is not None and one.remote == other.remote:
            raise AmbiguousRounds(
                f"{one.web_url or 'one repository'} is cached as round {one.label} and as round {other.label}:{both}\n"
                "remove the one with the wrong version- tag"
            )
