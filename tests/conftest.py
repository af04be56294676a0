"""What all tests share: a CM home of their own, made-up rounds, and the real rounds where they are at hand."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import git
import pytest
from hypothesis import HealthCheck, settings
from support import CMR, PROJECT, SCRIPT_TAGS, cache_round, copy_home, fetch_lines, run_cmr
from trees import Imported, import_tree

# Where no compiled code is kept, each of the hundreds of commands that tests start would compile all of ours again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

#: Generated inputs: the same few in every run, or five times as many and others each time (``--hypothesis-profile=random``).
settings.register_profile(
    "fixed",
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile("random", settings.get_profile("fixed"), max_examples=500, derandomize=False, print_blob=True)
settings.load_profile("fixed")


#: What tests cost by the folder that they are in, and what is made once for all that use it.
_MARKED_FOLDERS = {"slow": "slow", "edges": "slow", "real": "real", "browser": "browser"}
_SHARED_FIXTURES = ("real_home", "published", "installed", "environment")


#: Bytes of scratch folders that all tests need at most, and as much again.
_SCRATCH_BYTES = 8 << 30
_MEMORY = Path("/dev/shm")


def pytest_configure(config):
    """Puts scratch folders into memory where there is room: on a disk, tests spend a third of their time waiting for it."""
    if hasattr(config, "workerinput") or config.option.basetemp is not None or "TMPDIR" in os.environ:
        return
    if _MEMORY.is_dir() and min(shutil.disk_usage(_MEMORY).free, _available_bytes()) > _SCRATCH_BYTES:
        config.option.basetemp = config.scratch = _MEMORY / f"mlperf-training-import-tests-{os.getpid()}"


def pytest_unconfigure(config):
    """Gives the memory back."""
    if (scratch := getattr(config, "scratch", None)) is not None:
        shutil.rmtree(scratch, ignore_errors=True)


def _available_bytes() -> int:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")), 0)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items):
    """Marks tests by their folder and what they use; those that share an expensive fixture run in one process."""
    for item in items:
        for folder, marker in _MARKED_FOLDERS.items():
            if f"/tests/{folder}/" in item.path.as_posix():
                item.add_marker(marker)
        if "shared" in item.fixturenames:
            item.add_marker("real")
        shares = [fixture for fixture in _SHARED_FIXTURES if fixture in item.fixturenames]
        if shares:
            item.add_marker(pytest.mark.xdist_group(shares[0]))


@pytest.fixture(autouse=True)
def isolated(tmp_path, monkeypatch):
    """Every test works in a folder of its own, with a CM home of its own and no git configuration of the user."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("CM_REPOS", str(tmp_path / "CM"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    return work


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory):
    """A CM home that holds nothing, to be copied: making its index takes seconds."""
    from cmind.core import CM

    home = tmp_path_factory.mktemp("empty") / "CM"
    found = CM(str(home)).access({"action": "find", "automation": "repo"})
    assert found["return"] == 0, found
    return home


@pytest.fixture
def cm(empty_home, isolated):
    """A Collective Mind over the test's own home."""
    return copy_home(empty_home)


@pytest.fixture(scope="session")
def registered_home(empty_home, tmp_path_factory):
    """A CM home with this script registered, to be copied."""
    from mlperf_training_import.start.register import register

    home = tmp_path_factory.mktemp("registered") / "CM"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CM_REPOS", str(home))
        register(copy_home(empty_home))
    return home


@pytest.fixture
def registered(registered_home, isolated):
    """A Collective Mind over the test's own home, with this script registered."""
    return copy_home(registered_home)


@pytest.fixture(scope="session")
def sample_repository(tmp_path_factory):
    """The sample round as a git repository, to be copied."""
    from mlperf_training_import.start.sample import make_repository, write_sample

    root = tmp_path_factory.mktemp("repository") / "sample"
    write_sample(root)
    make_repository(root)
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
    folder = tmp_path_factory.mktemp("cases")
    with tarfile.open(shared / "cases/cases.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="session")
def published(shared, tmp_path_factory):
    """A function from the label of a real round to what the import of its tree comes to; each is read once."""

    @functools.cache
    def import_(label: str) -> Imported:
        root = tmp_path_factory.mktemp("published") / label
        unpack(shared, root, f"hpc_results_v{label[4:]}" if label.startswith("hpc-") else f"training_results_v{label}")
        return import_tree(root, label)

    return import_


def unpack(shared: Path, root: Path, name: str) -> None:
    """Makes a folder with the tree of a real round."""
    root.mkdir()
    subprocess.run(["tar", "--extract", "--xz", "--file", shared / f"rounds/{name}.tar.xz", "--directory", root], check=True)


#: Those that are fetched as a user does it.
_FETCHED_ROUNDS = ("training_results_v4.1", "hpc_results_v0.7", "hpc_results_v2.0")
#: Those whose trees are put in the place of a clone, and their branches: to make such large clones takes a minute.
_PLACED_ROUNDS = {"0.7": "master", "3.0": "main"}


@pytest.fixture(scope="session")
def real_home(shared, empty_home, tmp_path_factory):
    """A CM home with five real rounds, most fetched by the commands of the documentation, which were imported once.

    Returns the environment to use it with.
    """
    from mlperf_training_import.start.register import register

    root = tmp_path_factory.mktemp("real")
    (root / "work").mkdir()
    env = {**os.environ, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.compression", "GIT_CONFIG_VALUE_0": "1"}
    mirror = ["bash", str(shared / "mirror.sh"), str(root / "mirror"), *_FETCHED_ROUNDS]
    subprocess.run(mirror, env=env, check=True, capture_output=True)
    # Packing takes most of the time; on one machine it saves nothing.
    (root / "gitconfig").write_text("[include]\n  path = mirror/gitconfig\n[pack]\n  window = 0\n  compression = 0\n")
    home = {
        "CM_REPOS": str(root / "CM"),
        "GIT_CONFIG_GLOBAL": str(root / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in home.items():
            patch.setenv(name, value)
        cm = copy_home(empty_home)
        register(cm)
        for label, branch in _PLACED_ROUNDS.items():
            empty = root / label
            repository = git.Repo.init(empty, initial_branch=branch)
            repository.git.commit("--allow-empty", "--message", "made for tests")
            clone = cache_round(cm, empty, label, f"https://github.com/mlcommons/training_results_v{label}")
            unpack(shared, root / f"{label}-tree", f"training_results_v{label}")
            for folder in (root / f"{label}-tree").iterdir():
                folder.rename(clone / folder.name)
    for line in fetch_lines():
        if any(f"/{repository}" in line for repository in _FETCHED_ROUNDS):
            command = subprocess.list2cmdline(CMR) + line.removeprefix("cmr")
            place = {"cwd": root / "work", "env": {**os.environ, **home}}
            subprocess.run(command, shell=True, check=True, capture_output=True, **place)
    done = run_cmr(SCRIPT_TAGS, cwd=root / "work", env=home)
    assert done.returncode == 0, done.stdout + done.stderr
    return {**home, "WORK": str(root / "work"), "SCREEN": done.stdout}


@pytest.fixture(scope="session")
def real_round(real_home):
    """A function from a round's label to its real clone."""

    def clone_of(label: str) -> Path:
        suite, number = ("hpc", label.removeprefix("hpc-")) if label.startswith("hpc-") else ("training", label)
        for meta in Path(real_home["CM_REPOS"]).glob("repos/local/cache/*/_cm.json"):
            if {f"mlperf-{suite}-results", f"version-{number}"} <= set(json.loads(meta.read_text())["tags"]):
                return meta.parent / "repo"
        raise AssertionError(f"{label} is not cached")

    return clone_of
