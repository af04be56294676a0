"""What the user asked for, and how text from the edges becomes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import BadInput
from .suggest import did_you_mean, nearest
from .tables.labels import order_of_label, split_label
from .tables.rules import known_rounds
from .tables.suites import suites
from .values import LARGEST_LOG_MB

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Set

_TRUE = frozenset({"1", "on", "true", "yes"})
_FALSE = frozenset({"0", "off", "false", "no"})
#: Flags that cannot be given together, and why.
_CONTRADICTIONS = (
    ("prune", "path", "removes what a clone no longer holds, and --path names a folder"),
    ("update", "path", "replaces clones in the cache, and --path names a folder"),
    ("update", "dry_run", "replaces clones, and --dry_run writes nothing"),
)
_ROUND_VARIABLE = re.compile(rf"round_(?:({'|'.join(suites())})_)?(\d+)_(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which results are wanted; an empty set wants all. Submitters are named by their folders."""

    submitters: frozenset[str] = frozenset()
    benchmarks: frozenset[str] = frozenset()
    divisions: frozenset[str] = frozenset()

    def wants(self, submitter: str, benchmark: str | None, division: str | None = None) -> bool:
        """Whether a result is wanted, as far as it is known: a benchmark or division of None is not judged."""
        values = ((self.submitters, submitter), (self.benchmarks, benchmark), (self.divisions, division))
        return all(value is None or value in wanted for wanted, value in values if wanted)

    def check(self, name: str, existing: Set[str]) -> None:
        """Refuses values of one filter that name nothing which exists. A division is known only once the logs are read.

        Args:
            name: ``submitter``, ``benchmark`` or ``division``.
            existing: the values that there are.

        Raises:
            BadInput: a value matches nothing; the message lists what exists.
        """
        values: frozenset[str] = getattr(self, f"{name}s")
        unknown = sorted(values - existing)
        if unknown:
            there = ", ".join(sorted(existing)) or "none"
            meant = did_you_mean(unknown[0], existing, f"--{name}=")
            raise BadInput(f"--{name}={', '.join(unknown)}: not in these rounds; there are: {there}{meant}")


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for.

    ``versions`` are round labels (empty: every cached round). ``path`` is a local tree to import instead, as the round
    that ``versions`` names. ``output_dir`` gets the summaries and the report. With ``strict`` findings make the run fail
    after all is written. A log of more than ``max_log_mb`` megabytes is not read. ``public`` says that everybody may see
    the results, whatever their label says. With ``update`` the clones of these rounds are replaced by fresh ones first.
    ``dataset`` is a folder that gets every run too, but no series of measurements with ``no_measurements``. With
    ``no_cache`` every log is read, also those that did not change. With ``check`` the tree is checked as a submission, and
    not imported.
    """

    target_repo: str = ""
    versions: tuple[str, ...] = ()
    path: Path | None = None
    filter: Filter = Filter()
    dry_run: bool = False
    prune: bool = False
    output_dir: Path = Path()
    strict: bool = False
    quiet: bool = False
    max_log_mb: int = LARGEST_LOG_MB
    public: bool = False
    update: bool = False
    dataset: Path | None = None
    no_measurements: bool = False
    no_cache: bool = False
    check: bool = False


def options_from(values: Mapping[str, object]) -> Options:
    """The options that flags give.

    Args:
        values: flags by their names, as Collective Mind hands them on: texts, booleans, lists. Beside ``version``, rounds
            are asked for by ``round_3_0``, ``round_hpc_3_0`` and the like, which the variations of the script set.

    Raises:
        BadInput: a switch is neither on nor off, a size is no number above 0, or flags contradict each other.
    """
    variations = [match for name in values if (match := _ROUND_VARIABLE.fullmatch(name)) and _switch(values, name)]
    rounds = (f"{suites()[match[1] or 'training'].label}{int(match[2])}.{int(match[3])}" for match in variations)
    versions = (*sorted(rounds, key=order_of_label), *_list(values, "version"))
    given = {field.name: _READ[field.type](values, field.name) for field in fields(Options) if field.type in _READ}
    options = Options(
        **given,
        versions=tuple(dict.fromkeys(versions)),
        filter=Filter(*(frozenset(_list(values, name)) for name in ("submitter", "benchmark", "division"))),
    )
    if options.path is not None and len(options.versions) != 1:
        raise BadInput(f"--path={options.path}: say which round it is (--version=<number>.<number>)")
    if options.check and options.path is None:
        raise BadInput("--check: say which folder holds the submission (--path=<folder>)")
    if options.check and options.filter != Filter():
        raise BadInput("--check: checks all of --path; name a folder in it there, and leave out --submitter and the like")
    for label in options.versions:
        check_label("--version", label)
    for flag, other, why in _CONTRADICTIONS:
        if getattr(options, flag) and getattr(options, other):
            raise BadInput(f"--{flag}: {why}; leave one of them out")
    if options.dataset is not None and options.filter != Filter():
        raise BadInput("--dataset: holds whole rounds; leave out --submitter, --benchmark and --division")
    return options


def check_label(flag: str, label: str) -> None:
    """Refuses a text that is not the label of a round.

    Args:
        flag: what was typed, for the message.
        label: its value.

    Raises:
        BadInput: it names no round; the message has the rounds in the text, or the nearest one.
    """
    if split_label(label) is None:
        prefix = next((suite.label for name, suite in suites().items() if suite.label and name in label.lower()), "")
        numbers = re.findall(r"\d+\.\d+", label, re.ASCII)
        inside = ",".join(f"{prefix}{number}" for number in numbers) or nearest(label, known_rounds())
        meant = f"; did you mean {flag}={inside}?" if inside else ""
        expected = "<number>.<number>, optionally with -<suffix>, such as 5.1 or hpc-3.0"
        raise BadInput(f"{flag}={label}: expected {expected}{meant}")


def _text(values: Mapping[str, object], name: str) -> str:
    """The value of a flag that is no switch; empty where it was not given.

    Raises:
        BadInput: it was given without one, or with an empty one, as an unset variable of a shell leaves it.
    """
    value = values.get(name)
    text = _plain(value)
    if value is True or (isinstance(value, str) and not text):
        raise BadInput(f"--{name}: a value is missing (--{name}=<value>)")
    return text


def _plain(value: object) -> str:
    return "" if value is None or isinstance(value, bool) else str(value).strip()


def _list(values: Mapping[str, object], name: str) -> list[str]:
    value = values.get(name)
    parts = value if isinstance(value, (list, tuple)) else _text(values, name).split(",")
    texts = [text for part in parts if (text := _plain(part))]
    if not texts and value not in (None, False):
        raise BadInput(f"--{name}: a value is missing (--{name}=<value>)")
    return texts


def _folder(values: Mapping[str, object], name: str) -> Path | None:
    text = _text(values, name)
    try:
        return Path(text).expanduser() if text else None
    except RuntimeError as error:
        raise BadInput(f"--{name}={text}: no such user on this machine; write ./{text} for a folder of that name") from error


def _megabytes(values: Mapping[str, object], name: str) -> int:
    text = _text(values, name)
    if not text:
        return LARGEST_LOG_MB
    if not re.fullmatch(r"0*[1-9]\d{0,8}", text, re.ASCII):
        raise BadInput(f"--{name}={text}: expected a whole number of megabytes above zero, without unit")
    return int(text)


def _switch(values: Mapping[str, object], name: str) -> bool:
    value = values.get(name)
    text = "no" if value is None else str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise BadInput(f"--{name}={text}: expected yes or no")
    return text in _TRUE


#: How the value of a flag is read, by the type of its option.
_READ: dict[str, Callable[[Mapping[str, object], str], Any]] = {
    "str": _text,
    "bool": _switch,
    "int": _megabytes,
    "Path": lambda values, name: _folder(values, name) or Path(),
    "Path | None": _folder,
}
