"""The script through the real ``mlcr`` of MLCFlow, in a home and over git repositories that the tests make."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path

import forked
import pytest
from checks.made_submissions import VERSION, changed, write_submission
from support import PROJECT, cache_round
from trees import snapshot

from mlperf_training_import.homes import home_of
from mlperf_training_import.homes.commands import MLC
from mlperf_training_import.options import options_from
from mlperf_training_import.pipeline import import_rounds
from mlperf_training_import.start.sample import make_repository, write_sample
from mlperf_training_import.tables.suites import source_of

TAGS = "import,mlperf,training,to-experiment"
FINETUNING = "mlperf-training--5.1--closed--llm-finetuning"


@dataclass(frozen=True)
class Home:
    """A home of MLCFlow, and the folder with the repositories that stand for GitHub's."""

    path: Path
    github: Path

    @property
    def experiments(self) -> Path:
        return self.path / "local/experiment"

    def run(self, *command: str) -> subprocess.CompletedProcess:
        """Runs a command of MLCFlow in a fork; what it shows is all in ``stdout``."""
        done = forked.run(file_of(command[0]), *command[1:], env=self.environment)
        done.stdout += done.stderr
        return done

    def start(self, *command: str) -> subprocess.CompletedProcess:
        """As :meth:`run`, as a user does, so that our package is the one in the home."""
        return subprocess.run(
            [file_of(command[0]), *command[1:]],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        git = {"GIT_CONFIG_GLOBAL": str(self.github.parent / "gitconfig"), "GIT_CONFIG_NOSYSTEM": "1"}
        return {"MLC_REPOS": str(self.path), "HOME": str(self.path.parent), **git}

    def caches(self, label: str) -> list[Path]:
        """The descriptions of the cache entries of a round."""
        found = self.path.glob("local/cache/*/meta.json")
        return sorted(file for file in found if f"version-{label}" in json.loads(file.read_text())["tags"])


def file_of(command: str) -> str:
    return str(Path(sys.executable).parent / command)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A home with the scripts that fetch, this repository as pulled, and round 5.1 as its own advice fetches it."""
    for package in ("mlcflow", "mlc-scripts"):
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{package} is not installed: pip install --no-deps -r tests/requirements-mlc.txt")
    root = tmp_path_factory.mktemp("mlc")
    home = Home(root / "MLC", root / "github")
    (root / "gitconfig").write_text(f'[url "file://{home.github}/"]\ninsteadOf = https://github.com/\n')
    for version in ("3.0", "5.1"):
        write_sample(home.github / f"mlcommons/training_results_v{version}")
        make_repository(home.github / f"mlcommons/training_results_v{version}")
    for name in ("mlperf_training_import", "script"):
        shutil.copytree(
            PROJECT / name, root / "importer" / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    for name in ("customize.py", "run.py", "_cm.yaml", "meta.yaml", "requirements.txt"):
        shutil.copy(PROJECT / name, root / "importer")
    make_repository(root / "importer")
    scripts = Path(sysconfig.get_path("purelib"), "mlc_scripts")  # all 370 would be indexed by every command
    for name in ("detect-os", "get-git-repo"):
        shutil.copytree(scripts / "script" / name, root / "scripts/script" / name)
    shutil.copy(scripts / "meta.yaml", root / "scripts")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for command in (
            ("mlc", "add", "repo", str(root / "scripts")),
            ("mlc", "pull", "repo", str(root / "importer")),
            shlex.split(fetch_line("5.1")),
        ):
            done = home.start(*command)
            assert done.returncode == 0, done.stdout
    return home


@pytest.fixture
def home(prepared, tmp_path):
    """A copy of the prepared home, for one test."""
    copy = Home(tmp_path / "MLC", prepared.github)
    shutil.copytree(prepared.path, copy.path, symlinks=True)
    for file in (*copy.path.glob("*.json"), *copy.path.glob("local/cache/*/*.json")):
        file.write_text(file.read_text().replace(str(prepared.path), str(copy.path)))
    return copy


def fetch_line(label: str) -> str:
    source = source_of(label)
    return MLC.fetch.format(address=source.address, tags=source.cache_tags, branch=source.branch)


def import_all(home: Home, *flags: str) -> str:
    done = home.run("mlcr", TAGS, *flags)
    assert done.returncode == 0, done.stdout
    return done.stdout


def results_of(experiments: Path) -> dict[str, bytes]:
    return {file.parent.parent.name: file.read_bytes() for file in experiments.glob("*/*/cm-result.json")}


def codes_of_report() -> dict[str, int]:
    return json.loads(Path("mlperf-training-report.json").read_text())["findings_count"]


def test_entries_are_those_of_collective_mind_to_the_byte(home, cm):
    import_all(home, "--output_dir=mlc")
    cache_round(cm, home.github / "mlcommons/training_results_v5.1", "5.1", source_of("5.1").address)
    import_rounds(home_of(cm), options_from({"output_dir": "cm"}), pytest.fail)
    of_mlc, of_cm = results_of(home.experiments), results_of(Path(os.environ["CM_REPOS"], "repos/local/experiment"))
    assert len(of_cm) == 8
    assert of_mlc == of_cm
    for name in ("summary_results.json", "mlperf-training-summary-5.1.csv"):
        assert Path("mlc", name).read_bytes() == Path("cm", name).read_bytes()


def test_experiments_are_those_of_mlcflow(home):
    done = home.start("mlcr", TAGS)
    assert done.returncode == 0, done.stdout
    shown = done.stdout
    meta = json.loads((home.experiments / FINETUNING / "meta.json").read_text())
    assert meta == {
        "alias": FINETUNING,
        "uid": meta["uid"],
        "tags": ["mlperf", "mlperf-training", "5.1", "closed", "llm-finetuning"],
    }
    found = home.run("mlc", "find", "experiment", "--tags=mlperf-training,5.1")
    assert found.stdout.count("Item path: ") == 4
    assert str(home.experiments / FINETUNING) in found.stdout
    commands = [shown[at:].partition("\n")[0].partition(": ")[2] for at in map(shown.index, ("see it: ", "every run as "))]
    assert [command.partition("run.py ")[2].split()[0] for command in commands] == ["report", "dataset"]
    done, _ = (forked.run(*shlex.split(command)[1:]) for command in commands)
    assert "7 results" in done.stdout
    assert list(Path("mlperf-training-dataset").rglob("*.parquet"))


def test_nothing_is_written_when_nothing_is_new(home):
    import_all(home)
    before = snapshot(home.experiments)
    assert re.search(r"5\.1 .* 7 +0 +0 +7 +0 +0 ", import_all(home))
    assert snapshot(home.experiments) == before


def test_one_tag_is_no_stray_word(home):
    done = home.run("mlcr", "mlperf-training", "--dry_run")
    assert done.returncode == 0, done.stdout
    assert "dry run: nothing was written" in done.stdout
    assert not home.experiments.exists()


def test_a_clone_that_was_fetched_anew_beside_an_older_one(home):
    (entry,) = home.caches("5.1")
    entry.write_text(json.dumps(json.loads(entry.read_text()) | {"cache_expiration": time.time() - 3600}))
    assert home.run(*shlex.split(fetch_line("5.1")), "--new").returncode == 0
    import_all(home)
    assert codes_of_report() == {"run-not-counted": 2}


def test_a_variation_fetches_its_round_once(home):
    shown = import_all(home, "--dry_run") and home.run("mlcr", f"{TAGS},_v3.0").stdout
    assert "git clone  -b main https://github.com/mlcommons/training_results_v3.0" in shown
    assert {name.split("--")[1] for name in results_of(home.experiments)} == {"3.0", "all"}
    (entry,) = home.caches("3.0")
    assert "git clone" not in home.run("mlcr", f"{TAGS},_v3.0").stdout
    assert home.caches("3.0") == [entry]


def test_an_expired_clone_is_used_until_there_is_a_newer_one(home):
    (expired,) = home.caches("5.1")
    meta = json.loads(expired.read_text())
    assert 4 < (meta["cache_expiration"] - time.time()) / 86400 < 5.1
    expired.write_text(json.dumps(meta | {"cache_expiration": time.time() - 3600}))
    assert "clone-expired (1): 5.1 " in import_all(home)
    assert codes_of_report()["clone-expired"] == 1
    assert "git clone" in home.run("mlcr", f"{TAGS},_v5.1").stdout
    assert len(home.caches("5.1")) == 2
    assert re.search(r"5\.1 .* 7 +0 +0 +7 +0 +0 ", import_all(home))
    assert "clone-expired" not in codes_of_report()


def test_a_clone_is_replaced_by_a_fresh_one(home):
    (before,) = home.caches("5.1")
    assert "round 5.1: nothing new, still at commit " in import_all(home, "--update")
    (after,) = home.caches("5.1")
    assert after != before
    address = source_of("5.1").address
    after.write_text(after.read_text().replace(address, f"{address}-gone"))
    failed = home.run("mlcr", TAGS, "--update")
    assert failed.returncode == 1
    assert f"{address}-gone could not be fetched" in failed.stdout
    assert home.caches("5.1") == [after]
    assert re.search(r"5\.1 .* 7 +0 +0 +7 +0 +0 ", import_all(home))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ["--version=4.1"],
            f"round 4.1 is not in the MLC cache, which has 5.1; fetch it first:\n  {fetch_line('4.1')}\n",
        ),
        (["--divsion=open"], "--divsion: no such flag; did you mean --division?"),
        (["_v5.1"], "_v5.1: a variation belongs in the first argument, after the tags and a comma"),
        (["--version", "5.1"], "5.1: not expected here; write --version=5.1, without a space"),
        (["--division=open", "--division=closed"], "--division: given 2 times; give it once"),
        (
            ["--target_repo=nowhere"],
            'target_repo "nowhere" is not an MLC repository; registered are: local, ',
        ),
    ],
)
def test_a_mistake_ends_with_our_text(home, words, text):
    done = home.run("mlcr", TAGS, *words)
    assert done.returncode == 1
    assert text in done.stdout
    assert not home.experiments.exists()


def test_a_submission_is_checked_and_nothing_is_imported(home, tmp_path):
    check = (TAGS, "--check", f"--path={write_submission(tmp_path / 'tree')}", f"--version={VERSION}")
    passed = home.run("mlcr", *check)
    assert passed.returncode == 0, passed.stdout
    assert "would pass: 1 of 1 results" in passed.stdout
    write_submission(tmp_path / "tree", lambda _, made: changed(made, "lora_rank", value=8))
    before = snapshot(tmp_path / "tree")
    failed = home.run("mlcr", *check)
    assert failed.returncode == 1, failed.stdout
    assert "would pass: 0 of 1 results" in failed.stdout
    assert "closed_llama2_70b_lora.lora_rank" in failed.stdout
    assert snapshot(tmp_path / "tree") == before
    assert not home.experiments.exists()


def test_two_clones_of_a_round_are_refused_with_the_command_that_removes_one(home):
    (entry,) = home.caches("5.1")
    shutil.copytree(entry.parent, entry.parent.with_name("other"))
    other = json.loads(entry.read_text()) | {"uid": "0123456789abcdef"}
    (entry.parent.with_name("other") / "meta.json").write_text(json.dumps(other))
    done = home.run("mlcr", TAGS)
    assert done.returncode == 1
    assert "two clones are tagged version-5.1" in done.stdout
    assert "remove one of them (mlc rm cache <name of its folder> -f)" in done.stdout
    assert home.run("mlc", "rm", "cache", "other", "-f").returncode == 0
    import_all(home)


def test_what_an_entry_says_that_it_depends_on_is_left_alone(home):
    """mlcflow 1.3.8 looks whether it is there, and removes the folder of the entry only; so do we."""
    (home.experiments / "mine").mkdir(parents=True)
    (home.experiments / "mine/kept").touch()
    for command in (["mlcr", TAGS, "--update"], ["mlc", "rm", "cache", "--tags=version-5.1", "-f"]):
        (entry,) = home.caches("5.1")
        said = {"dependent_cached_path": str(home.path / "local/cache/../experiment")}
        entry.write_text(json.dumps(json.loads(entry.read_text()) | said))
        assert home.run(*command).returncode == 0
        assert not entry.exists()
        assert (home.experiments / "mine/kept").is_file()
