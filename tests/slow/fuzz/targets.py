"""What must hold for any bytes at all: one check per kind of file that others write. A check raises where it does not hold.

``run.py`` beside this file feeds the checks with inputs that reach new code, ``tests/slow/test_properties.py`` with
generated ones, ``tests/slow/test_fuzz.py`` with the files of the corpus.
"""

from __future__ import annotations

import copy
import io
import itertools
import json
import math
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import msgspec
import pyarrow.parquet

from mlperf_training_import.checks.check import check
from mlperf_training_import.dataset import curves
from mlperf_training_import.dataset.croissant import CROISSANT_FILE
from mlperf_training_import.dataset.parquet import MOST_ROWS, iter_rows
from mlperf_training_import.errors import BadInput, NothingToScore
from mlperf_training_import.experiments.files import RESULT_FILE, StoredExperiment, load_experiment, to_bytes
from mlperf_training_import.experiments.identity import IdentityIndex, stored_identity
from mlperf_training_import.experiments.merge import Merger, move_results, stored_uids
from mlperf_training_import.logs import log as log_module
from mlperf_training_import.model import RunLog, System
from mlperf_training_import.results.entry import uid_of
from mlperf_training_import.results.score import judge
from mlperf_training_import.rounds.description import read_description
from mlperf_training_import.rounds.presence import Presence
from mlperf_training_import.runs import find
from mlperf_training_import.runs.score import score_files
from mlperf_training_import.runs.texts import iter_lines
from mlperf_training_import.show.scored import to_object
from mlperf_training_import.start.sample import run_log, system_description, write_submission
from mlperf_training_import.tables.keys import owned_keys
from mlperf_training_import.tables.rules import Dialect, known_benchmarks, rules_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from mlperf_training_import.outcome import Changes

CORPUS = Path(__file__).parent / "corpus"
#: One round for each dialect.
ROUNDS = ("3.0", "0.6", "0.5")
_TEXTS = ("malformed", "status", "benchmark", "division")
_NUMBERS = (
    *("init_start_ms", "init_stop_ms", "run_start_ms", "run_stop_ms", "elapsed_ms"),
    *("global_batch_size", "train_samples"),
)
_COUNTS = ("nodes", "host_processors_per_node", "accelerators_per_node")

_CLOSED = "mlperf-training--3.0--closed--language-processing"
_OPEN = "mlperf-training--3.0--open--language-processing"
_OVER_ALL = "mlperf-training--all--closed--language-processing"


#: Values that no reader expects.
ODD_VALUES = (
    *(None, True, 0, -1, 8.0, 0.5, 1e308, -5e-324, float("nan"), float("inf"), 10**400, "", " ", "8", "8x", "1e400", "NaN"),
    *("\ud800", "\udc80", "\x00\x1b[2J", "\u202e", "x" * 300, "../..", "a/b", "%2F", "9" * 5000, "closed", "OPEN ", "2"),
)


def as_file(data: bytes) -> Path:
    """A file with some bytes, until the next call."""
    path = _FOLDER / "file"
    path.write_bytes(data)
    return path


def check_log(data: bytes) -> None:
    """Any bytes are a log: what is in it is read as if every line were parsed, and it counts or there is a reason."""
    for version in ROUNDS:
        rules = rules_of(version)
        log = log_module.read_log(as_file(data), rules.dialect, "result_0.txt", "eval_result")
        _check_record(log, data, rules.dialect)
        # as texts: NaN is not equal to itself
        assert repr(log) == repr(_parse(data, rules.dialect))
        run = judge(log, rules)
        assert (run.minutes is None) != (run.reason is None)
        assert run.minutes is None or 0 < run.minutes < math.inf


def _parse(data: bytes, dialect: Dialect) -> RunLog:
    """Reads a log and parses each of its lines."""
    with patch.object(log_module, "_decode_line", side_effect=msgspec.DecodeError):
        return log_module.read_log(as_file(data), dialect, "result_0.txt", "eval_result")


def _check_record(log: RunLog, data: bytes, dialect: Dialect) -> None:
    assert log.trouble is None
    assert log.lines == sum(dialect.token in line for line in data.split(b"\n"))
    assert 0 <= log.malformed_lines <= log.lines
    assert (log.malformed is None) == (log.malformed_lines == 0)
    for name in _TEXTS:
        assert isinstance(getattr(log, name), (str, type(None)))
    numbers = [getattr(log, name) for name in _NUMBERS if name != "elapsed_ms"]
    for evaluation in log.evaluations:
        numbers += [evaluation.epoch, evaluation.samples, evaluation.step]
        assert isinstance(evaluation.metric, (str, type(None)))
    assert all(number is None or math.isfinite(number) for number in numbers)
    assert log.run_stop_ms is None or log.run_start_ms is not None


def check_description(data: bytes) -> None:
    """Any bytes are a system description, or there is a message that says why not."""
    try:
        description = read_description(as_file(data))
    except ValueError as error:
        assert str(error)
        return
    record = description.record
    for name in System.__slots__:
        value = getattr(record, name)
        if name in _COUNTS:
            assert value is None or (type(value) is int and 0 <= value <= 10**8)
        else:
            assert value is None or (isinstance(value, str) and value == value.strip() != "")
            assert value is None or not any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in value)
    assert record.division in (None, "closed", "open")
    assert set(description.misspelt) <= set(description.missing)
    json.dumps(description.misspelt)


def new_entry(folder: str, benchmark: str = "bert", **more: object) -> dict[str, object]:
    """An entry as an import makes it, with the keys that matter to a merge."""
    return {
        "version": "3.0",
        "submitter_folder": folder,
        "system_file": "x8",
        "Model_ID": benchmark,
        "submitter": "Acme",
        "system": "x8",
        "division": "closed",
        "Result": 1.5,
        "uid": uid_of(("3.0", folder, "x8", benchmark)),
        benchmark: 1.5,
        **more,
    }


ENTRIES = (new_entry("Acme"), new_entry("acme-2", Result=2.5), new_entry("Acme", "gpt3"))


def check_stored(data: bytes) -> None:
    """Any bytes are a stored file: it is left alone, or merged so that nothing of other people is lost."""
    files = {_CLOSED: data, _OPEN: data, _OVER_ALL: data}
    for prune in (True, False):
        first, findings = _merged(files, prune)
        assert first or [code for code, _, _ in findings].count("invalid-store") == len(files)
        assert all(what for _, _, what in findings)
        for before, objects, _ in first.values():
            _check_merged(before, objects, prune)
    second, _ = _merged({name: to_bytes(objects) for name, (_, objects, _) in first.items()}, prune=False)
    assert second.keys() == first.keys()
    for name, (_, objects, changes) in second.items():
        assert to_bytes(objects) == to_bytes(first[name][1])
        assert (changes.added, changes.updated, changes.removed) == (0, 0, 0)


def _merged(files: dict[str, bytes], prune: bool) -> tuple[dict[str, tuple[list, list, Changes]], list]:
    """Merges :data:`ENTRIES` into files as publishing does. By name, what was stored, what is to be, and the changes."""
    findings = []

    def report(code: str, where: str, what: str) -> None:
        findings.append((code, where, what))

    entries = {stored_identity(entry): entry for entry in ENTRIES}
    groups = {_CLOSED: entries, _OVER_ALL: entries}
    experiments = [_load(name, data, report) for name, data in files.items()]
    index = IdentityIndex(entries)
    places = {(name == _OVER_ALL, identity): name for name, group in groups.items() for identity in group}
    move_results(experiments, places, index, report)
    uids = stored_uids(experiments, index, ["3.0"])
    results = {}
    for experiment in experiments:
        if experiment.usable:
            before = [*experiment.objects, *experiment.moved_in]
            group = groups.get(experiment.name, {})
            objects, changes = Merger(index, uids, _presence, prune, report).merge(experiment, group)
            results[experiment.name] = (before, objects, changes)
    return results, findings


def _presence(identity: tuple, _division: str) -> Presence:
    return Presence.GONE if identity[0] == "3.0" else Presence.OUT_OF_SCOPE


def _load(name: str, data: bytes, report: Callable[[str, str, str], None]) -> StoredExperiment:
    folder = _FOLDER / name / "2024-01-01.00-00-00.000001"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RESULT_FILE).write_bytes(data)
    return load_experiment(name, folder.parent, report)


def _check_merged(before: list, after: list, prune: bool) -> None:
    identities = [identity for item in after if (identity := stored_identity(item)) is not None]
    assert len(identities) == len(set(identities))
    if prune:
        return
    values = [json.dumps(item, sort_keys=True) for item in after if not isinstance(item, dict)]
    for item in before:
        if not isinstance(item, dict):
            assert json.dumps(item, sort_keys=True) in values
            continue
        for key, value in item.items():
            if key not in owned_keys() and key not in known_benchmarks() and key != item.get("Model_ID"):
                assert any(_has(other, key, value) for other in after), key


def _has(item: object, key: str, value: object) -> bool:
    """Whether an object has a value under a key, or under the key with a number."""
    if not isinstance(item, dict):
        return False
    text = json.dumps(value, sort_keys=True)
    return any(json.dumps(item[name], sort_keys=True) == text for name in item if name == key or name.startswith(f"{key}_"))


#: What a log may unpack to, and how often it may be gone through.
_MOST_MB, _PASSES = 1, 3
#: Remarks about a submission that do not come of single lines.
_MOST_REMARKS = 200


def check_scored(data: bytes) -> None:
    """Any bytes are a file that somebody scores: each run counts or there is a reason, and nothing grows over the limit."""
    folder = Path(tempfile.mkdtemp(dir=_FOLDER))
    (folder / "train.log").write_bytes(data)
    taken = Counter()

    def counted(file: str, largest_bytes: int) -> Iterator[tuple[int, bytes]]:
        for number, line in iter_lines(file, largest_bytes):
            taken["bytes"] += len(line)
            yield number, line

    try:
        with patch.object(find, "iter_lines", counted):
            scored = score_files([folder], largest_mb=_MOST_MB)
        for group in scored.groups:
            assert (group.score is None) != (group.reason is None)
            assert all((run.minutes is None) != (run.reason is None) for run in group.runs)
        json.dumps(to_object(scored), allow_nan=False)
    except NothingToScore as error:
        assert str(error)
    finally:
        shutil.rmtree(folder)
    assert taken["bytes"] <= _PASSES * (_MOST_MB << 20)


def check_checked(data: bytes) -> None:
    """Any bytes are a log of a submission: it is checked, with no more remarks than it has lines and rules."""
    folder = Path(tempfile.mkdtemp(dir=_FOLDER))
    try:
        logs = [run_log("llama2_70b_lora", 28 + number / 10) for number in range(2)]
        place = write_submission(folder, "Acme", "x8", "llama2_70b_lora", logs, system_description("Acme"))
        (place / "result_0.txt").write_bytes(data)
        for as_peer in (False, True):
            checked = check(folder, "5.1", _MOST_MB, as_peer=as_peer)
            assert [package.verdict in ("pass", "fail", "crash") for package in checked.packages] == [True]
            assert len(checked.remarks) <= _MOST_REMARKS + data.count(b"\n")
    finally:
        shutil.rmtree(folder)


def check_dataset(data: bytes) -> None:
    """Any bytes are a table of a data set: its curves are drawn from finite figures, or there is a message."""
    folder = Path(tempfile.mkdtemp(dir=_FOLDER))
    rows = Counter()

    def counted(*of_file: object) -> Iterator[dict]:
        for row in iter_rows(*of_file):
            rows["taken"] += 1
            yield row

    try:
        (folder / CROISSANT_FILE).write_text("{}")
        for table in ("evaluations", "results", "runs"):
            (folder / table).mkdir()
            file = folder / table / "3.0.parquet"
            file.write_bytes(
                data if _table_of(data) in (table, None) else (CORPUS / "dataset" / f"{table}.parquet").read_bytes()
            )
        with patch.object(curves, "iter_rows", counted):
            for _, of_result in curves.iter_curves(folder, lambda _: None):
                points = [point for one in of_result for run in one.runs for point in run.points]
                assert all(map(math.isfinite, itertools.chain.from_iterable(points)))
        assert rows["taken"] <= 3 * MOST_ROWS
    except BadInput as error:
        assert str(error)
    finally:
        shutil.rmtree(folder)


def _table_of(data: bytes) -> str | None:
    """The table that a file says that it is, as far as it can be read."""
    try:
        said = pyarrow.parquet.read_schema(io.BytesIO(data)).metadata or {}
    except (OSError, ValueError, pyarrow.ArrowException):
        return None
    return said.get(b"table", b"").decode(errors="replace")


def changed_json(data: bytes, source: random.Random) -> bytes | None:
    """A JSON text with one value or key changed, added or removed; None where there is none to change."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, (dict, list)):
        return None
    places = list(_iter_places(content))
    value = copy.deepcopy(source.choice([*ODD_VALUES, *(holder[key] for holder, key in places[:50]), [], {}]))
    holder, key = source.choice([(None, "x"), *places])
    if holder is None and isinstance(content, list):
        content.append(value)
    elif holder is None:
        content[str(source.choice([("", "x"), *places])[1])] = value
    elif source.random() < 0.2:
        del holder[key]
    elif isinstance(holder, dict) and source.random() < 0.3:
        holder[str(source.choice(places)[1])] = holder.pop(key)
    else:
        holder[key] = value
    return json.dumps(content).encode("ascii")


def _iter_places(content: dict | list) -> Iterator[tuple[dict | list, object]]:
    for key, value in content.items() if isinstance(content, dict) else enumerate(content):
        yield content, key
        if isinstance(value, (dict, list)):
            yield from _iter_places(value)


_TEMPORARY = tempfile.TemporaryDirectory(prefix="fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
_FOLDER = Path(_TEMPORARY.name)

TARGETS = {
    "log": check_log,
    "description": check_description,
    "stored": check_stored,
    "score": check_scored,
    "check": check_checked,
    "dataset": check_dataset,
}
#: The least bytes that the longest input must have: the smallest Parquet file of ours has ten thousand.
LEAST_LONGEST = {"dataset": 20_000}
#: Those whose inputs are JSON, of which one value is changed.
OF_JSON = ("description", "stored")
