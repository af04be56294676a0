"""Opens the playground of the installed cmx4mlops over a CM home, in the browser of this machine only."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from collections import defaultdict
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ...errors import BadInput, NothingToShow, PlaygroundFailure
from ...experiments.collect import Collected, collect_everywhere
from ...place import IMPORT_SCRIPT, ROOT
from ...values import LONGEST_WAIT_S, one_line
from ..entries import edition_of_entry
from .viewer import KEY_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ...homes.cm import CmHome
    from ...model import Entry
    from ...tables.editions import Edition
    from ...tables.suites import ExperimentName
    from ...values import Tell

REQUIREMENTS = IMPORT_SCRIPT / "requirements-playground.txt"
_SERVER = f"{__package__}.viewer.server"
_HOST = "127.0.0.1"
_PORT = 8501
_START_SECONDS = 60
_KIND = "2d-static"


@dataclass(frozen=True, slots=True)
class Link:
    """A page of results: what it shows, and the parameters of its address."""

    title: str
    parameters: Mapping[str, str]

    @property
    def query(self) -> str:
        """What follows the server's address."""
        query = {"action": "experiments", **self.parameters}
        return "?" + urlencode(query, safe=",", errors="backslashreplace")  # half of a surrogate, as the page shows it


def open_playground(
    home: CmHome,
    tell: Tell,
    *,
    port: int | None = None,
    browser: bool = True,
    page: str = "playground",
    parameters: Mapping[str, str] | None = None,
) -> None:
    """Runs the playground until Ctrl-C, for which the edges take SIGTERM too; nothing of it is left running then.

    Args:
        home: a CM home, which the playground shows.
        tell: takes messages for the user.
        port: the port to listen on; 8501, or any free one if that is taken, where None.
        browser: opens the first page in the browser.
        page: the module of the installed playground: ``playground``, or ``graph`` for its page of results alone.
        parameters: what to open on, as in the address of the page of results; None for the first of our own links.

    Raises:
        PlaygroundFailure: a requirement is missing, or the server does not start.
        BadInput: the port is taken.
        NothingToShow: the CM home holds no results.
    """
    missing = missing_requirements()
    if missing:
        command = f"{sys.executable} -m pip install -r {REQUIREMENTS}"
        raise PlaygroundFailure(f"the playground needs {', '.join(missing)}; run: {command}")
    folder, place = playground_folder(), home.repos_path.resolve()
    links = make_links(collect_everywhere(home, lambda _, place, what: tell(one_line(f"not shown: {place}: {what}"))))
    if parameters:
        links.insert(0, Link("what was asked for", {"type": _KIND, **parameters}))
    if not links:
        raise NothingToShow(f"{home.repos_path}: no MLPerf results in this CM home; import some first")
    shown = {"CM_REPOS": str(place), "CM_TMP_CURRENT_SCRIPT_PATH": str(folder), "MLPERF_TRAINING_PLAYGROUND_PAGE": page}
    with contextlib.suppress(KeyboardInterrupt), _server(shown, port) as (server, base):
        tell(f"the playground runs at {base}{links[0].query}")
        tell("more to see:")
        for link in links[1:]:
            tell(f"  {one_line(link.title)}: {base}{link.query}")
        tell("stop it with Ctrl-C")
        if browser:
            webbrowser.open(base + links[0].query)
        while (code := server.poll()) is None:
            time.sleep(LONGEST_WAIT_S)
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
    """What is worth seeing: the edition with most rounds and results first, energy where it is known, then every edition.

    Each shows one edition of one benchmark, as nothing else may be compared. An experiment that is in several repositories
    has one link, which shows all of them.
    """
    views = sorted((view for e in experiments for view in _iter_views(e)), key=_View.weight, reverse=True)
    if any(view.name.scope == "all" for view in views):
        views = [view for view in views if view.name.scope == "all"]
    scores = [
        view.link(view.title, "accelerators_count" if view.has("accelerators_count") else "version", "Result")
        for view in views
    ]
    energy = [
        view.link(f"energy against time, {view.title}", "Result", "energy_kwh") for view in views if view.has("energy_kwh")
    ]
    links = scores[:1] + energy + sorted(scores[1:], key=attrgetter("title"))
    return list({link.query: link for link in links}.values())


@dataclass(frozen=True, slots=True)
class _View:
    """The results of one edition in an experiment."""

    name: ExperimentName
    edition: Edition
    entries: list[Entry]

    @property
    def title(self) -> str:
        """Task, edition and division in words."""
        return f"{self.name.suite.label}{self.name.task}: {self.edition.title}, {self.name.division}"

    def has(self, key: str) -> bool:
        """Whether any entry has a value under a key."""
        return any(entry.get(key) is not None for entry in self.entries)

    def weight(self) -> tuple[Any, ...]:
        """Sort key: what shows most comes last."""
        rounds = {str(entry.get("version")) for entry in self.entries}
        return (self.name.division == "closed", len(rounds), len(self.entries), str(self.name), self.title)

    def link(self, title: str, x: str, y: str) -> Link:
        """A page that is coloured by round.

        The tags and the edition are shown there in fields, in which people can go on to another task or edition.
        """
        tags = ",".join(self.name.parts)
        return Link(title, {"tags": tags, "edition": self.edition.id, "type": _KIND, "x": x, "y": y, "c": "version"})


def _iter_views(experiment: Collected) -> Iterator[_View]:
    editions: dict[Edition, list[Entry]] = defaultdict(list)
    for entry in experiment.entries:
        editions[edition_of_entry(entry)].append(entry)
    for edition, entries in editions.items():
        yield _View(experiment.name, edition, entries)


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
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
    try:
        socket.create_server((_HOST, port)).close()
    except (OSError, OverflowError):
        return False
    return True


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.create_server((_HOST, 0)) as probe:
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _server(shown: Mapping[str, str], port: int | None) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The playground's server once it answers, and its address; of a port of our choice another one if that is lost.

    Args:
        shown: environment variables that say what it shows.
        port: the port that was asked for, if any.
    """
    with contextlib.ExitStack() as running:
        chosen = _choose_port(port)
        try:
            ready = running.enter_context(_server_on(chosen, shown))
        except PlaygroundFailure:
            # a playground that was started at the same time may have been faster
            if port is not None or _is_free(chosen):
                raise
            ready = running.enter_context(_server_on(free_port(), shown))
        yield ready


@contextlib.contextmanager
def _server_on(port: int, shown: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The same on one port, as a process that ends with the block, and with this process however this is killed.

    The key in its answers distinguishes it from any other server that has taken the port.
    """
    base, key = f"http://{_HOST}:{port}/", secrets.token_hex(16)
    # It looks for modules where it starts, which must not be a folder that somebody else fills: a clone, for one.
    # Ctrl-C in a terminal is for this process alone, which ends that one: by itself it would end with a traceback.
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", _SERVER, str(port)],
        env={**os.environ, **shown, "MLPERF_TRAINING_PLAYGROUND_KEY": key},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as server:
        try:
            _wait_until_ready(server, base, key)
            yield server, base
        finally:
            server.kill()  # it has nothing to save


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
