"""Imports the rounds that you name, fetching them if necessary, or else every cached round."""

from __future__ import annotations

import shutil
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BadInput, ImportFailure
from ..homes import check_place
from ..options import Options, options_from
from ..place import IMPORT_SCRIPT
from ..start.fetch import Fetcher
from ..start.register import register
from ..start.sample import make_repository, write_sample
from ..tables.files import load_table
from ..tables.labels import SAMPLE
from ..tables.suites import source_of
from .home import add_home_flag, add_round_flag, open_cm_home
from .line import Once

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from ..homes.cm import CmHome
    from ..values import Tell

_SCRIPT_TAGS = "import,mlperf,training,to-experiment"
_SAMPLE_LABEL = f"5.1-{SAMPLE}"
_DEMO_HOME = Path("mlperf-training-demo")
#: What goes with --demo, which says itself what it imports.
_WITH_DEMO = frozenset({"quiet", "strict", "max_log_mb", "no_cache"})
_SWITCH: dict[str, Any] = {"nargs": "?", "const": "yes", "metavar": "yes|no"}
#: Flags that stand alone, or say yes or no.
_SWITCHES = frozenset(field.name for field in fields(Options) if field.type == "bool")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The options of this command: those of the script, and those about what comes before it."""
    parser.add_argument("--demo", action="store_true", help="import a made-up round, into a CM home of its own")
    add_home_flag(parser)
    add_round_flag(parser, "import this round, fetching it unless it is cached; repeat the flag, or use commas")
    for name, text in script_flags().items():
        kind = _SWITCH if name in _SWITCHES else {"metavar": "VALUE"}
        # argparse would replace what follows a percent sign
        parser.add_argument(f"--{name}", action=Once, help=text.replace("%", "%%"), **kind)


def script_flags() -> dict[str, str]:
    """The flags of the script, each with its sentence, as ``_cm.yaml`` declares them."""
    contract = load_table(IMPORT_SCRIPT / "_cm.yaml", dict[str, Any])
    return {name: row["desc"] for name, row in contract["input_description"].items()}


def run(options: argparse.Namespace) -> int:
    """Registers the script in the CM home, fetches what was asked for, and runs the import.

    Raises:
        ImportFailure: before anything is done, a value cannot be used, or flags contradict each other; or a step failed.
    """
    flags = {name: value for name in script_flags() if (value := getattr(options, name)) is not None}
    if options.demo:
        given = [name for name in (*flags, *(["round"] if options.round else [])) if name not in _WITH_DEMO]
        if given:
            raise BadInput(f"--demo: imports a round of its own; leave out {', '.join(f'--{name}' for name in given)}")
    if options.round:
        flags["version"] = ",".join((*options.round, *([flags["version"]] if "version" in flags else ())))
    wanted = options_from(flags)
    tell: Tell = (lambda _: None) if wanted.quiet else (lambda text: print(text, flush=True))
    clock, rounds, source = Clock(), options.round, None
    if options.demo:
        folder = options.home or _DEMO_HOME
        home, sample = _make_demo(folder)
        clock.step("sample")
        rounds, flags = [_SAMPLE_LABEL], flags | {"output_dir": str(folder), "version": _SAMPLE_LABEL}
        source = replace(source_of(_SAMPLE_LABEL), address=f"file://{sample}", branch="main")
    else:
        home = open_cm_home(options.home, may_be_new=True)
    register(home)
    clock.step("registration")
    if wanted.path is None:
        fetcher = Fetcher(home, tell)
        fetched = [label for label in rounds if fetcher.fetch(label, source)]
        if wanted.update:
            fetcher.update([label for label in wanted.versions if label not in fetched])
    clock.step("fetching")
    run_script(home, flags | {"update": "no"})
    clock.step("import")
    if options.demo:
        tell(f"CM home: {folder / 'CM'}\nsample: {sample}")
    tell(f"time: {clock}")
    return 0


def run_script(home: CmHome, flags: Mapping[str, str]) -> None:
    """Runs the script through Collective Mind.

    Raises:
        ImportFailure: it failed; with its text and return code.
    """
    commands = home.commands
    said = {"CM_IMPORT_MLPERF_TRAINING_COMMAND": commands.own or "", "CM_IMPORT_MLPERF_TRAINING_HOME": commands.named}
    fresh = type(home)(home.repos_path)  # sees what was registered and fetched meanwhile
    result = fresh.access("run", "script,5b4e0237da074764", tags=_SCRIPT_TAGS, silent="yes", env=said, **flags)
    if result["return"] > 0:
        failure = ImportFailure(result["error"].rstrip())
        failure.return_code = result["return"]
        raise failure


class Clock:
    """How long each step took."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._steps: list[str] = []

    def step(self, name: str) -> None:
        """Ends a step."""
        now = time.monotonic()
        self._steps.append(f"{name} {now - self._last:.1f} s")
        self._last = now

    def __str__(self) -> str:
        return ", ".join(self._steps)


def _make_demo(folder: Path) -> tuple[CmHome, Path]:
    """Makes the sample round, and a CM home beside it; returns the home, and the sample's repository."""
    check_place(folder)
    home = open_cm_home(folder / "CM", may_be_new=True)
    home.name_as(str(folder), home.commands.own)
    sample = folder.resolve() / "training_results_sample"
    if not sample.exists():
        unfinished = folder / "training_results_sample.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        write_sample(unfinished)
        make_repository(unfinished)
        unfinished.rename(sample)
    return home, sample
