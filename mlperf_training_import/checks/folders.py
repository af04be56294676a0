"""Checks one benchmark folder: its checked logs in, the result of the package checker and remarks out."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ..results.reference import judge_convergence, reference_for
from ..results.review import references_of
from ..rounds.walk import SCALING_FILE
from ..tables.labels import Label, round_label
from ..tables.metrics import Metric
from ..tables.rules import benchmark_of, rules_of
from ..values import counted, first_of, mean_of, share
from .descriptions import CheckedDescription
from .logs import CheckedLog
from .remarks import Remark, elsewhere, remark, short

if TYPE_CHECKING:
    from ..model import Reference
    from ..tables.rules import Benchmark

    #: ``pass`` or ``fail``, the code of the reason, and the factor, if there is one.
    _Verdict = tuple[str, str, float | None]

#: From this round of Training on, the written rules ask for seeds.
_SEEDS_ASKED_FROM = (4, 1)
#: From this round on, the written rules ask for the same submitter in logs and descriptions.
_ORGANISATION_ASKED_FROM = (4, 1)
#: Only in this round do the written rules allow faster convergence of llama31_405b.
_FORGIVEN_IN = (5, 0)
#: Benchmarks that have no reference points and need none.
_NEVER_JUDGED = frozenset({"minigo"})
#: What the checker takes for the progress of a run that failed; gpt3 counts tokens and needs more.
_FAILED_POINT = 1e9
#: A remark on a folder names so many logs.
_NAMED_LOGS = 10
_RCP_BYPASS, _SEED_BYPASS = "rcp-bypass", "seed-checker-bypass"
PARAMETERS_FILE = "package_checker_params"


class Contents(msgspec.Struct, frozen=True):
    """What a benchmark folder holds besides its logs.

    ``others`` are all other names, ``no_files`` those of them that are named like logs and are no files. ``power`` maps the
    stem of a log to the names in its power folder; it is None without ``power/``. ``parameters`` are paths and texts of the
    ``package_checker_params`` of the benchmark and of the system.
    """

    others: tuple[str, ...] = ()
    no_files: tuple[str, ...] = ()
    power: Mapping[str, tuple[str, ...]] | None = None
    parameters: tuple[tuple[str, str], ...] = ()


class CheckedFolder(msgspec.Struct):
    """A benchmark folder as ``package_checker`` judges it, with codes as the oracle writes them.

    ``stops`` says why it would end with a traceback there. ``rcp`` is what the checker of reference points says: verdict,
    code and factor. ``description`` is that of the system, None where there is none.
    """

    folder: str
    description: CheckedDescription | None
    errors: list[str] = msgspec.field(default_factory=list)
    warnings: list[str] = msgspec.field(default_factory=list)
    stops: str | None = None
    rcp: _Verdict | None = None
    is_skipped: bool = False
    remarks: list[Remark] = msgspec.field(default_factory=list)

    @property
    def passes(self) -> bool:
        """Whether the result would be accepted."""
        is_refused = self.errors or self.stops is not None or self.is_skipped
        return not is_refused and self.description is not None and self.description.verdict == "pass"


class _Stops(Exception):
    """The package checker would end with a traceback here."""


class FolderCheck(msgspec.Struct):
    """Applies the rules for one folder in the order of the package checker.

    Args:
        folder: its path from the folder above the submitters.
        benchmark: its name.
        version: the round.
        metric: what the result measures.
        description: that of the system, None where there is none.
        logs: the checked logs, ordered by name.
        contents: what else the folder holds.
        checked: takes what is found.
    """

    folder: str
    benchmark: str
    version: str
    metric: Metric
    description: CheckedDescription | None
    logs: Sequence[CheckedLog]
    contents: Contents
    checked: CheckedFolder
    _failed: set[str] = msgspec.field(default_factory=set)

    def check(self) -> CheckedFolder:
        """Applies all rules.

        Remarks also cover what the package checker does not reach because it stops before; its errors do not.
        """
        checked = self.checked
        steps = [self._check_division, self._check_count, self._check_logs, self._check_power, self._count_failed]
        steps += [self._check_seeds, self._check_references, self._check_organisation]
        if self.benchmark not in rules_of(self.version).benchmarks:
            checked.is_skipped = True
            checked.warnings.append(f"skipped:{self.benchmark}")
            self._say(
                "package.unknown-benchmark", f"{self.benchmark} is no benchmark of {self.version}{elsewhere(self.benchmark)}"
            )
            steps = steps[:1]
        said = None
        for step in steps:
            try:
                step()
            except _Stops as error:
                checked.stops = checked.stops or str(error)
                said = said or (list(checked.errors), list(checked.warnings))
        if said is not None:
            checked.errors, checked.warnings = said
        return checked

    @property
    def _label(self) -> Label:
        return round_label(self.version)

    @property
    def _drop(self) -> int:
        return benchmark_of(self.benchmark, self.version).drop

    @property
    def _is_closed(self) -> bool:
        """Whether the package checker counts the system as one of the closed division."""
        return self.description is not None and self.description.division == "closed"

    def _say(self, name: str, found: str, asked: str = "", place: str = "", weight: str = "") -> None:
        said = remark(name, place or self.folder, found, self.folder, asked=asked, weight=weight)
        self.checked.remarks.append(said)

    def _check_division(self) -> None:
        if self.description is None:
            raise _Stops("no description")  # the check of descriptions reports this
        if self.description.division is None:
            raise _Stops("a description without a division")

    def _check_count(self) -> None:
        asked, found = benchmark_of(self.benchmark, self.version).runs or 0, len(self.logs) + len(self.contents.no_files)
        if found < asked or (found > asked and not self.metric.surplus_runs):
            self.checked.errors.append(f"count:{self.folder}:{found}/{asked}")
            self._say("package.run-count", counted(found, "log"), counted(asked, "log"))
        names = ", ".join(self.contents.others[:5])
        if not self.logs:
            self._say("package.no-logs", f"no result_*.txt{f', only {names}' if names else ''}")
        if self.contents.others:
            self.checked.warnings.append(f"stray:{self.folder}")
            strays = [name for name in self.contents.others if name not in (PARAMETERS_FILE, SCALING_FILE, "power")]
            if strays and self.logs:
                self._say("package.stray-files", f"beside the logs: {', '.join(sorted(strays)[:10])}")
        if SCALING_FILE in self.contents.others:
            self._say("package.scaling-there", "is there", place=f"{self.folder}/{SCALING_FILE}")

    def _check_logs(self) -> None:
        for log in self.logs:
            if log.judged.verdict == "crash":
                raise _Stops(f"{log.path}: {log.judged.stops}")  # the check of the log reports this
            if log.judged.verdict == "fail":
                self._failed.add(_stem(log.path))
        if self.contents.no_files:
            why = f"{self.contents.no_files[0]} is no file"
            self._say("package.stops", why)
            raise _Stops(why)

    def _check_power(self) -> None:
        if self.contents.power is None:
            return
        stems = sorted(_stem(log.path) for log in self.logs)
        bad = {stem: "is missing" for stem in stems if stem not in self.contents.power}
        counts: dict[str, list[int]] = {"node": [], "sw": []}
        for stem in stems:
            if stem not in bad:
                self._check_power_files(stem, self.contents.power[stem], counts, bad)
        if not counts["node"]:
            why = "power/ has no folder for any log"
            self._say("package.power", why)
            raise _Stops(why)
        for kind, numbers in counts.items():
            usual = max(Counter(numbers), key=Counter(numbers).__getitem__)
            for stem, number in zip(stems, numbers, strict=False):  # pairs with the wrong log if one has no folder
                if number != usual:
                    bad.setdefault(stem, f"{number} {kind}_*.txt, {usual} for most")
        for stem, what in bad.items():
            self._say("package.power", what, place=f"{self.folder}/power/{stem}")
        self._failed |= set(bad)

    def _check_power_files(self, stem: str, names: Sequence[str], counts: dict[str, list[int]], bad: dict[str, str]) -> None:
        """Checks that the numbers of one log's power files have no gaps. One remark per folder asks to begin with 1."""
        place = f"{self.folder}/power/{stem}"
        for kind, numbers in counts.items():
            indices = sorted(self._power_index(stem, name) for name in names if name.startswith(kind))
            numbers.append(len(indices))
            first = indices[0] if indices else 0
            if len({*indices}) < len(indices) and indices[0] >= 0 and indices[-1] < len(indices):
                self._say("package.power", f"the numbers of {kind}_*.txt repeat", place=place, weight="objection")
            elif first < 0 or indices != list(range(first, first + len(indices))):
                bad[stem] = f"the numbers of {kind}_*.txt have gaps or repeats"
            elif first and not any(said.rule == "package.power-from-1" for said in self.checked.remarks):
                self._say("package.power-from-1", f"{kind}_*.txt are numbered from {first} on", place=place)
        if len(names) > sum(name.startswith(("node", "sw")) for name in names):
            self.checked.warnings.append(f"stray:{place}")

    def _power_index(self, stem: str, name: str) -> int:
        try:
            return int(name.rpartition(".")[0].split("_")[-1] if "." in name.lstrip(".") else name.split("_")[-1])
        except ValueError:
            self._say("package.power", f"{name} has no number", place=f"{self.folder}/power/{stem}/{name}")
            raise _Stops(f"{name} has no number") from None

    def _count_failed(self) -> None:
        number = len(self._failed)
        if not number:
            return
        failing, names = share(number, len(self.logs), "log", "fail"), first_of(sorted(self._failed), _NAMED_LOGS)
        if number <= self._drop:
            self.checked.warnings.append(f"olympic:{number}")
            self.checked.remarks = [
                msgspec.structs.replace(said, weight="note") if said.rule == "package.power" else said
                for said in self.checked.remarks
            ]
            self._say("package.failed-log-allowed", f"{failing}: {names}")
        else:
            self.checked.errors.append(f"noncompliant:{number}")
            what = f"{failing} ({names}); {self._drop} may"
            wrongly = {_stem(log.path) for log in self.logs if log.refused_wrongly}
            is_lenient = len(self._failed - wrongly) <= self._drop or self.metric.surplus_runs
            self._say("package.failed-logs", what, weight="lenient" if is_lenient else "")

    @property
    def accepts_failed(self) -> bool:
        """Whether no more logs fail than are allowed to."""
        return len(self._failed) <= self._drop

    def _bypasses(self, word: str) -> bool:
        """Whether a file of parameters has a word where the checker reads it: in a last line without a newline."""
        return any(text.split("\n")[-1] == word for _, text in self.contents.parameters)

    def _asks_to_bypass(self, word: str) -> str | None:
        """The file that has a word anywhere, even where the checker does not see it; None where no file has it."""
        return next((path for path, text in self.contents.parameters if word in text.split()), None)

    def _check_seeds(self) -> None:
        if self.description is None or not self.description.means_closed or self._bypasses(_SEED_BYPASS):
            return
        if (path := self._asks_to_bypass(_SEED_BYPASS)) is not None:
            self._say("package.bypass-unseen", f"{_SEED_BYPASS} is not seen", place=path)
        for log in self.logs:
            if log.seed_trouble == "stops":
                self._say_if_closed("package.seed-stops", "the file or lineno of a seed is a list or an object", log.path)
                if self._is_closed:
                    raise _Stops(f"{log.path}: a seed that cannot be compared")
                return
        troubles = Counter(log.seed_trouble for log in self.logs if log.seed_trouble is not None)
        seen: dict[tuple[Any, Any, int], str] = {}
        for log in self.logs:
            for seed in log.seeds:
                if seed in seen:
                    troubles["same"] += 1
                    what = f"seed {seed[2]} of {short(seed[0])}:{short(seed[1])} is that of {seen[seed]} too"
                    self._say_if_closed("package.seed-twice", what, log.path)
                seen.setdefault(seed, log.path.rpartition("/")[2])
        if self._is_closed:
            self.checked.errors += [f"seed:{kind}={number}" for kind, number in sorted(troubles.items())]
        self._say_seeds()

    def _say_if_closed(self, name: str, what: str, place: str) -> None:
        """Adds a remark on what the checker refuses; it is an objection if the checker counts the system as open."""
        self._say(name, what, place=place, weight="" if self._is_closed else "objection")

    def _say_seeds(self) -> None:
        without = [log for log in self.logs if log.seed_trouble is not None]
        if without:
            name = "package.seeds"
            if self._label.suite != "training" or self._label.number < _SEEDS_ASKED_FROM:
                name = "package.seeds-before"
            elif {_stem(log.path) for log in without} <= self._failed and self.accepts_failed:
                name = "package.seed-of-failed"
            names = ", ".join(log.path.rpartition("/")[2] for log in without[:5])
            more = f" and {len(without) - 5} more" if len(without) > 5 else ""
            self._say_if_closed(
                name, f"no usable seed in {len(without)} of {len(self.logs)} logs: {names}{more}", self.folder
            )
        values = [tuple(map(repr, log.seed_values)) for log in self.logs]
        if len(values) > 1 and values[0] and len(set(values)) == 1 and values[0] != ("None",):
            self._say("package.same-seed", f"all {len(values)} logs have the seed {', '.join(values[0])}")
        many = [log for log in self.logs if len(log.seed_values) > 1]
        if many:
            what = f"several seeds in {counted(len(many), 'log')}, first {many[0].path.rpartition('/')[2]}"
            self._say("written.seed-many", what)

    def _check_organisation(self) -> None:
        """Checks that the logs name the submitter of the description, in any spelling."""
        asked = _letters(self.description.submitter) if self.description is not None else ""
        if not asked or self._label.suite != "training" or self._label.number < _ORGANISATION_ASKED_FROM:
            return
        others = [log for log in self.logs if isinstance(log.organisation, str) and _letters(log.organisation) != asked]
        if others:
            first, name = others[0], others[0].path.rpartition("/")[2]
            what = f"submission_org is {short(first.organisation)} in {len(others)} of {len(self.logs)} logs, first {name}"
            self._say("written.submission-org", what)

    def _check_references(self) -> None:
        try:
            self.checked.rcp = verdict = self._judge_references()
        except _Stops as error:
            if self._is_closed and self.benchmark not in _NEVER_JUDGED:
                if self.logs and not any(log.judged.verdict == "crash" for log in self.logs):
                    self._say("package.stops", str(error))
                raise
            return
        if self.description is None or not self.description.means_closed or self.benchmark in _NEVER_JUDGED:
            return
        name, code, factor = verdict
        if name == "pass":
            if factor is not None and factor > 1 + 1e-9:
                self._say(
                    "package.reference-factor",
                    f"converged faster than the mean of the reference, by a factor of {factor:.6g}",
                )
            return
        is_bypassed = self._bypasses(_RCP_BYPASS) and code.startswith(("rcp-found", "rcp-interpolated", "rcp-missing"))
        if self._is_closed and not is_bypassed:
            self.checked.errors.append(f"rcp:{code}")
        self._say_references(code, factor, is_bypassed=is_bypassed)

    def _say_references(self, code: str, factor: float | None, *, is_bypassed: bool) -> None:
        if code.startswith("rcp-missing"):
            name, what = "package.reference-missing", f"no reference for the global batch size {code.partition(':')[2]}"
        elif code == "rcp-no-batch-size":
            name, what = "package.reference-missing", "no log says its global_batch_size"
        elif code == "rcp-insufficient":
            name, what = "package.reference-insufficient", "more runs without status success than may fail"
        elif factor is None:
            name, what = "package.reference-insufficient", f"too few runs to compare: {counted(len(self.logs), 'log')}"
        else:
            name = "package.reference-fast"
            what = f"converged faster than the reference points allow{f', by a factor of {factor:.6g}' if factor else ''}"
        if is_bypassed:
            self._say("package.reference-bypassed", what)
            return
        if (path := self._asks_to_bypass(_RCP_BYPASS)) is not None:
            self._say("package.bypass-unseen", f"{_RCP_BYPASS} is not seen", place=path)
            self._say(name, what, weight="lenient")
            return
        if self.metric.surplus_runs:
            self._say("package.reference-of-weak", what)
            return
        self._say_if_closed(name, what, self.folder)

    def _judge_references(self) -> _Verdict:
        """Verdict, code and factor as ``rcp_checker.check_directory`` computes them."""
        batch_size, named = self._agreed()
        benchmark = benchmark_of(named, self.version)
        references = references_of(named, self.version, benchmark.drop)
        if not references or named not in rules_of(self.version).benchmarks:
            raise _Stops(f"no reference points for {named}")
        if batch_size == -1:
            return "fail", "rcp-no-batch-size", 1.0
        points = [log.converged.point for log in self.logs]
        if not all(isinstance(value, (int, float)) for value in (batch_size, *points)):
            raise _Stops("progress or batch size is no number")
        try:
            return self._compared(batch_size, points, references, benchmark)
        except OverflowError:
            raise _Stops("progress or batch size is too large to be computed with") from None

    def _compared(
        self, batch_size: float, points: Sequence[float], references: Sequence[Reference], benchmark: Benchmark
    ) -> _Verdict:
        """The same, of figures that are numbers."""
        runs, drop = benchmark.runs or 0, benchmark.drop
        if sum(map(math.isinf, points)) > drop:
            return "fail", "rcp-insufficient", 1.0
        points = [_FAILED_POINT if math.isinf(point) else point for point in points]
        verdict = judge_convergence(points, batch_size, references, runs, drop, benchmark.rcp_allowance)
        if verdict is not None and verdict.name == "pass" and benchmark.rcp_allowance and self._label.number > _FORGIVEN_IN:
            strict = judge_convergence(points, batch_size, references, runs, drop, 0)
            if strict is not None and strict.name != "pass":
                self._say("package.reference-forgiven", "converged faster than the reference points allow")
        reference = reference_for(batch_size, references, runs)
        if reference is None:
            return "fail", f"rcp-missing:{_plain(batch_size)}", 1.0
        kept = sorted(points)[drop : len(points) - drop]
        mean = mean_of(kept) if kept else 0.0
        factor = max(1.0, reference.mean / mean) if mean else None
        return _named("fail" if verdict is None else verdict.name, reference, batch_size, factor)

    def _agreed(self) -> tuple[Any, str]:
        """The batch size, -1 where no log gives it, and the benchmark that all logs name."""
        batch_size: Any = -1
        named: Any = None
        for log in self.logs:
            run = log.converged
            if run.stops is not None:
                raise _Stops(f"{log.path}: {run.stops}")
            batch_size = run.batch_size if batch_size == -1 else batch_size
            named = run.benchmark if named is None else named
            if run.batch_size != batch_size or run.benchmark != named:
                raise _Stops("the logs disagree on the global batch size or the benchmark")
        if not isinstance(named, str):
            raise _Stops("no log says which benchmark it is of")
        return batch_size, named


def _named(name: str, reference: Reference, batch_size: float, factor: float | None) -> _Verdict:
    """A verdict as the oracle writes it."""
    sizes = reference.batch_sizes
    if name == "missing":
        return "fail", f"rcp-missing:{_plain(batch_size)}", factor
    code = "rcp-interpolated" if len(sizes) > 1 else "rcp-found" if sizes == (batch_size,) else "rcp-smaller"
    return name, code, factor


def _letters(name: str) -> str:
    """A name in one case, without blanks and punctuation."""
    return "".join(filter(str.isalnum, name.casefold()))


def _plain(number: float) -> str:
    return f"{number:.15g}" if math.isfinite(number) else str(number)


def _stem(path: str) -> str:
    """The name of a log without its extension."""
    return re.sub(r"\.[^.]*$", "", path.rpartition("/")[2])
