"""Opens the playground of the installed cmx4mlops over a CM home, in the browser of this machine only."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ...errors import BadInput, NothingToShow, PlaygroundFailure
from ...experiments.collect import Collected, collect_everywhere
from ...place import IMPORT_SCRIPT, ROOT
from .viewer.guard import KEY_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ...model import Entry
    from ...tables.suites import ExperimentName

REQUIREMENTS = IMPORT_SCRIPT / "requirements-playground.txt"
_SERVER = f"{__package__}.viewer.server"
_HOST = "127.0.0.1"
_PORT = 8501
_START_SECONDS = 60
_STOP_SECONDS = 5
_KIND = "2d-static"


@dataclass(frozen=True, slots=True)
class Link:
    """An address of the playground, and what it shows. ``query`` follows the server's address."""

    title: str
    query: str


def open_playground(
    cm: Any,
    tell: Callable[[str], None],
    *,
    port: int | None = None,
    browser: bool = True,
    page: str = "playground",
    parameters: Mapping[str, str] | None = None,
) -> None:
    """Runs the playground until it is stopped with Ctrl-C or SIGTERM; nothing of it is left running then.

    Args:
        cm: the running Collective Mind; the playground shows its CM home.
        tell: takes messages for the user.
        port: the port to listen on; 8501, or any free one if that is taken, where None.
        browser: opens the first page in the browser.
        page: the module of the installed playground: ``playground``, or ``graph`` for its page of results alone.
        parameters: what to open on, as the address of the page of results has it; what is worth seeing where None.

    Raises:
        PlaygroundFailure: a requirement is missing, or the server does not start.
        BadInput: the port is taken.
        NothingToShow: the CM home holds no results.
    """
    missing = missing_requirements()
    if missing:
        command = f"{sys.executable} -m pip install -r {REQUIREMENTS}"
        raise PlaygroundFailure(f"the playground needs {', '.join(missing)}; run: {command}")
    folder = playground_folder()
    links = make_links(collect_everywhere(cm))
    if parameters:
        links.insert(
            0, Link("what was asked for", "?" + urlencode({"action": "experiments", "type": _KIND, **parameters}, safe=","))
        )
    if not links:
        raise NothingToShow(f"{cm.repos_path}: no MLPerf results in this CM home; import some first")
    place = _Place(folder, Path(cm.repos_path).resolve(), page)
    with contextlib.suppress(KeyboardInterrupt), _stopped_by_sigterm(), _ready_server(place, port) as (server, base):
        tell(f"the playground runs at {base}{links[0].query}")
        tell("more to see:")
        for link in links[1:]:
            tell(f"  {link.title}: {base}{link.query}")
        tell("stop it with Ctrl-C")
        if browser:
            webbrowser.open(base + links[0].query)
        code = server.wait()
        raise PlaygroundFailure(f"the playground's server ended by itself (exit code {code}); its messages are above")
    tell("the playground has stopped")


def missing_requirements() -> list[str]:
    """The packages of ``requirements-playground.txt`` that are not installed, in any version."""
    names = re.findall(r"^([\w.-]+)==", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    return [name for name in names if not _is_installed(name)]


def playground_folder() -> Path:
    """The folder of the installed playground.

    Raises:
        PlaygroundFailure: cmx4mlops is not installed, or has no playground.
    """
    spec = importlib.util.find_spec("cmx4mlops")
    for place in (spec and spec.submodule_search_locations) or ():
        folder = Path(place) / "repo" / "script" / "gui"
        if (folder / "playground.py").is_file():
            return folder
    raise PlaygroundFailure(f"cmx4mlops has no playground here; run: {sys.executable} -m pip install cmx4mlops==1.0.1")


def make_links(experiments: Iterable[Collected]) -> list[Link]:
    """What is worth seeing: the task with the most rounds and results first, energy where it is known, then every task.

    Where a task has several benchmarks each has a link of its own: they are not to be compared.
    """
    by_weight = sorted((view for e in experiments for view in _iter_views(e)), key=_weight, reverse=True)
    if any(view.name.scope == "all" for view in by_weight):
        by_weight = [view for view in by_weight if view.name.scope == "all"]
    links = [_link_to(view, view.title, _axis_x(view), view.result) for view in by_weight]
    energy = [
        _link_to(view, f"energy against time, {view.title}", view.result, "energy_kwh")
        for view in by_weight
        if view.has("energy_kwh")
    ]
    return links[:1] + energy + sorted(links[1:], key=lambda link: link.title)


@dataclass(frozen=True, slots=True)
class _View:
    """The results of one benchmark in an experiment. The key ``result`` has their scores, and no other entry has it."""

    name: ExperimentName
    title: str
    result: str
    entries: tuple[Entry, ...]

    def has(self, key: str) -> bool:
        """Whether any entry has a value under a key."""
        return any(entry.get(key) is not None for entry in self.entries)


def _iter_views(experiment: Collected) -> Iterator[_View]:
    name = experiment.name
    task = f"{name.suite.label}{name.task}"
    benchmarks = sorted({str(entry.get("Model_ID")) for entry in experiment.entries})
    for benchmark in benchmarks:
        if len(benchmarks) == 1:
            yield _View(name, f"{task}, {name.division}", "Result", experiment.entries)
        else:  # the playground leaves out what lacks a key that is drawn
            entries = tuple(entry for entry in experiment.entries if str(entry.get("Model_ID")) == benchmark)
            yield _View(name, f"{task} ({benchmark}), {name.division}", benchmark, entries)


def _weight(view: _View) -> tuple[Any, ...]:
    """Sort key: what shows most comes last."""
    rounds = {str(entry.get("version")) for entry in view.entries}
    closed = view.name.division == "closed"
    return (closed, len(rounds), len(view.entries), str(view.name), view.title)


def _axis_x(view: _View) -> str:
    return "accelerators_count" if view.has("accelerators_count") else "version"


def _link_to(view: _View, title: str, x: str, y: str) -> Link:
    """A page that is coloured by round, with a marker for each edition where there are several: they are not compared.

    The tags are shown there in a field, in which people can go on to another task.
    """
    tags = ",".join(view.name.parts)
    query = {"action": "experiments", "tags": tags, "type": _KIND, "x": x, "y": y, "c": "version"}
    if len({entry.get("edition") for entry in view.entries}) > 1:
        query["s"] = "edition"
    return Link(title, "?" + urlencode(query, safe=","))


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _choose_port(port: int | None) -> int:
    if port is None:
        return _PORT if _is_free(_PORT) else free_port()
    if not _is_free(port):
        raise BadInput(f"port {port} on {_HOST} is taken or not allowed; choose another one with --port")
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: a port just left is free
        try:
            probe.bind((_HOST, port))
        except (OSError, OverflowError):
            return False
    return True


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class _Place:
    """What a server shows: the folder of the installed playground, a CM home, and the playground's page."""

    folder: Path
    home: Path
    page: str


@contextlib.contextmanager
def _ready_server(place: _Place, port: int | None) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The playground's server once it answers, and its address; of a port of our choice another one if that is lost."""
    chosen, key = _choose_port(port), secrets.token_hex(16)
    base = f"http://{_HOST}:{chosen}/"
    with _server(place, chosen, key) as server:
        try:
            _wait_until_ready(server, base, key)
        except PlaygroundFailure:
            # a playground that was started at the same time may have been faster
            if port is not None or _is_free(chosen):
                raise
        else:
            yield server, base
            return
    with _ready_server(place, free_port()) as another:
        yield another


@contextlib.contextmanager
def _server(place: _Place, port: int, key: str) -> Iterator[subprocess.Popen[bytes]]:
    """The playground's server, as a process that ends with the block, and with this process however this is killed.

    By the ``key`` in its answers it is told from any other that has taken the port.
    """
    env = os.environ | {
        "CM_REPOS": str(place.home),
        "CM_TMP_CURRENT_SCRIPT_PATH": str(place.folder),
        "MLPERF_TRAINING_PLAYGROUND": str(place.folder),
        "MLPERF_TRAINING_PLAYGROUND_KEY": key,
        "MLPERF_TRAINING_PLAYGROUND_PAGE": place.page,
    }
    command = [sys.executable, "-m", _SERVER, str(port)]
    # It looks for modules where it starts, which must not be a folder that somebody else fills: a clone, for one.
    # Ctrl-C in a terminal is for this process alone, which ends that one: by itself it would end with a traceback.
    server = subprocess.Popen(  # noqa: S603
        command, env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes], base: str, key: str) -> None:
    end = time.monotonic() + _START_SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < end:
        if server.poll() is not None:
            raise PlaygroundFailure(f"the playground's server did not start (exit code {server.returncode}), see above")
        with contextlib.suppress(OSError), opener.open(f"{base}_stcore/health", timeout=1) as answer:
            if answer.headers[KEY_HEADER] == key:
                return
        time.sleep(0.1)
    raise PlaygroundFailure(f"the playground's server did not answer at {base} within {_START_SECONDS} s")


@contextlib.contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Lets SIGTERM end the block as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
