"""Advice for users whose round is missing: labels and folders in, commands and sentences out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..homes.commands import CM
from ..tables.labels import is_private_label, round_number, split_label
from ..tables.rules import known_rounds, public_rounds, rules_of
from ..tables.suites import source_of
from ..values import first_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ..homes.commands import Commands
    from ..model import Round, Submission

#: How many parent folders to check: a benchmark folder lies four levels below the tree.
_LEVELS = 4
#: At most this many names of a folder's content are listed.
_NAMED = 8


def fetch_command(label: str | None = None, commands: Commands = CM) -> str:
    """What fetches a round; the newest public one where no label is given, or it names no round."""
    label = label if label and split_label(label) else public_rounds("training")[-1]
    if commands.own:
        return f"{commands.own} --round {label}"
    source = source_of(label)
    return commands.fetch.format(address=source.address, tags=source.cache_tags, branch=source.branch)


def replace_command(entry: str, label: str, commands: Commands) -> str:
    """The commands that replace an unusable cache entry, which is named by its uid or its folder."""
    return f"run: {commands.remove.format(entry=entry)}, then fetch the round again: {fetch_command(label, commands)}"


def missing_rounds(missing: Sequence[str], cached: Sequence[str], commands: Commands) -> str:
    """Says that rounds are not cached, and how to get those that there are.

    A label that is no published round is never offered: a repository under a wrong label would spoil what is stored.
    """
    there = ", ".join(cached) or "none"
    message = f"round {', '.join(missing)} is not in the {commands.home} cache, which has {there}"
    offered = [label for label in missing if is_published(label)]
    if offered:
        which = "it" if len(missing) == 1 else ", ".join(offered)
        lines = "\n".join(f"  {fetch_command(label, commands)}" for label in offered)
        return f"{message}; fetch {which} first:\n{lines}"
    return f"{message}; {unknown_round(missing[0], cached)}"


def no_results(round_: Round, walked: Sequence[Submission], read: Sequence[Submission]) -> str:
    """Says that a tree yields no result, and what it holds instead.

    Args:
        round_: the tree.
        walked: its submissions.
        read: those of them that were asked for.
    """
    place = round_.path / round_.only if round_.only else round_.path
    logs = sum(len(submission.logs) for submission in walked)
    if logs and not read:
        return f"no results in {place} of what was asked for, which holds {len(walked)} benchmark folders of others"
    if logs:
        return f"no results in {place}, which holds {len(read)} benchmark folders and no score; the findings say why"
    names = sorted(child.name for child in place.iterdir() if not child.name.startswith("."))
    holds = first_of(names, _NAMED) or "nothing"
    return f"no results in {place}, which holds {holds}; expected {rules_of(round_.version).layout.place}"


def unknown_round(label: str, cached: Sequence[str] = ()) -> str:
    """Says that nothing was published under a label."""
    published = public_rounds()
    inside = max((known for known in (*cached, *published) if known in label), key=len, default="")
    meant = f"; did you mean {inside}?" if inside else ""
    return f"{label} is no published round (these are {', '.join(published)}){meant}"


def is_published(label: str) -> bool:
    """Whether a repository can be expected under a label: that of a known round, of a later one, or of one under review."""
    if label in public_rounds() or is_private_label(label):
        return True
    parts = split_label(label)
    if parts is None or parts.suffix:
        return False
    return parts.number > max(round_number(known) for known in known_rounds(parts.suite))


def trees_near(path: Path) -> Iterator[Path]:
    """Folders above and below one which can be imported: results trees, and submitters' folders in them."""
    submitter = next((above for above in list(path.parents)[:_LEVELS] if (above / "results").is_dir()), None)
    if submitter is not None:
        yield from (submitter, submitter.parent)
    yield from sorted(child for child in path.iterdir() if child.is_dir() and is_tree(child))


def is_tree(path: Path) -> bool:
    """Whether folders of submitters lie in a folder."""
    return any(child.is_dir() for child in path.glob("*/results"))
