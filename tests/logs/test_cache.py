"""What is remembered of logs is what they say: nothing stale, nothing damaged, nothing that anybody needs."""

import mmap
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from trees import Imported, is_made_up_submitter, settle

from mlperf_training_import import atomic
from mlperf_training_import.logs import cache as cache_module
from mlperf_training_import.logs import contents, workers
from mlperf_training_import.logs.cache import LogCache
from mlperf_training_import.logs.log import read_log
from mlperf_training_import.logs.power import read_power_log
from mlperf_training_import.model import LogFile, Round
from mlperf_training_import.options import Filter
from mlperf_training_import.results import score_round
from mlperf_training_import.results.score_round import Reading, read_round
from mlperf_training_import.rounds import walk as walk_module
from mlperf_training_import.rounds.walk import walk
from mlperf_training_import.start.sample import START_MS, log_line, run_log, system_description, write_submission
from mlperf_training_import.tables.rules import benchmark_of, rules_of

VERSION = "5.1"
FOLDER = "Acme/results/box/llama2_70b_lora"
FIRST = f"{FOLDER}/result_0.txt"
#: Most tests do not wait so long.
LONGEST_STEP_NS = cache_module._LONGEST_STEP_NS
PACKAGE = Path(cache_module.__file__).resolve().parents[1]


class Tree:
    """A round whose imports share a file, and which logs the last of them read."""

    def __init__(self, root: Path, file: Path, read: list[str]) -> None:
        self.root, self.file, self._read = root, file, read

    def write(self, seconds: float = 0) -> None:
        """Ten runs of one result, so much longer each, with power logs."""
        logs = [run_log("llama2_70b_lora", minutes + seconds / 60) for minutes in range(11, 21)]
        folder = write_submission(self.root, "Acme", "box", "llama2_70b_lora", logs, system_description("Acme"))
        for number in range(10):
            lines = [
                log_line(START_MS, "power_measurement_start"),
                log_line(START_MS + 9000, "power_reading", 5000 + number),
            ]
            (folder / f"power/result_{number}").mkdir(parents=True)
            (folder / f"power/result_{number}/node_0.txt").write_text("\n".join(lines) + "\n")
        settle()

    def import_(self, cache: LogCache | None = None, version: str = VERSION, **more) -> Imported:
        """What an import says; ``read`` are the logs that it read."""
        cache = cache or LogCache(self.file)
        round_, findings = Round(version, version, self.root), []
        submissions = walk(round_, rules_of(version), findings)
        self._read.clear()
        outcome = read_round(round_, submissions, Reading(cache=cache, **more))
        findings += outcome.findings
        self.read = sorted(self._read)
        settle()
        return Imported(outcome, [finding for finding in findings if not is_made_up_submitter(finding)])

    def import_afresh(self, **more) -> Imported:
        """What an import says that remembers nothing."""
        return self.import_(LogCache(), **more)

    def all_logs(self) -> list[str]:
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.glob("**/results/**/*.txt"))


def assert_same(one: Imported, other: Imported) -> None:
    assert repr(one.outcome) == repr(other.outcome)
    assert one.findings == other.findings


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A tree that was imported once. Files need not be older than two seconds to be trusted."""
    read = []

    def noted(reader):
        def read_one(path, *arguments):
            read.append(path.relative_to(made.root).as_posix())
            return reader(path, *arguments)

        return read_one

    monkeypatch.setattr(cache_module, "_LONGEST_STEP_NS", 0)
    monkeypatch.setattr(workers, "read_log", noted(read_log))
    monkeypatch.setattr(workers, "read_power_log", noted(read_power_log))
    made = Tree(tmp_path / "entry/repo", tmp_path / "entry/logs.cache", read)
    made.write()
    made.import_()
    assert made.read == made.all_logs()
    return made


# -- nothing changed --------------------------------------------------------------------------------------------------


def test_what_did_not_change_is_not_read(tree):
    before = tree.file.stat()
    remembered = tree.import_()
    assert tree.read == []
    assert (tree.file.stat().st_ino, tree.file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert remembered.only.energy is not None
    assert_same(remembered, tree.import_afresh())


def test_all_that_is_read_is_told(tree):
    told = []
    tree.import_(advance=told.append)
    assert sum(told) == sum((tree.root / log).stat().st_size for log in tree.all_logs())


@pytest.mark.parametrize(
    "value", ["1" + "0" * 30, '"\\ud800"', "NaN", '{"BBOX": 0.3, "SEGM": [1]}', "[0.1, true]", '"\\u00e9"']
)
def test_odd_values_are_remembered_as_they_are_or_not_at_all(tree, value):
    log = tree.root / FIRST
    lines = log.read_text().splitlines()
    lines[-1:-1] = [log_line(START_MS + 1000, "eval_accuracy", "HERE").replace('"HERE"', value)]
    log.write_text("\n".join(lines) + "\n")
    settle()
    tree.import_()
    assert_same(tree.import_(), tree.import_afresh())


def test_logs_that_are_gone_are_forgotten(tree):
    size = tree.file.stat().st_size
    (tree.root / FIRST).unlink()
    tree.import_()
    assert tree.read == []
    assert tree.file.stat().st_size < size
    assert len(LogCache(tree.file)._runs.known) == 9


def test_a_filter_forgets_nothing(tree):
    folder = tree.root / FOLDER
    shutil.copytree(folder, folder.with_name("bert"))
    settle()
    tree.import_()
    round_ = Round(VERSION, VERSION, tree.root)
    submissions = walk(round_, rules_of(VERSION), [])
    read_round(round_, submissions, Reading(Filter(benchmarks=frozenset({"bert"})), cache=LogCache(tree.file)))
    tree.import_()
    assert tree.read == []


def test_details_are_remembered_once_they_were_asked_for(tree):
    detailed = tree.import_(with_details=True)
    assert [log for log in tree.read if "/power/" not in log] == [log for log in tree.all_logs() if "/power/" not in log]
    assert detailed.outcome.details
    for more in ({"with_details": True}, {}):
        again = tree.import_(**more)
        assert tree.read == []
        assert repr(again.outcome.results) == repr(detailed.outcome.results)
    assert_same(tree.import_(with_details=True), detailed)


def test_details_of_a_log_that_changed_are_read_again(tree):
    tree.import_(with_details=True)
    log = next(log for log in tree.all_logs() if "/power/" not in log)
    (tree.root / log).write_text((tree.root / log).read_text() + "a line more\n")
    settle()
    tree.import_()
    assert log in tree.read
    detailed = tree.import_(with_details=True)
    assert log in tree.read
    assert_same(detailed, tree.import_afresh(with_details=True))


@pytest.mark.parametrize("data", [b"", b"x" * 100, None])
def test_damaged_details_are_read_again(tree, data):
    detailed = tree.import_(with_details=True)
    file = tree.file.with_suffix(".details")
    file.write_bytes(file.read_bytes()[:-1] if data is None else data)
    assert_same(tree.import_(with_details=True), detailed)
    assert tree.read
    assert_same(tree.import_(with_details=True), detailed)
    assert tree.read == []


def test_details_that_only_python_can_load_are_not_taken_from_a_file(tree, monkeypatch):
    detailed = tree.import_(with_details=True)
    body = msgspec.msgpack.decode(tree.file.with_suffix(".details").read_bytes()[32:])
    for said in body.values():
        said[1] = b"p" + said[1][1:]
    tree.file.with_suffix(".details").write_bytes(with_right_digest(msgspec.msgpack.encode(body)))
    settle()
    assert_same(tree.import_(with_details=True), detailed)
    assert tree.read


# -- every way to be stale --------------------------------------------------------------------------------------------


def keep_times(log: Path, change) -> None:
    """Changes a log so that neither its size nor its time shows it."""
    before = log.stat()
    change(log)
    os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = log.stat()
    assert (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)


def abort(log: Path) -> None:
    """Writes another content of the same size into a log."""
    text = log.read_text()
    assert "success" in text
    log.write_text(text.replace("success", "aborted"))


def replace_by_another(log: Path) -> None:
    """Puts another file of the same size and time in the place of a log."""
    other = log.with_name("other")
    shutil.copy2(log, other)
    keep_times(other, abort)
    os.replace(other, log)


@pytest.mark.parametrize("change", [lambda log: keep_times(log, abort), replace_by_another], ids=["content", "os.replace"])
def test_another_content_of_the_same_size_and_time(tree, change):
    change(tree.root / FIRST)
    imported = tree.import_()
    assert tree.read == [FIRST]  # and not its power log, since the run does not count now
    assert imported.what("run-not-counted") == ["status of run_stop is aborted"]
    assert_same(imported, tree.import_afresh())


def test_another_content_of_a_power_log_of_the_same_size_and_time(tree):
    log = tree.root / FOLDER / "power/result_4/node_0.txt"
    joules = tree.import_().only.energy.joules
    keep_times(log, lambda log: log.write_text(log.read_text().replace("5004", "9999")))
    imported = tree.import_()
    assert f"{FOLDER}/power/result_4/node_0.txt" in tree.read
    assert imported.only.energy.joules > joules
    assert_same(imported, tree.import_afresh())


def test_a_clone_that_was_fetched_anew(tree):
    shutil.copytree(tree.root, tree.root.with_name("fresh"))  # with all its times
    keep_times(tree.root.with_name("fresh") / FIRST, abort)
    shutil.rmtree(tree.root)
    tree.root.with_name("fresh").rename(tree.root)
    imported = tree.import_()
    assert set(tree.read) >= {log for log in tree.all_logs() if "/power/" not in log}
    assert_same(imported, tree.import_afresh())


def test_a_checkout_of_another_branch(tree):
    def git(*words):
        names = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", "-C", tree.root, *names, *words], check=True, capture_output=True)

    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "results")
    git("checkout", "-b", "other")
    abort(tree.root / FIRST)
    git("commit", "-a", "-m", "aborted")
    settle()
    aborted = tree.import_()
    git("checkout", "main")
    settle()
    imported = tree.import_()
    assert tree.read == [f"{FOLDER}/power/result_0/node_0.txt", FIRST]
    assert len(aborted.what("run-not-counted")) == 1
    assert imported.what("run-not-counted") == []


def test_another_key_of_the_quality(tree, monkeypatch):
    """The same log says something else where other lines of it have its quality."""

    def with_errors(key, version):
        return msgspec.structs.replace(benchmark_of(key, version), quality="eval_error")

    monkeypatch.setattr(score_round, "benchmark_of", with_errors)
    imported = tree.import_()
    assert [path for path in tree.read if "/power/" not in path] == [f"{FOLDER}/result_{n}.txt" for n in range(10)]
    assert [log.evaluations for log in imported.only.logs] == [()] * 10


@pytest.mark.parametrize(
    "part", ["__init__.py", "logs/line.py", "tables/rounds.yaml", "tables/rules.py", "model.py", "regular.py", "values.py"]
)
def test_other_code_or_tables(part, tmp_path, monkeypatch):
    package = tmp_path / "package"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache_module, "__file__", str(package / "logs/cache.py"))
    before = cache_module.fingerprint_of.__wrapped__(*cache_module._READER)
    assert before == cache_module.fingerprint_of.__wrapped__(*cache_module._READER)
    with (package / part).open("a") as stream:
        stream.write("\n")
    assert before != cache_module.fingerprint_of.__wrapped__(*cache_module._READER)


def test_what_another_version_wrote_is_not_taken(tree, monkeypatch):
    monkeypatch.setattr(cache_module, "fingerprint_of", lambda *_: b"another version")
    tree.import_()
    assert tree.read == tree.all_logs()
    tree.import_()
    assert tree.read == []


def test_the_rules_of_another_round(tree):
    tree.import_(version="0.6")
    assert [log for log in tree.read if "/power/" not in log] == [log for log in tree.all_logs() if "/power/" not in log]


def test_a_log_over_the_size_that_the_user_set_now(tree):
    with (tree.root / FIRST).open("a") as stream:
        stream.write("x\n" * (1 << 20))
    settle()
    tree.import_()
    imported = tree.import_(largest_mb=1)
    assert tree.read == [FIRST]
    assert imported.what("run-not-counted") == ["larger than 1 MB (--max_log_mb)"]
    assert tree.import_().what("run-not-counted") == []


def test_a_log_that_could_not_be_read_is_read_the_next_time(tree, monkeypatch):
    abort(tree.root / FIRST)
    settle()
    with monkeypatch.context() as patch:
        patch.setattr("mlperf_training_import.logs.log.open_regular", lambda _: os.open("/nowhere", os.O_RDONLY))
        assert tree.import_().what("run-not-counted") == ["No such file or directory"]
    assert tree.import_().what("run-not-counted") == ["status of run_stop is aborted"]


def test_a_log_that_changes_while_the_import_runs(tree):
    """It is found as it was, and read as it is: what is remembered must not pass for what it says later."""
    cache = LogCache(tree.file)
    round_ = Round(VERSION, VERSION, tree.root)
    submissions = walk(round_, rules_of(VERSION), [])
    abort(tree.root / FIRST)
    read_round(round_, submissions, Reading(cache=cache))
    settle()
    assert tree.import_().what("run-not-counted") == ["status of run_stop is aborted"]


# -- clocks -----------------------------------------------------------------------------------------------------------


def test_a_young_log_is_not_trusted(tree, monkeypatch):
    """It may change once more before the clock of the file system moves on."""
    monkeypatch.setattr(cache_module, "_LONGEST_STEP_NS", 3600 * 10**9)
    tree.file.unlink()
    tree.import_()
    tree.import_()
    assert tree.read == tree.all_logs()


@pytest.mark.parametrize(("seconds", "is_trusted"), [(1.9, False), (2.1, True)])
def test_a_log_is_trusted_two_seconds_after_it_changed(tree, monkeypatch, seconds, is_trusted):
    """FAT counts time in steps of two seconds."""
    monkeypatch.setattr(cache_module, "_LONGEST_STEP_NS", LONGEST_STEP_NS)
    changed = [(tree.root / log).stat().st_ctime_ns for log in tree.all_logs()]
    now = (max if is_trusted else min)(changed) + int(seconds * 10**9)
    monkeypatch.setattr(cache_module, "time", SimpleNamespace(time_ns=lambda: now, time=time.time))
    tree.file.unlink()
    tree.import_()
    tree.import_()
    assert tree.read == ([] if is_trusted else tree.all_logs())


def test_a_file_that_is_not_younger_than_the_logs_is_not_trusted(tree):
    os.utime(tree.file, ns=(0, (tree.root / FIRST).stat().st_ctime_ns))
    imported = tree.import_()
    assert FIRST in tree.read
    assert_same(imported, tree.import_afresh())
    tree.import_()
    assert tree.read == []


def test_a_clock_that_was_set_back(tree, monkeypatch):
    """Logs of the future are read every time."""
    hour = 3600 * 10**9
    tree.file.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(cache_module.time, "time_ns", lambda now=time.time_ns: now() - hour)
        tree.import_()
        tree.import_()
        assert tree.read == tree.all_logs()
    os.utime(tree.root / FIRST, ns=(0, time.time_ns() + hour))
    tree.import_()
    tree.import_()
    assert tree.read == [f"{FOLDER}/power/result_0/node_0.txt", FIRST]


# -- several writers, and those that are killed -----------------------------------------------------------------------


def test_two_imports_at_once(tree):
    abort(tree.root / FIRST)
    settle()
    failed = []

    def import_often():
        for _ in range(5):
            cache = LogCache(tree.file)
            cache._runs.is_changed = True
            round_ = Round(VERSION, VERSION, tree.root)
            outcome = read_round(round_, walk(round_, rules_of(VERSION), []), Reading(cache=cache))
            failed.append(sum(run.reason is not None for judged in outcome.judged for run in judged.runs))

    threads = [threading.Thread(target=import_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == [1] * 20
    tree.import_()
    assert tree.read == []
    assert [file.name for file in tree.file.parent.iterdir() if file.name != "repo"] == [tree.file.name]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the writer is a process of its own")
@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_a_kill_while_it_is_written(tree, place):
    before = tree.file.read_bytes()
    abort(tree.root / FIRST)
    settle()
    program = f"""
        import os, signal, sys
        sys.path[:0] = {[str(PACKAGE.parent), str(PACKAGE.parent / "tests")]!r}
        from pathlib import Path
        from mlperf_training_import.logs import cache
        from mlperf_training_import.model import Round
        from mlperf_training_import.results.score_round import Reading, read_round
        from mlperf_training_import.rounds.walk import walk
        from mlperf_training_import.tables.rules import rules_of
        cache._LONGEST_STEP_NS = 0
        os.{place} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        memory, round_ = cache.LogCache(Path({str(tree.file)!r})), Round({VERSION!r}, {VERSION!r}, Path({str(tree.root)!r}))
        read_round(round_, walk(round_, rules_of({VERSION!r}), []), Reading(cache=memory))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert tree.file.read_bytes() == before
    assert len(list(tree.file.parent.iterdir())) == 3  # with what the killed one left
    assert tree.import_().what("run-not-counted") == ["status of run_stop is aborted"]
    assert len(list(tree.file.parent.iterdir())) == 2
    tree.import_()
    assert tree.read == []


# -- a file that cannot be used ---------------------------------------------------------------------------------------


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def with_right_digest(body: bytes) -> bytes:
    return cache_module._digest(body) + body


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:16],
        lambda data: data[: len(data) // 2],
        lambda data: data + b"x",
        lambda data: flipped(data, 3),
        lambda data: flipped(data, len(data) // 2),
        lambda data: b"a text of somebody else\n" * 100,
        lambda data: with_right_digest(b""),
        lambda data: with_right_digest(b"\xc1"),
        lambda data: with_right_digest(b"\x91" * 100_000),
        lambda data: with_right_digest(b"\x81\xa4runs\x81\xa1a\x92\x95\x00\x00\x00\x00\xa0\x91\x05"),
        lambda data: with_right_digest(b"\x81\xa4runs\x81\xa2\xff\xff\xc0"),
    ],
)
def test_a_damaged_or_foreign_file_is_replaced(tree, spoil):
    whole = tree.file.read_bytes()
    tree.file.write_bytes(spoil(whole))
    settle()
    imported = tree.import_()
    assert tree.read == tree.all_logs()
    assert_same(imported, tree.import_afresh())
    assert tree.file.read_bytes() == whole


def test_a_huge_file_is_not_read(tree, monkeypatch):
    with tree.file.open("r+b") as stream:
        stream.truncate(1 << 40)
    tree.import_()
    assert tree.read == tree.all_logs()
    assert tree.file.stat().st_size < 1 << 20


def test_nothing_is_written_that_would_not_be_read(tree, monkeypatch):
    tree.file.unlink()
    monkeypatch.setattr(cache_module, "_MOST_BYTES", 1000)
    tree.import_()
    assert not tree.file.exists()


@pytest.mark.parametrize("odd", ["link", "pipe", "folder"])
def test_what_is_no_file_is_not_followed(tree, odd):
    whole = tree.file.rename(tree.file.with_name("whole"))
    if odd == "link":
        tree.file.symlink_to(whole)
    elif odd == "pipe":
        os.mkfifo(tree.file)
    else:
        tree.file.mkdir()
    imported = tree.import_()
    assert tree.read == tree.all_logs()
    assert_same(imported, tree.import_afresh())


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(28, "No space left on device")])
def test_a_place_that_cannot_be_written_costs_time_only(tree, monkeypatch, error):
    def refuse(*_):
        raise error

    abort(tree.root / FIRST)
    settle()
    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "fsync", refuse)
        imported = tree.import_()
    assert imported.what("run-not-counted") == ["status of run_stop is aborted"]
    assert_same(imported, tree.import_())
    assert tree.read == [FIRST]


def test_a_place_that_cannot_be_made(tree):
    imported = tree.import_(LogCache(tree.root / FIRST / "logs.cache"))
    assert_same(imported, tree.import_afresh())


# -- where it is ------------------------------------------------------------------------------------------------------


def test_the_file_of_a_clone_is_beside_it(tree):
    tree.import_(LogCache.beside(tree.root))
    tree.import_(LogCache.beside(tree.root))
    assert tree.read == []
    assert [file.name for file in tree.root.parent.glob("*.cache")].count("mlperf-training-logs.cache") == 1


def test_the_file_of_a_tree_is_in_the_folder_of_the_user(tree, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    folder = tmp_path / "user/mlperf-training-import"
    folder.mkdir(parents=True)
    days_unused = {
        f"{0:032x}.cache": 91,
        f"{0:032x}.round": 91,
        f"{1:032x}.cache": 89,
        "other.cache": 91,
        "notes.details": 91,
    }
    for name, days in days_unused.items():
        (folder / name).write_bytes(b"of another tree")
        os.utime(folder / name, (0, time.time() - days * 24 * 3600))
    for expected in (tree.all_logs(), []):
        tree.import_(LogCache.of_tree(tree.root))
        assert tree.read == expected
    own = LogCache.of_tree(tree.root)._runs._file.name
    assert {file.name for file in folder.iterdir()} == {own, f"{1:032x}.cache", "other.cache", "notes.details"}
    assert sorted(path.name for path in tree.root.parent.iterdir()) == ["logs.cache", "repo"]


def test_a_home_that_is_called_like_the_folder_keeps_its_files(tree, tmp_path):
    home = tmp_path / "mlperf-training-import"
    home.mkdir()
    (home / "mine.cache").write_text("of the user")
    os.utime(home / "mine.cache", (0, 0))
    tree.import_(LogCache(home / "mlperf-training-logs.cache"))
    cache_module.KeptRecord(home / "mlperf-training-published.record", is_kept=True).keep(b"key", b"record")
    assert (home / "mine.cache").exists()
    assert len(list(home.iterdir())) == 3


@pytest.mark.parametrize("place", ["", "relative"])
def test_without_a_folder_of_the_user_it_is_in_his_home(tree, monkeypatch, tmp_path, place):
    monkeypatch.setenv("XDG_CACHE_HOME", place)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    tree.import_(LogCache.of_tree(tree.root))
    assert len(list((tmp_path / "home/.cache/mlperf-training-import").iterdir())) == 1


def test_what_is_not_to_be_kept_is_not_written(tree):
    tree.file.unlink()
    tree.import_(LogCache(tree.file, is_kept=False))
    assert not tree.file.exists()


# -- published rounds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["hpc-0.7", "hpc-2.0"])  # 4.1 takes three times as long
def test_published_logs_are_remembered_as_they_are(version, real_round, tmp_path, monkeypatch):
    clone = real_round(version)
    monkeypatch.setattr(cache_module, "_LONGEST_STEP_NS", 0)
    outcomes = []
    for cache in (LogCache(), LogCache(tmp_path / "logs.cache"), LogCache(tmp_path / "logs.cache")):
        round_, findings = Round(version, version, clone), []
        cache = LogCache(cache._runs._file)
        outcome = read_round(round_, walk(round_, rules_of(version), findings), Reading(cache=cache))
        outcomes.append((repr(outcome), findings))
        if len(outcomes) == 2:
            settle()
            monkeypatch.setattr(workers, "read_log", None)
    assert outcomes[0] == outcomes[1] == outcomes[2]
    logs = sum(file.stat().st_size for file in clone.glob("*/results/**/*.txt"))
    assert (tmp_path / "logs.cache").stat().st_size < logs / 50


# -- whose it is, and how large ---------------------------------------------------------------------------------------


def test_only_this_user_may_read_and_write_it(tree):
    assert tree.file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_not_taken(tree, mode):
    tree.import_(with_details=True)
    for file in (tree.file, tree.file.with_suffix(".details")):
        file.chmod(mode)
        tree.import_(with_details=True)
        assert [log for log in tree.read if "/power/" not in log] == [log for log in tree.all_logs() if "/power/" not in log]
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_of_another_user_is_not_taken(tree, monkeypatch):
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    tree.import_()
    assert tree.read == tree.all_logs()


@pytest.mark.parametrize("suffix", [".cache", ".details"])
def test_a_file_that_is_larger_than_its_logs_need_is_not_read(tree, suffix):
    tree.import_(with_details=True)
    file = tree.file.with_suffix(suffix)
    body = file.read_bytes()[32:]
    runs = msgspec.msgpack.decode(body)
    larger = with_right_digest(msgspec.msgpack.encode(runs | {f"{number}.txt": runs[FIRST] for number in range(900)}))
    size = sum(4096 + 2 * (tree.root / log).stat().st_size for log in tree.all_logs())
    assert len(file.read_bytes()) < size < len(larger)
    file.write_bytes(larger)
    settle()
    tree.import_(with_details=True)
    assert FIRST in tree.read


# -- where times do not tell that a file was changed --------------------------------------------------------------------


@pytest.fixture
def fixed_times(tree, monkeypatch):
    """A tree on a file system that tells the same times, inode and device of a file for ever, imported once."""
    monkeypatch.setattr(contents, "devices_that_keep_times", frozenset)
    monkeypatch.setattr(walk_module, "LogFile", lambda path, name, size, *_: LogFile(path, name, size, 1, 1, 1, 1))
    tree.import_()
    assert tree.read == tree.all_logs()
    tree.import_()
    assert tree.read == []
    return tree


@pytest.mark.parametrize("changed", ["mtime_ns", "ctime_ns", "inode", "device"])
def test_a_log_that_differs_in_anything_is_read_anew(fixed_times, monkeypatch, changed):
    def look(path, name, size, *_):
        return msgspec.structs.replace(LogFile(path, name, size, 1, 1, 1, 1), **{changed: 2})

    monkeypatch.setattr(walk_module, "LogFile", look)
    fixed_times.import_()
    assert fixed_times.read == fixed_times.all_logs()


def test_where_times_are_fixed_the_content_is_checked(fixed_times):
    abort(fixed_times.root / FIRST)
    imported = fixed_times.import_()
    assert fixed_times.read == [FIRST]
    assert imported.what("run-not-counted") == ["status of run_stop is aborted"]


def test_where_times_are_fixed_the_content_of_power_logs_is_checked(fixed_times):
    log = fixed_times.root / FOLDER / "power/result_4/node_0.txt"
    joules = fixed_times.import_().only.energy.joules
    log.write_text(log.read_text().replace("5004", "9999"))
    assert fixed_times.import_().only.energy.joules > joules


def test_where_times_are_fixed_a_log_that_changes_while_it_is_read_is_not_kept(fixed_times, monkeypatch):
    def then_aborted(path, *arguments):
        said = read_log(path, *arguments)
        if path == fixed_times.root / FIRST:
            abort(path)
        return said

    (fixed_times.root / FIRST).write_text((fixed_times.root / FIRST).read_text() + "one line more\n")
    with monkeypatch.context() as patch:
        patch.setattr(workers, "read_log", then_aborted)
        assert fixed_times.import_().what("run-not-counted") == []
    assert fixed_times.import_().what("run-not-counted") == ["status of run_stop is aborted"]


def test_a_log_on_another_device_is_read(tree, monkeypatch):
    monkeypatch.setattr(walk_module, "LogFile", lambda *about: LogFile(*about[:-1], about[-1] + 1))
    monkeypatch.setattr(contents.Contents, "of", lambda *_: b"")
    tree.import_()
    assert tree.read == tree.all_logs()


def test_a_write_through_a_mapping_that_follows_another_is_noticed(tree, monkeypatch):
    """On ext4 too, only the first one changes the times of the file until its page is on the disk."""
    log = tree.root / FIRST
    monkeypatch.setattr(contents, "devices_that_keep_times", lambda: {log.stat().st_dev})
    with log.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as mapped:
        at = mapped.find(b"success")
        mapped[at : at + 7] = b"success"
        settle()
        assert tree.import_().what("run-not-counted") == []
        mapped[at : at + 7] = b"aborted"
        assert tree.import_().what("run-not-counted") == ["status of run_stop is aborted"]
    tree.import_()
    tree.import_()
    assert tree.read == []


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no tmpfs")
def test_a_write_through_a_mapping_of_tmpfs_is_noticed(tree):
    """It changes no time of the file: neither of its content nor of the file itself."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        tree.root = Path(shutil.copytree(tree.root, f"{folder}/repo"))
        tree.import_()
        tree.import_()
        assert tree.read == []
        log = tree.root / FIRST
        before = log.stat()
        with log.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as mapped:
            at = mapped.find(b"success")
            mapped[at : at + 7] = b"aborted"
        after = log.stat()
        if (before.st_mtime_ns, before.st_ctime_ns) != (after.st_mtime_ns, after.st_ctime_ns):
            pytest.skip("this system changes the times of such a file")
        assert tree.import_().what("run-not-counted") == ["status of run_stop is aborted"]


MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard
28 1 254:1 / /mnt/two\\040words ro,relatime - xfs /dev/vdb rw
29 1 254:2 / /image ro,relatime - ext4 /dev/vdc ro
30 1 7:0 / /loop rw,relatime - ext4 /dev/loop0 rw
31 1 0:27 / /dev/shm rw,relatime - tmpfs tmpfs rw
32 1 0:40 / /merged rw - overlay overlay rw,lowerdir=/a,upperdir=/b
"""


def test_devices_whose_files_change_their_times(tmp_path, monkeypatch):
    monkeypatch.setattr(contents, "_MOUNTS", tmp_path / "mountinfo")
    assert contents.devices_that_keep_times() == frozenset()
    (tmp_path / "mountinfo").write_text(MOUNTS)
    assert contents.devices_that_keep_times() == {os.makedev(254, 0), os.makedev(254, 1)}
