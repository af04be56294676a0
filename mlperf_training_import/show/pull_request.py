"""The text of a pull request: what an import did in, Markdown out."""

from __future__ import annotations

import re
from dataclasses import astuple
from typing import TYPE_CHECKING

from .. import __version__
from ..tables.keys import entry_keys
from ..values import counted, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..experiments.difference import Kind, State
    from ..outcome import Outcome, RoundOutcome

_LONGEST_VALUE = 160
#: Leads into the documentation of this importer, where another repository has none.
_LINK = re.compile(r"\[([^]]+)\]\([^)]*\)")


def pull_request(outcome: Outcome, before: State, after: State, kinds: Sequence[Kind], outside: Sequence[str]) -> str:
    """The text, in Markdown; its first line is the title.

    Args:
        outcome: what the import did.
        before: the repository before the import.
        after: and after it.
        kinds: what became of the keys of stored results.
        outside: files that are not ours and changed.
    """
    labels = ", ".join(done.round.label for done in outcome.rounds)
    changed = [kind for kind in kinds if kind.what != "added"]
    added = [kind for kind in kinds if kind.what == "added"]
    parts = [
        f"# MLPerf results of {labels}",
        f"Imported by mlperf-training-import {__version__}. The same version makes the same files from the same commits.",
        "## Rounds",
        _table(("round", "commit", "added", "changed", "unchanged", "kept", "removed", "findings"), _rounds(outcome)),
        "Results are counted in the experiments of their round; shared ones are in those over all rounds too. *Kept* are "
        "stored results that the import does not have.",
        *_experiments(outcome, before),
        "## What changes in stored results",
        *_changes(changed),
        *_new_keys(added),
        "## Findings",
        _table(("finding", "count", "example"), _findings(outcome)) if outcome.findings else "There are none.",
        "## Checked",
        "\n".join(_checked(before, after, outside)),
    ]
    return "\n\n".join(parts) + "\n"


def _rounds(outcome: Outcome) -> Iterable[tuple[str, ...]]:
    for done in outcome.rounds:
        label = done.round.label
        numbers = (*astuple(outcome.changes_of(label)), outcome.findings_in(label))
        yield (label, _commit(done), *map(str, numbers))


def _experiments(outcome: Outcome, before: State) -> Iterable[str]:
    """The experiments whose files change, those that are new among them."""
    stored = {name for name, _ in before.objects}
    numbers = {one.name: (one.changes.added, one.changes.updated, one.changes.removed) for one in outcome.experiments}
    rows = [
        (_code(name) + ("" if name in stored else " (new)"), *map(str, changes))
        for name, changes in numbers.items()
        if any(changes)
    ]
    if rows:
        yield "## Experiments that change"
        yield _table(("experiment", "added", "changed", "removed"), rows)


def _commit(done: RoundOutcome) -> str:
    commit, address = done.round.commit, done.round.web_url
    if commit is None:
        return "not known"
    return f"[`{commit[:12]}`]({address}/tree/{commit})" if address else f"`{commit[:12]}`"


def _changes(kinds: Sequence[Kind]) -> Iterable[str]:
    if not kinds:
        yield "No key of a stored result has another value."
        return
    if any(not kind.reason for kind in kinds):
        yield "**Look at the rows without a reason first**: only other files of the round can explain them."
    rows = (
        (_code(kind.key), kind.what, str(kind.results), kind.reason or "**none that this version knows**", _example(kind))
        for kind in kinds
    )
    yield _table(("key", "what", "results", "why", "example"), rows)


def _new_keys(kinds: Sequence[Kind]) -> Iterable[str]:
    if kinds:
        yield f"Stored results get {counted(len(kinds), 'more key')}:"
        known = entry_keys()
        texts = {key: _LINK.sub(r"\1", known[key].text) for key in known}
        rows = ((_code(kind.key), str(kind.results), texts.get(kind.key, "")) for kind in kinds)
        yield _table(("new key", "results", "what it is"), rows)


def _example(kind: Kind) -> str:
    values = [_code(value) for value in (kind.before, kind.after) if value]
    return f"{_code(kind.uid)}: {' → '.join(values)}"


def _findings(outcome: Outcome) -> Iterable[tuple[str, ...]]:
    for count, first in outcome.kinds_of_findings():
        yield _code(first.code), str(count), _code(f"{first.round} {first.where}: {first.what}".strip())


def _checked(before: State, after: State, outside: Sequence[str]) -> Iterable[str]:
    gone = sorted(before.uids() - after.uids())
    kept = len(before.uids()) - len(gone)
    yield f"- {kept:,} of {len(before.uids()):,} uids are kept" + (f"; gone: {', '.join(map(_code, gone))}" if gone else "")
    same = sum(after.objects.get(place) == item for place, item in before.objects.items())
    yield f"- {same:,} of {len(before.objects):,} stored objects did not change"
    if outside:
        changed = counted(len(outside), "file")
        yield f"- **{changed} outside of our experiments changed**: {', '.join(map(_code, outside[:20]))}"
    else:
        yield f"- no file outside of our experiments changed ({len(before.outside):,} compared)"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
    return "\n".join(lines)


def _code(text: str) -> str:
    """A text from anywhere as code in a cell of a table, where it can be no link, mention or mark-up."""
    text = one_line(text)
    if len(text) > _LONGEST_VALUE:
        text = f"{text[:_LONGEST_VALUE]}…"
    return "`{}`".format(text.replace("`", "'").replace("|", "\\|"))
