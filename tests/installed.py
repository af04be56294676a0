"""The wheel of this program in an environment of its own, for the tests of what ``pip install .`` brings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import PROJECT


@dataclass(frozen=True)
class Environment:
    """An environment with everything that this program needs and, once installed, its wheel."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin/python")

    @property
    def packages(self) -> Path:
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def cmr(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        """Runs ``cmr``."""
        return self.run(self.python, "-m", "cmind", "run", "script", *arguments, **variables)

    def console(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        """Runs the console command that the wheel brings."""
        return self.run(str(self.folder / "bin/mlperf-training"), *arguments, **variables)

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess:
        """Runs a program in the working directory."""
        env = {**os.environ, **variables}
        return subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False
        )


def make_environment(folder: Path) -> Environment:
    """An environment that has the packages of this one as links, which takes no network and no time."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    environment = Environment(folder)
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(("mlperf_training_import", "cmx4mlperf_training", "__pycache__")):
            (environment.packages / entry.name).symlink_to(entry)
    return environment


def index_home(environment: Environment, home: Path) -> None:
    """Makes a CM home with an index of what Collective Mind finds now."""
    index = "from cmind.core import CM; CM().access({'action': 'find', 'automation': 'script', 'artifact': 'gui'})"
    assert environment.run(environment.python, "-c", index, CM_REPOS=str(home)).returncode == 0


def install_wheel(environment: Environment, folder: Path) -> None:
    """Installs the wheel that ``MLPERF_WHEEL`` names, else that of this checkout; skips where what builds it is missing."""
    if "MLPERF_WHEEL" in os.environ:
        shutil.copy(os.environ["MLPERF_WHEEL"], folder)
    else:
        pytest.importorskip("hatchling", reason="hatchling is not installed: pip install -r tests/requirements.txt")
        # what pip calls, and starts Python three times for
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(build, cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    pip = [environment.python, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--no-compile", str(wheel)], check=True)
