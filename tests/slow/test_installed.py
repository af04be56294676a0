"""What ``pip install .`` brings: Collective Mind finds our scripts by itself, and a command for the rest."""

from __future__ import annotations

import email
import os
import zipfile
from pathlib import Path

import pytest
from installed import index_home, install_wheel, make_environment
from support import PROJECT, in_every_process

from mlperf_training_import import __version__

IMPORT = "import mlperf training to-experiment"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment with the wheel, and a CM home that was indexed before it was installed."""
    folder = tmp_path_factory.mktemp("installed")
    environment = make_environment(folder / "env")
    old = folder / "old"
    index_home(environment, old)
    install_wheel(environment, folder)
    return environment, old, folder


@pytest.fixture
def environment(installed):
    return installed[0]


def test_a_fresh_home_runs_ours_without_registration(environment, sample, isolated):
    done = environment.cmr(IMPORT, f"--path={sample}", "--version=5.1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (isolated / "mlperf-training-report.json").is_file()
    done = environment.cmr("gui")
    assert "the form for scripts and the chat of cmx4mlops cannot start; what works:" in done.stderr
    listed = environment.console("list")
    assert "mlperf-training--all--closed--llm-finetuning" in listed.stdout
    assert "older script" not in listed.stdout


def test_a_home_that_was_indexed_before_is_told_what_to_run(installed):
    environment, old, _ = installed
    listed = environment.console("list", CM_REPOS=str(old))
    assert (
        f'in this home, cmr "{IMPORT}" and cmr "gui _playground" would run an older script; to run ours, type: '
        in listed.stdout
    )
    assert "mlperf-training register" in listed.stdout
    done = environment.console("register", CM_REPOS=str(old))
    assert done.returncode == 0, done.stderr
    ours = environment.packages / "cmx4mlperf_training/script"
    assert f'cmr "{IMPORT}" runs {ours}/import-mlperf-training-to-experiment\n' in done.stdout
    assert f'cmr "gui _playground" runs {ours}/gui\n' in done.stdout
    assert "older script" not in environment.console("list", CM_REPOS=str(old)).stdout
    done = environment.cmr(IMPORT, CM_REPOS=str(old))
    assert "no MLPerf Training results in the CM cache" in done.stdout + done.stderr


def test_it_takes_the_place_of_a_checkout(environment, registered):
    done = environment.console("register")
    assert done.returncode == 0, done.stderr
    assert str(environment.packages) in done.stdout
    assert list(Path(os.environ["CM_REPOS"], "repos/local/script").iterdir()) == []


def test_it_holds_one_copy_of_every_file(installed):
    (wheel,) = installed[2].glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert len(names) == len(set(names))
    scripts = {name for name in names if name.startswith("cmx4mlperf_training/script/")}
    root = "cmx4mlperf_training/script/import-mlperf-training-to-experiment"
    assert scripts == {
        *(f"{root}/{name}" for name in ("_cm.yaml", "customize.py", "meta.yaml")),
        *(f"{root}/{file.name}" for file in PROJECT.glob("requirements*.txt")),
        *(f"cmx4mlperf_training/script/gui/{name}" for name in ("_cm.yaml", "customize.py")),
    }
    assert not [name for name in names if "collective_mind" in name or "tests/" in name]


def test_a_missing_package_is_named_with_a_file_that_is_there(environment, tmp_path):
    path = in_every_process(tmp_path / "site", "import sys; sys.modules['msgspec'] = None")
    done = environment.cmr(IMPORT, "--version=5.1", PYTHONPATH=path)
    assert done.returncode == 1
    line = next(line for line in (done.stdout + done.stderr).splitlines() if "pip install -r" in line)
    assert Path(line.rpartition(" ")[2]).is_file()


def test_its_metadata_are_ready_for_an_index_of_packages(installed):
    (wheel,) = installed[2].glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
        held = archive.namelist()
    assert (metadata["Name"], metadata["Version"]) == ("mlperf-training-import", __version__)
    needs = metadata.get_all("Requires-Dist")
    pinned = [line.replace("==", ">=") for line in lines_of("requirements.txt")]
    assert [need for need in needs if "extra ==" not in need] == pinned
    extras = {file.stem.partition("-")[2]: lines_of(file.name) for file in PROJECT.glob("requirements-*.txt")}
    assert set(metadata.get_all("Provides-Extra")) == extras.keys()
    for extra, lines in extras.items():
        assert [need.partition(";")[0] for need in needs if need.endswith(f"extra == '{extra}'")] == [
            line.replace("==", ">=") for line in lines
        ]
    assert not any("==" in need.partition(";")[0] for need in needs)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert {"LICENSE", "LICENSES.txt"} <= {Path(name).name for name in held if "/licenses/" in name}
    known = {f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 15)}
    assert known <= set(metadata.get_all("Classifier"))


def lines_of(name: str) -> list[str]:
    """The requirements in a file."""
    lines = (line.partition("#")[0].strip() for line in (PROJECT / name).read_text(encoding="utf-8").splitlines())
    return sorted(line.lower() for line in lines if line)
