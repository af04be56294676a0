"""The page about a new round: entries in, one HTML text out that says what is new against the rounds before it."""

from __future__ import annotations

import html
from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from ...results.remarks import remarks_of
from ...tables.labels import order_of_label, split_label
from ...tables.metrics import metric_in
from ...values import counted, finite_number, natural_key
from ..entries import edition_of_entry, number_in, text_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    Entry = Mapping[str, Any]

#: It is static: nothing runs in it, and nothing is loaded.
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; }}
th, td {{ text-align: left; vertical-align: top; padding: .3em .8em .3em 0; border-bottom: 1px solid #8886; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>Compared with the results of earlier rounds that are in the same repository; the round before is {before}.
Closed division only, unless a row says otherwise. Results that repeat runs of an earlier round are left out.
<a href="index.html">All results</a></p>
{body}
</body>
</html>
"""


class _Scored(NamedTuple):
    """A result with what it may be compared by; ``order`` is smaller for a better one."""

    entry: Entry
    score: float
    order: float
    label: str

    @property
    def edition(self) -> tuple[str, str]:
        return edition_of_entry(self.entry).id, metric_in(self.entry).name


def new_rounds(entries: Iterable[Entry]) -> dict[str, str]:
    """The newest public round of each suite that has an earlier one among the entries, with the round before it."""
    of_suite: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        label = split_label(str(entry.get("version")))
        if label is not None and not label.suffix:
            of_suite[label.suite].add(label.round)
    ordered = (sorted(labels, key=order_of_label) for labels in of_suite.values())
    return {labels[-1]: labels[-2] for labels in ordered if len(labels) > 1}


def make_news(entries: Iterable[Entry], label: str, before: str) -> str:
    """The page about a round: records, accelerators and submitters that are new, and gains at the same size.

    Args:
        entries: all results; only those of public rounds count.
        label: the new round.
        before: the round before it.
    """
    scored = list(_iter_scored(entries, label))
    old = [one for one in scored if one.label != label]
    known = {one.entry.get("runs_digest") for one in old} - {None}
    new = [one for one in scored if one.label == label and one.entry.get("runs_digest") not in known]
    last = [one for one in old if one.label == before]
    parts = [
        _section("Records", "fastest of its edition so far", _records(new, old)),
        _section("Gains at the same size", f"best with as many accelerators, against {before}", _gains(new, last)),
        _section(
            "New accelerators",
            "fewest minutes of the first results with them",
            _first_of(new, old, "accelerator", "accelerator_model_name"),
        ),
        _section("New submitters", "their best results", _first_of(new, old, "submitter_name", "submitter")),
    ]
    title = f"New in {html.escape(label)}: {counted(len(new), 'result')}"
    return _PAGE.format(title=title, before=html.escape(before), body="\n".join(parts))


def _iter_scored(entries: Iterable[Entry], label: str) -> Iterator[_Scored]:
    """The results of a round and of the public ones before it in its suite."""
    newest = split_label(label)
    for entry in entries:
        found, score = split_label(str(entry.get("version"))), number_in(entry, "Result")
        if newest is None or found is None or found.suffix or score is None:
            continue
        if found.suite == newest.suite and found.number <= newest.number:
            yield _Scored(entry, score, metric_in(entry).order(score), found.round)


def _best(scored: Iterable[_Scored], key: Callable[[_Scored], object | None]) -> dict[Any, _Scored]:
    """The best result of each key that is not None; the first of equal ones."""
    best: dict[object, _Scored] = {}
    for one in scored:
        if (place := key(one)) is not None and (place not in best or one.order < best[place].order):
            best[place] = one
    return best


def _records(new: Sequence[_Scored], old: Sequence[_Scored]) -> Iterator[str]:
    known, best = (_best(filter(_is_closed, scored), attrgetter("edition")) for scored in (old, new))
    for edition, one in sorted(best.items()):
        if edition not in known or one.order < known[edition].order:
            yield _row(one, known.get(edition))


def _gains(new: Sequence[_Scored], last: Sequence[_Scored]) -> Iterator[str]:
    def size(one: _Scored) -> object | None:
        count = finite_number(one.entry.get("accelerators_count"))
        return (*one.edition, count) if count and _is_closed(one) else None

    before = _best(last, size)
    better = [(one, before[key]) for key, one in _best(new, size).items() if key in before and one.order < before[key].order]
    for one, other in sorted(better, key=lambda pair: (-_gain(*pair), natural_key(pair[0].edition))):
        yield _row(one, other)


def _first_of(new: Sequence[_Scored], old: Sequence[_Scored], *keys: str) -> Iterator[str]:
    """The best result of each edition by what only new results have under the first of some keys."""
    known = {"", *(text_in(one.entry, *keys) for one in old)}
    firsts = (one for one in new if text_in(one.entry, *keys) not in known)
    best = _best(firsts, lambda one: (text_in(one.entry, *keys), *one.edition))
    for _, one in sorted(best.items()):
        yield _row(one, None)


def _is_closed(one: _Scored) -> bool:
    return one.entry.get("division") == "closed"


def _gain(new: _Scored, old: _Scored) -> float:
    """How many times better a result is than another of the same metric."""
    less, more = sorted((new.score, old.score))
    return more / less if less > 0 else 0.0


def _section(title: str, what: str, rows: Iterable[str]) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("benchmark", "result", "whose", "before", "gain", "caution"))
    body = "\n".join(rows)
    table = f"<table>\n<tr>{head}</tr>\n{body}\n</table>" if body else "<p>None.</p>"
    return f"<h2>{title}</h2>\n<p>{html.escape(what)}</p>\n{table}"


def _row(one: _Scored, other: _Scored | None) -> str:
    """A row about a result, and the one that it is compared with; all text is of unknown origin."""
    cautions = [*_cautions(one), *(f"before: {text}" for text in (_cautions(other) if other else ()))]
    cells = (
        html.escape(edition_of_entry(one.entry).title),
        _link(one),
        html.escape(_whose(one)),
        f"{_link(other)}: {html.escape(_whose(other))}" if other else "",
        f"{_gain(one, other):.2f} times" if other else "",
        html.escape("; ".join(cautions)),
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _whose(one: _Scored) -> str:
    count, name = finite_number(one.entry.get("accelerators_count")), text_in(one.entry, "accelerator_variant", "system")
    return f"{text_in(one.entry, 'submitter_name', 'submitter')}, {f'{count} x {name}' if count else name}"


def _cautions(one: _Scored) -> list[str]:
    category = text_in(one.entry, "availability_category")
    return [*remarks_of(one.entry).values(), *([category] if category in ("preview", "research") else [])]


def _link(one: _Scored) -> str:
    metric, url = metric_in(one.entry), text_in(one.entry, "url", "details_url")
    text = html.escape(f"{one.score:.3f} {metric.unit} ({one.label})")
    return f'<a href="{html.escape(url)}">{text}</a>' if url.startswith("https://") else text
