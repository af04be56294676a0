"""One name for one thing: what descriptions call it in, its name out.

Submitters spell one accelerator in a dozen ways. The tables of ``tables/names.py`` know how; what they do not explain in
full has no name, and is never mistaken for a similar name. Each spelling is looked up once.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from itertools import accumulate, repeat
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ..tables.names import accelerators_table, names_table, submitters_table
from ..values import only

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..model import System

_T = TypeVar("_T")

#: The longest published spelling has 115 characters; a longer one than this is no name.
_LONGEST_SPELLING = 300
#: By what share two numbers for one memory may differ.
_MEMORY_TOLERANCE = 0.03
#: Spellings that are remembered of each kind. All published rounds have some hundreds.
_REMEMBERED = 4096

_MARKS = re.compile(r"\((?:r|tm|c)\)")
_MARK_SIGNS = str.maketrans({"\N{TRADE MARK SIGN}": " ", "\N{MULTIPLICATION SIGN}": "x"})
_BETWEEN_WORDS = re.compile(r"(?:[^\w+]|_)+")
_BETWEEN_SUBMITTERS = re.compile(r"[+&/,_-]|\band\b", re.IGNORECASE)
#: Where letters meet digits in a name of the tables.
_SEAM = re.compile(r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])")
#: What may follow the name of a model without a blank ("H100SXM5"), and a count that stands before
#: or behind it so ("8xA100", "A100x8").
_GLUED = re.compile(
    r"(?<=[a-z0-9])(?=sxm|pcie|nvl|oam|hbm)|(?<=[0-9])(?=x[0-9]+\b)|(?<=\b[0-9]x)(?=[a-z])|(?<=\b[0-9]{2}x)(?=[a-z])"
)


class Accelerator(msgspec.Struct, frozen=True):
    """An accelerator by its names. ``form``, ``memory_gb`` and ``power_limit_watts`` are None where they are not known.

    ``variant`` is the name for people, with as much of form and memory as is known: A100 SXM 80 GB.
    """

    name: str
    variant: str
    vendor: str
    generation: str
    form: str | None
    memory_gb: int | None
    power_limit_watts: int | None


class Processor(msgspec.Struct, frozen=True):
    """A host processor; ``vendor`` is None where a spelling names processors of two."""

    name: str
    vendor: str | None


class Submitter(msgspec.Struct, frozen=True):
    """A submitter. ``members`` are those of a joint submission, in alphabetical order; any other has none."""

    name: str
    members: tuple[str, ...] = ()


class UnknownName(msgspec.Struct, frozen=True):
    """A spelling that the table of its kind (``accelerator``, ``submitter``, ...) does not explain.

    ``spelling`` is the name of the system where only that says which accelerator it has.
    """

    kind: str
    spelling: str


@functools.lru_cache(_REMEMBERED)  # a system has a description, and results for several benchmarks
def name_keys(record: System, folder: str, file: str) -> tuple[Mapping[str, object], Sequence[UnknownName]]:
    """The names of a system and its submitter as keys of an entry (None: not known), and the spellings that have no name.

    Args:
        record: what the description says.
        folder: the submitter's folder, which counts where the description names no submitter.
        file: the name of the description's file without its ending; it names the system as the description does.
    """
    spellings = {
        "accelerator": record.accelerator_model_name,
        "submitter": record.submitter or folder,
        "availability": record.availability,
        "processor": record.host_processor_model_name,
        "framework": record.framework,
    }
    accelerator = find_accelerator(spellings["accelerator"], f"{record.name or ''} {file}", record.accelerator_memory_gb)
    submitter = find_submitter(spellings["submitter"])
    availability = find_availability(spellings["availability"])
    processor = find_processor(spellings["processor"])
    framework = find_framework(spellings["framework"])
    named = (accelerator, submitter, availability, processor, framework)
    keys: dict[str, object] = {
        **_prefixed("accelerator", Accelerator, accelerator),
        "is_processor_only": is_processor_only(record),
        "submitter_name": submitter and submitter.name,
        "submitter_members": (submitter and list(submitter.members)) or None,
        "availability_category": availability,
        **_prefixed("processor", Processor, processor),
        "framework_family": framework,
    }
    unknown = [
        UnknownName(kind, (record.name or file) if kind == "accelerator" and is_told_by_system(spelling) else spelling)
        for (kind, spelling), name in zip(spellings.items(), named, strict=True)
        if name is None and spelling is not None and not means_nothing(kind, spelling)
    ]
    return keys, unknown


def _prefixed(key: str, kind: type[msgspec.Struct], named: msgspec.Struct | None) -> dict[str, object]:
    """The fields of a name as keys of an entry, that of the name itself first; all of them None where there is no name."""
    keys = (key, *(f"{key}_{field}" for field in kind.__struct_fields__[1:]))
    return dict(zip(keys, repeat(None) if named is None else msgspec.structs.astuple(named), strict=False))


def is_processor_only(record: System) -> bool | None:
    """Whether the processors of a system do the work; None where its description does not say, or contradicts itself."""
    spelling, count = record.accelerator_model_name, record.accelerators_per_node
    if spelling is not None and not means_nothing("accelerator", spelling):
        return None if count == 0 else False
    if count is None:
        return None if spelling is None else True
    return True if count == 0 else None


@functools.lru_cache(_REMEMBERED)
def means_nothing(kind: str, spelling: str) -> bool:
    """Whether a spelling is one of those that stand for no name (``N/A``), or has neither letters nor digits."""
    return _squeeze(spelling) in _nothing(kind) or not any(map(str.isalnum, spelling))


@functools.lru_cache(_REMEMBERED)
def is_told_by_system(spelling: str) -> bool:
    """Whether a spelling says whose accelerator it is ("TPU"), and the system's name which."""
    return _squeeze(spelling) in map(_squeeze, accelerators_table().by_system)


def find_accelerator(
    spelling: str | None, system: str | None = None, capacity_gb: float | None = None
) -> Accelerator | None:
    """The accelerator that a spelling means; None where it means none, several, or one that the table does not know.

    Args:
        spelling: ``accelerator_model_name`` of a description.
        system: names of the system, which tell the model where the spelling says "TPU" and no more, and the power limit.
        capacity_gb: ``accelerator_memory_capacity``, which counts where the spelling does not say the memory.
    """
    if spelling is None:
        return None
    is_told = is_told_by_system(spelling)
    return _find_model(system if is_told else spelling, _words(system), capacity_gb, ignores_rest=is_told)


@functools.lru_cache(_REMEMBERED)
def stated_memory_gb(spelling: str | None) -> int | None:
    """The memory that the spelling of an accelerator says, if it is one that its model may have."""
    accelerator = find_accelerator(spelling)
    stated = only(_take_numbers(_MEMORY, _models()[0].sub(" ", _words(spelling)))[0])
    return stated if accelerator is not None and accelerator.memory_gb == stated else None


@functools.lru_cache(_REMEMBERED)
def _find_model(spelling: str | None, system: str, capacity_gb: float | None, *, ignores_rest: bool) -> Accelerator | None:
    """The accelerator of the only model that a text names, if what else it says is explained or ignored."""
    text = _words(spelling)
    pattern, names = _models()
    model = only(names[found.replace(" ", "")] for found in pattern.findall(text))
    rest = "" if ignores_rest else pattern.sub(" ", text)
    return None if model is None else _make_accelerator(model, rest, system, capacity_gb)


@functools.lru_cache(_REMEMBERED)
def find_submitter(spelling: str | None) -> Submitter | None:
    """The submitter that a spelling means, or the joint submission; None where the table does not know all of its parts."""
    if spelling is None or len(spelling) > _LONGEST_SPELLING:
        return None
    known, joint = _submitters()
    if (submitter := known.get(_bare_name(spelling))) is not None:
        return submitter
    members: set[str] = set()
    for part in filter(str.strip, _BETWEEN_SUBMITTERS.split(spelling)):
        if (submitter := known.get(_bare_name(part))) is None:
            return None
        members.update(submitter.members or [submitter.name])
    in_order = tuple(sorted(members, key=str.casefold))
    if len(in_order) < 2:
        return None
    return joint.get(in_order) or Submitter(" + ".join(in_order), in_order)


@functools.lru_cache(_REMEMBERED)
def find_availability(spelling: str | None) -> str | None:
    """The category of availability that a spelling means, None where the table does not know it.

    Returns:
        ``available cloud``, ``available on-premise``, ``preview``, ``research``, or ``available`` where it says no more.
    """
    text, rows = _words(spelling), names_table().availability
    return next((category for category, source in rows.items() if _pattern(source).fullmatch(text)), None)


@functools.lru_cache(_REMEMBERED)
def find_processor(spelling: str | None) -> Processor | None:
    """The processor that a spelling means, or its family where no model is named; several are joined by " + "."""
    text = _words(spelling)
    table = names_table()
    found = _find_processors(table.processors, text) or _find_processors(table.families, text)[:1]
    if not found:
        return None
    names = dict.fromkeys(table.misprints.get(name, name) for name, _ in found)
    return Processor(" + ".join(names), only(vendor for _, vendor in found))


@functools.lru_cache(_REMEMBERED)
def find_framework(spelling: str | None) -> str | None:
    """The framework that a spelling means; several are joined by " + ", in alphabetical order."""
    text = _words(spelling)
    for rows in (names_table().frameworks, names_table().below):
        if found := [name for name, source in rows.items() if _pattern(source).search(text)]:
            return " + ".join(sorted(found, key=str.casefold))
    return None


@functools.cache
def _models() -> tuple[re.Pattern[str], dict[str, str]]:
    """What finds the accelerators in a text, and the model of each thing that it finds, without blanks."""
    rows = accelerators_table().accelerators
    spellings = {spelling: name for name, row in rows.items() for spelling in (name, *row.spellings)}
    # of two that begin alike, the longer one is meant
    pattern = _pattern("|".join(sorted(map(_phrase, spellings), key=len, reverse=True)))
    return pattern, {_squeeze(spelling): name for spelling, name in spellings.items()}


def _make_accelerator(model: str, rest: str, system: str, capacity_gb: float | None) -> Accelerator | None:
    """The accelerator of a model; None where the rest of its spelling is not explained in full."""
    table = accelerators_table()
    row = table.accelerators[model]
    memories, rest = _take_numbers(_MEMORY, rest)
    power_limits, rest = _take_numbers(_POWER_LIMIT, rest)
    grades, rest = _take_names(row.grades, rest)
    hints = f"{rest} {system}"
    own_words = (table.vendors[row.vendor].words, *map(_phrase, row.generation.split()), row.words)
    for explained in (_COUNT, _pattern("|".join(table.words)), _pattern("|".join(filter(None, own_words)))):
        rest = explained.sub(" ", rest)
    forms, rest = _take_names(table.forms, " ".join(rest.split()))
    if rest.strip():
        return None
    of_forms: dict[str | None, tuple[int, ...]] = dict(row.forms.items()) or {None: row.memory}
    forms = forms or _hinted(row.told_by, hints)
    form = only(name for name in forms or of_forms if name in of_forms)
    possible = of_forms.get(form) or [gb for of_form in of_forms.values() for gb in of_form]
    if not memories and capacity_gb is not None:
        nearest = sorted(possible, key=lambda gb: abs(gb - capacity_gb))
        memories = [gb for gb in nearest if is_same_memory(gb, capacity_gb)][:1]
    memory_gb = only(gb for gb in memories or possible if gb in possible)
    memory = None if memory_gb is None else f"{memory_gb} GB"
    variant = " ".join(filter(None, (model, *grades, form, memory)))
    if (limits := row.power_limits.get(variant)) is not None:
        power_limits = power_limits or _hinted(limits, hints)[:1]
        variant = " ".join((variant, *(f"{watts} W" for watts in power_limits)))
    return Accelerator(
        name=model,
        variant=variant,
        vendor=row.vendor,
        generation=row.generation,
        form=form,
        memory_gb=memory_gb,
        power_limit_watts=only(power_limits),
    )


def is_same_memory(one_gb: float, other_gb: float) -> bool:
    """Whether two numbers mean one memory: of some, drivers say what is left, and descriptions 1,024 MiB for each GB."""
    return abs(one_gb - other_gb) <= _MEMORY_TOLERANCE * one_gb


def _hinted(hints: Mapping[_T, str], text: str) -> list[_T]:
    """What the words of a text hint at."""
    return [told for told, source in hints.items() if _pattern(source).search(text)]


@functools.cache
def _submitters() -> tuple[dict[str, Submitter], dict[tuple[str, ...], Submitter]]:
    """Submitters by their bare names, and those joint submissions that have a name of their own by their members."""
    table = submitters_table()
    known: dict[str, Submitter] = {}
    for name, spellings in table.submitters.items():
        known |= dict.fromkeys(map(_bare_name, (name, *spellings)), Submitter(name))
    joint = {}
    for name, row in table.joint.items():
        submitter = Submitter(name, row.members)
        joint[submitter.members] = submitter
        known |= dict.fromkeys(map(_bare_name, (name, *row.spellings)), submitter)
    return known, joint


def _find_processors(rows: Sequence[tuple[str, str, str]], text: str) -> list[tuple[str, str]]:
    """Name and vendor of the processors that a text names, in its order; of two at one place the one that begins first."""
    found = sorted(
        (match.span(), template.format(*map(_in_capitals, match.groups())), vendor)
        for vendor, template, source in rows
        for match in _pattern(source).finditer(text)
    )
    ends = [0, *accumulate((end for (_, end), _, _ in found), max)]
    return [(name, vendor) for ((start, _), name, vendor), end in zip(found, ends, strict=False) if start >= end]


def _in_capitals(text: str) -> str:
    """A part of a number as makers write it (8462Y+), or a code name (Rome)."""
    return text.capitalize() if text.isalpha() else text.upper()


@functools.cache
def _nothing(kind: str) -> frozenset[str]:
    table = names_table().nothing
    return frozenset(map(_squeeze, (*table["any"], *table.get(kind, ()))))


def _words(spelling: str | None) -> str:
    """A spelling without case, marks and punctuation, with one blank between words; empty where it is no name."""
    if spelling is None or len(spelling) > _LONGEST_SPELLING:
        return ""
    text = unicodedata.normalize("NFKC", spelling.translate(_MARK_SIGNS)).lower()
    return _GLUED.sub(" ", _BETWEEN_WORDS.sub(" ", _MARKS.sub(" ", text))).strip()


def _squeeze(spelling: str) -> str:
    return _words(spelling).replace(" ", "")


def _bare_name(spelling: str) -> str:
    """What two spellings of a submitter have in common."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", spelling).casefold())
    return "".join(word for word in words if word not in submitters_table().legal_forms)


def _phrase(name: str) -> str:
    """The pattern of a name of the tables, with a blank where it has one and where letters meet digits."""
    return " ".join(re.escape(part) for word in _words(name).split() for part in _SEAM.split(word))


@functools.cache
def _pattern(source: str) -> re.Pattern[str]:
    """A pattern of the tables, for whole words; the space may be missing."""
    return re.compile(f"(?<![a-z0-9])(?:{source.replace(' ', ' ?')})(?![a-z0-9+])")


def _take_numbers(pattern: re.Pattern[str], text: str) -> tuple[list[int], str]:
    """The different numbers that a pattern finds, and the text without them."""
    return list(dict.fromkeys(map(int, pattern.findall(text)))), pattern.sub(" ", text)


def _take_names(sources: Mapping[str, str], text: str) -> tuple[list[str], str]:
    """The names whose patterns are found, and the text without what they found."""
    found = []
    for name, source in sources.items():
        text, count = _pattern(source).subn(" ", text)
        if count:
            found.append(name)
    return found, text


_MEMORY = _pattern("([0-9]+) g(?:i?b)?")
_POWER_LIMIT = _pattern("([0-9]{2,4}) w(?:atts?)?")
_COUNT = _pattern("[0-9]+ x|x [0-9]+|^[0-9]+")
