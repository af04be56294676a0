"""Checks a submission: a folder in, all remarks on it out. Writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..errors import NothingToScore, NotUnderstood
from ..garbage import rare_collections
from ..model import Round, RunLog, Submission
from ..results.facts import facts_of
from ..results.scored import iter_doubts
from ..rounds.walk import walk
from ..suggest import did_you_mean
from ..tables.checks import PEER_VERSION, checked_rounds, rulebook_of
from ..tables.labels import round_label, split_label
from ..tables.rules import benchmark_of, rules_of
from ..values import LARGEST_LOG_MB
from .descriptions import CheckedDescription, check_description
from .folders import CheckedFolder, FolderCheck
from .logs import CheckedLog, check_log
from .remarks import DOUBT, WEIGHTS, Remark, remark, remark_kinds, remark_on_doubt, short
from .repository import iter_repository
from .tree import Tree, contents_of, entries_of, find_tree, newest_round, round_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..findings import Finding


#: Findings of the walk about places that are not searched for results.
_NOT_READ = frozenset(
    {"unread-logs", "nested-logs", "stray-logs", "unsafe-path", "unreadable", "no-system-folder", "too-deep"}
)
#: From this round of Training on, the written rules ask for the configuration file of a run.
_CONFIG_ASKED_FROM = (6, 1)


class CheckedPackage(msgspec.Struct):
    """A submitter: its descriptions, its folders, and the verdict of the package checker.

    ``errors`` are those of the descriptions. ``is_whole`` means that the whole submission was checked, as the package
    checker does.
    """

    submitter: str
    descriptions: list[CheckedDescription] = msgspec.field(default_factory=list)
    folders: list[CheckedFolder] = msgspec.field(default_factory=list)
    stops: str | None = None

    @property
    def errors(self) -> list[str]:
        """The errors of the package checker about the descriptions."""
        return [f"system:{said.name}:{','.join(said.reasons)}" for said in self.descriptions if said.verdict == "fail"]

    @property
    def verdict(self) -> str:
        """``pass``, ``fail``, or ``crash`` where it would stop with a traceback."""
        stops = [self.stops, *(folder.stops for folder in self.folders)]
        if any(stops) or any(said.verdict == "crash" for said in self.descriptions):
            return "crash"
        return "fail" if self.errors or any(folder.errors for folder in self.folders) else "pass"


class Checked(msgspec.Struct):
    """Everything that a check found; ``remarks`` are ordered by place. ``is_loose``: the logs are checked on their own."""

    version: str
    root: Path
    packages: list[CheckedPackage] = msgspec.field(default_factory=list)
    logs: list[CheckedLog] = msgspec.field(default_factory=list)
    remarks: list[Remark] = msgspec.field(default_factory=list)
    is_loose: bool = False

    @property
    def folders(self) -> list[CheckedFolder]:
        """The benchmark folders of all packages."""
        return [folder for package in self.packages for folder in package.folders]

    @property
    def descriptions(self) -> list[CheckedDescription]:
        """The descriptions of all packages."""
        return [said for package in self.packages for said in package.descriptions]

    @property
    def results(self) -> int:
        """The number of benchmark folders, or of logs where they are loose."""
        return len(self.logs if self.is_loose else self.folders)

    @property
    def passing(self) -> int:
        """The number of results that the checkers of mlperf_logging would accept."""
        if self.is_loose:
            return sum(log.judged.verdict == "pass" for log in self.logs)
        return sum(folder.passes for folder in self.folders)

    @property
    def refused_wrongly(self) -> int:
        """The number of results that the checkers refuse although no remark rejects them."""
        rejected = {said.folder for said in self.remarks if said.weight == "rejects"}
        if self.is_loose:
            return sum(log.judged.verdict != "pass" and log.path not in rejected for log in self.logs)
        return sum(
            not folder.passes and not folder.is_skipped and rejected.isdisjoint(_places_of(folder.folder))
            for folder in self.folders
        )

    @property
    def passes_as_peer(self) -> bool:
        """Whether the checkers of mlperf_logging accept every submitter, or every log where they are loose."""
        if self.is_loose:
            return self.passing == self.results
        return all(package.verdict == "pass" for package in self.packages)

    def exit_code(self, *, strict: bool) -> int:
        """1 where something is rejected, or if ``strict`` somebody would object; 16 where there are no logs; else 0."""
        counts = self.counts()
        if counts["rejects"] or (strict and counts["objection"]):
            return 1
        return 0 if self.results else NothingToScore.return_code

    def counts(self) -> dict[str, int]:
        """The number of remarks of each weight."""
        return {weight: sum(said.weight == weight for said in self.remarks) for weight in WEIGHTS}


def _places_of(folder: str) -> set[str]:
    """The places whose remarks can reject a result: its folder, its system, the system's description, the submitter."""
    submitter, _, system, *_ = f"{folder}///".split("/")
    return {folder, f"{submitter}/results/{system}", f"{submitter}/systems/{system}.json", submitter}


def check(path: Path, version: str | None = None, largest_mb: int = LARGEST_LOG_MB, *, as_peer: bool = False) -> Checked:
    """Checks a submission, a submitter, a system, a benchmark folder, or a log.

    Args:
        path: the file or folder.
        version: the label of the round whose rules count; where None, the round in the name of the folder's repository,
            else the newest one.
        largest_mb: a larger log is not read.
        as_peer: gives only the verdicts of mlperf_logging, without remarks on logs.

    Raises:
        NotUnderstood: there is no such folder or round.
        NothingToScore: there is no log in it.
    """
    version = version or round_of(path) or newest_round()
    label = split_label(version)
    if label is None or rulebook_of(label.round) is None:
        rounds = checked_rounds()
        raise NotUnderstood(
            f"round {version}: no rules for it; there are some for {', '.join(rounds)}{did_you_mean(version, rounds)}"
        )
    tree = find_tree(path)
    with rare_collections():
        return _Check(tree, label.round, largest_mb, as_peer=as_peer).run()


class _Check:
    """Goes through one tree."""

    def __init__(self, tree: Tree, version: str, largest_mb: int, *, as_peer: bool) -> None:
        self._tree = tree
        self._version = version
        self._largest_mb = largest_mb
        self._as_peer = as_peer
        self._checked = Checked(version, tree.root)
        self._judgeable: list[tuple[Submission, list[CheckedLog]]] = []

    def run(self) -> Checked:
        """Checks everything."""
        checked, tree = self._checked, self._tree
        if tree.logs:
            checked.is_loose = True
            checked.logs = [self._check_log(path, "") for path in tree.logs]
            checked.remarks = [said for log in checked.logs for said in log.remarks]
            return checked
        findings: list[Finding] = []
        round_ = Round(self._version, self._version, tree.root, only=tree.only)
        submissions = walk(round_, rules_of(self._version), findings)
        names = {submission.submitter for submission in submissions} | self._submitters()
        for name in sorted(names):
            of_submitter = [submission for submission in submissions if submission.submitter == name]
            checked.packages.append(self._check_package(name, of_submitter))
        if not checked.packages or not (checked.folders or checked.remarks):
            raise NothingToScore(
                f"{tree.root / tree.within}: no logs in it; they lie in {rules_of(self._version).layout.place}"
            )
        if not self._as_peer:
            checked.remarks += self._from_findings(findings)
            checked.remarks += self._from_judgements(round_)
            files: set[tuple[str, str]] = set()
            checked.remarks += iter_repository(tree.root, tree.within, files)
            checked.remarks += self._from_configs(files)
        checked.remarks.sort(
            key=lambda said: (said.folder, WEIGHTS.index(said.weight), said.rule, said.place, said.line or 0)
        )
        return checked

    def _submitters(self) -> set[str]:
        """Folders with descriptions or an empty ``results/``, which the walk does not report as submissions."""
        names = [self._tree.only] if self._tree.only else [child.name for child in self._tree.root.iterdir()]
        root = self._tree.root
        return {name for name in names if (root / name / "results").is_dir() or (root / name / "systems").is_dir()}

    def _is_asked_for(self, folder: str) -> bool:
        within = self._tree.within
        return f"{folder}/".startswith(f"{within}/") or f"{within}/".startswith(f"{folder}/") or not within

    def _check_package(self, name: str, submissions: Sequence[Submission]) -> CheckedPackage:
        package, remarks = CheckedPackage(name), self._checked.remarks
        label, is_whole = round_label(self._version), self._tree.within in ("", name)
        asked = [submission for submission in submissions if self._is_asked_for(submission.folder)]
        systems = {submission.system for submission in asked}
        for file in self._descriptions(name):
            if is_whole or file.stem in systems:
                said = check_description(file, f"{name}/systems/{file.name}", label)
                package.descriptions.append(said)
                remarks += said.remarks
        known = {said.file.removesuffix(".json"): said for said in package.descriptions}
        for system in sorted(systems - known.keys()):
            folder = f"{name}/results/{system}"
            remarks.append(remark("system.no-description", folder, f"no {name}/systems/{system}.json"))
        for submission in asked:
            package.folders.append(self._check_folder(submission, known.get(submission.system)))
        if not (self._tree.root / name / "results").is_dir():
            package.stops = "no results/"
        if not asked:
            weight = "" if package.stops else "objection"  # an empty results/ is passed over
            remarks.append(remark("package.no-results", name, "no benchmark folder with logs", weight=weight))
        elif is_whole and not any((self._tree.root / name / folder).is_dir() for folder in ("benchmarks", "benchmark")):
            remarks.append(remark("package.no-code", name, "no folder benchmarks/"))
        elif is_whole:
            remarks += self._without_code(asked)
        return package

    def _without_code(self, submissions: Iterable[Submission]) -> Iterable[Remark]:
        """Remarks on benchmarks that have results but no code."""
        for code in sorted({f"{submission.code}/{submission.benchmark}" for submission in submissions}):
            if not any(entry.is_dir() for entry in entries_of(self._tree.root / code / "implementations")):
                what = "no folder implementations/<implementation>/ in it"
                yield remark("package.code-missing", code, what, code.partition("/")[0])

    def _descriptions(self, submitter: str) -> list[Path]:
        folder = self._tree.root / submitter / "systems"
        return sorted(file for file in folder.glob("*.json") if not file.name.startswith(".")) if folder.is_dir() else []

    def _check_folder(self, submission: Submission, description: CheckedDescription | None) -> CheckedFolder:
        folder = submission.folder
        paths = [log.path for log in submission.logs if self._is_asked_for(log.path)]
        quality_key = benchmark_of(submission.benchmark or "", self._version).quality
        logs = [self._check_log(path, folder, quality_key) for path in sorted(paths)]
        self._checked.logs += logs
        if logs and len(logs) == len(submission.logs):
            # power logs are not read: only their names are checked
            by_path = {log.path: log for log in logs}
            in_order = [by_path[log.path] for log in submission.logs]
            self._judgeable.append((msgspec.structs.replace(submission, power=None), in_order))
        contents = contents_of(self._tree.root, folder, frozenset(log.name for log in submission.logs))
        run = FolderCheck(
            folder=folder,
            benchmark=submission.benchmark or folder.rpartition("/")[2],
            version=self._version,
            metric=submission.metric,
            description=description,
            logs=logs,
            contents=contents,
            checked=CheckedFolder(folder, description),
        )
        checked = run.check()
        self._checked.remarks += checked.remarks
        allowed = run.accepts_failed
        for log in logs:
            may_fail = allowed and log.judged.verdict == "fail"
            self._checked.remarks += [
                msgspec.structs.replace(said, weight="note") if may_fail and said.weight == "rejects" else said
                for said in log.remarks
            ]
        return checked

    def _check_log(self, path: str, folder: str, quality_key: str | None = None) -> CheckedLog:
        file, with_remarks = f"{self._tree.root}/{path}", not self._as_peer  # a Path for each log takes longer to make
        return check_log(
            file, path, self._version, folder, self._largest_mb, quality_key=quality_key, with_remarks=with_remarks
        )

    def _from_findings(self, findings: Iterable[Finding]) -> list[Remark]:
        return [
            remark("package.not-read", finding.where, finding.what, finding.where, mend=finding.kind.advice)
            for finding in findings
            if finding.code in _NOT_READ and self._is_asked_for(finding.where)
        ]

    def _from_configs(self, files: set[tuple[str, str]]) -> Iterable[Remark]:
        """Remarks on logs whose configuration file is missing from a submission with code, one for each folder and name."""
        label = round_label(self._version)
        said = set()
        for log in self._checked.logs if label.suite == "training" and label.number >= _CONFIG_ASKED_FROM else ():
            submitter, folder = log.path.partition("/")[0], log.path.rpartition("/")[0]
            has_code = (self._tree.root / submitter / "benchmarks").is_dir() and self._tree.within in ("", submitter)
            name = log.config.rpartition("/")[2] if isinstance(log.config, str) else ""
            if name and has_code and (submitter, name) not in files and (folder, name) not in said:
                said.add((folder, name))
                yield remark("written.config-file", log.path, f"config_filename is {short(log.config)}", folder)

    def _from_judgements(self, round_: Round) -> list[Remark]:
        """Remarks on doubts of the judgement of results that no rule covers."""
        rules = rules_of(self._version)
        doubts = frozenset(name.removeprefix(DOUBT) for name in remark_kinds() if name.startswith(DOUBT))
        return [
            remark_on_doubt(doubt, submission.folder)
            for submission, logs in self._judgeable
            for doubt in iter_doubts(facts_of(round_, rules, submission, _comparable(logs)), doubts)
        ]


def _comparable(logs: Sequence[CheckedLog]) -> list[RunLog]:
    """The runs of a result, with digests of their histories where these may be the same."""
    first, *others = [log.run.history for log in logs]
    may_be_same = first is not None and all(
        other is not None
        and first.count == other.count
        and [said for _, said in first.milestones] == [said for _, said in other.milestones]
        for other in others
    )
    return [_with_digest(log) if others and may_be_same else log.run for log in logs]


def _with_digest(log: CheckedLog) -> RunLog:
    if log.run.history is None or log.history is None:
        return log.run
    return msgspec.structs.replace(log.run, history=msgspec.structs.replace(log.run.history, digest=log.history.digest()))


def last_line(checked: Checked, *, as_peer: bool = False) -> str:
    """The summary of a check; ``as_peer``, no result of a submitter passes that does not pass itself."""
    what, passing = "logs" if checked.is_loose else "results", checked.passing
    if as_peer and not checked.is_loose:
        passing = sum(folder.passes for one in checked.packages if one.verdict == "pass" for folder in one.folders)
    return f"would pass: {passing} of {checked.results} {what}, by the rules of mlperf_logging {PEER_VERSION}"
