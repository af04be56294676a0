"""Imports through Collective Mind when the disk, the target or the user does its worst; see ``docs/hostile.md``."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from cmind.core import CM
from support import CMR, PROJECT, SCRIPT_TAGS, as_clone, heed_signals, in_every_process

from mlperf_training_import import pipeline
from mlperf_training_import.atomic import write_atomically
from mlperf_training_import.errors import PublishFailure
from mlperf_training_import.experiments.files import load_experiment
from mlperf_training_import.experiments.locks import locked
from mlperf_training_import.homes import home_of
from mlperf_training_import.logs import log as log_module
from mlperf_training_import.options import options_from
from mlperf_training_import.pipeline import import_rounds
from mlperf_training_import.show import screen
from mlperf_training_import.start.sample import write_sample

OWN = "mlperf-training--5.1--closed--llm-finetuning"
root_only = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"), reason="only root can mount"
)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")


@pytest.fixture
def small(isolated, monkeypatch):
    """A Collective Mind without the scripts of its packages, whose index is made in no time."""
    monkeypatch.setenv("CM_CORE_SKIP_INTERNAL_REPOS", "yes")
    return CM()


@pytest.fixture
def tree(tmp_path):
    write_sample(tmp_path / "tree")
    return as_clone(tmp_path / "tree")


def run(cm, tree: Path, **flags):
    return import_rounds(home_of(cm), options_from({"path": tree, "version": "5.1", **flags}), lambda _: None)


def local() -> Path:
    return Path(os.environ["CM_REPOS"]) / "repos/local"


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock"}


# Odd things in the target


def stored_file(name: str) -> Path:
    (file,) = (local() / "experiment" / name).glob("*/cm-result.json")
    return file


ODD_PLACES = {
    "a folder in place of the results": lambda file: (file.unlink(), file.mkdir()),
    "a pipe in place of the results": lambda file: (file.unlink(), os.mkfifo(file)),
    "a loop of links in place of the results": lambda file: (file.unlink(), file.symlink_to(file.name)),
    "a loop of links in place of the date folder": lambda file: (
        shutil.rmtree(file.parent),
        file.parent.symlink_to(file.parent.name),
    ),
    "a file in place of the experiment": lambda file: (
        shutil.rmtree(file.parent.parent),
        file.parent.parent.write_text("mine"),
    ),
    "a pipe in place of the description": lambda file: (
        (file.parent.parent / "_cm.json").unlink(),
        os.mkfifo(file.parent.parent / "_cm.json"),
    ),
    "a number that no float holds": lambda file: file.write_text('[{"note": 1%s}]' % ("0" * 400)),
    "a number with too many digits": lambda file: file.write_text('[{"note": 3.14159265358979323846}]'),
    "a key twice": lambda file: file.write_text('[{"note": 1, "note": 2}]'),
}


@pytest.mark.parametrize("make", ODD_PLACES.values(), ids=ODD_PLACES)
def test_what_is_odd_in_one_experiment_stops_that_experiment_only(small, tree, make):
    run(small, tree)
    make(stored_file(OWN))
    shutil.rmtree(local() / "experiment" / "mlperf-training--all--closed--llm-finetuning")
    before = bytes_of(local() / "experiment" / OWN)
    began = time.monotonic()
    outcome = run(CM(), tree)
    assert time.monotonic() - began < 20
    (failure,) = outcome.failures
    assert failure.where.startswith(str(local() / "experiment" / OWN))
    assert bytes_of(local() / "experiment" / OWN) == before
    assert stored_file("mlperf-training--all--closed--llm-finetuning").is_file()


@pytest.mark.parametrize("part", ["experiment", "date folder", "description"])
def test_no_second_date_folder_where_the_first_cannot_be_seen(small, tree, monkeypatch, part):
    run(small, tree)
    file = stored_file(OWN)
    file.write_text("[]\n")  # so that there is something to write
    hidden = {"experiment": file.parent.parent, "date folder": file, "description": file.parents[1] / "_cm.json"}[part]

    def refusing(real):
        def function(path=".", *arguments, **named):
            if str(path) == str(hidden):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return real(path, *arguments, **named)

        return function

    for name in ("scandir", "listdir", "lstat"):
        monkeypatch.setattr(os, name, refusing(getattr(os, name)))
    monkeypatch.setattr(Path, "lstat", refusing(Path.lstat))
    (failure,) = run(CM(), tree).failures
    monkeypatch.undo()
    assert "Permission denied" in failure.what
    assert [path.name for path in file.parent.parent.iterdir() if path.is_dir()] == [file.parent.name]


@pytest.fixture
def open_folder(tmp_path):
    """A folder into which other users may look."""
    for parent in (tmp_path, *tmp_path.parents[:3]):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/tmp"):
            parent.chmod(0o755)
    return tmp_path


def test_two_users_of_one_repository_take_the_same_lock(open_folder):
    """The other one may read the lock file and not write it."""
    script = (
        "import os, sys; from pathlib import Path; from types import SimpleNamespace;"
        "from mlperf_training_import.experiments.locks import locked;"
        "os.umask(0o077); os.getuid() or os.setuid(65534);"
        "\nwith locked(SimpleNamespace(repos_path=Path(sys.argv[1])), Path(sys.argv[2]), print): print('locked')"
    )
    home, repository = open_folder / "home", open_folder / "repository"
    for folder in (home, repository):
        folder.mkdir()
    before = os.umask(0o077)
    try:
        with locked(SimpleNamespace(repos_path=home), repository, pytest.fail):
            pass
    finally:
        os.umask(before)
    command = [sys.executable, "-c", script, str(home), str(repository)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("locked\n", 0), done.stderr


ME, OTHER, THIRD = 0, 65534, 12345


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give folders to other users and work as one of them")
@pytest.mark.parametrize(
    ("git_folder", "owner_of_git", "owner", "user", "place"),
    [
        *(
            ("results/.git", ME, ME, ME, "git"),
            ("results/.git", OTHER, OTHER, OTHER, "git"),
            (".git", OTHER, OTHER, OTHER, "git"),
        ),
        ("results/.git", OTHER, OTHER, ME, "git"),  # where both users of the repository look
        *(("results/.git", OTHER, ME, ME, "repository"), (".git", OTHER, ME, ME, "repository")),
        *(
            (".git", ME, OTHER, OTHER, "repository"),
            (".git", ME, OTHER, ME, "repository"),
            (".git", THIRD, OTHER, OTHER, "repository"),
        ),
    ],
)
def test_the_lock_is_never_put_into_a_git_folder_of_another_user(open_folder, git_folder, owner_of_git, owner, user, place):
    """Another one than that of the repository, even where everybody may write."""
    git_folder, repository, home = open_folder / git_folder, open_folder / "results", open_folder / "home"
    for folder in (repository, git_folder, home):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
    os.chown(repository, owner, owner)
    os.chown(git_folder, owner_of_git, owner_of_git)
    child = os.fork()
    if child == 0:
        try:
            os.setgid(user)
            os.setuid(user)
            with locked(SimpleNamespace(repos_path=home), repository, pytest.fail):
                os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    in_git, beside = git_folder / "mlperf-training-import.lock", repository / ".mlperf-training-import.lock"
    assert (in_git.exists(), beside.exists()) == (place == "git", place == "repository")


def test_a_pipe_in_place_of_a_lock_is_refused(small, tree):
    run(small, tree)
    lock = local() / ".mlperf-training-import.lock"
    lock.unlink()
    os.mkfifo(lock)
    with pytest.raises(PublishFailure, match="the lock is not a regular file"):
        run(CM(), tree)


def test_leftovers_of_killed_runs_are_cleared_wherever_files_are_written(small, tree, tmp_path):
    out = tmp_path / "out"
    run(small, tree, output_dir=out)
    written = [path for path in out.iterdir() if path.is_file()]
    places = [
        *written,
        Path(os.environ["CM_REPOS"]) / "index.json",
        stored_file(OWN),
        stored_file(OWN).parents[1] / "_cm.json",
    ]
    for file in places:
        file.with_name(f".{file.name}.4711.tmp").touch()
    run(CM(), tree, output_dir=out)
    assert [path for place in (out, Path(os.environ["CM_REPOS"])) for path in place.rglob(".*.tmp")] == []


# Links in the target


def test_a_link_in_place_of_the_experiments_is_refused(small, tree, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    run(small, tree, dry_run=True)
    (local() / "experiment").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PublishFailure, match="leads out of the repository"):
        run(small, tree)
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("part", ["experiment", "date", "file"])
def test_a_link_in_an_experiment_stops_that_experiment_only(small, tree, tmp_path, part):
    run(small, tree)
    experiment = local() / "experiment" / OWN
    (file,) = experiment.glob("*/cm-result.json")
    file.write_text("[]")
    place = {"experiment": experiment, "date": file.parent, "file": file}[part]
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "_cm.json").write_text("{") if part != "file" else None
    before = bytes_of(tmp_path / "elsewhere") if part != "file" else place.read_bytes()
    outcome = run(small, tree)
    assert ["leads out of the repository" in finding.what for finding in outcome.failures] == [True]
    assert (bytes_of(tmp_path / "elsewhere") if part != "file" else place.read_bytes()) == before
    assert place.is_symlink()
    assert len(outcome.experiments) == 7


def test_a_link_in_place_of_a_temporary_file_is_not_written_through(tmp_path):
    (tmp_path / "precious").write_text("mine")
    (tmp_path / f".report.json.{os.getpid()}.tmp").symlink_to(tmp_path / "precious")
    (tmp_path / "report.json").symlink_to(tmp_path / "precious")
    write_atomically(tmp_path / "report.json", b"new")
    assert (tmp_path / "precious").read_text() == "mine"
    assert (tmp_path / "report.json").read_bytes() == b"new"


# The store


@pytest.mark.parametrize("odd", ['"x"', "null", "[]", "{}", "true", "-1", "1e999", "NaN", "9" * 400, '"\\ud800\\u001b[2J"'])
def test_any_value_in_any_field_of_a_stored_object(small, tree, odd, capsys, monkeypatch):
    monkeypatch.setattr(screen, "locate", lambda *_: [])
    run(small, tree)
    (file,) = (local() / "experiment" / OWN).glob("*/cm-result.json")

    objects = json.loads(file.read_text())
    for key in objects[0]:
        file.write_text(json.dumps([objects[0] | {key: "HERE"}, *objects[1:]]).replace('"HERE"', odd))
        load_experiment(OWN, file.parent.parent, lambda *_: None)
    spoilt = dict.fromkeys(objects[0], "HERE") | {"note": "mine"}
    file.write_text(json.dumps([spoilt, *objects]).replace('"HERE"', odd))
    run(CM(), tree)
    assert '"mine"' in file.read_text()
    screen.show_imported(home_of(CM()), "")
    assert "\x1b" not in capsys.readouterr().out


# The disk


@root_only
def test_a_full_disk_leaves_everything_whole(small, tree, tmp_path):
    run(small, tree)
    before = bytes_of(local())
    shutil.move(local(), tmp_path / "kept")
    local().mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(local())], check=True)
    try:
        shutil.copytree(tmp_path / "kept", local(), dirs_exist_ok=True)
        for file in local().rglob("cm-result.json"):
            file.write_text(file.read_text().replace('"framework": "', '"framework": "old '))
        changed = bytes_of(local())
        with (local() / "filler").open("wb", buffering=0) as stream, pytest.raises(OSError, match="No space"):
            while True:
                stream.write(b"x" * 4096)
        with pytest.raises(PublishFailure, match=r"No space left on device.*unchanged"):
            run(CM(), tree)
        (local() / "filler").unlink()
        assert bytes_of(local()) == changed
        run(CM(), tree)
        assert bytes_of(local()) == before
    finally:
        subprocess.run(["umount", "-l", str(local())], check=True)


@root_only
def test_a_read_only_target(small, tree):
    run(small, tree)
    before = bytes_of(local())
    subprocess.run(["mount", "--bind", str(local()), str(local())], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(local())], check=True)
        with pytest.raises(PublishFailure, match="cannot be written"):
            run(CM(), tree)
        assert bytes_of(local()) == before
    finally:
        subprocess.run(["umount", "-l", str(local())], check=True)


def test_a_target_that_is_removed_while_the_logs_are_read(small, tree, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/cmr.yaml").write_text("alias: mine\nuid: 34095bcd9298484a\n")
    run(small, tree, dry_run=True)
    (Path(os.environ["CM_REPOS"]) / "repos.json").write_text(f'["{tmp_path / "mine"}"]')
    real = pipeline.read_round
    monkeypatch.setattr(
        pipeline, "read_round", lambda *a, **k: (shutil.rmtree(tmp_path / "mine", ignore_errors=True), real(*a, **k))[1]
    )
    with pytest.raises(PublishFailure, match="the repository is gone"):
        run(CM(), tree, target_repo="mine")
    assert not (tmp_path / "mine").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="needs a user that may read less than this one")
def test_a_log_that_must_not_be_read_does_not_count(tree, monkeypatch):
    from trees import import_tree

    real, path = log_module.open_regular, tree / "Aurora/results/node_x8/retinanet/result_0.txt"

    def refuse(file):
        if file == path:
            raise PermissionError(13, "Permission denied", str(file))
        return real(file)

    monkeypatch.setattr(log_module, "open_regular", refuse)
    imported = import_tree(tree, "5.1")
    assert "Permission denied" in imported.what("run-not-counted")
    assert len(imported.minutes) == 7


# Ctrl-C and SIGTERM


def running_in(session: int) -> list[int]:
    """The processes of a session that are no zombies."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] not in "ZX":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.slow
@linux_only
@pytest.mark.parametrize(
    ("door", "number"),
    [("cmr", signal.SIGINT), ("cmr", signal.SIGHUP), ("run.py", signal.SIGINT), ("run.py", signal.SIGTERM)],
)
def test_an_import_that_is_stopped_while_it_reads(registered, tmp_path, door, number):
    """It reads from a pipe that nobody closes. As a terminal does, the signal goes to all processes if it is Ctrl-C."""
    write_sample(tmp_path / "tree")
    pipe = tmp_path / "tree/Aurora/results/node_x8/retinanet/result_0.txt"
    other = tmp_path / "pipe"
    os.mkfifo(other)
    # the walk takes files only, so the reader is made to open the pipe in the place of a log
    path = in_every_process(
        tmp_path / "site",
        "import os, stat\n"
        "opened, is_regular = os.open, stat.S_ISREG\n"
        "stat.S_ISREG = lambda mode: is_regular(mode) or stat.S_ISFIFO(mode)\n"
        f"os.open = lambda path, flags, *a, **k: opened({str(other)!r}, os.O_RDONLY) "
        f"if str(path) == {str(pipe)!r} else opened(path, flags, *a, **k)\n",
    )
    holder = os.open(other, os.O_RDWR)
    command = (
        [*CMR, SCRIPT_TAGS, "--version=5.1"] if door == "cmr" else [sys.executable, str(PROJECT / "run.py"), "--round=5.1"]
    )
    process = subprocess.Popen(
        [*command, f"--path={tmp_path / 'tree'}"],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=heed_signals,
    )
    try:
        end = time.monotonic() + 60
        while not any(str(other) in links(pid) for pid in running_in(process.pid)):
            assert time.monotonic() < end
            time.sleep(0.05)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        shown = process.communicate(timeout=30)[0]
    finally:
        process.kill()
        os.close(holder)
    assert process.returncode == 128 + number, shown
    assert "interrupted; what was stored" in shown
    assert "Traceback" not in shown
    end = time.monotonic() + 10
    while running_in(process.pid):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert not list(local().glob("experiment/mlperf-training--*"))
    assert not list(Path(os.environ["CM_REPOS"]).rglob("*.tmp"))


def links(pid: int) -> list[str]:
    try:
        return [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []
