"""What is remembered of a round: the same to the last bit, and nothing once anything that it depends on differs."""

from __future__ import annotations

import dataclasses
import json
import mmap
import os
import shutil

import msgspec
import pytest
from madeup import HOSTILE
from trees import settle, write_result

from mlperf_training_import import pipeline
from mlperf_training_import.logs import cache as cache_module
from mlperf_training_import.logs import contents
from mlperf_training_import.model import Round
from mlperf_training_import.options import Filter, Options
from mlperf_training_import.results import memory, score_round
from mlperf_training_import.rounds.stamp import stamp_of
from mlperf_training_import.start.sample import START_MS, log_line, run_log

FOLDER = "Acme/results/sys/resnet"
PLAIN = Options(no_cache=True)


class Tree:
    """A round of three results in a clone: one is scaled, one has no score, one has a log that does not count."""

    def __init__(self, root, monkeypatch) -> None:
        self.root, self.file = root, root.parent / "mlperf-training-logs.round"
        self.walked, self.judged = [], []
        self._watch(monkeypatch, pipeline, "walk", self.walked)
        self._watch(monkeypatch, score_round, "judge_result", self.judged)
        folder = write_result(root, submitter="Acme", benchmark="resnet")
        (folder / "scaling.json").write_text('{"scaling_factor": 1.25}')
        lines = [log_line(START_MS, "power_measurement_start"), log_line(START_MS + 9000, "power_reading", 5000)]
        for number in range(5):
            (folder / f"power/result_{number}").mkdir(parents=True)
            (folder / f"power/result_{number}/node_0.txt").write_text("\n".join(lines) + "\n")
        folder = write_result(
            root, submitter="Other", benchmark="resnet", minutes=range(2, 7), description={"notes": HOSTILE}
        )
        (folder / "result_0.txt").write_text("nothing\n")
        folder = write_result(root, submitter="Third", benchmark="ssd")
        (folder / "result_1.txt").write_text("nothing\n")
        (root / ".git").mkdir()

    @staticmethod
    def _watch(monkeypatch, module, name, calls):
        real = getattr(module, name)

        def watched(*arguments):
            calls.append(arguments[0])
            return real(*arguments)

        monkeypatch.setattr(module, name, watched)

    def import_(self, options=Options(), **facts):  # noqa: B008 - frozen
        """What comes out of the round, and its findings; ``walked`` and ``judged`` are what was looked at for it."""
        settle()
        self.walked.clear()
        self.judged.clear()
        findings = []
        round_ = msgspec.structs.replace(Round("3.0", "3.0", self.root), **facts)
        (outcome,) = pipeline._iter_read([round_], options, findings, pipeline.no_progress, None)
        return outcome, findings

    def again(self, options=Options(), **facts) -> int:  # noqa: B008 - frozen
        """Imports, checks that against an import without memory, and says how many results were judged."""
        imported = self.import_(options, **facts)
        count = len(self.judged)
        assert bool(count) == bool(self.walked)
        plain = self.import_(dataclasses.replace(options, no_cache=True), **facts)
        assert imported == plain
        assert repr(imported) == repr(plain)  # types, and the order of keys, too
        return count


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A tree that was imported once. Its files need not be older than two seconds to be trusted, on any file system."""
    monkeypatch.setattr(cache_module, "_LONGEST_STEP_NS", 0)
    devices = frozenset({tmp_path.stat().st_dev})
    monkeypatch.setattr(contents, "devices_that_keep_times", lambda: devices)
    monkeypatch.setattr(memory, "devices_that_keep_times", lambda: devices)
    made = Tree(tmp_path / "entry/repo", monkeypatch)
    made.import_()
    assert len(made.judged) == 3
    return made


def test_a_round_whose_runs_are_those_of_an_earlier_one_is_judged_again(tree, tmp_path):
    shutil.copytree(tree.root, tmp_path / "earlier/repo")
    rounds = [Round("2.1", "2.1", tmp_path / "earlier/repo"), Round("3.0", "3.0", tree.root)]

    def repeats(options=Options()):  # noqa: B008 - frozen
        settle()
        outcomes = list(pipeline._iter_read(rounds, options, [], pipeline.no_progress, None))
        return [[judged.is_repeat for judged in outcome.judged] for outcome in outcomes]

    assert repeats() == repeats() == repeats(PLAIN) == [[False] * 3, [True] * 3]
    assert tree.again() == 3


def test_a_round_that_did_not_change_is_neither_walked_nor_judged_again(tree):
    assert tree.again() == 0
    assert tree.again() == 0


# -- something changed ------------------------------------------------------------------------------------------------


def change_log(root):
    (root / FOLDER / "result_3.txt").write_text(run_log("resnet", 77))


def change_log_within_its_size_and_time(root):
    file = root / FOLDER / "result_3.txt"
    before, text = file.stat(), file.read_text()
    file.write_text(text.replace("240000", "240001"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def change_log_for_another_of_its_size_and_time(root):
    file = root / FOLDER / "result_3.txt"
    before, text = file.stat(), file.read_text()
    file.unlink()
    file.write_text(text.replace("240000", "240001"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def change_power_log(root):
    (root / FOLDER / "power/result_3/node_0.txt").write_text("\n")


def change_factor(root):
    (root / FOLDER / "scaling.json").write_text('{"scaling_factor": 1.5}')


def change_description(root):
    file = root / "Other/systems/sys.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"accelerators_per_node": 3}))


def change_division(root):
    file = root / "Other/systems/sys.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"division": "open"}))


def touch_log(root):
    os.utime(root / FOLDER / "result_3.txt")


def remove_factor(root):
    (root / FOLDER / "scaling.json").unlink()


def remove_description(root):
    (root / "Other/systems/sys.json").unlink()


def remove_log(root):
    (root / "Third/results/sys/ssd/result_0.txt").unlink()


def remove_result(root):
    shutil.rmtree(root / "Acme")


def add_log(root):
    (root / "Third/results/sys/ssd/result_5.txt").write_text(run_log("ssd", 4))


def add_log_that_is_not_read(root):
    (root / "Third/results/sys/ssd/5.log").write_text(run_log("ssd", 4))


def add_folder(root):
    (root / "Third/results/empty").mkdir()


def add_result(root):
    """The places of the others differ then."""
    write_result(root, submitter="Fastest", benchmark="resnet", minutes=[0.5] * 5)


def rename_submitter(root):
    (root / "Acme").rename(root / "Acme2")


def swap_results(root):
    for old, new in (("Acme", "x"), ("Other", "Acme"), ("x", "Other")):
        (root / old).rename(root / new)


KINDS = ("change", "touch", "remove", "add", "rename", "swap")
CHANGES = [value for name, value in list(globals().items()) if name.startswith(KINDS)]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_of_any_file_is_judged(tree, change):
    settle()
    change(tree.root)
    assert tree.again() >= 2
    assert tree.again() == 0


def test_what_git_writes_for_itself_changes_nothing(tree):
    (tree.root / ".git/index").write_text("read by git status")
    assert tree.again() == 0


@pytest.mark.parametrize("field", msgspec.structs.fields(Round), ids=lambda field: field.name)
def test_all_that_is_known_of_a_round_counts(tree, field):
    if field.name == "path":
        tree.root = tree.root.rename(tree.root.parent / "other")
        assert tree.again() == 3
        return
    changed = {"label": "3.0-mine", "version": "3.1", "only": "Acme"}.get(
        field.name, "x" if field.default in (None, "") else True
    )
    assert tree.again(**{field.name: changed}) >= 1
    assert tree.again() == (0 if field.name == "only" else 3)


@pytest.mark.parametrize(
    "options",
    [
        Options(max_log_mb=1),
        Options(filter=Filter(submitters=frozenset({"Acme"}))),
        Options(filter=Filter(benchmarks=frozenset({"resnet"}))),
        Options(filter=Filter(divisions=frozenset({"closed"}))),
    ],
)
def test_what_was_asked_for_counts(tree, options):
    assert tree.again(options) >= 2


def test_a_filter_forgets_nothing(tree):
    tree.again(Options(filter=Filter(submitters=frozenset({"Acme"}))))
    assert tree.again() == 0


def test_details_are_never_known(tree):
    class Asked:
        with_measurements = False

        def add(self, done, findings):
            self.details = done.details

    asked = Asked()
    list(pipeline._iter_read([Round("3.0", "3.0", tree.root)], Options(), [], pipeline.no_progress, asked))
    assert len(asked.details) == 15


PARTS = [
    "model.py",
    "results/doubts.py",
    "rounds/walk.py",
    "tables/rcp.csv",
    "tables/rounds.yaml",
    "logs/line.py",
    "outcome.py",
]


@pytest.mark.parametrize("part", PARTS)
def test_all_code_and_tables_count(tmp_path, monkeypatch, part):
    package = tmp_path / "package"
    ours = cache_module.Path(cache_module.__file__).parents[1]
    shutil.copytree(ours, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache_module, "__file__", str(package / "logs/cache.py"))
    before = cache_module.fingerprint_of.__wrapped__(".")
    with (package / part).open("a") as stream:
        stream.write("\n")
    assert cache_module.fingerprint_of.__wrapped__(".") != before


def test_another_version_judges_anew(tree, monkeypatch):
    monkeypatch.setattr(memory, "fingerprint_of", lambda *_: b"another version")
    assert tree.again() == 3
    assert tree.again() == 0


# -- what equal stamps do not promise ---------------------------------------------------------------------------------


def test_a_young_tree_is_not_trusted(tree, monkeypatch):
    monkeypatch.setattr(cache_module, "_LONGEST_STEP_NS", 2 * 10**9)
    change_factor(tree.root)
    assert tree.again() == 3
    assert tree.again() == 3


def test_a_record_that_is_not_younger_than_the_tree_is_not_trusted(tree):
    os.utime(tree.file, ns=(0, stamp_of(tree.root, {tree.root.stat().st_dev}).newest_ns))
    assert tree.again() == 3


def test_a_tree_that_changes_while_it_is_read_is_not_remembered(tree, monkeypatch):
    change_factor(tree.root)
    real = pipeline.read_round

    def read_and_change(*arguments):
        done = real(*arguments)
        change_log(tree.root)
        return done

    monkeypatch.setattr(pipeline, "read_round", read_and_change)
    tree.import_()
    monkeypatch.undo()
    monkeypatch.setattr(cache_module, "_LONGEST_STEP_NS", 0)
    settle()
    imported = tree.import_()
    assert repr(imported) == repr(tree.import_(PLAIN))


def test_a_tree_with_a_link_is_not_remembered(tree, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tree.root / "Acme/documents").symlink_to(tmp_path / "elsewhere")
    assert tree.again() == 3
    assert tree.again() == 3


def test_a_tree_that_somebody_may_write_through_a_mapping_is_not_remembered(tree):
    log = tree.root / FOLDER / "result_0.txt"
    with log.open("r+b") as stream, mmap.mmap(stream.fileno(), 0):
        stream.write(b"#")
        assert tree.again() == 3
        assert tree.again() == 3
    assert tree.again() == 3
    assert tree.again() == 0


def test_a_device_that_does_not_keep_times_is_not_remembered(tree, monkeypatch):
    monkeypatch.setattr(memory, "devices_that_keep_times", frozenset)
    assert tree.again() == 3


def test_a_folder_that_cannot_be_listed_is_not_remembered(tree, monkeypatch):
    def denied(_folder):
        raise PermissionError

    monkeypatch.setattr(os, "scandir", denied)
    assert stamp_of(tree.root, {tree.root.stat().st_dev}) is None


def test_what_could_not_be_read_is_tried_again(tree, monkeypatch):
    settle()
    change_factor(tree.root)

    def no_factor(_file):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("mlperf_training_import.results.facts.read_scaling_factor", no_factor)
        tree.import_()
    assert tree.again() == 3


def test_a_power_log_that_could_not_be_read_is_tried_again(tree, monkeypatch):
    change_power_log(tree.root)

    def broken(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("mlperf_training_import.logs.power.iter_blocks_of", broken)
        (outcome, _) = tree.import_()
        assert any(judged.energy and judged.energy.is_unread for judged in outcome.judged)
    assert tree.again() == 3
    assert tree.again() == 0


@pytest.mark.parametrize(
    ("change", "reader"),
    [(add_log_that_is_not_read, "unread.open_regular"), (remove_description, "walk.read_logged_description")],
    ids=["log in a place that nobody reads", "description in a log"],
)
def test_what_the_walk_could_not_read_is_tried_again(tree, monkeypatch, change, reader):
    change(tree.root)

    def broken(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(f"mlperf_training_import.rounds.{reader}", broken)
        (_, findings) = tree.import_()
        assert {finding.code for finding in findings} >= {"unreadable"}
    assert tree.again() == 3
    assert tree.again() == 0


@pytest.mark.parametrize("facts", [{"remote": "/a/\udcff"}, {"branch": "\udcff"}, {"part": "x\udcff"}], ids=str)
def test_a_name_that_is_no_utf_8_is_remembered_too(tree, facts):
    assert tree.again(**facts) == 3
    assert tree.again(**facts) == 0


# -- the file -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-1], lambda data: data + b"x", lambda data: b"", lambda data: b"\0" * 99]
)
def test_a_damaged_record_counts_as_none(tree, spoil):
    tree.file.write_bytes(spoil(tree.file.read_bytes()))
    assert tree.again() == 3
    assert tree.again() == 0


@pytest.mark.parametrize("place", ["submission", "result", "rest"])
def test_a_record_that_contradicts_itself_counts_as_none(tree, place):
    """Somebody may have written it who knows how it is made."""
    record = cache_module.KeptRecord(tree.file, is_kept=True)
    ((key, packed),) = cache_module._read(tree.file, dict[bytes, bytes], 1 << 20)[0].items()
    submissions, judged, results, findings = msgspec.msgpack.decode(packed)
    if place == "submission":
        judged[0][0] = 99
    elif place == "result":
        results = [99]
    else:
        judged[0][3] = "no logs"
    settle()
    record.keep(key, msgspec.msgpack.encode([submissions, judged, results, findings]))
    assert tree.again() == 3


def test_only_this_user_may_read_and_write_it(tree):
    assert tree.file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_record_that_others_may_write_is_not_taken(tree, mode):
    tree.file.chmod(mode)
    assert tree.again() == 3


def test_a_record_of_another_user_is_not_taken(tree, monkeypatch):
    real = os.geteuid()
    monkeypatch.setattr("mlperf_training_import.regular.os.geteuid", lambda: real + 1)
    assert tree.again() == 3


def test_a_link_to_a_record_is_not_followed(tree):
    tree.file.rename(tree.file.with_name("other"))
    tree.file.symlink_to("other")
    assert tree.again() == 3


@pytest.mark.parametrize(("more", "judged"), [(0, 0), (1 << 20, 3)])
def test_a_record_that_is_larger_than_its_tree_needs_is_not_read(tree, more, judged):
    found = cache_module._read(tree.file, dict[bytes, bytes], 1 << 20)[0]
    stamp = stamp_of(tree.root, {tree.root.stat().st_dev})
    assert memory._MOST_BYTES_OF_FILE * stamp.files + 2 * stamp.size < 1 << 20
    settle()
    cache_module._write(tree.file, msgspec.msgpack.encode(found | {b"": bytes(more)}))
    assert tree.again() == judged


@pytest.mark.parametrize("options", [Options(no_cache=True), Options(dry_run=True)])
def test_without_leave_nothing_is_written(tree, options):
    tree.file.unlink()
    tree.import_(options)
    assert not tree.file.exists()


def test_a_dry_run_takes_what_is_remembered(tree):
    assert tree.again(Options(dry_run=True)) == 0


def test_a_number_of_more_than_64_bits_is_not_remembered(tree):
    log = tree.root / FOLDER / "result_3.txt"
    log.write_text(
        log.read_text() + log_line(START_MS, "seed", 1 << 80) + "\n" + log_line(START_MS, "train_samples", 1 << 80)
    )
    assert tree.again() == 3


def test_a_name_that_is_no_utf8_is_remembered_or_not_as_it_is(tree):
    folder = tree.root / "Third/results/sys/ssd"
    (folder / "result_2.txt").rename(folder / os.fsdecode(b"result_\xff.txt"))
    assert tree.again() == 3
    tree.again()
