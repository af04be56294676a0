"""What all tests share: a CM home of their own, made-up rounds, and the real rounds where they are at hand."""

from __future__ import annotations

import fcntl
import functools
import gc
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import git
import pytest
from _pytest.runner import runtestprotocol
from _pytest.tmpdir import tmppath_result_key
from hypothesis import HealthCheck, settings
from quick_yaml import sitecustomize
from scratch import in_memory
from support import (
    CMR,
    PROJECT,
    SCRIPT_TAGS,
    archive_of,
    cache_round,
    copy_home,
    extract,
    fetch_lines,
    repository_of,
    run_cmr,
)
from trees import Imported, import_tree

from mlperf_training_import.homes import home_of
from mlperf_training_import.logs.cache import LogCache

# Where no compiled code is kept, each of the hundreds of commands that tests start would compile all of ours again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# No git configuration of the user, for those commands and for what tests share; nor a template, whose 14 examples of hooks
# would be copied into each repository.
os.environ |= {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_TEMPLATE_DIR": "",
}
# Half of what such a command does otherwise is to read YAML; the first use of a home takes three seconds for it.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, (str(Path(sitecustomize.__file__).parent), os.environ.get("PYTHONPATH")))
)

#: Generated inputs: the same few in every run, or ten times as many and others each time (``--hypothesis-profile=random``).
settings.register_profile(
    "fixed",
    max_examples=50,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile("random", settings.get_profile("fixed"), max_examples=500, derandomize=False, print_blob=True)
settings.load_profile("fixed")


#: What tests cost by the folder that they are in, and what is made once for all that use it.
_MARKED_FOLDERS = {"slow": "slow", "edges": "slow", "real": "real", "browser": "browser"}
_SHARED_FIXTURES = {
    "real_home": "real rounds",
    "real_tree": "real rounds",
    "published": "real rounds",
    "real_dataset": "real rounds",
    "installed": "installed",
    "environment": "environment",
    "playground": "playground",
}


#: What the scratch folders of all tests need at most, and as much again.
_SCRATCH_GIGABYTES = 8


class _OnlyTestsTraced:
    """Lets coverage trace collection and quick tests, not what pytest does around each: that takes as long as the tests.

    The floor is that of the fast loop; to trace whole rounds would double their time.
    """

    _tracer = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        self._tracer = sys.gettrace()
        sys.settrace(None)
        try:
            return (yield)
        finally:
            sys.settrace(sys.gettrace() or self._tracer)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_pyfunc_call(self, pyfuncitem):
        if pyfuncitem.get_closest_marker("slow") or pyfuncitem.get_closest_marker("real"):
            return (yield)
        sys.settrace(self._tracer)
        try:
            return (yield)
        finally:
            sys.settrace(None)


def pytest_configure(config):
    """Puts scratch folders into memory where there is room: on a disk, tests spend a third of their time waiting for it."""
    if config.pluginmanager.hasplugin("_cov"):
        config.pluginmanager.register(_OnlyTestsTraced())
    if hasattr(config, "workerinput"):
        return
    os.environ["QUICK_YAML"] = tempfile.mkdtemp(prefix="mlperf-training-import-yaml-")
    config.add_cleanup(functools.partial(shutil.rmtree, os.environ["QUICK_YAML"], ignore_errors=True))
    if config.option.basetemp is not None or "TMPDIR" in os.environ:
        return
    if (memory := in_memory(_SCRATCH_GIGABYTES)) is not None:
        config.option.basetemp = memory / f"mlperf-training-import-tests-{os.getpid()}"
        config.add_cleanup(functools.partial(shutil.rmtree, config.option.basetemp, ignore_errors=True))


def pytest_ignore_collect(collection_path, config):
    """The tests in a folder are not even loaded where none is to run."""
    marker = _MARKED_FOLDERS.get(collection_path.name)
    return True if marker and f"not {marker}" in config.option.markexpr else None


def pytest_collection_finish():
    """What was loaded stays until the end, so the garbage collector need not look at it after every few tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_runtest_protocol(item, nextitem):
    """Reports a test to the main process once: reports of its set-up and its end cost as much as many a test."""
    if not hasattr(item.config, "workerinput") or item.config.option.durations is not None:
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    return True


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keeps the quick tests of a file in one process, which then makes what they share once; the others are spread."""
    from xdist.scheduler import LoadGroupScheduling

    class ByFile(LoadGroupScheduling):
        def _split_scope(self, nodeid):
            group = super()._split_scope(nodeid)
            file = nodeid.partition("::")[0]
            return group if group != nodeid or _MARKED_FOLDERS.keys() & file.split("/") else file

    return ByFile(config, log)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items):
    """Marks tests by their folder and what they use; those that share an expensive fixture run in one process."""
    for item in items:
        for folder, marker in _MARKED_FOLDERS.items():
            if f"/tests/{folder}/" in item.path.as_posix():
                item.add_marker(marker)
        if {"shared", "real_tree"} & {*item.fixturenames}:
            item.add_marker("real")
        shared = [group for fixture, group in _SHARED_FIXTURES.items() if fixture in item.fixturenames]
        if item.path.parent.name == "real":
            shared = ["real rounds"]
        if shared:
            item.add_marker(pytest.mark.xdist_group(shared[0]))
        elif item.get_closest_marker("browser") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.parent.nodeid))  # one after the other, they need fewer pages


#: The number of the next scratch folder of this process.
_scratch_number = itertools.count()


@pytest.fixture
def tmp_path(request, tmp_path_factory):
    """A new folder, removed if the test passes. The ``tmp_path`` of pytest lists what earlier tests left, twice for each."""
    name = re.sub(r"\W", "_", request.node.originalname)
    folder = tmp_path_factory.getbasetemp() / f"{name}{next(_scratch_number)}"
    folder.mkdir()
    yield folder
    if all(request.node.stash[tmppath_result_key].values()):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def isolated(tmp_path, monkeypatch):
    """Every test works in a folder of its own, with a CM home of its own."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("CM_REPOS", str(tmp_path / "CM"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return work


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """A function from a name and what makes a folder to that folder, which the first process that needs it makes for all."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def folder_of(name, make):
        with (root / f"{name}.made").open("a") as made:
            fcntl.flock(made, fcntl.LOCK_EX)
            if not os.fstat(made.fileno()).st_size:
                make(root / name)
                made.write("made")
        return root / name

    return folder_of


@pytest.fixture(scope="session")
def empty_home(made_once):
    """A CM home that holds nothing, to be copied: making its index takes seconds."""
    from cmind.core import CM

    def make(home):
        found = CM(str(home)).access({"action": "find", "automation": "repo"})
        assert found["return"] == 0, found

    return made_once("empty", make)


@pytest.fixture
def cm(empty_home, isolated):
    """A Collective Mind over the test's own home."""
    return copy_home(empty_home)


@pytest.fixture(scope="session")
def registered_home(empty_home, made_once):
    """A CM home with this script registered, to be copied."""
    from mlperf_training_import.start.register import register

    def make(home):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CM_REPOS", str(home))
            register(home_of(copy_home(empty_home)))

    return made_once("registered", make)


@pytest.fixture
def registered(registered_home, isolated):
    """A Collective Mind over the test's own home, with this script registered."""
    return copy_home(registered_home)


@pytest.fixture
def cmr(monkeypatch, capfd):
    """Runs ``cmr`` as :func:`support.run_cmr` does, in this process, for tests of what it says and writes."""
    from cmind import cli

    def run(*arguments: str) -> subprocess.CompletedProcess:
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.run(["run", "script", *arguments])
        return subprocess.CompletedProcess(arguments, end.value.code, *capfd.readouterr())

    return run


@pytest.fixture
def main(isolated):
    """Our command line in this process, for tests of what it says."""
    from mlperf_training_import.commands.line import main

    return main


@pytest.fixture
def ctrl_c():
    """A function that sends Ctrl-C in a moment, to another thread: as one just before a system call, it interrupts none."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores it
    timer = threading.Timer(0.2, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGINT))
    yield timer.start
    timer.join()
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def sample_repository(tmp_path_factory):
    """The sample round as a git repository, to be copied."""
    from mlperf_training_import.start.sample import make_repository, write_sample

    root = tmp_path_factory.mktemp("repository") / "sample"
    write_sample(root)
    repository = make_repository(root)
    repository.create_remote("origin", "https://example.org/ours/sample")
    repository.git.repack("-adq")  # one file to copy instead of one for each object
    return root


@pytest.fixture
def sample(sample_repository, tmp_path):
    """The sample round as a git repository."""
    return shutil.copytree(sample_repository, tmp_path / "sample", symlinks=True)


@pytest.fixture
def github(tmp_path, monkeypatch):
    """Makes repositories reachable under their GitHub addresses: a function from a name to the folder to fill."""
    config = tmp_path / "gitconfig"
    config.write_text(f'[url "file://{tmp_path}/github/"]\ninsteadOf = https://github.com/\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    return lambda name: tmp_path / "github/mlcommons" / name


@pytest.fixture(scope="session")
def shared():
    """The folder with the real rounds and their references."""
    folder = Path(os.environ.get("MLPERF_SHARED", PROJECT.parent / "shared" / "mlperf"))
    if not (folder / "mirror.sh").is_file():
        pytest.skip("the real rounds are not on this machine (folder shared/mlperf beside the project)")
    return folder


@pytest.fixture(scope="session")
def cases(shared, tmp_path_factory):
    """The folder with the small trees that users reported, one below it for each."""
    return extract(shared / "cases/cases.tar.xz", tmp_path_factory.mktemp("cases"))


@pytest.fixture(scope="session")
def more(shared, tmp_path_factory):
    """The folder with the cases of later reports: of scores, figures, names, the data set, and of checks."""
    return extract(shared / "cases/more.tar.xz", tmp_path_factory.mktemp("more"))


@pytest.fixture(scope="session")
def round_6_0(shared, tmp_path_factory):
    """What the import of the excerpt of round 6.0 comes to."""
    return import_tree(extract(shared / "cases/round-6.0-excerpt.tar.xz", tmp_path_factory.mktemp("6.0")), "6.0")


#: A CM home with rounds that ``run.py`` fetched, in place of the copies in ``shared``; see CONTRIBUTING.
_FETCHED_HOME = os.environ.get("MLPERF_ROUNDS")


@pytest.fixture(scope="session")
def real_tree(request, tmp_path_factory):
    """A function from the label of a real round to its tree.

    That is the clone in the home of ``MLPERF_ROUNDS``, the one in ``real_home``, or what is unpacked once.
    """

    @functools.cache
    def tree_of(label: str) -> Path:
        if _FETCHED_HOME:
            return clone_in(Path(_FETCHED_HOME), label) or pytest.skip(f"round {label} is not cached in {_FETCHED_HOME}")
        if _is_in_home(label):
            return request.getfixturevalue("real_round")(label)
        return extract(archive_of(request.getfixturevalue("shared"), label), tmp_path_factory.mktemp(label))

    return tree_of


@pytest.fixture(scope="session")
def published(real_tree):
    """A function from the label of a real round to what the import of its tree comes to; each is read once.

    Of those that ``real_home`` has imported, what is remembered of their logs is taken.
    """

    @functools.cache
    def import_(label: str) -> Imported:
        tree = real_tree(label)
        return import_tree(tree, label, cache=LogCache.beside(tree, is_kept=False) if _is_in_home(label) else None)

    return import_


#: One that is fetched as a user does it: the smallest, as it takes the large ones ten seconds each.
_FETCHED_ROUND = "hpc-0.7"
#: Those whose trees are put in the place of a clone.
_PLACED_ROUNDS = ("0.7", "3.0", "4.1", "hpc-2.0")


def _is_in_home(label: str) -> bool:
    """Whether ``real_home`` has a round, and is used."""
    return not _FETCHED_HOME and label in (_FETCHED_ROUND, *_PLACED_ROUNDS)


@pytest.fixture(scope="session")
def real_home(shared, empty_home, tmp_path_factory):
    """A CM home with five real rounds, one fetched by its command of the documentation, which were imported once.

    Returns the environment to use it with. A folder that ``MLPERF_TESTS_KEEP`` names keeps it for the next run.
    """
    from mlperf_training_import.start.register import register
    from mlperf_training_import.tables.suites import source_of

    root = Path(os.environ.get("MLPERF_TESTS_KEEP") or tmp_path_factory.mktemp("real"))
    ready = root / "environment.json"
    if ready.exists():
        return json.loads(ready.read_text())
    (root / "work").mkdir()
    mirror = ["bash", str(shared / "mirror.sh"), str(root / "mirror"), repository_of(_FETCHED_ROUND)]
    subprocess.run(mirror, check=True, capture_output=True)
    home = {
        "CM_REPOS": str(root / "CM"),
        "GIT_CONFIG_GLOBAL": str(root / "mirror/gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in home.items():
            patch.setenv(name, value)
        cm = copy_home(empty_home)
        register(home_of(cm))
        for label in _PLACED_ROUNDS:
            source, empty = source_of(label), root / label
            repository = git.Repo.init(empty, initial_branch=source.branch)
            repository.git.commit("--allow-empty", "--message", "made for tests")
            cache_tag, version = source.cache_tags.split(",version-")
            extract(archive_of(shared, label), cache_round(cm, empty, version, source.address, cache_tag))
    (line,) = (line for line in fetch_lines() if source_of(_FETCHED_ROUND).address in line)
    command = subprocess.list2cmdline(CMR) + line.removeprefix("cmr")
    place = {"cwd": root / "work", "env": {**os.environ, **home}}
    subprocess.run(command, shell=True, check=True, capture_output=True, **place)
    done = run_cmr(SCRIPT_TAGS, cwd=root / "work", env=home)
    assert done.returncode == 0, done.stdout + done.stderr
    environment = {**home, "WORK": str(root / "work"), "SCREEN": done.stdout}
    ready.write_text(json.dumps(environment))
    return environment


@pytest.fixture(scope="session")
def real_round(real_home):
    """A function from a round's label to its real clone."""

    def clone_of(label: str) -> Path:
        found = clone_in(Path(real_home["CM_REPOS"]), label)
        assert found, f"{label} is not cached"
        return found

    return clone_of


#: The rounds of ``real_dataset``: one with all kinds of measurements, and two in which many runs repeat others.
_DATASET_ROUNDS = ("4.1", "hpc-0.7", "hpc-2.0")


@pytest.fixture(scope="session")
def real_dataset(real_round, tmp_path_factory):
    """The folder of a data set of some real rounds, for tests that only read it."""
    from mlperf_training_import.dataset.write import Dataset

    dataset = Dataset(tmp_path_factory.mktemp("dataset"))
    for label in _DATASET_ROUNDS:
        imported = import_tree(real_round(label), label, with_details=True)
        dataset.add(imported.outcome, imported.findings)
    dataset.finish()
    return dataset.folder


def clone_in(home: Path, label: str) -> Path | None:
    """The clone of a round in a CM home."""
    suite, number = ("hpc", label.removeprefix("hpc-")) if label.startswith("hpc-") else ("training", label)
    for meta in home.glob("repos/local/cache/*/_cm.json"):
        if {f"mlperf-{suite}-results", f"version-{number}"} <= set(json.loads(meta.read_text())["tags"]):
            return meta.parent / "repo"
    return None
