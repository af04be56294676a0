"""Makes the entry of a result: the flat object that the playground reads.

``tables/keys.yaml`` says what its keys mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..tables.editions import edition_of
from ..tables.keys import repeated_keys
from ..tables.labels import order_of_label, round_label
from ..tables.rules import known_benchmarks
from ..tables.suites import ExperimentName, suites
from ..values import short_digest
from .compare import runs_digest
from .names import name_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import Entry, Identity, Judged, Round, RunLog, Submission


def make_entry(judged: Judged) -> dict[str, object]:
    """The entry of a result that has a score. A key without a value is left out; texts are never empty."""
    round_, submission, benchmark = judged.round, judged.submission, judged.benchmark
    record, value, key = submission.system_record, judged.score.value, benchmark.key
    submitter = record.submitter or submission.submitter
    system = record.name or submission.system
    target, edition = next(iter(benchmark.targets), None), edition_of(key, round_.version)
    values: dict[str, object] = {
        key: value,  # first: a folder named like one of our keys must not replace it
        "Result": value,
        "Result_Units": judged.metric.unit,
        "Task": benchmark.task,
        "Model_ID": key,
        "Dataset": benchmark.dataset,
        "Accuracy": target and target.value,
        "Accuracy_Metric": target and target.metric,
        "Benchmark": benchmark.task,
        "suite": round_label(round_.version).suite,
        "metric": judged.metric.name,
        "version": round_.label,
        "Organization": submitter,
        "submitter": submitter,
        "submitter_folder": submission.submitter,
        "system": system,
        "_System": system,
        "system_file": submission.system,
        "division": judged.division,
        **record.described(),
        "uid": uid_of(judged.identity),
        "runs_digest": runs_digest(judged.logs),
        "edition": edition and edition.id,
        "edition_title": edition and edition.title,
        **name_keys(record, submission.submitter, submission.system)[0],
        **settings_of(judged.logs),
        **_links(round_, submission),
        **judged.figures,
    }
    values |= {f"_{key}": values.get(key) for key in repeated_keys()}
    return {key: value for key, value in values.items() if value is not None}


def settings_of(logs: Sequence[RunLog]) -> dict[str, str | int]:
    """What a result was run with, as keys of its entry: the settings that all its logs name and agree on."""
    return dict(sorted(set.intersection(*(set(log.settings) for log in logs))))


def uid_of(identity: Identity) -> str:
    """The uid of a result: 16 hexadecimal digits that depend on nothing but its identity."""
    text = "\n".join(identity)
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character, as JSON may have it; names of files do not
        data = text.encode("utf-8", "surrogatepass")
    return short_digest(data)


def foreign_benchmarks(entry: Entry) -> list[str]:
    """Keys of an entry that are columns of other benchmarks, as the older script wrote them."""
    return [key for key in entry if key in known_benchmarks() and key != entry.get("Model_ID")]


def order_of(entry: Entry) -> tuple[Any, ...]:
    """Sort key of the entries in a file: division, submitter, system, benchmark, round, and the rest of the identity."""
    texts = [str(entry.get(key, "")) for key in ("division", "submitter", "system", "Model_ID")]
    label = str(entry.get("version", ""))
    rest = [str(entry.get(key, "")) for key in ("submitter_folder", "system_file", "uid")]
    return (*texts, order_of_label(label), *rest)


def experiment_names(judged: Judged) -> list[str]:
    """The experiments that a result belongs to: that of its round, and that over all rounds where it is shared.

    Results of another metric than the usual one have experiments of their own.
    """
    label = round_label(judged.round.label)
    scopes = [label.scope, "all"] if judged.round.is_shared else [label.scope]
    task = judged.metric.qualified(judged.benchmark.task, "-")
    return [str(ExperimentName(suites()[label.suite], scope, judged.division, task)) for scope in scopes]


def experiment_tags(name: str) -> list[str]:
    """``mlperf`` and the parts of an experiment's name."""
    return ["mlperf", *name.split("--")]


def _links(round_: Round, submission: Submission) -> dict[str, str | None]:
    """Addresses on the web, where the clone has one.

    They use its branch, or its commit where no branch is checked out.
    """
    links = {"git_url": round_.web_url, "git_commit": round_.commit}
    revision = round_.branch or round_.commit
    if round_.web_url is None or revision is None:
        return links
    base = round_.web_url
    if submission.description is not None:
        links["details_url"] = f"{base}/blob/{_quoted(revision, submission.description)}"
    links["code_url"] = f"{base}/blob/{_quoted(revision, submission.code)}"
    links["url"] = f"{base}/tree/{_quoted(revision, submission.folder)}"
    return links


def _quoted(revision: str, path: str) -> str:
    return quote(f"{revision}/{path}", errors="surrogateescape")
