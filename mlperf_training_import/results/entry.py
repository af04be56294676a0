"""Makes the entry of a result: the flat object that the playground reads.

What its keys mean stands in ``tables/keys.yaml``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..tables.editions import edition_of
from ..tables.keys import repeated_keys
from ..tables.labels import order_of_label, round_label
from ..tables.rules import Benchmark, known_benchmarks
from ..tables.suites import ExperimentName, suites
from ..values import short_digest
from .compare import runs_digest
from .names import name_keys
from .settings import settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..model import Identity, Result, Round


def make_entry(result: Result, benchmark: Benchmark, metrics: Mapping[str, object]) -> dict[str, object]:
    """The entry of a result that has a score. A key without a value is left out; texts are never empty.

    Args:
        result: what the entry is about.
        benchmark: what the benchmark measures in the round.
        metrics: further figures, which stand in the entry as they are.
    """
    round_, submission, record = result.round, result.submission, result.submission.system_record
    submitter = record.submitter or submission.submitter
    system = record.name or submission.system
    values: dict[str, object] = {
        result.benchmark: result.value,  # first: a folder named like one of our keys must not replace it
        "Result": result.value,
        "Result_Units": submission.metric.unit,
        "Task": benchmark.task,
        "Model_ID": result.benchmark,
        "Dataset": benchmark.dataset,
    }
    if benchmark.targets:
        values["Accuracy"] = benchmark.targets[0].value
        values["Accuracy_Metric"] = benchmark.targets[0].metric
    values |= {
        "Benchmark": benchmark.task,
        "suite": round_label(round_.version).suite,
        "metric": submission.metric.name,
        "version": round_.label,
        "Organization": submitter,
        "submitter": submitter,
        "submitter_folder": submission.submitter,
        "system": system,
        "_System": system,
        "system_file": submission.system,
        "division": result.division,
        **record.described(),
        "uid": uid_of(result.identity),
        "runs_digest": runs_digest(result.score.runs),
        **_edition_keys(result),
        **name_keys(record, submission.submitter, submission.system)[0],
        **settings_of([run.log for run in result.score.runs]),
        **_links(round_, result),
        **metrics,
    }
    values |= {f"_{key}": values.get(key) for key in repeated_keys()}
    return {key: value for key, value in values.items() if value is not None}


def _edition_keys(result: Result) -> dict[str, object]:
    edition = edition_of(result.benchmark, result.round.version)
    return {} if edition is None else {"edition": edition.id, "edition_title": edition.title}


def uid_of(identity: Identity) -> str:
    """The uid of a result: 16 hexadecimal digits that depend on nothing but its identity."""
    text = "\n".join(identity)
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character, as JSON may have it; names of files do not
        data = text.encode("utf-8", "surrogatepass")
    return short_digest(data)


def foreign_benchmarks(entry: dict[str, Any]) -> list[str]:
    """Keys of an entry that are columns of other benchmarks, as the older script wrote them."""
    return [key for key in entry if key in known_benchmarks() and key != entry.get("Model_ID")]


def order_of(entry: dict[str, Any]) -> tuple[Any, ...]:
    """Sort key of the entries in a file: division, submitter, system, benchmark, round, and the rest of the identity."""
    texts = [str(entry.get(key, "")) for key in ("division", "submitter", "system", "Model_ID")]
    label = str(entry.get("version", ""))
    rest = [str(entry.get(key, "")) for key in ("submitter_folder", "system_file", "uid")]
    return (*texts, order_of_label(label), *rest)


def experiment_names(result: Result, task: str) -> list[str]:
    """The experiments that a result belongs to: that of its round, and that over all rounds where it is shared.

    Results of another metric than the usual one have experiments of their own.
    """
    label = round_label(result.round.label)
    scopes = [label.scope, "all"] if result.round.is_shared else [label.scope]
    task = result.submission.metric.qualified(task, "-")
    return [str(ExperimentName(suites()[label.suite], scope, result.division, task)) for scope in scopes]


def experiment_tags(name: str) -> list[str]:
    """``mlperf`` and the parts of an experiment's name."""
    return ["mlperf", *name.split("--")]


def _links(round_: Round, result: Result) -> dict[str, str | None]:
    """Addresses on the web, where the clone has one.

    They use its branch, or its commit where no branch is checked out.
    """
    links = {"git_url": round_.web_url, "git_commit": round_.commit}
    revision = round_.branch or round_.commit
    if round_.web_url is None or revision is None:
        return links
    submission, base = result.submission, round_.web_url
    if submission.description is not None:
        links["details_url"] = f"{base}/blob/{_quoted(revision, submission.description)}"
    links["code_url"] = f"{base}/blob/{_quoted(revision, submission.code)}"
    links["url"] = f"{base}/tree/{_quoted(revision, submission.folder)}"
    return links


def _quoted(revision: str, path: str) -> str:
    return quote(f"{revision}/{path}", errors="surrogateescape")
