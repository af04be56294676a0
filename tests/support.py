"""What tests call: the command line as a user types it, cached rounds, the lines of the documentation."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from quick_yaml import sitecustomize

PROJECT = Path(__file__).resolve().parent.parent
SCRIPT_TAGS = "import mlperf training to-experiment"
CACHE_TAGS = "mlperf-training-results"
CMR = [sys.executable, "-m", "cmind", "run", "script"]


def heed_signals() -> None:
    """Undoes what ``nohup`` and shells do to what they start in the background: it ignores these, and all that it starts."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def in_every_process(folder: Path, code: str) -> str:
    """The ``PYTHONPATH`` by which code runs first in every process that is started, as YAML is read quickly otherwise."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(Path(sitecustomize.__file__).read_text() + code)
    return str(folder)


def run_cmr(*arguments: str, cwd: Path | None = None, env: dict | None = None) -> subprocess.CompletedProcess:
    """Runs ``cmr`` as a user would, without a terminal; prompts would fail."""
    return subprocess.run(
        [*CMR, *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def copy_home(home: Path):
    """A Collective Mind over a copy of a home, which becomes the one that ``CM_REPOS`` names."""
    from cmind.core import CM

    copy = Path(os.environ["CM_REPOS"])
    shutil.copytree(home, copy, symlinks=True)
    for file in (copy / "index.json", *copy.glob("repos/local/cache/*/cm-cached-state.json")):
        file.write_text(file.read_text().replace(str(home), str(copy)))
    return CM()


def cache_round(cm, repository: Path, version: str, remote: str | None = None, cache_tag: str = CACHE_TAGS) -> Path:
    """Adds a cache entry as ``get git repo`` does, with a clone of a repository; returns the clone."""
    import git

    added = cm.access(
        {
            "action": "add",
            "automation": "cache,541d6f712a6b464e",
            "artifact": "",
            "tags": f"get,git,repo,{cache_tag},version-{version}",
        }
    )
    assert added["return"] == 0, added
    clone = git.Repo.clone_from(str(repository), Path(added["path"]) / "repo")
    if remote is not None:
        clone.remotes.origin.set_url(remote)
    return Path(clone.working_tree_dir)


def as_clone(tree: Path) -> Path:
    """Makes a tree a clone of some repository, as far as an import looks at it; gives the tree."""
    git_folder = tree / ".git"
    git_folder.mkdir(parents=True)
    (git_folder / "index").touch()
    (git_folder / "HEAD").write_text("0" * 40 + "\n")
    (git_folder / "config").write_text('[remote "origin"]\nurl = https://example.org/ours/results\n')
    return tree


def fetch_lines() -> list[str]:
    """The ``cmr "get git repo ..."`` lines of the documentation."""
    text = (PROJECT / "docs/rounds.md").read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip().startswith('cmr "get git repo')]


def repository_of(label: str) -> str:
    """The name of the repository of a real round."""
    return f"hpc_results_v{label[4:]}" if label.startswith("hpc-") else f"training_results_v{label}"


def archive_of(shared: Path, label: str) -> Path:
    """The archive with the tree of a real round: what the gate has decompressed in the meantime, or as it came."""
    archive = shared / f"rounds/{repository_of(label)}.tar.xz"
    ready = Path(os.environ.get("MLPERF_TESTS_KEEP", "")) / archive.stem
    return ready if ready.is_file() else archive


def extract(archive: Path, into: Path) -> Path:
    """Puts what is in an archive into a folder that exists; gives the folder."""
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", into], check=True)
    return into
