"""Finds the submissions of a round: a clone in, benchmark folders with their logs out.

Only this module knows the layout of a result repository, and splits paths.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from ..findings import Finding, Report, as_one, reporter
from ..model import LogFile, Round, Submission, System
from ..tables.descriptions import DESCRIPTIONS_FILE, field_of_key
from ..tables.files import place_to_extend
from ..tables.metrics import metric_of
from ..tables.rules import known_benchmarks
from ..values import clean_text, counted, first_of, is_clean, natural_key, printable
from .description import read_description, read_logged_description, read_object
from .unread import Searcher, is_results_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..tables.rules import Rules

#: Links of a round that are followed; published rounds have none. Links to links could make any number of folders.
_MOST_LINKS = 10_000
#: Submissions of round 0.5 lie up to five folders deep.
_DEEPEST = 30
SCALING_FILE = "scaling.json"
#: The description of a system in round 0.5, in the system's folder.
ENTRY_FILE = "entry.json"
#: So many names stand in a finding.
_MOST_NAMES = 10
#: What a second download, or a copy, of a log is called.
_COPY = re.compile(r" ?\(\d+\)\.|\bcopy\b", re.IGNORECASE)
#: What a submitter's folder has beside other things, in which nothing is looked for.
_FOLDERS_OF_A_SUBMITTER = frozenset({"results", "systems", "benchmark", "benchmarks", "documents", "licensing"})
#: The folder of round 0.5 in which the submitters lie.
PACKAGE_ROOT = re.compile(r"v\d+\.\d+\.\d+")


def walk(round_: Round, rules: Rules, findings: list[Finding]) -> list[Submission]:
    """The submissions of a round, ordered by their folders.

    Every folder directly under a system's folder becomes a submission, also one without logs; what strays from the layout
    is added to ``findings``. Where the round has one submitter only, nothing beside that folder is looked at.
    """

    found: list[Finding] = []
    kind = _PackageWalker if rules.layout.nested else _SubmitterWalker
    walker = kind(round_.path, rules, reporter(found, round_.label), round_.only)
    submissions = sorted(walker.iter_submissions(), key=lambda submission: submission.folder)
    folders = {submission.folder for submission in submissions}
    if rules.layout.nested:  # descriptions there have keys of their own, and none of them all that later ones have
        lacking = [finding for finding in found if finding.code == "incomplete-system-description"]
        found = [*(finding for finding in found if finding not in lacking), *as_one(lacking)]
    for finding in found:
        above = (finding.where, *map(str, PurePosixPath(finding.where).parents))
        findings.append(
            msgspec.structs.replace(finding, folder=next((folder for folder in above if folder in folders), None))
        )
    return submissions


class _Walker:
    def __init__(self, root: Path, rules: Rules, report: Report, only: str | None) -> None:
        self._root = root
        self._rules = rules
        self._report = report
        self._only = only
        self._searcher = Searcher(root, self._entries, report)
        self._real_root = root.resolve()
        self._links = 0
        self._reported_keys: set[str] = set()
        self._unsafe_paths: set[str] = set()
        self._without_systems: set[str] = set()

    def _entries(self, folder: str) -> tuple[list[str], list[str]]:
        """Names of the folders in a folder, and of its files; both sorted, without hidden ones.

        What cannot be read safely is left out and reported: see :meth:`_trouble_with`.
        """
        folders: list[str] = []
        files: list[str] = []
        try:
            with os.scandir(f"{self._root}/{folder}") as entries:
                for entry in entries:
                    if entry.name.startswith(".") or (not folder and self._only not in (None, entry.name)):
                        continue
                    if trouble := self._trouble_with(folder, entry):
                        self._report_unsafe(f"{folder}/{entry.name}".lstrip("/"), trouble)
                    else:
                        (folders if entry.is_dir() else files).append(entry.name)
        except OSError as error:
            self._report("unreadable", folder, error.strerror or "cannot be read")
        return sorted(folders), sorted(files, key=natural_key)

    def _report_unsafe(self, path: str, what: str) -> None:
        """Reports once that a path is not read."""
        if path not in self._unsafe_paths:
            self._unsafe_paths.add(path)
            self._report("unsafe-path", printable(path.replace("\n", "\\n")), what)

    def _trouble_with(self, folder: str, entry: os.DirEntry[str]) -> str | None:
        """Why an entry is not read: its name cannot be stored and shown, or it is neither a file nor a folder."""
        name = entry.name if entry.name.isascii() else os.fsencode(entry.name).decode("utf-8", "replace")
        if not is_clean(name):
            return "a name with control characters; not read"
        if entry.is_symlink() and (trouble := self._trouble_with_link(folder, os.path.realpath(entry.path))):
            return trouble
        return None if entry.is_dir() or entry.is_file() else "not a regular file; not read"

    def _trouble_with_link(self, folder: str, end: str) -> str | None:
        """Why a link in a folder is not followed."""
        if not self._is_inside(end):
            return "a link that leaves the repository; not followed"
        if not os.path.exists(end):  # noqa: PTH110 - as realpath, which has no counterpart that takes every path
            return "a link to nothing"
        parts = folder.split("/")
        above = {os.path.realpath(self._root.joinpath(*parts[:depth])) for depth in range(len(parts) + 1)}
        if end in above:
            return "a link to a folder that it lies in; not followed"
        self._links += 1
        if self._links > _MOST_LINKS:
            return f"more than {_MOST_LINKS} links; not followed"
        return None

    def _is_inside(self, end: str) -> bool:
        """Whether a path without links is in the clone, and not in its ``.git``."""
        path = Path(end)
        return path.is_relative_to(self._real_root) and ".git" not in path.relative_to(self._real_root).parts

    def _is_file(self, path: str) -> bool:
        """Whether there is a file that can be read safely."""
        file = f"{self._root}/{path}"
        if not os.path.isfile(file):  # noqa: PTH113 - for the many files of a round
            return False
        if not self._is_inside(os.path.realpath(file)):
            self._report_unsafe(path, "a link that leaves the repository; not followed")
            return False
        return True

    def _logs(
        self, folder: str, files: Sequence[str] | None = None, prefixes: tuple[str, ...] = ("result_",)
    ) -> tuple[LogFile, ...]:
        """The logs among the files of a folder, all of them where none are given."""
        found = []
        for name in self._entries(folder)[1] if files is None else files:
            if (name.startswith(prefixes) and name.endswith(".txt")) or name.endswith(self._rules.endings.get(folder, "/")):
                path = f"{folder}/{name}"
                about = os.stat(f"{self._root}/{path}")  # noqa: PTH116 - for the many files of a round
                stamp = about.st_mtime_ns, about.st_ctime_ns, about.st_ino, about.st_dev
                found.append(LogFile(path, name, about.st_size, *stamp))
        return tuple(found)

    def _described(self, path: str, label: str, submitter: str | None = None) -> dict[str, Any]:
        """``system_record`` and ``description`` of a submission; what is wrong with the file is reported once.

        Args:
            path: the description.
            label: the system's folder, for the finding that there is no description.
            submitter: what another file says about the submitter, for descriptions that do not.
        """
        is_there = self._is_file(path)
        record = self._read_description(path, submitter) if is_there else self._logged_system(path, label)
        record = msgspec.structs.replace(record, submitter=record.submitter or submitter)
        return {"system_record": record, "description": path if is_there else None}

    def _read_description(self, path: str, submitter: str | None) -> System:
        try:
            # those of round 0.5 lie with the results
            description = read_description(self._root / path, counts_per_node=not self._rules.layout.nested)
        except OSError as error:
            self._report("unreadable", path, error.strerror or "cannot be read")
            return System()
        except ValueError as error:
            self._report("invalid-system-description", path, str(error))
            return System()
        optional = self._rules.optional_keys | (set() if submitter is None else {"submitter"})
        missing = ", ".join(key for key in description.missing if key not in optional)
        not_read = {key: text for key, text in description.not_read.items() if key not in self._rules.optional_keys}
        troubles = [f"{key} is {text}, which is not read" for key, text in not_read.items()]
        if missing:
            troubles.append(f"without {missing}")
        if description.has_commas:
            troubles.append("a comma before a closing bracket, which JSON does not allow, and which was ignored")
        if troubles:
            self._report("incomplete-system-description", path, "; ".join(troubles))
        for right, spelling in description.misspelt.items():
            self._report_key(right, spelling, path)
        return description.record

    def _logged_system(self, path: str, system_folder: str) -> System:
        """The system as its logs describe it, where there is no description."""
        record, taken = System(), ""
        for log in self._first_logs(system_folder):
            try:
                description = read_logged_description(self._root / log.path)
            except OSError as error:
                self._report("unreadable", log.path, f"{error.strerror or 'cannot be read'}; it may describe the system")
                continue
            if description is not None:
                record, taken = description.record, f"; the system is taken from the SYSJSON line of {log.path}"
                break
        if path.partition("/")[0] not in self._without_systems:  # else all of its systems lack one, for that reason
            what = "leads out of the repository" if path in self._unsafe_paths else "does not exist"
            self._report("no-system-description", system_folder, f"{path} {what}{taken}")
        return record

    def _first_logs(self, system_folder: str) -> Iterator[LogFile]:
        """The first log in each folder of a system."""
        for name in self._entries(system_folder)[0]:
            yield from self._logs(f"{system_folder}/{name}")[:1]

    def _report_key(self, right: str, spelling: str, path: str) -> None:
        """Reports a spelling that the table does not know, once per round."""
        if spelling in self._reported_keys:
            return
        self._reported_keys.add(spelling)
        place = place_to_extend(DESCRIPTIONS_FILE, row=field_of_key(right))
        what = f"key {clean_text(spelling)} is not in the table, but looks like {right}; not read (first seen in {path})"
        self._report("unknown-key", place, what)

    def _systems(self, results: str) -> list[str]:
        """The folders in a ``results`` folder; logs beside them belong to no system and are reported."""
        systems, files = self._entries(results)
        if stray := self._only_logs(results, files):
            self._report("stray-logs", results, f"{counted(len(stray), 'log')} outside any system's folder; not read")
        return systems

    def _system_folder(self, system_folder: str, **common: Any) -> Iterator[Submission]:
        """The submissions of a system, by metric where the round has several."""
        metrics = self._rules.layout.metrics
        if not metrics:
            yield from self._benchmark_folders(system_folder, **common)
            return
        folders, files = self._entries(system_folder)
        unread = [log.path for log in self._logs(system_folder, files)]
        for name in folders:
            if name in metrics:
                yield from self._benchmark_folders(f"{system_folder}/{name}", metric=metric_of(metrics[name]), **common)
            else:
                unread += self._searcher.below(f"{system_folder}/{name}")
        self._report_unread(system_folder, unread)
        if not unread and not metrics.keys() & set(folders):
            self._report("no-logs", system_folder, f"the system has no folder {' or '.join(metrics)}")

    def _benchmark_folders(self, system_folder: str, **common: Any) -> Iterator[Submission]:
        """One submission per benchmark folder of a system, and one for logs that lie beside these folders."""
        folders, files = self._entries(system_folder)
        if stray := self._only_logs(system_folder, files):
            self._report("stray-logs", system_folder, f"{counted(len(stray), 'log')} beside the benchmark folders")
            yield Submission(benchmark=None, folder=system_folder, logs=stray, **common)
        elif not folders:
            self._report("no-logs", system_folder, "the system has no benchmark folder")
        for name in folders:
            folder = f"{system_folder}/{name}"
            subfolders, files = self._entries(folder)
            logs = self._only_logs(folder, files)
            if not logs:
                others = ", ".join(files[:5])
                self._report("no-logs", folder, f"no result_*.txt{f', only {others}' if others else ''}")
            not_read = {sub: f"{folder}/{sub}" for sub in subfolders if sub != "power"}
            for sub, path in not_read.items():
                if sub == SCALING_FILE or (sub.startswith("result_") and sub.endswith(".txt")):
                    self._report_unsafe(path, "a folder where a file is expected; not read")
                if sub in self._rules.layout.evidence:
                    continue
                if nested := self._logs(path) or self._searcher.below(path):
                    self._report("nested-logs", path, counted(len(nested), "log"))
            # also one that cannot be read: a score without it would be wrong
            scaling = f"{folder}/{SCALING_FILE}"
            yield Submission(
                benchmark=self._rules.aliases.get(name, name),
                folder=folder,
                logs=logs,
                scaling=scaling if os.path.lexists(f"{self._root}/{scaling}") else None,
                power=self._power(f"{folder}/power") if "power" in subfolders else None,
                not_read=tuple(not_read.values()),
                **common,
            )

    def _only_logs(self, folder: str, files: list[str]) -> tuple[LogFile, ...]:
        """The logs among the files of a folder; those that are not called like logs are reported."""
        logs = self._logs(folder, files)
        read = {log.name for log in logs}
        unread = self._searcher.beside(folder, [name for name in files if name not in read], bool(read))
        if unread:
            copies = sorted(name for name in read if _COPY.search(name))
            kept = f"; {first_of(copies, _MOST_NAMES)} is read, whatever its name says" if copies else ""
            what = (
                f"{counted(len(unread), 'log')} not named result_*.txt, so not read: {first_of(unread, _MOST_NAMES)}{kept}"
            )
            self._report("unread-logs", folder, what)
        return logs

    def _report_unread(self, folder: str, paths: Sequence[str] | None = None) -> None:
        """Reports logs in a folder, all below it where none are given, that nobody reads."""
        if unread := self._searcher.below(folder) if paths is None else paths:
            expected = f"logs lie in {self._rules.layout.place}"
            self._report(
                "unread-logs", folder, f"{counted(len(unread), 'log')} where none are read, first {unread[0]}; {expected}"
            )

    def _power(self, folder: str) -> dict[str, tuple[LogFile, ...]]:
        """Power logs by the stem of the run's log name."""
        return {run: self._logs(f"{folder}/{run}", prefixes=("node_", "sw_")) for run in self._entries(folder)[0]}


class _SubmitterWalker(_Walker):
    """``<submitter>/results/<system>/<benchmark>/`` with ``<submitter>/systems/<system>.json`` (rounds 0.6 and later).

    Rounds with several metrics have a folder for each between system and benchmark.
    """

    def iter_submissions(self) -> Iterator[Submission]:
        for submitter in self._entries("")[0]:
            folders = self._entries(submitter)[0]
            if "results" not in folders:
                self._report_unread(submitter)
                continue
            for name in folders:
                if name not in _FOLDERS_OF_A_SUBMITTER:
                    for path in self._results_folders(f"{submitter}/{name}"):
                        self._report_unread(path)
            if "systems" not in folders:
                self._report("no-systems-folder", submitter, "results/ without systems/ beside it")
                self._without_systems.add(submitter)
            yield from self._submitter(submitter, folders)

    def _results_folders(self, folder: str) -> list[str]:
        """A folder that is called like the one with results, or those in it that are."""
        if is_results_folder(folder):
            return [folder]
        return [path for name in self._entries(folder)[0] if is_results_folder(path := f"{folder}/{name}")]

    def _submitter(self, submitter: str, folders: list[str]) -> Iterator[Submission]:
        results = f"{submitter}/results"
        systems = self._systems(results)
        if not systems:
            self._report("no-system-folder", results, "no folder in it")
        code = "benchmark" if "benchmark" in folders and "benchmarks" not in folders else "benchmarks"
        for system in systems:
            path = self._rules.descriptions.get(f"{results}/{system}", f"{submitter}/systems/{system}.json")
            if not self._is_file(path) and self._is_swapped(submitter, system):
                continue
            yield from self._system_folder(
                f"{results}/{system}",
                submitter=submitter,
                system=system,
                code=f"{submitter}/{code}",
                **self._described(path, f"{results}/{system}"),
            )

    def _is_swapped(self, submitter: str, system: str) -> bool:
        """Whether what should be a system is a benchmark with systems in it, which is reported.

        Its name says so, or the description of one of the systems.
        """
        folder = f"{submitter}/results/{system}"
        benchmarks = {name.casefold() for name in known_benchmarks() | self._rules.aliases.keys()}
        logs = {name: self._logs(f"{folder}/{name}") for name in self._entries(folder)[0]}
        systems = [name for name, files in logs.items() if files]
        if not systems or not benchmarks.isdisjoint(name.casefold() for name in systems):
            return False
        if system.casefold() in benchmarks or any(self._is_file(f"{submitter}/systems/{name}.json") for name in systems):
            right = f"{submitter}/results/{systems[0]}/{system}/result_*.txt"
            count = sum(map(len, logs.values()))
            what = f"{counted(count, 'log')} in swapped folders of system and benchmark; expected {right}"
            self._report("unread-logs", folder, what)
            return True
        return False


class _PackageWalker(_Walker):
    """``v0.5.0/<submitter>/<any depth>/results/<system>/<benchmark>/`` with ``entry.json`` in the system's folder.

    System folders repeat below a submitter, so a system is named by its whole path below the submitter, without
    ``results``.
    """

    def iter_submissions(self) -> Iterator[Submission]:
        for top in self._entries("")[0]:
            if PACKAGE_ROOT.fullmatch(top):
                for submitter in self._entries(top)[0]:
                    yield from self._package(submitter, f"{top}/{submitter}")
            else:
                yield from self._package(top, top)

    def _package(self, submitter: str, folder: str, below: str = "") -> Iterator[Submission]:
        """Submissions of a folder and the folders in it; ``below`` is its path under the submitter."""
        here = f"{folder}/{below}".rstrip("/")
        if here.count("/") > _DEEPEST:
            self._report("too-deep", here, f"more than {_DEEPEST} folders deep; not read")
            return
        for name in self._entries(here)[0]:
            if name != "results":
                yield from self._package(submitter, folder, f"{below}/{name}".lstrip("/"))
                continue
            organisation = self._organisation(here)
            for system in self._systems(f"{here}/results"):
                system_folder = f"{here}/results/{system}"
                if not self._is_system(system_folder):
                    what = f"no {ENTRY_FILE} in it, and no logs in its folders: not a system"
                    self._report("no-logs", system_folder, what)
                else:
                    yield from self._benchmark_folders(
                        system_folder,
                        submitter=submitter,
                        system=f"{below}/{system}".lstrip("/"),
                        code=here,
                        **self._described(f"{system_folder}/{ENTRY_FILE}", system_folder, organisation),
                    )

    def _is_system(self, folder: str) -> bool:
        """Whether a folder under some ``results/`` is a system's: it has an ``entry.json``, or logs one level down."""
        files = self._entries(folder)[1]
        return ENTRY_FILE in files or bool(self._logs(folder, files)) or any(self._first_logs(folder))

    def _organisation(self, package: str) -> str | None:
        """The organisation that ``submission.json`` beside ``results/`` names."""
        path = f"{package}/submission.json"
        try:
            return clean_text(read_object(self._root / path).get("org")) if self._is_file(path) else None
        except OSError as error:
            self._report("unreadable", path, error.strerror or "cannot be read")
        except ValueError as error:
            self._report("invalid-system-description", path, str(error))
        return None
